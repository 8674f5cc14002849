//! What an analysis found, for people ([`Display`](std::fmt::Display)) and for programs (serde).

use super::faults::Tolerance;
use super::options::{Options, Scope};
use super::pattern::{Pattern, sets_of};
use super::units::{UnitSet, Units};
use super::violation::ViolationReport;
use crate::minimal::Minimal;
use crate::report::Names;
use crate::written::Place;
use serde::Serialize;

/// What is known of the faults that do one harm.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FaultReport {
    /// How to read `tolerated`.
    pub verdict: Verdict,
    /// Any so many faults do not do it; absent if it is done already, or nothing is known.
    pub tolerated: Option<usize>,
    /// A smallest set that does it, or the smallest that was found; of those that fail further.
    pub smallest: Names,
    /// The minimal sets that do it, in patterns of units that nothing tells apart.
    pub minimal: Minimal<Vec<Part>>,
    /// How many minimal sets the patterns stand for; absent if that is more than `u64` holds.
    pub sets: Option<u64>,
}

/// What is known of a tolerance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The harm is done without a further fault.
    Broken,
    /// One fault more than `tolerated` does it.
    Exact,
    /// More than `tolerated` faults are needed, if `smallest` is not the smallest.
    AtLeast,
    /// No faults do it.
    Never,
    /// Nothing was decided in the time allowed, but that `smallest` does it, if that is a set.
    Undecided,
}

/// So many units of some.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Part {
    /// How many.
    pub any: usize,
    /// Of which.
    pub of: Names,
}

impl FaultReport {
    /// Nobody has looked.
    pub(crate) fn undecided() -> Self {
        Self {
            verdict: Verdict::Undecided,
            tolerated: None,
            smallest: Vec::new(),
            minimal: Minimal::none_listed(),
            sets: Some(0),
        }
    }

    /// Whether it is not known how many faults do it.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.verdict, Verdict::AtLeast | Verdict::Undecided)
    }

    /// Whether more work can tell nothing more: it is known how many faults do it, and which, or as many patterns as
    /// are asked for are listed.
    pub(crate) fn is_decided(&self, cap: usize) -> bool {
        let listed = self.minimal.complete || self.minimal.sets.len() >= cap;
        !self.is_open() && listed
    }

    /// Whether quorums are sure to stand fewer lies than this promise says: then the graph is not
    /// valid.
    pub(crate) fn is_broken_by(&self, quorums: &FaultReport) -> bool {
        let stood = match (quorums.verdict, quorums.tolerated) {
            (Verdict::Broken, _) => None,
            (Verdict::Exact, stood) => stood,
            _ => return false,
        };
        matches!(self.verdict, Verdict::Exact | Verdict::AtLeast) && stood < self.tolerated
    }

    pub(crate) fn new(units: &Units, tolerance: Tolerance, minimal: &Minimal<Pattern>) -> Self {
        let (verdict, tolerated, smallest) = match tolerance {
            Tolerance::Broken => (Verdict::Broken, None, UnitSet::EMPTY),
            Tolerance::Faults { tolerated, by } => (Verdict::Exact, Some(tolerated), by),
            Tolerance::Between { at_least, by } => match at_least {
                Some(_) => (Verdict::AtLeast, at_least, by),
                None => (Verdict::Undecided, None, by),
            },
            Tolerance::Always => (Verdict::Never, Some(units.len()), UnitSet::EMPTY),
            Tolerance::Undecided => (Verdict::Undecided, None, UnitSet::EMPTY),
        };
        Self {
            verdict,
            tolerated,
            smallest: units.names(&smallest),
            minimal: Minimal {
                sets: minimal.sets.iter().map(|p| parts(units, p)).collect(),
                complete: minimal.complete,
            },
            sets: sets_of(&minimal.sets),
        }
    }
}

/// A pattern by names.
pub(crate) fn parts(units: &Units, pattern: &Pattern) -> Vec<Part> {
    let part = |(any, of)| Part {
        any,
        of: units.names(&of),
    };
    pattern.parts().map(part).collect()
}

