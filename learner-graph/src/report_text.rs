//! A report as text for people.

use crate::analysis::words::{list, set};
use crate::minimal::Minimal;
use crate::report::{Agreement, Assumption, Entangled, Names, Report};
use std::fmt;

/// The most learners for which the matrix of entangled pairs is drawn.
const MAX_MATRIX: usize = 24;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let acceptors = list(&self.acceptors);
        writeln!(f, "Acceptors ({}): {acceptors}", self.acceptors.len())?;
        writeln!(
            f,
            "\nLearners ({}) and their minimal quorums:",
            self.learners.len()
        )?;
        for learner in &self.learners {
            writeln!(f, "  {}: {}", learner.name, learner.quorums)?;
        }
        writeln!(
            f,
            "\nAgreement (TrustSafe) while all of one of these sets are safe:"
        )?;
        if self.agreements.is_empty() {
            writeln!(f, "  nobody agrees with anybody")?;
        }
        for Agreement {
            between: [a, b],
            safe_sets,
        } in &self.agreements
        {
            let whom = if a == b {
                format!("{a} with itself")
            } else {
                format!("{a} with {b}")
            };
            writeln!(f, "  {whom}: {safe_sets}")?;
        }
        if self.agreements_left_out > 0 {
            writeln!(f, "  … and {} more pairs", self.agreements_left_out)?;
        }
        writeln!(f, "\n{}", self.uniform_sentence())?;
        if let Some(assumption) = &self.assumption {
            write!(f, "\n{assumption}")?;
        }
        Ok(())
    }
}

impl Report {
    fn uniform_sentence(&self) -> String {
        let with = |verdict: Option<bool>| {
            let learners = self.learners.iter().filter(|l| l.uniform == verdict);
            learners
                .map(|l| l.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self.uniform {
            Some(true) => String::from(
                "Uniform: yes. Every learner with a quorum of acceptors that are live and safe \
                 decides everything that is submitted.",
            ),
            Some(false) => format!(
                "Uniform: no. Agreement holds as stated, but votes of earlier ballots can keep \
                 these learners from deciding: {}.",
                with(Some(false)),
            ),
            None => format!(
                "Uniform: not decided. Progress is not promised to these learners: {}.",
                with(None),
            ),
        }
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = match self.not_safe.as_slice() {
            [] => String::from("no acceptor may misbehave"),
            names => format!("{} may do anything", list(names)),
        };
        writeln!(f, "If exactly {} are safe ({rest}):", set(&self.safe))?;
        if self.entangled.len() <= MAX_MATRIX {
            self.matrix(f)?;
        }
        writeln!(f, "  Groups that can never decide differently:")?;
        if self.groups.is_empty() {
            writeln!(f, "    none")?;
        }
        for group in &self.groups {
            writeln!(f, "    {}", group.join(", "))?;
        }
        for row in &self.entangled {
            writeln!(f, "  {}", self.sentence(row))?;
        }
        Ok(())
    }
}

impl Assumption {
    fn matrix(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = || self.entangled.iter().map(|row| row.learner.as_str());
        let width = names().map(str::len).max().unwrap_or(0);
        let header: Vec<_> = names().collect();
        writeln!(f, "  {:width$}  {}", "", header.join(" "))?;
        for row in &self.entangled {
            let cell = |other: &str| {
                let mark = if row.with.iter().any(|w| w == other) {
                    "x"
                } else {
                    "."
                };
                format!("{mark:width$}", width = other.len())
            };
            let cells: Vec<_> = names().map(cell).collect();
            let cells = cells.join(" ");
            writeln!(f, "  {:width$}  {}", row.learner, cells.trim_end())?;
        }
        Ok(())
    }

    fn sentence(&self, row: &Entangled) -> String {
        let name = &row.learner;
        let live = match &row.live_quorum {
            Some(quorum) => format!("It has the safe quorum {}.", set(quorum)),
            None => String::from("It has no quorum of safe acceptors, which may stop it."),
        };
        let everyone = self.entangled.iter().map(|row| &row.learner);
        let apart: Vec<_> = everyone
            .filter(|l| !row.with.contains(l))
            .map(String::as_str)
            .collect();
        let agreement = if row.with.is_empty() {
            format!("{name} is not entangled even with itself: it may see different decisions.")
        } else {
            let others: Vec<_> = row
                .with
                .iter()
                .filter(|l| *l != name)
                .map(String::as_str)
                .collect();
            let with = match others.as_slice() {
                [] => String::from("itself only"),
                others => others.join(", "),
            };
            let apart = match apart.as_slice() {
                [] => String::new(),
                apart => format!(", not with {}", apart.join(", ")),
            };
            format!("{name} is entangled with {with}{apart}.")
        };
        format!("{agreement} {live}")
    }
}

impl fmt::Display for Minimal<Names> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words: Vec<_> = self.sets.iter().map(|names| set(names)).collect();
        match (words.is_empty(), self.complete) {
            (_, true) => {}
            (true, false) => words.push(String::from("not decided")),
            (false, false) => words.push(String::from("and more")),
        }
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use crate::{explain, parse_graph};

    #[test]
    fn hundreds_of_names_are_not_spelled_out() {
        let names: Vec<String> = (0..300).map(|a| format!("\"a{a}\"")).collect();
        let names = names.join(", ");
        let most = format!("{{ threshold = 201, of = [{names}] }}");
        let text = format!(
            "acceptors = [{names}]\n[learners]\nx = {most}\n[[safe]]\nbetween = [\"x\"]\nwhen = {most}\n"
        );
        let (graph, _) = parse_graph(&text).expect("a graph");
        let said = explain(&graph, Vec::new(), Some(graph.acceptors())).to_string();
        assert!(said.contains("Acceptors (300): a0, a1,"), "{said}");
        assert!(said.lines().all(|line| line.len() < 2500), "{said}");
    }
}
