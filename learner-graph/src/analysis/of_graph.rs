//! The analysis of a learner graph.

use super::faults::{Faults, Tolerance};
use super::harm::{Disentangles, Harm, Splits, Stops};
use super::kinds::{Kinds, Pair};
use super::pattern::{Pattern, apart};
use super::promised::is_strongest;
use super::redundant;
use super::repair::{Repairs, repairs};
use super::report::{
    Analysis, FaultReport, LearnerFaults, PairFaults, Starved, Strongest, ViolationReport,
};
use super::strongest::{Splitting, strongest};
use super::units::{UnitSet, Units};
use crate::effort::Effort;
use crate::expr::NodeId;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::minimal::Minimal;
use crate::set::{AcceptorSet, LearnerSet};
use crate::suspicion::Suspicion;
use crate::symmetry;
use crate::uniform::UNIFORMITY_STEPS;
use crate::validity::{VALIDITY_STEPS, Violation, smallest};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What an analysis is to assume, and how far it may go.
#[derive(Clone, Debug)]
pub struct Options {
    /// The kind of group that fails as a whole; acceptors by themselves if there is none.
    pub by: Option<String>,
    /// Acceptors that are silent.
    pub crashed: AcceptorSet,
    /// What is known of acceptors that lie and of learners that have disagreed.
    pub suspicion: Suspicion,
    /// The most patterns of minimal sets that are listed of each kind. None are looked for if it is 0:
    /// tolerances and a smallest set are known much sooner.
    pub max_sets: usize,
    /// The steps that the solver may take for one question, apart from what is proved by symmetry;
    /// some microseconds each, more in large graphs.
    pub steps: u64,
    /// Raised by somebody who wants what is known so far.
    pub stop: Arc<AtomicBool>,
    /// What is asked.
    pub scope: Scope,
}

/// What an analysis is to find out; of everything else it says that it is not decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scope {
    /// Everything.
    #[default]
    Everything,
    /// What breaks validity, and what is tolerated.
    Change,
    /// Whether the graph is valid, and what is tolerated.
    Tolerances,
    /// What breaks validity but not what mends it, what stops learners and what declared agreements
    /// tolerate, and what hangs on each acceptor.
    Picture,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            by: None,
            crashed: AcceptorSet::EMPTY,
            suspicion: Suspicion::default(),
            max_sets: 100,
            steps: 20_000,
            stop: Arc::default(),
            scope: Scope::Everything,
        }
    }
}

impl Options {
    /// What has failed is not like what has not: classes of units taken apart by that.
    pub(super) fn told_apart(&self, units: &Units, classes: Vec<UnitSet>) -> Vec<UnitSet> {
        let failed = [self.suspicion.caught, self.crashed].map(|set| units.touched(&set));
        apart(apart(classes, &failed[0]), &failed[1])
    }
}

