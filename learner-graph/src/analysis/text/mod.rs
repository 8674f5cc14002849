//! An analysis as text for people: what matters most comes first.
//!
//! ```text
//!  verdict, counterexamples, repairs ─► what was assumed ─► progress ─► agreement     (faults.rs)
//!    ─► what hangs on each ─► who can starve ─► what could be promised ─► what is open (advice.rs)
//! ```

mod advice;
mod difference;
mod faults;
mod repairs;
mod slices;
mod table;
pub(crate) mod words;

use super::report::{Analysis, LearnerFaults, Verdict};
use repairs::counterexamples;
use std::fmt;
use words::{list, set};
pub(crate) use words::{number, pattern_of};

/// The patterns of minimal sets that are shown of each kind if nothing else is asked for.
pub const PATTERNS_SHOWN: usize = 4;
/// How to have more decided.
pub(crate) const MORE: &str = "--seconds 60 allows more, up to a minute";
/// The most rows of a table, and the most lines of a list.
pub(super) const MAX_ROWS: usize = 16;

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
                let pairs = self.analysis.pairs_not_valid();
                counterexamples(f, pairs, &self.analysis.violations)
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