/// An analysis of a learner graph.
#[derive(Clone, Debug, Serialize)]
pub struct Analysis {
    /// What fails as a whole: the acceptors, or the groups of one kind.
    pub units: Names,
    /// The kind of group, if acceptors do not fail one by one.
    pub by: Option<String>,
    /// Acceptors that are taken to be silent.
    pub crashed: Names,
    /// Acceptors that are taken to lie.
    pub byzantine: Names,
    /// Whether the graph is valid; absent if that was not decided.
    pub valid: Option<bool>,
    /// Quorums and safe sets without a common acceptor: what breaks validity.
    pub violations: Vec<ViolationReport>,
    /// What stops each learner.
    pub learners: Vec<LearnerFaults>,
    /// What keeps two learners, or one by itself, from agreeing.
    pub pairs: Vec<PairFaults>,
    /// What hangs on each unit.
    pub weights: Vec<Weight>,
    /// Units that stand in no expression: nothing hangs on them.
    pub idle: Names,
    /// Entries of the file that follow from the others.
    pub redundant: Vec<Redundant>,
    /// How many of the others may follow as well: that was not decided.
    pub redundant_undecided: usize,
    /// The strongest TrustSafe that the quorums allow.
    pub strongest: Strongest,
    /// Whether it is what the file says; absent if that was not decided.
    pub strongest_is_declared: Option<bool>,
    /// Learners that can be starved by old votes: where the vouching rule may have no answer.
    pub starved: Vec<Starved>,
    /// What was not asked, since it is too much however much time there is.
    pub limits: Vec<Limit>,
    /// Whether every question was answered; if not, the time or the steps ran out, or there are `limits`.
    pub complete: bool,
    /// Whether every question was answered that is within the limits.
    #[serde(skip)]
    pub(crate) answered: bool,
    /// Whether it was stopped.
    #[serde(skip)]
    pub(crate) stopped: bool,
}

/// A limit that no time lifts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// There are more patterns of splitting sets than are asked for ([`Options::max_sets`]): what could be promised
    /// does not follow from some of them.
    Patterns,
    /// There are too many different acceptors and learners to say what hangs on each.
    Weights,
}

impl Analysis {
    /// How many pairs are known not to be valid: of those that differ in nothing but the learners' names `violations`
    /// has one.
    pub(crate) fn pairs_not_valid(&self) -> usize {
        let bad = self.pairs.iter().filter(|pair| pair.kept == Some(false));
        bad.count()
    }

    /// Whether more steps, or more time, can tell nothing more of what these options ask for.
    pub fn is_decided(&self, options: &Options) -> bool {
        let cap = options.max_sets;
        let mut pairs = self.pairs.iter();
        let by_quorums = options.scope != Scope::Picture;
        let decided = |pair: &PairFaults| {
            let declared = pair.declared.as_ref();
            declared.is_none_or(|report| report.is_decided(cap))
                && (!by_quorums || pair.quorums.is_decided(cap))
        };
        self.answered
            && self.learners.iter().all(|l| l.stopped_by.is_decided(cap))
            && pairs.all(decided)
    }
}

/// What stops a learner.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LearnerFaults {
    /// The learner.
    pub name: String,
    /// Silent units that leave it no quorum: blocking sets. `tolerated` is the number of crashes
    /// that it survives.
    pub stopped_by: FaultReport,
    /// It has quorums of acceptors that are not silent, and each of them has a member that is taken to lie.
    pub kept_by_liars: bool,
    /// A minimal quorum of acceptors that are all taken to lie: these can make it decide whatever they
    /// like. Empty if there is none.
    pub quorum_of_liars: Names,
}