/// Analyses a graph. `progress` is told what is looked at, and how much of it is done.
pub fn analyze(
    graph: &LearnerGraph,
    units: &Units,
    options: &Options,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Analysis {
    let mut run = Run::new(graph, units, options);
    let learners: Vec<LearnerId> = graph.learners().iter().collect();
    let pairs = graph.pairs();
    let asked = |scopes: &[Scope]| scopes.contains(&options.scope);
    progress("validity", 0, 1);
    let (valid, violations) = run.validity();
    let mut stopped = Vec::new();
    for (at, l) in learners.iter().enumerate() {
        progress("blocking sets", at, learners.len());
        stopped.push(run.stops(*l));
    }
    let mut pair_faults = Vec::new();
    for (at, (l1, l2)) in pairs.iter().enumerate() {
        progress("splitting sets", at, pairs.len());
        pair_faults.push(run.pair(*l1, *l2));
    }
    let mut weights = Vec::new();
    if asked(&[Scope::Everything, Scope::Picture]) {
        progress("what hangs on each", 0, 1);
        weights = run.weights(&learners, &pairs);
    }
    let mut strongest = Strongest::default();
    let mut strongest_is_declared = None;
    let mut starved = Vec::new();
    let (mut redundant, mut redundant_undecided) = (Vec::new(), graph.rules.len());
    if options.scope == Scope::Everything {
        progress("the strongest TrustSafe", 0, 1);
        strongest = run.strongest();
        strongest_is_declared = match valid {
            Some(true) => is_strongest(graph, &strongest, &run.effort()),
            // More is promised than can be kept.
            Some(false) => Some(false),
            None => None,
        };
        starved = run.starved();
        (redundant, redundant_undecided) = redundant::redundant(graph, &run.effort());
        run.complete &= redundant_undecided == 0 && strongest.conflicts_undecided == 0;
    }
    let known = |report: &FaultReport| !report.is_open();
    run.complete &= stopped.iter().all(known);
    run.complete &= pair_faults.iter().all(|pair| {
        // Of a picture quorums are no part.
        let quorums = options.scope == Scope::Picture || known(&pair.quorums);
        quorums && pair.declared.iter().all(known)
    });
    progress("done", 1, 1);
    let name = |l: LearnerId| graph.learner_name(l).to_owned();
    Analysis {
        units: units.names(&units.all()),
        by: options.by.clone(),
        crashed: graph.acceptor_names(&options.crashed),
        byzantine: graph.acceptor_names(&options.suspicion.caught),
        valid,
        violations,
        learners: learners
            .iter()
            .zip(stopped)
            .map(|(l, stopped_by)| LearnerFaults {
                name: name(*l),
                stopped_by,
                quorum_of_liars: quorum_of_liars(graph, *l, &options.suspicion.caught),
            })
            .collect(),
        pairs: pair_faults,
        weights,
        idle: units.names(&(units.all() - units.touched(&graph.named()))),
        redundant,
        redundant_undecided,
        strongest,
        strongest_is_declared,
        starved,
        complete: run.complete && !run.effort().is_stopped(),
    }
}

fn quorum_of_liars(graph: &LearnerGraph, l: LearnerId, liars: &AcceptorSet) -> Vec<String> {
    match graph.is_quorum(l, liars) {
        true => graph.acceptor_names(&smallest(*liars, |set| graph.is_quorum(l, set))),
        false => Vec::new(),
    }
}

/// An analysis on its way; equal questions are answered once.
pub(super) struct Run<'a> {
    pub(super) graph: &'a LearnerGraph,
    pub(super) units: &'a Units,
    pub(super) options: &'a Options,
    /// For each learner those with which it has any TrustSafe set.
    pub(super) promised: Vec<LearnerSet>,
    /// The numbers of learners that TrustSafe does not tell apart.
    alike: Vec<usize>,
    kinds: Kinds,
    /// Whether pairs of these kinds are valid, if they are not or that was not decided.
    not_valid: HashMap<Pair, Option<bool>>,
    pub(super) stops: HashMap<NodeId, FaultReport>,
    pub(super) declared: HashMap<(usize, usize), FaultReport>,
    splits: HashMap<(NodeId, NodeId), (FaultReport, Tolerance, Minimal<Pattern>)>,
    pub(super) complete: bool,
}

impl<'a> Run<'a> {
    pub(super) fn new(graph: &'a LearnerGraph, units: &'a Units, options: &'a Options) -> Self {
        Self {
            promised: graph.ent(&graph.acceptors()),
            alike: graph.agreement_classes(),
            kinds: Kinds::of(graph),
            not_valid: HashMap::new(),
            graph,
            units,
            options,
            stops: HashMap::new(),
            declared: HashMap::new(),
            splits: HashMap::new(),
            complete: true,
        }
    }

    pub(super) fn effort(&self) -> Effort {
        Effort::until(self.options.steps, Arc::clone(&self.options.stop))
    }

    pub(super) fn faults<'b, H: Harm>(&'b self, harm: &'b H, given: AcceptorSet) -> Faults<'b, H> {
        Faults {
            harm,
            units: self.units,
            classes: self.classes(harm.about()),
            given,
            n_acceptors: self.graph.n_acceptors(),
            effort: self.effort(),
        }
    }

