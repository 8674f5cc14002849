//! What a change of a graph costs its learners.
//!
//! Graphs are compared by names: acceptors and learners may come and go. A set of safe acceptors
//! or a quorum of the old graph is held against the new one as it is: an acceptor that was added
//! is in none of them.

use super::options::Options;
use super::report::{Analysis, FaultReport, PairFaults, Verdict};
use super::violation::ViolationReport;
use crate::effort::Effort;
use crate::expr::{Exprs, Node, NodeId};
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::id::{AcceptorId, LearnerId};
use crate::kinds::{Kinds, Promise};
use crate::report::Names;
use crate::search::{Found, Search};
use crate::set::{AcceptorSet, MAX_ACCEPTORS};
use crate::uniform::{KnownDifferences, UNIFORMITY_STEPS};
use crate::validity::smallest;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

/// Two graphs compared: what has become of the old one's promises.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Whether the two mean the same in the same words, names and order included.
    pub same: bool,
    /// The kind of group that fails as a whole, if acceptors do not fail one by one.
    pub by: Option<String>,
    /// Acceptors that have come and gone.
    pub acceptors: Changes,
    /// Learners that have come and gone.
    pub learners: Changes,
    /// How many learners both have: of others nothing is compared.
    pub compared: usize,
    /// Whether the old and the new graph are valid; absent if that was not decided.
    pub valid: [Option<bool>; 2],
    /// How many pairs of learners of the new graph are known not to be valid.
    pub not_valid: usize,
    /// What breaks the validity of the new graph: of pairs that differ in nothing but the learners' names one.
    pub violations: Vec<ViolationReport>,
    /// Whether the old and the new graph are uniform; absent if that was not decided.
    pub uniform: [Option<bool>; 2],
    /// Learners of both graphs for which something has changed.
    pub progress: Vec<ProgressChange>,
    /// Pairs of learners of both graphs for which something has changed, or whose promise the new
    /// quorums do not keep: these first.
    pub agreement: Vec<AgreementChange>,
    /// Whether everything that has changed was found.
    pub complete: bool,
    /// Whether it was, as far as the analyses of the two tell.
    #[serde(skip)]
    pub(crate) answered: bool,
    /// Whether it was stopped.
    #[serde(skip)]
    pub(crate) stopped: bool,
}

impl Comparison {
    /// Whether more steps, or more time, for the comparison can tell nothing more.
    pub fn is_decided(&self) -> bool {
        self.answered
    }
}

/// Names that are in one of the graphs only.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Changes {
    /// Those of the new graph.
    pub added: Names,
    /// Those of the old graph.
    pub gone: Names,
}

/// How many faults something stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Standing {
    /// How to read `tolerated`.
    pub verdict: Verdict,
    /// So many, see [`FaultReport`].
    pub tolerated: Option<usize>,
    /// A smallest set that it does not stand, or the smallest that was found.
    pub smallest: Names,
}

/// What has changed for a learner.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ProgressChange {
    /// The learner.
    pub name: String,
    /// The crashes that it survives, before and after.
    pub crashes: [Standing; 2],
    /// A minimal quorum of the old graph that is none of the new one.
    pub no_quorum_now: Option<Names>,
}

/// What has changed for two learners, or one with itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AgreementChange {
    /// The two.
    pub between: [String; 2],
    /// The lies that the promise stands, before and after; absent where nothing is promised.
    pub promised: [Option<Standing>; 2],
    /// The lies that their quorums stand, before and after.
    pub by_quorums: [Standing; 2],
    /// A minimal set of acceptors that, if safe, promised agreement, and does no longer.
    pub not_promised_now: Option<Names>,
    /// The new graph promises something that its quorums are known not to keep.
    pub not_kept: bool,
}

impl From<&FaultReport> for Standing {
    fn from(report: &FaultReport) -> Self {
        Self {
            verdict: report.verdict,
            tolerated: report.tolerated,
            smallest: report.smallest.clone(),
        }
    }
}

impl Standing {
    /// Whether as many faults are stood as there: of sets that are equally small any may be named.
    fn is_like(&self, other: &Self) -> bool {
        (self.verdict, self.tolerated) == (other.verdict, other.tolerated)
    }
}