/// What keeps two learners from agreeing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PairFaults {
    /// The two; the same name twice for one with itself.
    pub between: [String; 2],
    /// Faults after which no declared agreement holds; absent if none was declared.
    pub declared: Option<FaultReport>,
    /// Faults with which a quorum of the one and a quorum of the other decide differently:
    /// splitting sets. More than `declared` promises, if the graph is valid.
    pub quorums: FaultReport,
    /// Whether the graph is valid for this pair: while a set is safe that was declared, whatever the
    /// two decide is the same. Absent if none was declared, or that was not decided.
    pub kept: Option<bool>,
    /// Two decisions are known that differ.
    pub disagreed: bool,
}

/// What hangs on a unit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Weight {
    /// The unit.
    pub name: String,
    /// Learners that have no quorum without it.
    pub stops: Names,
    /// Pairs whose declared agreement is gone if it lies.
    pub disentangles: Vec<[String; 2]>,
    /// Learners that tolerate one crash less once it has crashed.
    pub weakens_progress: usize,
    /// Pairs that tolerate one lie less once it lies.
    pub weakens_agreement: usize,
    /// Learners of which it was not decided what becomes of them without it: more may stop, or
    /// tolerate less.
    pub undecided_progress: usize,
    /// Pairs of which it was not decided what becomes of their declared agreement if it lies.
    pub undecided_agreement: usize,
}

/// Learners that agree while the safe acceptors satisfy an expression.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Declared {
    /// The learners.
    pub between: Names,
    /// The expression, as in a file.
    pub when: String,
}

/// An agreement that could be left out: without it the graph is the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Redundant {
    /// The entry; absent if the graph came from no file.
    pub place: Option<Place>,
    /// The entry that says it alone, if there is one; otherwise it follows from several.
    pub said_by: Option<Place>,
    /// The learners.
    pub between: Names,
    /// The expression, as in a file.
    pub when: String,
}

/// The strongest TrustSafe that quorums allow: two learners agree while the safe acceptors meet
/// whatever two of their quorums have in common.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Strongest {
    /// For each pair the weakest condition, as in a file. Pairs with the same condition that
    /// share learners are one entry.
    pub agreements: Vec<Declared>,
    /// Agreements that can be kept all together, and that of no other pair with them, as it stands: all if there are no
    /// conflicts. Absent if that was not decided.
    pub together: Option<Vec<Declared>>,
    /// Pairs that can never agree: quorums of theirs have nobody in common.
    pub never: Vec<[String; 2]>,
    /// Where these conditions contradict transitivity: no strongest TrustSafe exists, one of
    /// the two agreements has to give way.
    pub conflicts: Vec<Conflict>,
    /// How many more pairs are in such a conflict.
    pub conflicts_left_out: usize,
    /// How many pairs may be in one: that was not decided.
    pub conflicts_undecided: usize,
    /// Pairs for which the condition is not known, since not all splitting sets are.
    pub undecided: Vec<[String; 2]>,
    /// For how many of these there are more patterns of splitting sets than are listed, however long one looks.
    pub too_many: usize,
}

impl Strongest {
    /// Whether it is open which promises hold together, although all of them are known.
    pub(crate) fn is_open_together(&self) -> bool {
        self.together.is_none()
            && self.undecided.is_empty()
            && self.conflicts_undecided == 0
            && !self.agreements.is_empty()
    }
}

/// Two agreements that would imply a third one, which the quorums do not allow.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Conflict {
    /// The learner in the middle: both others could agree with it …
    pub by: String,
    /// … but not these with each other.
    pub between: [String; 2],
    /// While exactly these acceptors are safe.
    pub safe: Names,
}

/// A learner that old votes of another one can starve.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Starved {
    /// The learner.
    pub learner: String,
    /// Whose votes stand in its way.
    pub votes_of: String,
    /// A TrustSafe set of the learner with itself that is none of the two: no vote for the other
    /// learner vouches for a value to it.
    pub set: Names,
    /// A minimal quorum of the learner, of `set` if that has one: it may be live and safe, and not
    /// enough. Empty if what is silent leaves none.
    pub quorum: Names,
}
