//! The minimal sets of TrustSafe, by looking at every set of acceptors.

use learner_graph::{AcceptorSet, LearnerGraph, LearnerId};
use std::sync::OnceLock;

/// Of each pair of learners, once it is asked for.
#[derive(Clone, Debug)]
pub(super) struct MinimalSets {
    learners: usize,
    of: Vec<OnceLock<Vec<AcceptorSet>>>,
}

impl MinimalSets {
    pub(super) fn new(graph: &LearnerGraph) -> Self {
        let learners = graph.n_learners();
        MinimalSets {
            learners,
            of: vec![OnceLock::new(); learners * learners],
        }
    }

    /// The sets q with `[from |-> l1, to |-> l2, q |-> q] \in TrustSafe` of which no part is one.
    pub(super) fn of(&self, graph: &LearnerGraph, l1: LearnerId, l2: LearnerId) -> &[AcceptorSet] {
        let (first, second) = (l1.min(l2), l1.max(l2));
        let place = usize::from(first.0) * self.learners + usize::from(second.0);
        let Some(sets) = self.of.get(place) else {
            return &[];
        };
        sets.get_or_init(|| enumerate(graph, first, second))
    }
}

fn enumerate(graph: &LearnerGraph, l1: LearnerId, l2: LearnerId) -> Vec<AcceptorSet> {
    let acceptors: Vec<_> = graph.acceptors().iter().collect();
    let set = |bits: usize| -> AcceptorSet {
        let members = acceptors.iter().enumerate();
        let members = members.filter(|(at, _)| bits >> at & 1 == 1);
        members.map(|(_, acceptor)| *acceptor).collect()
    };
    let all = 0..1usize << acceptors.len();
    let safe: Vec<bool> = all
        .clone()
        .map(|q| graph.trust_safe(l1, l2, &set(q)))
        .collect();
    // TrustSafe is closed under supersets: a set is minimal if none with one acceptor less is in it.
    let minimal = |q: &usize| {
        let mut less = (0..acceptors.len()).filter(|at| q >> at & 1 == 1);
        safe[*q] && less.all(|at| !safe[q & !(1 << at)])
    };
    all.filter(minimal).map(set).collect()
}