/// Compares two graphs that have been analysed alike, the old one first, with so many times as many steps for each
/// question as the options say.
pub fn compare(
    old: (&LearnerGraph, &Analysis),
    new: (&LearnerGraph, &Analysis),
    options: &Options,
    times: u64,
) -> Comparison {
    let effort = |steps: u64| {
        let steps = steps.saturating_mul(times);
        Effort::until(steps, Arc::clone(&options.stop))
    };
    let mut both = Both::new(old.0, new.0, effort(options.steps));
    let uniform = [old.0, new.0].map(|graph| {
        let known = &mut KnownDifferences::default();
        graph
            .uniformity_within(&effort(UNIFORMITY_STEPS), known)
            .verdict()
    });
    let learners = |graph: &LearnerGraph| graph.learner_names(&graph.learners());
    let acceptors = |graph: &LearnerGraph| graph.acceptor_names(&graph.acceptors());
    let progress = progress(&mut both, old.1, new.1);
    let agreement = agreement(&mut both, old.1, new.1);
    let answered = both.complete && uniform.iter().all(Option::is_some);
    Comparison {
        same: old.0.canonical() == new.0.canonical(),
        by: new.1.by.clone(),
        acceptors: changes(&acceptors(old.0), &acceptors(new.0)),
        learners: changes(&learners(old.0), &learners(new.0)),
        compared: old
            .0
            .learners()
            .iter()
            .filter(|l| new.0.learner(old.0.learner_name(*l)).is_some())
            .count(),
        valid: [old.1.valid, new.1.valid],
        not_valid: new.1.pairs_not_valid(),
        violations: new.1.violations.clone(),
        uniform,
        progress,
        agreement,
        complete: answered && decided(old.1) && decided(new.1),
        answered,
        stopped: [old.1.stopped, new.1.stopped, options.is_stopped()].contains(&true),
    }
}

/// Whether everything is known that is compared.
fn decided(analysis: &Analysis) -> bool {
    let known = |report: &FaultReport| !report.is_open();
    let pairs = analysis.pairs.iter();
    analysis.valid.is_some()
        && analysis.learners.iter().all(|l| known(&l.stopped_by))
        && pairs.clone().all(|pair| known(&pair.quorums))
        && pairs.flat_map(|pair| &pair.declared).all(known)
}

fn changes(old: &Names, new: &Names) -> Changes {
    let without = |these: &Names, those: &Names| {
        let only = these.iter().filter(|name| !those.contains(name));
        only.cloned().collect()
    };
    Changes {
        added: without(new, old),
        gone: without(old, new),
    }
}

fn progress(both: &mut Both<'_>, old: &Analysis, new: &Analysis) -> Vec<ProgressChange> {
    let mut changed = Vec::new();
    for before in &old.learners {
        let Some(after) = new.learners.iter().find(|l| l.name == before.name) else {
            continue;
        };
        let crashes = [&before.stopped_by, &after.stopped_by].map(Standing::from);
        let no_quorum_now = both.lost_quorum(&before.name);
        if no_quorum_now.is_some() || !crashes[0].is_like(&crashes[1]) {
            changed.push(ProgressChange {
                name: before.name.clone(),
                crashes,
                no_quorum_now,
            });
        }
    }
    changed
}

fn agreement(both: &mut Both<'_>, old: &Analysis, new: &Analysis) -> Vec<AgreementChange> {
    let key = |pair: &PairFaults| -> [String; 2] {
        let mut key = pair.between.clone();
        key.sort();
        key
    };
    let after: HashMap<[String; 2], &PairFaults> = new.pairs.iter().map(|p| (key(p), p)).collect();
    let mut changed = Vec::new();
    for before in &old.pairs {
        let Some(after) = after.get(&key(before)) else {
            continue;
        };
        let promised = [&before.declared, &after.declared];
        let promised = promised.map(|report| report.as_ref().map(Standing::from));
        let by_quorums = [&before.quorums, &after.quorums].map(Standing::from);
        let not_promised_now = both.lost_promise(&before.between);
        let declared = after.declared.as_ref();
        // By a counterexample, or by the numbers where none was looked for.
        let not_kept = after.kept == Some(false)
            || declared.is_some_and(|declared| declared.is_broken_by(&after.quorums));
        let alike = match &promised {
            [Some(before), Some(after)] => before.is_like(after),
            [before, after] => before.is_none() && after.is_none(),
        };
        let changed_at_all = !alike || !by_quorums[0].is_like(&by_quorums[1]);
        if changed_at_all || not_promised_now.is_some() || not_kept {
            changed.push(AgreementChange {
                between: before.between.clone(),
                promised,
                by_quorums,
                not_promised_now,
                not_kept,
            });
        }
    }
    // What looks like a gain may be a promise that is not kept.
    changed.sort_by_key(|change| !change.not_kept);
    changed
}