    /// The units that matter, in classes of those that some expressions do not tell apart.
    pub(super) fn classes(&self, (roots, matter): (Vec<NodeId>, AcceptorSet)) -> Vec<UnitSet> {
        if !self.units.are_single() {
            let units = self.units.touched(&matter).iter();
            return units.map(|unit| std::iter::once(unit).collect()).collect();
        }
        let classes = symmetry::classes(&self.graph.exprs, roots).into_iter();
        let classes = classes.map(|class| self.units.touched(&(class & matter)));
        self.options.told_apart(self.units, classes.collect())
    }

    /// The tolerance, and the minimal sets from there on.
    fn look<H: Harm>(&self, harm: &H, given: AcceptorSet) -> (Tolerance, Minimal<Pattern>) {
        let faults = self.faults(harm, given);
        match self.options.max_sets {
            0 => (faults.tolerance(), Minimal::none_listed()),
            cap => faults.look(cap),
        }
    }

    /// Whoever is silent or may be.
    pub(super) fn silent(&self) -> AcceptorSet {
        self.options.crashed | self.options.suspicion.caught
    }

    fn validity(&mut self) -> (Option<bool>, Vec<ViolationReport>) {
        let found = self.graph.validity_until(VALIDITY_STEPS, &self.effort());
        let bad = found.violations.iter();
        let bad = bad.map(|v| (self.kinds.pair(v.from, v.to), Some(false)));
        let open = found.undecided.iter();
        let open = open.map(|(a, b)| (self.kinds.pair(*a, *b), None));
        self.not_valid = bad.chain(open).collect();
        let valid = found.verdict();
        self.complete &= valid.is_some();
        if self.options.scope == Scope::Tolerances {
            return (valid, Vec::new());
        }
        let name = |l: LearnerId| self.graph.learner_name(l).to_owned();
        let smallest = found.violations.iter();
        let smallest = smallest.map(|v| self.graph.smallest_violation(v, &self.effort()));
        let smallest: Vec<Violation> = smallest.collect();
        let available = self.graph.acceptors() - self.silent();
        let repairs = match self.options.scope {
            Scope::Picture => vec![Repairs::default(); smallest.len()],
            _ => repairs(self.graph, &smallest, &available, &self.effort()),
        };
        let violations = smallest.iter().zip(repairs);
        let violations = violations.map(|(v, repairs)| ViolationReport {
            between: [name(v.from), name(v.to)],
            safe: self.graph.acceptor_names(&v.safe),
            quorums: [
                self.graph.acceptor_names(&v.quorum_from),
                self.graph.acceptor_names(&v.quorum_to),
            ],
            repairs: repairs.found,
            repairs_complete: repairs.complete,
            repairs_that_stop: repairs.that_stop,
        });
        (valid, violations.collect())
    }

    pub(super) fn stops(&mut self, l: LearnerId) -> FaultReport {
        let live = self.graph.live[usize::from(l.0)].0;
        if let Some(known) = self.stops.get(&live) {
            return known.clone();
        }
        if self.effort().is_stopped() {
            return FaultReport::undecided();
        }
        let (tolerance, minimal) = self.look(&Stops::new(self.graph, l), self.silent());
        let report = FaultReport::new(self.units, tolerance, &minimal);
        self.stops.insert(live, report.clone());
        report
    }

    pub(super) fn pair(&mut self, l1: LearnerId, l2: LearnerId) -> PairFaults {
        let between = [l1, l2].map(|l| self.graph.learner_name(l).to_owned());
        let declared = self.is_promised(l1, l2).then(|| self.declared(l1, l2));
        let mut known = self.options.suspicion.disagreements.iter();
        let disagreed = known.any(|pair| *pair == (l1, l2) || *pair == (l2, l1));
        let kind = self.not_valid.get(&self.kinds.pair(l1, l2));
        let kept = kind.copied().unwrap_or(Some(true));
        PairFaults {
            between,
            kept: declared.as_ref().and(kept),
            declared,
            quorums: match self.options.scope {
                Scope::Everything | Scope::Change | Scope::Tolerances => self.splits(l1, l2).0,
                Scope::Picture => FaultReport::undecided(),
            },
            disagreed,
        }
    }

