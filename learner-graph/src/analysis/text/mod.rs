//! An analysis as text for people: what matters most comes first.
//!
//! ```text
//!  verdict, counterexamples, repairs ─► what was assumed ─► progress ─► agreement     (faults.rs)
//!    ─► what hangs on each ─► who can starve ─► what could be promised ─► what is open (advice.rs)
//! ```

mod advice;
mod difference;
mod faults;
mod table;
mod words;

use super::report::{Analysis, LearnerFaults, Verdict, ViolationReport};
use crate::report::Names;
use std::fmt;
pub(crate) use words::pattern_of;
use words::{list, set};

/// The patterns of minimal sets that are shown of each kind if nothing else is asked for.
pub const PATTERNS_SHOWN: usize = 4;
/// How to have more decided.
pub(crate) const MORE: &str = "--seconds 60 allows more, up to a minute";
/// The most rows of a table, and the most lines of a list.
const MAX_ROWS: usize = 16;
/// The most repairs of one pair that are shown.
const REPAIRS_SHOWN: usize = 6;

/// An analysis to be written with so many patterns of each kind.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    analysis: &'a Analysis,
    patterns: usize,
    strongest: bool,
}

impl Analysis {
    /// The analysis as text in which so many patterns of minimal sets are shown of each kind;
    /// [`Display`](fmt::Display) itself shows [`PATTERNS_SHOWN`].
    pub fn showing(&self, patterns: usize) -> Shown<'_> {
        Shown {
            analysis: self,
            patterns,
            strongest: false,
        }
    }
}

impl fmt::Display for Analysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.showing(PATTERNS_SHOWN).fmt(f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verdict(f)?;
        self.assumptions(f)?;
        self.beyond_help(f)?;
        self.progress(f)?;
        self.agreement(f)?;
        self.weights(f)?;
        self.starved(f)?;
        self.strongest(f)?;
        self.redundant(f)?;
        self.open(f)
    }
}

impl Shown<'_> {
    /// The same with the strongest promises even if they are those of the file.
    #[must_use]
    pub fn with_strongest(self, strongest: bool) -> Self {
        Self { strongest, ..self }
    }
}

impl Shown<'_> {
    fn verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.analysis.valid {
            Some(true) => writeln!(
                f,
                "Valid: any two quorums of learners that shall agree have a safe acceptor in common."
            ),
            None if self.analysis.violations.is_empty() => writeln!(
                f,
                "Not decided whether the graph is valid. No counterexample was found, which proves nothing; a network\n\
                 runs only on a graph that is shown to be valid."
            ),
            Some(false) | None => {
                writeln!(
                    f,
                    "NOT VALID: learners that shall agree have quorums without a safe acceptor in common, and may decide differently."
                )?;
                let violations = &self.analysis.violations;
                for violation in violations.iter().take(MAX_ROWS) {
                    counterexample(f, violation)?;
                }
                more(f, violations.len(), "pairs")
            }
        }
    }

    fn assumptions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let analysis = self.analysis;
        if let Some(by) = &analysis.by {
            let (n, units) = (analysis.units.len(), list(&analysis.units));
            writeln!(
                f,
                "Failures are counted by {by}, each as a whole; {n} can fail: {units}."
            )?;
        }
        if !analysis.crashed.is_empty() {
            writeln!(f, "Assumed to be silent: {}.", list(&analysis.crashed))?;
        }
        if !analysis.byzantine.is_empty() {
            writeln!(f, "Assumed to lie: {}.", list(&analysis.byzantine))?;
        }
        if !(analysis.crashed.is_empty() && analysis.byzantine.is_empty()) {
            writeln!(
                f,
                "What follows is about failures beyond these; validity and what could be promised are about the graph as it is."
            )?;
        }
        Ok(())
    }

    /// What liars can do alone, and whether anybody is left who can decide.
    fn beyond_help(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let learners = &self.analysis.learners;
        let theirs = learners.iter().filter(|l| !l.quorum_of_liars.is_empty());
        for (quorum, names) in grouped(theirs.map(|l| (&l.quorum_of_liars, l.name.as_str()))) {
            let (quorum, names) = (set(quorum), list(&names));
            writeln!(
                f,
                "LIARS ALONE ARE A QUORUM of {names}: {quorum} can have decided whatever they like."
            )?;
        }
        let stopped = |l: &LearnerFaults| l.stopped_by.verdict == Verdict::Broken;
        if !learners.is_empty() && learners.iter().all(stopped) {
            writeln!(
                f,
                "NOBODY IS SURE TO DECIDE: every quorum of every learner has a member that is silent, or lies and may be silent."
            )?;
        }
        Ok(())
    }

    /// What fails, in the plural.
    fn things(&self) -> &'static str {
        match self.analysis.by {
            None => "acceptors",
            Some(_) => "groups",
        }
    }
}