/// Two graphs over the acceptors of both.
struct Both<'a> {
    old: &'a LearnerGraph,
    new: &'a LearnerGraph,
    /// The number of each acceptor of the new graph among those of both; those of the old graph
    /// keep theirs. Absent if together they are too many.
    numbers: Option<Vec<AcceptorId>>,
    exprs: Exprs,
    known: HashMap<NodeId, NodeId>,
    /// Of each question.
    effort: Effort,
    quorums: HashMap<[NodeId; 2], Option<AcceptorSet>>,
    promises: HashMap<[Promise; 2], Option<AcceptorSet>>,
    kinds: [Kinds; 2],
    complete: bool,
}

impl<'a> Both<'a> {
    fn new(old: &'a LearnerGraph, new: &'a LearnerGraph, effort: Effort) -> Self {
        let mut next = old.n_acceptors();
        let mut number = |a: AcceptorId| {
            old.acceptor(new.acceptor_name(a)).unwrap_or_else(|| {
                next += 1;
                AcceptorId((next - 1) as u16)
            })
        };
        let numbers: Vec<_> = new.acceptors().iter().map(&mut number).collect();
        Self {
            numbers: (next <= MAX_ACCEPTORS).then_some(numbers),
            exprs: old.exprs.clone(),
            known: HashMap::new(),
            effort,
            quorums: HashMap::new(),
            promises: HashMap::new(),
            kinds: [old, new].map(Kinds::of),
            complete: true,
            old,
            new,
        }
    }

    /// An expression of the new graph over the acceptors of both.
    fn translated(&mut self, id: NodeId, numbers: &[AcceptorId]) -> NodeId {
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        let translated = match self.new.exprs.node(id).clone() {
            Node::Constant(_) => id,
            Node::Acceptor(a) => self.exprs.acceptor(numbers[usize::from(a.0)]),
            Node::Threshold { need, members } => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(member, weight)| (self.translated(*member, numbers), *weight))
                    .collect();
                self.exprs.threshold(need, members)
            }
        };
        self.known.insert(id, translated);
        translated
    }

    /// A set of old acceptors in the one family and not in the other.
    fn search(&mut self, inside: &Family, outside: Option<Family>) -> Option<AcceptorSet> {
        let effort = self.effort.again(self.effort.left());
        if effort.is_stopped() {
            self.complete = false;
            return None;
        }
        let mut search = Search::new(&self.exprs, &effort);
        let outside: Vec<Family> = outside.into_iter().collect();
        match search.separate(&self.old.acceptors(), inside, &outside) {
            Found::Yes(set) => Some(set),
            Found::No => None,
            Found::Undecided => {
                self.complete = false;
                None
            }
        }
    }

    fn lost_quorum(&mut self, learner: &str) -> Option<Names> {
        let (l, now) = (self.old.learner(learner)?, self.new.learner(learner)?);
        let [of_old, of_new] = &self.kinds;
        let (old, new) = (of_old.quorums_of(l), of_new.quorums_of(now));
        let Some(numbers) = self.numbers.clone() else {
            self.complete = false;
            return None;
        };
        if !self.quorums.contains_key(&[old, new]) {
            let there = self.translated(new, &numbers);
            let found = self.search(&Family::Of(old), Some(Family::Of(there)));
            let least = found.map(|set| smallest(set, |s| self.old.is_quorum(l, s)));
            self.quorums.insert([old, new], least);
        }
        self.named(self.quorums[&[old, new]])
    }

    fn lost_promise(&mut self, [a, b]: &[String; 2]) -> Option<Names> {
        let of = |graph: &LearnerGraph| -> Option<[LearnerId; 2]> {
            Some([graph.learner(a)?, graph.learner(b)?])
        };
        let ([a, b], [c, d]) = (of(self.old)?, of(self.new)?);
        let [of_old, of_new] = &self.kinds;
        let key = [of_old.promise(a, b), of_new.promise(c, d)];
        let Some(numbers) = self.numbers.clone() else {
            self.complete = false;
            return None;
        };
        if !self.promises.contains_key(&key) {
            let inside = Family::agreement(self.old, a, b);
            let outside = Family::agreement(self.new, c, d);
            let outside = outside.map(|f| f.map(|id| self.translated(id, &numbers)));
            let found = inside.and_then(|inside| self.search(&inside, outside));
            let least = found.map(|set| smallest(set, |s| self.old.trust_safe(a, b, s)));
            self.promises.insert(key, least);
        }
        self.named(self.promises[&key])
    }

    fn named(&self, set: Option<AcceptorSet>) -> Option<Names> {
        set.map(|set| self.old.acceptor_names(&set))
    }
}
