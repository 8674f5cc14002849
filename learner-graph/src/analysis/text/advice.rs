//! Who can starve, what could be promised, what says nothing, and what is not known.

use super::super::report::Declared;
use super::table::{Row, table};
use super::words::{is_open, list, pairs, set};
use super::{MAX_ROWS, Shown, grouped, more};
use std::fmt;

/// The longest TOML that is written, in bytes.
const MAX_TOML: usize = 8000;

impl Shown<'_> {
    pub(super) fn starved(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starved = &self.analysis.starved;
        if starved.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\nWho can starve (the graph is not uniform). After a change of leader, a learner needs safe acceptors to vouch for what was\n\
             voted for others, one in every set that makes it agree with them. If just a set is safe that makes it agree with itself\n\
             and not with the other, nobody has to: liars can keep it from deciding, whoever is live."
        )?;
        // Whose votes they are, the set, a quorum.
        let groups = grouped(starved.iter().map(|one| {
            let facts = (&one.votes_of, &one.set, &one.quorum);
            (facts, one.learner.as_str())
        }));
        let rows = groups.iter().take(MAX_ROWS);
        let rows = rows.map(|((other, safe, quorum), learners)| Row {
            cells: vec![list(learners), (*other).clone(), set(safe)],
            lines: vec![match quorum.is_empty() {
                true => String::from("none is left"),
                false => set(quorum),
            }],
        });
        let rows: Vec<Row> = rows.collect();
        let header = [
            "learners",
            "votes for",
            "if just these are safe",
            "a live quorum may be in vain",
        ];
        table(f, &header, &rows)?;
        more(f, groups.len(), "rows")
    }

    pub(super) fn strongest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strongest = &self.analysis.strongest;
        if self.analysis.strongest_is_declared == Some(true) && !self.strongest {
            return writeln!(
                f,
                "\nThe promises are the strongest that these quorums can keep."
            );
        }
        if !strongest.agreements.is_empty() {
            let at_once = match (
                strongest.conflicts.is_empty(),
                strongest.undecided.is_empty(),
            ) {
                (true, true) => {
                    "The strongest promises that these quorums can keep, to paste in the place of [[safe]]:"
                }
                (true, false) => {
                    "The strongest promises that these quorums can keep, of the pairs that were decided:"
                }
                (false, _) => {
                    "The strongest promises that these quorums can keep, each by itself; NOT all of them together, see below:"
                }
            };
            writeln!(f, "\n{at_once}")?;
            toml(f, &strongest.agreements)?;
        }
        if !strongest.never.is_empty() {
            writeln!(
                f,
                "\nCan never be promised, for some of their quorums have nobody in common:"
            )?;
            let words = pairs(&strongest.never);
            for line in words.iter().take(MAX_ROWS) {
                writeln!(f, "  {line}")?;
            }
            more(f, words.len(), "lines")?;
        }
        if !strongest.conflicts.is_empty() {
            writeln!(
                f,
                "\nNo strongest TrustSafe exists: agreement is transitive, so that one of two promises has to give way:"
            )?;
        }
        for conflict in strongest.conflicts.iter().take(MAX_ROWS) {
            let (by, [a, b]) = (&conflict.by, &conflict.between);
            let safe = set(&conflict.safe);
            if a == b {
                writeln!(
                    f,
                    "  {a} could agree with {by} while exactly {safe} are safe, but cannot agree with itself."
                )?;
            } else {
                writeln!(
                    f,
                    "  {by} could agree with {a} and with {b} while exactly {safe} are safe, but {a} and {b} cannot."
                )?;
            }
        }
        Ok(())
    }

    pub(super) fn redundant(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redundant = &self.analysis.redundant;
        if redundant.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\nEntries of [[safe]] that could be left out, and the graph would be the same:"
        )?;
        for entry in redundant.iter().take(MAX_ROWS) {
            let between = list(&entry.between);
            let what = match &entry.place {
                Some(place) => format!("{place}, between {between}"),
                None => format!("between {between} when = {}", entry.when),
            };
            let why = match &entry.said_by {
                Some(other) => format!("{other} says the same"),
                None => String::from("it follows from the others"),
            };
            writeln!(f, "  {what}: {why}")?;
        }
        more(f, redundant.len(), "entries")
    }

    pub(super) fn open(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let analysis = self.analysis;
        let mut open: Vec<String> = Vec::new();
        if analysis.valid.is_none() {
            open.push(String::from("whether the graph is valid"));
        }
        let learners: Vec<&str> = analysis
            .learners
            .iter()
            .filter(|l| is_open(&l.stopped_by))
            .map(|l| l.name.as_str())
            .collect();
        if !learners.is_empty() {
            open.push(format!("how many crashes stop {}", list(&learners)));
        }
        let about = |test: &dyn Fn(&super::super::report::PairFaults) -> bool| {
            let open = analysis.pairs.iter().filter(|pair| test(pair));
            pairs(open.map(|pair| &pair.between))
        };
        let declared = about(&|pair| pair.declared.as_ref().is_some_and(is_open));
        if !declared.is_empty() {
            open.push(format!(
                "how many lies end what is promised to {}",
                list(&declared)
            ));
        }
        let quorums = about(&|pair| is_open(&pair.quorums));
        if !quorums.is_empty() {
            open.push(format!(
                "how many lies split the quorums of {}",
                list(&quorums)
            ));
        }
        if !analysis.strongest.undecided.is_empty() {
            let of = pairs(&analysis.strongest.undecided);
            open.push(format!(
                "what could be promised to {}: not all splitting sets are known",
                list(&of)
            ));
        }
        if analysis.weights.is_empty() && !analysis.units.is_empty() {
            open.push(format!("what hangs on each of the {}", self.things()));
        }
        if open.is_empty() && !analysis.complete {
            open.push(String::from("some questions"));
        }
        if open.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\nNot decided, for the time or the steps that one question may take ran out:"
        )?;
        open.iter().try_for_each(|what| writeln!(f, "  {what}"))
    }
}

/// Promises as they stand in a file.
fn toml(f: &mut fmt::Formatter<'_>, agreements: &[Declared]) -> fmt::Result {
    let mut written = 0;
    for (at, Declared { between, when }) in agreements.iter().enumerate() {
        let names: Vec<String> = between.iter().map(|name| format!("\"{name}\"")).collect();
        let entry = format!(
            "[[safe]]\nbetween = [{}]\nwhen = {when}\n",
            names.join(", ")
        );
        written += entry.len();
        if at > 0 && written > MAX_TOML {
            let left = agreements.len() - at;
            return writeln!(f, "# … and {left} more (--json has them all)");
        }
        write!(f, "{entry}")?;
    }
    Ok(())
}
