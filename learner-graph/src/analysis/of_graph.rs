//! The analysis of a learner graph.

use super::faults::{Faults, Tolerance};
use super::harm::{Disentangles, Harm, Splits, Stops};
use super::pattern::Pattern;
use super::redundant::redundant;
use super::repair::repairs;
use super::report::{
    Analysis, FaultReport, LearnerFaults, PairFaults, Starved, Strongest, Verdict, ViolationReport,
    Weight,
};
use super::strongest::{Splitting, strongest};
use super::units::{UnitId, UnitSet, Units};
use crate::effort::Effort;
use crate::expr::NodeId;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::minimal::Minimal;
use crate::report::Names;
use crate::set::AcceptorSet;
use crate::suspicion::Suspicion;
use crate::symmetry;
use crate::uniform::UNIFORMITY_STEPS;
use crate::validity::{VALIDITY_STEPS, smallest};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The most questions that are asked to weigh units.
const MAX_WEIGHED: usize = 20_000;

/// What an analysis is to assume, and how far it may go.
#[derive(Clone, Debug)]
pub struct Options {
    /// The kind of group that fails as a whole; acceptors by themselves if there is none.
    pub by: Option<String>,
    /// Acceptors that are silent.
    pub crashed: AcceptorSet,
    /// What is known of acceptors that lie and of learners that have disagreed.
    pub suspicion: Suspicion,
    /// The most patterns of minimal sets that are listed of each kind.
    pub max_sets: usize,
    /// The steps that the solver may take for one question, apart from what is proved by symmetry;
    /// some microseconds each, more in large graphs.
    pub steps: u64,
    /// Raised by somebody who wants what is known so far.
    pub stop: Arc<AtomicBool>,
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
        }
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
    let mut asked = 0;
    let learners: Vec<LearnerId> = graph.learners().iter().collect();
    let pairs: Vec<(LearnerId, LearnerId)> = learners
        .iter()
        .flat_map(|l1| {
            learners
                .iter()
                .filter(move |l2| l1 <= l2)
                .map(move |l2| (*l1, *l2))
        })
        .collect();
    progress("validity", 0, 1);
    let (valid, violations) = run.validity();
    let mut stopped = Vec::new();
    for (at, l) in learners.iter().enumerate() {
        progress("blocking sets", at, learners.len());
        stopped.push(run.stops(*l));
        asked += 1;
    }
    let mut pair_faults = Vec::new();
    for (at, (l1, l2)) in pairs.iter().enumerate() {
        progress("splitting sets", at, pairs.len());
        pair_faults.push(run.pair(*l1, *l2));
    }
    progress("what hangs on each", 0, 1);
    let weights = run.weights(&learners, &pairs);
    progress("the strongest TrustSafe", 0, 1);
    let strongest = run.strongest();
    let starved = run.starved();
    let redundant = redundant(graph, &run.effort());
    progress("done", asked, asked);
    let name = |l: LearnerId| graph.learner_name(l).to_owned();
    Analysis {
        units: units.names(&units.all()),
        by: options.by.clone(),
        crashed: run.acceptors(&options.crashed),
        byzantine: run.acceptors(&options.suspicion.caught),
        valid,
        violations,
        learners: learners
            .iter()
            .zip(stopped)
            .map(|(l, stopped_by)| LearnerFaults {
                name: name(*l),
                stopped_by,
            })
            .collect(),
        pairs: pair_faults,
        weights,
        redundant,
        strongest,
        starved,
        complete: run.complete && !run.effort().is_stopped(),
    }
}

/// An analysis on its way; equal questions are answered once.
struct Run<'a> {
    graph: &'a LearnerGraph,
    units: &'a Units,
    options: &'a Options,
    /// The numbers of learners that TrustSafe does not tell apart.
    alike: Vec<usize>,
    stops: HashMap<NodeId, FaultReport>,
    declared: HashMap<(usize, usize), FaultReport>,
    splits: HashMap<(NodeId, NodeId), (FaultReport, Tolerance, Minimal<Pattern>)>,
    complete: bool,
}

impl<'a> Run<'a> {
    fn new(graph: &'a LearnerGraph, units: &'a Units, options: &'a Options) -> Self {
        Self {
            alike: graph.agreement_classes(),
            graph,
            units,
            options,
            stops: HashMap::new(),
            declared: HashMap::new(),
            splits: HashMap::new(),
            complete: true,
        }
    }

    fn effort(&self) -> Effort {
        Effort::until(self.options.steps, Arc::clone(&self.options.stop))
    }

    fn acceptors(&self, set: &AcceptorSet) -> Names {
        set.iter()
            .map(|a| self.graph.acceptor_name(a).to_owned())
            .collect()
    }

