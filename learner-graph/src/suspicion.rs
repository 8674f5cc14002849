//! Evidence, and which pairs of learners it leaves connected.

use crate::effort::Effort;
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::kinds::Kinds;
use crate::search::{Found, Search};
use crate::set::{AcceptorSet, LearnerSet};
use std::collections::HashMap;

/// The steps that one question may take before it is answered on the safe side.
const STEPS: u64 = 20_000;
/// The steps that all pairs together may take when `connected` is computed: evidence must not
/// hold up a node for long.
const CONNECTED_STEPS: u64 = 200_000;

/// What evidence has proved so far. The real set of safe acceptors contradicts none of it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Suspicion {
    /// Acceptors that are not safe: evidence (A).
    pub caught: AcceptorSet,
    /// Pairs of learners that are not entangled: evidence (C), two different decisions.
    pub disagreements: Vec<(LearnerId, LearnerId)>,
}

impl LearnerGraph {
    /// Whether `within` has a subset in TrustSafe(l1, l2) that is *possible*: without a caught
    /// acceptor, and not containing a TrustSafe set of two learners that have disagreed.
    ///
    /// Without disagreements this is one evaluation of [`trust_safe`](Self::trust_safe). With
    /// them it is an exact search of bounded length; should the bound be hit, the answer is
    /// true. That is the safe side: `connected` then contains a pair that it need not contain,
    /// which can cost progress and never agreement.
    pub fn possible_set_within(
        &self,
        l1: LearnerId,
        l2: LearnerId,
        within: &AcceptorSet,
        suspicion: &Suspicion,
    ) -> bool {
        Possible::new(self, suspicion, STEPS).set_within(l1, l2, within)
    }

    /// `connected`: a row per learner with the learners that the evidence does not separate from
    /// it, that is, those with which it has a possible TrustSafe set at all.
    ///
    /// Learners that are entangled are connected, whatever part of the evidence is known. Like
    /// [`possible_set_within`](Self::possible_set_within) this is exact within a bound for all
    /// pairs together, and leaves the remaining pairs connected should it be hit.
    pub fn connected(&self, suspicion: &Suspicion) -> Vec<LearnerSet> {
        let all = self.acceptors();
        if suspicion.disagreements.is_empty() {
            // Without disagreements the largest possible set decides for all pairs at once.
            return self.ent(&(all - suspicion.caught));
        }
        let mut possible = Possible::new(self, suspicion, CONNECTED_STEPS);
        let kinds = Kinds::of(self);
        let mut known = HashMap::new();
        let mut rows = vec![LearnerSet::EMPTY; self.n_learners()];
        for (l1, l2) in self.pairs() {
            let answer = known.entry(kinds.promise(l1, l2));
            if *answer.or_insert_with(|| possible.set_within(l1, l2, &all)) {
                rows[usize::from(l1.0)].insert(l2);
                rows[usize::from(l2.0)].insert(l1);
            }
        }
        rows
    }
}

/// Questions about possible sets under one state of the evidence.
struct Possible<'a> {
    graph: &'a LearnerGraph,
    suspicion: &'a Suspicion,
    broken: Vec<Family>,
    search: Option<Search>,
    /// The steps left for all questions together.
    steps: u64,
}

impl<'a> Possible<'a> {
    fn new(graph: &'a LearnerGraph, suspicion: &'a Suspicion, steps: u64) -> Self {
        Self {
            steps,
            graph,
            suspicion,
            broken: Vec::new(),
            search: None,
        }
    }

    fn set_within(&mut self, l1: LearnerId, l2: LearnerId, within: &AcceptorSet) -> bool {
        let most = *within - self.suspicion.caught;
        if !self.graph.trust_safe(l1, l2, &most) {
            return false;
        }
        let pairs = &self.suspicion.disagreements;
        if pairs.iter().any(|pair| [(l1, l2), (l2, l1)].contains(pair)) {
            return false;
        }
        // The largest set is possible unless a pair that disagreed trusts it.
        if !pairs
            .iter()
            .any(|(a, b)| self.graph.trust_safe(*a, *b, &most))
        {
            return true;
        }
        let Some(inside) = Family::agreement(self.graph, l1, l2) else {
            return false;
        };
        let search = self.search.get_or_insert_with(|| {
            let family = |(a, b): &(LearnerId, LearnerId)| Family::agreement(self.graph, *a, *b);
            self.broken = pairs.iter().filter_map(family).collect();
            Search::new(&self.graph.exprs, &Effort::steps(0))
        });
        let steps = self.steps.min(STEPS);
        search.allow(steps);
        let found = search.separate(&most, &inside, &self.broken);
        self.steps -= steps - search.left();
        match found {
            Found::Yes(_) | Found::Undecided => true,
            Found::No => false,
        }
    }
}
