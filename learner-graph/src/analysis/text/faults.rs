//! What stops learners, what sets them at odds, and what hangs on each acceptor.

use super::super::report::{FaultReport, Verdict, Weight};
use super::table::{Row, table};
use super::words::{list, minimal_sets, pairs, tolerated};
use super::{MAX_ROWS, Shown, more};
use std::fmt;

/// The cells of a row and the lines of its last cell, which several have in common.
type Common<C> = (C, Vec<String>);
/// Two learners by name.
type Pair = [String; 2];

impl Shown<'_> {
    pub(super) fn progress(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What reads the same is one row.
        let mut groups: Vec<(Common<String>, Vec<&str>)> = Vec::new();
        for learner in &self.analysis.learners {
            let report = &learner.stopped_by;
            let words = (
                tolerated(report, "no quorum left"),
                minimal_sets(report, self.patterns),
            );
            match groups.iter_mut().find(|(known, _)| *known == words) {
                Some((_, names)) => names.push(&learner.name),
                None => groups.push((words, vec![&learner.name])),
            }
        }
        let all = groups.len();
        let rows = groups.into_iter().take(MAX_ROWS);
        let rows: Vec<Row> = rows
            .map(|((survived, lines), names)| Row {
                cells: vec![list(&names), survived],
                lines,
            })
            .collect();
        writeln!(
            f,
            "\nProgress. A blocking set, silent, leaves a learner no quorum; any fewer {} than in the smallest do not.",
            self.things()
        )?;
        let header = ["learners", "crashes survived", "minimal blocking sets"];
        table(f, &header, &rows)?;
        more(f, all, "rows")
    }

    pub(super) fn agreement(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<(Common<[String; 2]>, Vec<&Pair>)> = Vec::new();
        for pair in &self.analysis.pairs {
            let promised = match (&pair.declared, pair.disagreed) {
                (_, true) => String::from("HAVE DISAGREED"),
                (None, _) => String::from("nothing"),
                (Some(declared), _) => {
                    let broken = breaks(declared, &pair.quorums);
                    let kept = if broken { ", NOT KEPT" } else { "" };
                    format!("{}{kept}", tolerated(declared, "gone"))
                }
            };
            let cells = [promised, tolerated(&pair.quorums, "can split now")];
            let words = (cells, minimal_sets(&pair.quorums, self.patterns));
            match groups.iter_mut().find(|(known, _)| *known == words) {
                Some((_, pairs)) => pairs.push(&pair.between),
                None => groups.push((words, vec![&pair.between])),
            }
        }
        let mut rows = Vec::new();
        for (([promised, stand], lines), of) in groups {
            let mut labels = pairs(of);
            let last = labels.pop().unwrap_or_default();
            rows.extend(labels.into_iter().map(|label| Row {
                cells: vec![format!("{label};"), String::new(), String::new()],
                lines: Vec::new(),
            }));
            rows.push(Row {
                cells: vec![last, promised, stand],
                lines,
            });
        }
        let all = rows.len();
        rows.truncate(MAX_ROWS * 2);
        writeln!(
            f,
            "\nAgreement, in lies survived: as promised ([[safe]]), and by what quorums have in common. A splitting set, lying, lets\n\
             two quorums decide differently. Learners in a list: each two of them, and each with itself."
        )?;
        let header = [
            "learners",
            "promised",
            "by quorums",
            "minimal splitting sets",
        ];
        table(f, &header, &rows)?;
        match all - rows.len() {
            0 => Ok(()),
            left => writeln!(f, "  … and {left} more rows (--json has them all)"),
        }
    }

    pub(super) fn weights(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<(&Weight, Vec<&str>)> = Vec::new();
        for weight in &self.analysis.weights {
            if !hangs(weight) {
                continue;
            }
            let alike = |(known, _): &&mut (&Weight, Vec<&str>)| {
                (&known.stops, &known.disentangles) == (&weight.stops, &weight.disentangles)
                    && known.weakens_progress == weight.weakens_progress
                    && known.weakens_agreement == weight.weakens_agreement
            };
            match groups.iter_mut().find(alike) {
                Some((_, names)) => names.push(&weight.name),
                None => groups.push((weight, vec![&weight.name])),
            }
        }
        if groups.is_empty() {
            return Ok(());
        }
        groups.sort_by_key(|(w, _)| {
            let alone = w.stops.len() + w.disentangles.len();
            std::cmp::Reverse((alone, w.weakens_progress + w.weakens_agreement))
        });
        let rows = groups.iter().take(MAX_ROWS).map(|(weight, names)| {
            let or_nobody = |words: String| match words.is_empty() {
                true => String::from("–"),
                false => words,
            };
            let ends = pairs(&weight.disentangles);
            let lines = match ends.is_empty() {
                true => vec![String::from("–")],
                false => ends,
            };
            Row {
                cells: vec![
                    list(names),
                    weight.weakens_progress.to_string(),
                    weight.weakens_agreement.to_string(),
                    or_nobody(list(&weight.stops)),
                ],
                lines,
            }
        });
        let rows: Vec<Row> = rows.collect();
        let known = match self.analysis.complete {
            true => "",
            false => ", as far as was decided",
        };
        writeln!(
            f,
            "\nWhat hangs on each{known}: learners that survive one crash less without it, pairs that survive one lie less if it lies,\n\
             and what it ends by itself."
        )?;
        let header = [
            self.things(),
            "learners",
            "pairs",
            "silent, it stops",
            "lying, it ends the promise of",
        ];
        table(f, &header, &rows)?;
        more(f, groups.len(), "rows")
    }
}

/// Whether quorums are sure to stand fewer lies than the promise says: then the graph is not valid.
fn breaks(declared: &FaultReport, quorums: &FaultReport) -> bool {
    let stood = match (quorums.verdict, quorums.tolerated) {
        (Verdict::Broken, _) => None,
        (Verdict::Exact, stood) => stood,
        _ => return false,
    };
    matches!(declared.verdict, Verdict::Exact | Verdict::AtLeast) && stood < declared.tolerated
}

/// Whether anything hangs on it.
fn hangs(weight: &Weight) -> bool {
    !weight.stops.is_empty()
        || !weight.disentangles.is_empty()
        || weight.weakens_progress > 0
        || weight.weakens_agreement > 0
}