    /// Whether the two have any TrustSafe set.
    pub(super) fn is_promised(&self, l1: LearnerId, l2: LearnerId) -> bool {
        self.promised[usize::from(l1.0)].contains(l2)
    }

    fn declared(&mut self, l1: LearnerId, l2: LearnerId) -> FaultReport {
        let key = self.declared_key(l1, l2);
        if let Some(known) = self.declared.get(&key) {
            return known.clone();
        }
        if self.effort().is_stopped() {
            return FaultReport::undecided();
        }
        let harm = Disentangles::new(self.graph, l1, l2);
        let (tolerance, minimal) = self.look(&harm, self.options.suspicion.caught);
        let report = FaultReport::new(self.units, tolerance, &minimal);
        self.declared.insert(key, report.clone());
        report
    }

    pub(super) fn declared_key(&self, l1: LearnerId, l2: LearnerId) -> (usize, usize) {
        let (a, b) = (self.alike[usize::from(l1.0)], self.alike[usize::from(l2.0)]);
        (a.min(b), a.max(b))
    }

    fn splits(
        &mut self,
        l1: LearnerId,
        l2: LearnerId,
    ) -> (FaultReport, Tolerance, Minimal<Pattern>) {
        let [a, b] = [l1, l2].map(|l| self.graph.live[usize::from(l.0)].0);
        let key = (a.min(b), a.max(b));
        if let Some(known) = self.splits.get(&key) {
            return known.clone();
        }
        if self.effort().is_stopped() {
            let unknown = FaultReport::undecided();
            return (unknown, Tolerance::Undecided, Minimal::none_listed());
        }
        let harm = Splits::new(self.graph, l1, l2);
        let (tolerance, minimal) = self.look(&harm, self.options.suspicion.caught);
        let report = FaultReport::new(self.units, tolerance, &minimal);
        let found = (report, tolerance, minimal);
        self.splits.insert(key, found.clone());
        found
    }

    /// The quorums as they are, whatever has failed and whatever fails together.
    fn strongest(&mut self) -> Strongest {
        let as_declared = Options {
            by: None,
            crashed: AcceptorSet::EMPTY,
            suspicion: Suspicion::default(),
            ..self.options.clone()
        };
        let names = self.graph.acceptor_names(&self.graph.acceptors());
        let single = Units::single(names);
        let mut plain = Run::new(self.graph, &single, &as_declared);
        // Only then is every unit the acceptor of its number.
        if self.options.by.is_none() && self.silent().is_empty() {
            plain.splits = std::mem::take(&mut self.splits);
        }
        let splitting = |(l1, l2)| {
            let (_, tolerance, minimal) = plain.splits(l1, l2);
            let splitting = match tolerance {
                Tolerance::Broken => Splitting::Never,
                _ if minimal.complete => Splitting::All(minimal.sets),
                _ => Splitting::Unknown,
            };
            ((l1, l2), splitting)
        };
        let splitting = self.graph.pairs().into_iter().map(splitting).collect();
        strongest(self.graph, splitting, &self.effort())
    }

    fn starved(&mut self) -> Vec<Starved> {
        let uniformity = self
            .graph
            .uniformity_within(&self.effort().again(UNIFORMITY_STEPS));
        self.complete &= uniformity.undecided.is_empty();
        let name = |l: LearnerId| self.graph.learner_name(l).to_owned();
        let left = self.graph.acceptors() - self.silent();
        // A quorum that is safe as well, if there is one.
        let quorum = |l: LearnerId, safe: &AcceptorSet| {
            let within = [*safe & left, left];
            let there = within.iter().find(|set| self.graph.is_quorum(l, set));
            there.map_or(AcceptorSet::EMPTY, |set| {
                smallest(*set, |s| self.graph.is_quorum(l, s))
            })
        };
        let starved = uniformity.differences.iter().map(|d| Starved {
            learner: name(d.learner),
            votes_of: name(d.other),
            set: self.graph.acceptor_names(&d.set),
            quorum: self.graph.acceptor_names(&quorum(d.learner, &d.set)),
        });
        starved.collect()
    }
}
