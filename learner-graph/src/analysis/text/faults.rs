//! What stops learners, what sets them at odds, and what hangs on each acceptor.

use super::super::report::{Verdict, Weight};
use super::table::{Row, table};
use super::words::{list, minimal_sets, pairs, tolerated};
use super::{MAX_ROWS, Shown, grouped, more};
use std::fmt;

/// The most lists of learners of which the same is said.
const MAX_LISTS: usize = 6;

impl Shown<'_> {
    pub(super) fn progress(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What reads the same is one row.
        let learners = self.analysis.learners.iter().map(|learner| {
            let report = &learner.stopped_by;
            let broken = match learner.kept_by_liars {
                true => "none without liars",
                false => "no quorum left",
            };
            let survived = tolerated(report, broken);
            let lines = minimal_sets(report, self.patterns);
            ((survived, lines), learner.name.as_str())
        });
        let groups = grouped(learners);
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
        let pairs_with_words = self.analysis.pairs.iter().map(|pair| {
            let promised = match (&pair.declared, pair.disagreed) {
                (_, true) => String::from("HAVE DISAGREED"),
                (None, _) => String::from("nothing"),
                (Some(declared), _) => {
                    let gone = declared.verdict == Verdict::Broken;
                    let broken = pair.kept == Some(false) && !gone;
                    let broken = broken || declared.is_broken_by(&pair.quorums);
                    let kept = if broken { ", NOT KEPT" } else { "" };
                    format!("{}{kept}", tolerated(declared, "gone"))
                }
            };
            let cells = [promised, tolerated(&pair.quorums, "can split now")];
            let lines = minimal_sets(&pair.quorums, self.patterns);
            ((cells, lines), &pair.between)
        });
        let groups = grouped(pairs_with_words);
        let mut rows = Vec::new();
        for (([promised, stand], lines), of) in groups {
            let mut labels = pairs(of);
            if labels.len() > MAX_LISTS + 1 {
                let more = labels.len() - MAX_LISTS;
                labels.truncate(MAX_LISTS);
                labels.push(format!("… and {more} more such lists"));
            }
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
        let hanging = self.analysis.weights.iter().filter(|w| hangs(w));
        let mut groups = grouped(hanging.map(|w| {
            let alone = (&w.stops, &w.disentangles);
            let weakens = [
                (w.weakens_progress, w.undecided_progress),
                (w.weakens_agreement, w.undecided_agreement),
            ];
            ((alone, weakens), w.name.as_str())
        }));
        if groups.is_empty() {
            return self.idle(f, "\n");
        }
        groups.sort_by_key(|(((stops, ends), [progress, agreement]), _)| {
            std::cmp::Reverse((stops.len() + ends.len(), progress.0 + agreement.0))
        });
        let rows = groups.iter().take(MAX_ROWS).map(|(weight, names)| {
            let ((stops, ends), [progress, agreement]) = weight;
            // Of whom nothing is known may be one more, or not.
            let count = |(sure, open): &(usize, usize)| match open {
                0 => sure.to_string(),
                open => format!("{sure} to {}", sure + open),
            };
            let or_nobody = |words: String| match words.is_empty() {
                true => String::from("–"),
                false => words,
            };
            let ends = pairs(*ends);
            let lines = match ends.is_empty() {
                true => vec![String::from("–")],
                false => ends,
            };
            Row {
                cells: vec![
                    list(names),
                    count(progress),
                    count(agreement),
                    or_nobody(list(stops)),
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
        more(f, groups.len(), "rows")?;
        self.idle(f, "  ")
    }

    fn idle(&self, f: &mut fmt::Formatter<'_>, begin: &str) -> fmt::Result {
        let idle = &self.analysis.idle;
        let them = match idle.as_slice() {
            [] => return Ok(()),
            [_] => "it",
            _ => "them",
        };
        let names = list(idle);
        writeln!(
            f,
            "{begin}nothing hangs on {names}: no expression has {them}"
        )
    }
}

/// Whether anything hangs on it, or may.
fn hangs(weight: &Weight) -> bool {
    weight.undecided_progress > 0
        || weight.undecided_agreement > 0
        || !weight.stops.is_empty()
        || !weight.disentangles.is_empty()
        || weight.weakens_progress > 0
        || weight.weakens_agreement > 0
}
