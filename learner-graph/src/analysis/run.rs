//! The questions of an analysis: equal ones are asked once, and those that are decided once for all passes.

use super::faults::{Faults, Tolerance};
use super::harm::{Disentangles, Harm, Splits, Stops};
use super::options::{Options, Scope};
use super::pattern::Pattern;
use super::redundant::KnownRedundant;
use super::report::{FaultReport, Limit, PairFaults, Strongest};
use super::units::{UnitSet, Units};
use super::violation::ViolationReport;
use super::weights::KnownWeights;
use crate::effort::Effort;
use crate::expr::{Exprs, NodeId};
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::kinds::{self, Kinds};
use crate::known::Known;
use crate::minimal::Minimal;
use crate::set::{AcceptorSet, LearnerSet};
use crate::symmetry;
use crate::uniform::KnownDifferences;
use crate::validity::KnownPairs;
use std::collections::HashMap;
use std::sync::Arc;

/// An analysis on its way.
pub(super) struct Run<'a> {
    pub(super) graph: &'a LearnerGraph,
    pub(super) units: &'a Units,
    pub(super) options: &'a Options,
    /// How many times as many steps each question may take as the options say.
    pub(super) times: u64,
    pub(super) kinds: Kinds,
    /// For each learner those with which it has any TrustSafe set.
    promised: Vec<LearnerSet>,
    pub(super) known: Memory,
    /// Whether pairs of these kinds are valid, if they are not or that was not decided.
    pub(super) not_valid: HashMap<kinds::Pair, Option<bool>>,
    /// Whether everything was decided so far, apart from what is beyond limits.
    pub(super) complete: bool,
    pub(super) limits: Vec<Limit>,
}

/// What is known of each question.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) pairs: KnownPairs,
    /// By how many there are.
    pub(super) violations: Known<usize, Vec<ViolationReport>>,
    pub(super) differences: KnownDifferences,
    pub(super) stops: Known<NodeId, FaultReport>,
    pub(super) declared: Known<kinds::Promise, FaultReport>,
    pub(super) splits: KnownSplits,
    /// The same without what has failed.
    pub(super) plain: KnownSplits,
    pub(super) weights: KnownWeights,
    pub(super) strongest: Known<(), (Strongest, Option<bool>)>,
    pub(super) redundant: KnownRedundant,
}

/// What splits two learners with these quorums.
pub(super) type KnownSplits = Known<kinds::Quorums, Split>;

/// What splits two learners, for people, and as it was found.
#[derive(Clone)]
pub(super) struct Split {
    pub(super) report: FaultReport,
    pub(super) tolerance: Tolerance,
    pub(super) minimal: Minimal<Pattern>,
}

impl Memory {
    fn again(&mut self) {
        self.pairs.again();
        self.violations.again();
        self.differences.again();
        self.stops.again();
        self.declared.again();
        self.splits.again();
        self.plain.again();
        self.weights.again();
        self.strongest.again();
        self.redundant.again();
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(graph: &'a LearnerGraph, units: &'a Units, options: &'a Options) -> Self {
        Self {
            promised: graph.ent(&graph.acceptors()),
            kinds: Kinds::of(graph),
            times: 1,
            known: Memory::default(),
            not_valid: HashMap::new(),
            graph,
            units,
            options,
            complete: true,
            limits: Vec::new(),
        }
    }

    /// From now on what is not decided is asked again, with so many times as many steps.
    pub(super) fn again(&mut self, times: u64) {
        self.times = times;
        self.complete = true;
        self.limits.clear();
        self.known.again();
    }

    pub(super) fn effort(&self) -> Effort {
        self.effort_of(self.options.steps)
    }

    /// An effort of as many steps as this, or more if the whole analysis may take more.
    pub(super) fn effort_of(&self, steps: u64) -> Effort {
        let steps = steps.saturating_mul(self.times);
        Effort::until(steps, Arc::clone(&self.options.stop))
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.options.is_stopped()
    }

    pub(super) fn faults<'b, H: Harm>(&'b self, harm: &'b H, given: AcceptorSet) -> Faults<'b, H> {
        Faults {
            harm,
            units: self.units,
            classes: self.classes(harm.exprs(), harm.about()),
            given,
            n_acceptors: self.graph.n_acceptors(),
            effort: self.effort(),
        }
    }

    /// The units that matter, in classes of those that some expressions do not tell apart.
    pub(super) fn classes(
        &self,
        exprs: &Exprs,
        (roots, matter): (Vec<NodeId>, AcceptorSet),
    ) -> Vec<UnitSet> {
        if !self.units.are_single() {
            let units = self.units.touched(&matter).iter();
            return units.map(|unit| std::iter::once(unit).collect()).collect();
        }
        let classes = symmetry::classes(exprs, roots).into_iter();
        let classes = classes.map(|class| self.units.touched(&(class & matter)));
        self.options.told_apart(self.units, classes.collect())
    }

    /// The tolerance, and the minimal sets from there on.
    fn look<H: Harm>(&self, harm: &H, given: AcceptorSet) -> Split {
        let (tolerance, minimal) = match (self.is_stopped(), self.options.max_sets) {
            (true, _) => (Tolerance::Undecided, Minimal::none_listed()),
            (_, 0) => (self.faults(harm, given).tolerance(), Minimal::none_listed()),
            (_, cap) => self.faults(harm, given).look(cap),
        };
        Split {
            report: FaultReport::new(self.units, tolerance, &minimal),
            tolerance,
            minimal,
        }
    }

    /// Whether more steps can tell nothing more of a harm.
    fn is_decided(&self, report: &FaultReport) -> bool {
        report.is_decided(self.options.max_sets)
    }

    /// Whoever is silent or may be.
    pub(super) fn silent(&self) -> AcceptorSet {
        self.options.crashed | self.options.suspicion.caught
    }

    pub(super) fn stops(&mut self, l: LearnerId) -> FaultReport {
        let key = self.kinds.quorums_of(l);
        if let Some(known) = self.known.stops.get(&key, self.is_stopped()) {
            return known;
        }
        let report = self.look(&Stops::new(self.graph, l), self.silent()).report;
        let (decided, stopped) = (self.is_decided(&report), self.is_stopped());
        self.known.stops.keep(key, report, decided, stopped)
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
                Scope::Everything | Scope::Change | Scope::Tolerances => self.splits(l1, l2).report,
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
        let key = self.kinds.promise(l1, l2);
        if let Some(known) = self.known.declared.get(&key, self.is_stopped()) {
            return known;
        }
        let harm = Disentangles::new(self.graph, l1, l2);
        let report = self.look(&harm, self.options.suspicion.caught).report;
        let (decided, stopped) = (self.is_decided(&report), self.is_stopped());
        self.known.declared.keep(key, report, decided, stopped)
    }

    pub(super) fn splits(&mut self, l1: LearnerId, l2: LearnerId) -> Split {
        let key = self.kinds.quorums(l1, l2);
        if let Some(known) = self.known.splits.get(&key, self.is_stopped()) {
            return known;
        }
        let harm = Splits::new(self.graph, l1, l2);
        let split = self.look(&harm, self.options.suspicion.caught);
        let (decided, stopped) = (self.is_decided(&split.report), self.is_stopped());
        self.known.splits.keep(key, split, decided, stopped)
    }
}