fn counterexample(f: &mut fmt::Formatter<'_>, violation: &ViolationReport) -> fmt::Result {
    let [a, b] = &violation.between;
    // A counterexample is of use only as a whole.
    let whole = |names: &Names| format!("{{{}}}", names.join(", "));
    let [of_a, of_b] = violation.quorums.each_ref().map(whole);
    let safe = whole(&violation.safe);
    if a == b {
        writeln!(
            f,
            "  {a} shall agree with itself while {safe} are safe; {of_a} and {of_b} are quorums of it."
        )?;
    } else {
        writeln!(
            f,
            "  {a} and {b} shall agree while {safe} are safe; {of_a} is a quorum of {a}, {of_b} one of {b}."
        )?;
    }
    repairs(f, violation)
}

fn repairs(f: &mut fmt::Formatter<'_>, violation: &ViolationReport) -> fmt::Result {
    let found = &violation.repairs;
    for (at, repair) in found.iter().take(REPAIRS_SHOWN).enumerate() {
        let either = if at == 0 { "mend it:" } else { "     or:" };
        let (place, from, to) = (&repair.place, repair.threshold, repair.raise_to);
        let least = match repair.least {
            true => "",
            false => ", or to a smaller number, which was not decided",
        };
        let others = match (repair.mends, repair.leaves) {
            (Some(1), Some(0)) => String::new(),
            (Some(all), Some(0)) => format!("; then all {all} pairs are valid"),
            (_, Some(1)) => String::from("; another pair stays as it is"),
            (_, Some(n)) => format!("; {n} other pairs stay as they are"),
            _ => String::from("; what becomes of other pairs was not decided"),
        };
        writeln!(
            f,
            "    {either} raise the threshold of {place} from {from} to {to}{least}{others}"
        )?;
    }
    match found.len().saturating_sub(REPAIRS_SHOWN) {
        0 => {}
        left => writeln!(
            f,
            "         … and {left} more thresholds (--json has them all)"
        )?,
    }
    match violation.repairs_that_stop {
        0 => {}
        n => {
            let one = if n == 1 { "threshold" } else { "thresholds" };
            writeln!(
                f,
                "    {n} {one} could mend it, and would leave a learner without a quorum of acceptors that are not silent."
            )?;
        }
    }
    match (found.is_empty(), violation.repairs_complete) {
        (true, true) if violation.repairs_that_stop > 0 => Ok(()),
        (false, true) => Ok(()),
        (true, true) => writeln!(
            f,
            "    No threshold of the file mends it by being raised alone: other quorums are needed, or the promise has to go."
        ),
        (true, false) => writeln!(
            f,
            "    Whether raising one threshold mends it was not decided."
        ),
        (false, false) => writeln!(f, "    Not all thresholds were tried: there may be others."),
    }
}

/// Says how many of a list were not shown.
fn more(f: &mut fmt::Formatter<'_>, all: usize, what: &str) -> fmt::Result {
    match all.saturating_sub(MAX_ROWS) {
        0 => Ok(()),
        left => writeln!(f, "  … and {left} more {what} (--json has them all)"),
    }
}

/// What has the same facts is one row: the facts, in the order in which they come first, with all
/// that have them.
fn grouped<K: PartialEq, V>(items: impl IntoIterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    for (facts, item) in items {
        match groups.iter_mut().find(|(known, _)| *known == facts) {
            Some((_, items)) => items.push(item),
            None => groups.push((facts, vec![item])),
        }
    }
    groups
}
