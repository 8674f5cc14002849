//! A comparison of two graphs as text for people.

use super::super::difference::{Changes, Comparison, Standing};
use super::super::report::Verdict;
use super::repairs::counterexamples;
use super::table::{Row, table};
use super::words::{list, pairs, set};
use super::{MAX_ROWS, MORE, grouped, more};
use crate::effort::out_of;
use std::fmt;

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [old, new] = self.valid;
        writeln!(
            f,
            "The new graph {}; the old one {}.",
            valid(new),
            valid(old)
        )?;
        counterexamples(f, self.not_valid, &self.violations)?;
        if self.same {
            return writeln!(f, "Both mean the same.");
        }
        changes(f, "Acceptors", &self.acceptors)?;
        changes(f, "Learners", &self.learners)?;
        if self.compared == 0 {
            return writeln!(
                f,
                "The graphs have no learner in common: nothing can be compared."
            );
        }
        if self.uniform[0] != self.uniform[1] {
            let words = self.uniform.map(|uniform| match uniform {
                Some(true) => "yes",
                Some(false) => "no",
                None => "not decided",
            });
            writeln!(
                f,
                "Uniform (nobody can be starved by old votes): {} → {}.",
                words[0], words[1]
            )?;
        }
        if let Some(by) = &self.by {
            writeln!(f, "Failures are counted by {by}, each as a whole.")?;
        }
        match self.agreement.iter().any(|change| change.not_kept) {
            true => {
                self.agreement(f)?;
                self.progress(f)?;
            }
            false => {
                self.progress(f)?;
                self.agreement(f)?;
            }
        }
        if self.progress.is_empty() && self.agreement.is_empty() && self.complete {
            writeln!(
                f,
                "\nNo learner of both loses a quorum or a promise, and all stand as many faults as before."
            )?;
        }
        if !self.complete {
            writeln!(
                f,
                "\nNot everything was decided, for {} ran out: there may be more that has changed ({MORE}).",
                out_of(self.stopped)
            )?;
        }
        Ok(())
    }
}

impl Comparison {
    fn progress(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.progress.is_empty() {
            return Ok(());
        }
        let groups = grouped(self.progress.iter().map(|change| {
            let facts = (&change.crashes, &change.no_quorum_now);
            (facts, change.name.as_str())
        }));
        let rows = groups
            .iter()
            .take(MAX_ROWS)
            .map(|(([before, after], lost), names)| {
                let mut lines = Vec::new();
                if !after.smallest.is_empty() && worse(before, after) {
                    lines.push(format!(
                        "stopped by the silence of {}",
                        set(&after.smallest)
                    ));
                }
                if let Some(quorum) = lost {
                    lines.push(format!("{} was a quorum, and is not any more", set(quorum)));
                }
                Row {
                    cells: vec![
                        list(names),
                        step(&words(before, "none"), &words(after, "none")),
                    ],
                    lines,
                }
            });
        let rows: Vec<Row> = rows.collect();
        writeln!(f, "\nProgress: crashes survived, before → after")?;
        table(f, &["learners", "crashes", ""], &rows)?;
        more(f, groups.len(), "rows")
    }

    fn agreement(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.agreement.is_empty() {
            return Ok(());
        }
        let groups = grouped(self.agreement.iter().map(|change| {
            let facts = (
                &change.promised,
                &change.by_quorums,
                (&change.not_promised_now, change.not_kept),
            );
            (facts, &change.between)
        }));
        let rows =
            groups
                .iter()
                .take(MAX_ROWS)
                .map(|((promised, by_quorums, (lost, not_kept)), of)| {
                    let [before, after] = by_quorums;
                    let promised = promised.each_ref().map(|standing| {
                        let standing = standing.as_ref();
                        standing.map_or_else(|| String::from("nothing"), |s| words(s, "gone"))
                    });
                    let by_quorums = by_quorums.each_ref().map(|s| words(s, "can split now"));
                    let mut lines = Vec::new();
                    if let Some(lost) = lost {
                        lines.push(format!("no longer promised while {} are safe", set(lost)));
                    }
                    if !after.smallest.is_empty() && worse(before, after) {
                        lines.push(format!("split by the lies of {}", set(&after.smallest)));
                    }
                    let kept = if *not_kept { ", NOT KEPT" } else { "" };
                    Row {
                        cells: vec![
                            pairs(of.iter().copied()).join("; "),
                            format!("{}{kept}", step(&promised[0], &promised[1])),
                            step(&by_quorums[0], &by_quorums[1]),
                        ],
                        lines,
                    }
                });
        let rows: Vec<Row> = rows.collect();
        writeln!(
            f,
            "\nAgreement: lies survived, before → after, as promised ([[safe]]) and by what quorums have in common.\n\
             Learners in a list: each two of them, and each with itself."
        )?;
        table(f, &["learners", "promised", "by quorums", ""], &rows)?;
        more(f, groups.len(), "rows")
    }
}

fn valid(valid: Option<bool>) -> &'static str {
    match valid {
        Some(true) => "is valid",
        Some(false) => "is NOT VALID",
        None => "may be valid or not, which was not decided",
    }
}

fn changes(f: &mut fmt::Formatter<'_>, what: &str, changes: &Changes) -> fmt::Result {
    let named = [("added", &changes.added), ("gone", &changes.gone)];
    let named = named.iter().filter(|(_, names)| !names.is_empty());
    let words: Vec<String> = named
        .map(|(how, names)| format!("{how}: {}", list(names)))
        .collect();
    match words.as_slice() {
        [] => Ok(()),
        words => writeln!(f, "{what} {}.", words.join("; ")),
    }
}

fn step(before: &str, after: &str) -> String {
    match before == after {
        true => before.to_owned(),
        false => format!("{before} → {after}"),
    }
}

fn words(standing: &Standing, broken: &str) -> String {
    match (standing.verdict, standing.tolerated) {
        (Verdict::Broken, _) => broken.to_owned(),
        (Verdict::Exact, Some(n)) => n.to_string(),
        (Verdict::Never, _) => String::from("any number"),
        _ => String::from("not decided"),
    }
}

/// Whether fewer faults are stood than before, as far as is known.
fn worse(before: &Standing, after: &Standing) -> bool {
    let known = |standing: &Standing| match standing.verdict {
        Verdict::Broken => Some(None),
        Verdict::Exact => Some(standing.tolerated),
        Verdict::Never => Some(Some(usize::MAX)),
        Verdict::AtLeast | Verdict::Undecided => None,
    };
    match (known(before), known(after)) {
        (Some(before), Some(after)) => after < before,
        _ => false,
    }
}
