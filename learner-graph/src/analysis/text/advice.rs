//! Who can starve, what could be promised, what says nothing, and what is not known.

use super::super::report::{Declared, FaultReport, Limit};
use super::table::{Row, table};
use super::words::{list, pairs, set};
use super::{MAX_ROWS, MORE, Shown, grouped, more};
use crate::effort::out_of;
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
                (true, _) if strongest.conflicts_undecided > 0 => {
                    "The strongest promises that these quorums can keep, each by itself; whether they can keep all of them together was not decided:"
                }
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
            writeln!(
                f,
                "  {by} could agree with {a} and with {b} while exactly {safe} are safe, but {a} and {b} cannot."
            )?;
        }
        if strongest.conflicts_left_out > 0 {
            let more = strongest.conflicts_left_out;
            writeln!(f, "  … and for {more} more pairs, which are not named")?;
        }
        match &strongest.together {
            Some(together) if !strongest.conflicts.is_empty() => {
                writeln!(
                    f,
                    "\nPromises that can be kept all together, and that of no other pair with them, but for a part of it (hpaxos graph diff\n\
                     tells what the file loses by them), to paste in the place of [[safe]]:"
                )?;
                toml(f, together)
            }
            _ => Ok(()),
        }
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
            .filter(|l| l.stopped_by.is_open())
            .map(|l| l.name.as_str())
            .collect();
        if !learners.is_empty() {
            open.push(format!("how many crashes stop {}", list(&learners)));
        }
        let about = |test: &dyn Fn(&super::super::report::PairFaults) -> bool| {
            let open = analysis.pairs.iter().filter(|pair| test(pair));
            pairs(open.map(|pair| &pair.between))
        };
        let declared = about(&|pair| pair.declared.as_ref().is_some_and(FaultReport::is_open));
        if !declared.is_empty() {
            open.push(format!(
                "how many lies end what is promised to {}",
                list(&declared)
            ));
        }
        let quorums = about(&|pair| pair.quorums.is_open());
        if !quorums.is_empty() {
            open.push(format!(
                "how many lies split the quorums of {}",
                list(&quorums)
            ));
        }
        if !analysis.strongest.undecided.is_empty() {
            let of = list(&pairs(&analysis.strongest.undecided));
            let why = match analysis.limits.contains(&Limit::Patterns) {
                true => {
                    "there are more kinds of splitting sets than were asked for (--sets 1000 asks for more)"
                }
                false => "not all splitting sets are known",
            };
            open.push(format!("what could be promised to {of}: {why}"));
        }
        open.extend(self.open_conflicts());
        if analysis.strongest.is_open_together() {
            open.push(String::from("which promises can be kept all together"));
        }
        open.extend(self.open_weights());
        if analysis.redundant_undecided > 0 {
            let entries = counted(
                analysis.redundant_undecided,
                "entry of [[safe]] follows",
                "entries of [[safe]] follow",
            );
            let more = match analysis.redundant.is_empty() {
                true => "",
                false => " as well",
            };
            open.push(format!("whether {entries} from the others{more}"));
        }
        if open.is_empty() && !analysis.complete {
            open.push(String::from("some questions"));
        }
        if open.is_empty() {
            return Ok(());
        }
        match analysis.answered {
            // No time would help.
            true => writeln!(f, "\nNot decided:")?,
            false => writeln!(
                f,
                "\nNot decided, for {} ran out ({MORE}):",
                out_of(analysis.stopped)
            )?,
        }
        open.iter().try_for_each(|what| writeln!(f, "  {what}"))
    }
}

impl Shown<'_> {
    fn open_conflicts(&self) -> Option<String> {
        let pairs = self.analysis.strongest.conflicts_undecided;
        let words = counted(pairs, "pair of learners has", "pairs of learners have");
        (pairs > 0)
            .then(|| format!("whether {words} to give way if all others get the strongest promise"))
    }

    fn open_weights(&self) -> Vec<String> {
        let (units, weights) = (&self.analysis.units, &self.analysis.weights);
        // On those that stand in no expression nothing hangs, which is known.
        let idle = &self.analysis.idle;
        let missing = units
            .iter()
            .filter(|unit| !idle.contains(unit) && !weights.iter().any(|w| w.name == **unit));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        let open = weights
            .iter()
            .filter(|w| w.undecided_progress + w.undecided_agreement > 0);
        let open: Vec<&str> = open.map(|w| w.name.as_str()).collect();
        let mut words = Vec::new();
        if !missing.is_empty() && weights.is_empty() {
            let why = match self.analysis.limits.contains(&Limit::Weights) {
                true => ": too many of them, or of the learners, are different",
                false => "",
            };
            words.push(format!("what hangs on each of the {}{why}", self.things()));
        } else if !missing.is_empty() {
            words.push(format!("what hangs on {}", list(&missing)));
        }
        if !open.is_empty() {
            words.push(format!("all that hangs on {}", list(&open)));
        }
        words
    }
}

fn counted(n: usize, one: &str, many: &str) -> String {
    let word = if n == 1 { one } else { many };
    format!("{n} {word}")
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