    fn faults<'b, H: Harm>(&'b self, harm: &'b H, given: AcceptorSet) -> Faults<'b, H> {
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
    fn classes(&self, (roots, matter): (Vec<NodeId>, AcceptorSet)) -> Vec<UnitSet> {
        if !self.units.are_single() {
            let units = self.units.touched(&matter).iter();
            return units.map(|unit| std::iter::once(unit).collect()).collect();
        }
        let (crashed, caught) = (self.options.crashed, self.options.suspicion.caught);
        let classes = symmetry::classes(&self.graph.exprs, roots).into_iter();
        // What has failed is not like what has not.
        let parts = classes.map(|class| class & matter).flat_map(|class| {
            [
                class - crashed - caught,
                class & caught,
                (class & crashed) - caught,
            ]
        });
        let parts = parts.filter(|part| !part.is_empty());
        parts.map(|part| self.units.touched(&part)).collect()
    }

    /// The tolerance, and the minimal sets from there on.
    fn look<H: Harm>(&self, harm: &H, given: AcceptorSet) -> (Tolerance, Minimal<Pattern>) {
        let tolerance = self.faults(harm, given).tolerance();
        let from = match tolerance {
            Tolerance::Faults { tolerated, .. } => tolerated + 1,
            Tolerance::Broken | Tolerance::Always => {
                return (
                    tolerance,
                    Minimal {
                        sets: Vec::new(),
                        complete: true,
                    },
                );
            }
            Tolerance::Between { .. } | Tolerance::Undecided => 0,
        };
        let minimal = self
            .faults(harm, given)
            .minimal(from, self.options.max_sets);
        (tolerance, minimal)
    }

    /// Whoever is silent or may be.
    fn silent(&self) -> AcceptorSet {
        self.options.crashed | self.options.suspicion.caught
    }

    fn validity(&mut self) -> (Option<bool>, Vec<ViolationReport>) {
        let found = self.graph.validity(VALIDITY_STEPS);
        let name = |l: LearnerId| self.graph.learner_name(l).to_owned();
        let smallest = found.violations.iter();
        let smallest = smallest.map(|v| self.graph.smallest_violation(v));
        let violations = smallest.map(|v| ViolationReport {
            between: [name(v.from), name(v.to)],
            safe: self.acceptors(&v.safe),
            quorums: [self.acceptors(&v.quorum_from), self.acceptors(&v.quorum_to)],
            repairs: repairs(self.graph, &v, &self.effort()),
        });
        let violations: Vec<_> = violations.collect();
        let valid = match (violations.is_empty(), found.undecided.is_empty()) {
            (false, _) => Some(false),
            (true, true) => Some(true),
            (true, false) => None,
        };
        self.complete &= valid.is_some();
        (valid, violations)
    }

    fn stops(&mut self, l: LearnerId) -> FaultReport {
        let live = self.graph.live[usize::from(l.0)].0;
        if let Some(known) = self.stops.get(&live) {
            return known.clone();
        }
        let (tolerance, minimal) = self.look(&Stops::new(self.graph, l), self.silent());
        let report = FaultReport::new(self.units, tolerance, &minimal);
        self.stops.insert(live, report.clone());
        report
    }

    fn pair(&mut self, l1: LearnerId, l2: LearnerId) -> PairFaults {
        let between = [l1, l2].map(|l| self.graph.learner_name(l).to_owned());
        let all = self.graph.acceptors();
        let declared = self
            .graph
            .trust_safe(l1, l2, &all)
            .then(|| self.declared(l1, l2));
        let disagreed = self.options.suspicion.disagreements.iter();
        let disagreed = disagreed
            .clone()
            .any(|pair| *pair == (l1, l2) || *pair == (l2, l1));
        PairFaults {
            between,
            declared,
            quorums: self.splits(l1, l2).0,
            disagreed,
        }
    }

    fn declared(&mut self, l1: LearnerId, l2: LearnerId) -> FaultReport {
        let key = self.declared_key(l1, l2);
        if let Some(known) = self.declared.get(&key) {
            return known.clone();
        }
        let harm = Disentangles::new(self.graph, l1, l2);
        let (tolerance, minimal) = self.look(&harm, self.options.suspicion.caught);
        let report = FaultReport::new(self.units, tolerance, &minimal);
        self.declared.insert(key, report.clone());
        report
    }

    fn declared_key(&self, l1: LearnerId, l2: LearnerId) -> (usize, usize) {
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
        let names = self.acceptors(&self.graph.acceptors());
        let single = Units::single(names);
        let mut plain = Run::new(self.graph, &single, &as_declared);
        if self.units.are_single() && self.silent().is_empty() {
            plain.splits = std::mem::take(&mut self.splits);
        }
        let mut known = HashMap::new();
        for l1 in self.graph.learners() {
            for l2 in self.graph.learners().iter().filter(|l2| l1 <= *l2) {
                let (_, tolerance, minimal) = plain.splits(l1, l2);
                let splitting = match tolerance {
                    Tolerance::Broken => Splitting::Never,
                    _ if minimal.complete => Splitting::All(minimal.sets),
                    _ => Splitting::Unknown,
                };
                known.insert((l1, l2), splitting);
            }
        }
        let splitting = |l1, l2| known.get(&(l1, l2)).cloned().unwrap_or(Splitting::Unknown);
        strongest(self.graph, splitting, &self.effort())
    }

    fn starved(&mut self) -> Vec<Starved> {
        let uniformity = self.graph.uniformity(UNIFORMITY_STEPS);
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
            set: self.acceptors(&d.set),
            quorum: self.acceptors(&quorum(d.learner, &d.set)),
        });
        starved.collect()
    }

    /// What hangs on each unit; nothing if there are too many questions.
    fn weights(&mut self, learners: &[LearnerId], pairs: &[(LearnerId, LearnerId)]) -> Vec<Weight> {
        let mut lives: HashMap<NodeId, Vec<LearnerId>> = HashMap::new();
        for l in learners {
            lives
                .entry(self.graph.live[usize::from(l.0)].0)
                .or_default()
                .push(*l);
        }
        let mut agreements: HashMap<(usize, usize), Vec<(LearnerId, LearnerId)>> = HashMap::new();
        let all = self.graph.acceptors();
        for (l1, l2) in pairs {
            if self.graph.trust_safe(*l1, *l2, &all) {
                agreements
                    .entry(self.declared_key(*l1, *l2))
                    .or_default()
                    .push((*l1, *l2));
            }
        }
        let roots = self.graph.live.iter().map(|(id, _)| *id);
        let roots = roots.chain(self.graph.rules.iter().map(|rule| rule.expr));
        let classes = self.classes((roots.collect(), all));
        if classes.len() * (lives.len() + agreements.len()) > MAX_WEIGHED {
            self.complete = false;
            return Vec::new();
        }
        let mut weights = Vec::new();
        for class in classes {
            let Some(unit) = class.iter().next() else {
                continue;
            };
            let mut weight = Weight {
                name: String::new(),
                stops: Vec::new(),
                disentangles: Vec::new(),
                weakens_progress: 0,
                weakens_agreement: 0,
            };
            let failed = self.units.acceptors(&std::iter::once(unit).collect());
            for (live, learners) in &lives {
                let before = self.stops.get(live).map(|r| (r.verdict, r.tolerated));
                let harm = Stops::new(self.graph, learners[0]);
                let after = self.faults(&harm, self.silent() | failed).tolerance();
                let alone =
                    before.is_some_and(|(v, _)| v != Verdict::Broken) && after == Tolerance::Broken;
                if alone {
                    weight.stops.extend(
                        learners
                            .iter()
                            .map(|l| self.graph.learner_name(*l).to_owned()),
                    );
                }
                if falls(before, &after) {
                    weight.weakens_progress += learners.len();
                }
            }
            weight.stops.sort();
            for (key, pairs) in &agreements {
                let before = self.declared.get(key).map(|r| (r.verdict, r.tolerated));
                let harm = Disentangles::new(self.graph, pairs[0].0, pairs[0].1);
                let given = self.options.suspicion.caught | failed;
                let after = self.faults(&harm, given).tolerance();
                let alone =
                    before.is_some_and(|(v, _)| v != Verdict::Broken) && after == Tolerance::Broken;
                if alone {
                    let names = |(a, b): &(LearnerId, LearnerId)| {
                        [*a, *b].map(|l| self.graph.learner_name(l).to_owned())
                    };
                    weight.disentangles.extend(pairs.iter().map(names));
                }
                if falls(before, &after) {
                    weight.weakens_agreement += pairs.len();
                }
            }
            weight.disentangles.sort();
            for unit in class {
                weights.push((
                    unit,
                    Weight {
                        name: self.units.name(unit).to_owned(),
                        ..weight.clone()
                    },
                ));
            }
        }
        weights.sort_by_key(|(unit, _)| *unit);
        weights
            .into_iter()
            .map(|(_, weight): (UnitId, Weight)| weight)
            .collect()
    }
}

/// Whether a tolerance is smaller than before.
fn falls(before: Option<(Verdict, Option<usize>)>, after: &Tolerance) -> bool {
    match (before, after) {
        (Some((Verdict::Exact, Some(_))), Tolerance::Broken) => true,
        (Some((Verdict::Exact, Some(before))), Tolerance::Faults { tolerated, .. }) => {
            *tolerated < before
        }
        _ => false,
    }
}
