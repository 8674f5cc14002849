//! Learners that questions do not tell apart.

use crate::expr::NodeId;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use std::collections::{HashMap, HashSet};

/// What questions about learners depend on: whom each agrees with, and its quorums.
pub(crate) struct Kinds {
    agreement: Vec<usize>,
    quorums: Vec<NodeId>,
}

/// What the agreement of two learners depends on: it is the same for pairs that have the same.
pub(crate) type Promise = [usize; 2];

/// What the quorums of two learners are.
pub(crate) type Quorums = [NodeId; 2];

/// What validity depends on of two learners: the first has this agreement and these quorums, and so has the
/// second.
pub(crate) type Pair = [(usize, NodeId); 2];

impl Kinds {
    pub(crate) fn of(graph: &LearnerGraph) -> Self {
        Self {
            agreement: agreement(graph),
            quorums: graph.live.iter().map(|(id, _)| *id).collect(),
        }
    }

    /// Learners with the same number are declared to agree with the same others under the same
    /// conditions, so that TrustSafe does not tell them apart.
    pub(crate) fn agreement(&self, l: LearnerId) -> usize {
        self.agreement[usize::from(l.0)]
    }

    /// TrustSafe of pairs with the same promise is the same.
    pub(crate) fn promise(&self, a: LearnerId, b: LearnerId) -> Promise {
        sorted([a, b].map(|l| self.agreement(l)))
    }

    /// The quorums of a learner.
    pub(crate) fn quorums_of(&self, l: LearnerId) -> NodeId {
        self.quorums[usize::from(l.0)]
    }

    /// The quorums of a pair.
    pub(crate) fn quorums(&self, a: LearnerId, b: LearnerId) -> Quorums {
        sorted([a, b].map(|l| self.quorums_of(l)))
    }

    /// Pairs of the same kind are valid or not together.
    pub(crate) fn pair(&self, a: LearnerId, b: LearnerId) -> Pair {
        sorted([a, b].map(|l| (self.agreement(l), self.quorums_of(l))))
    }

    /// How many pairs of a graph differ in nothing but the learners' names from one of these.
    pub(crate) fn alike(
        &self,
        graph: &LearnerGraph,
        these: impl IntoIterator<Item = (LearnerId, LearnerId)>,
    ) -> usize {
        let these: HashSet<Pair> = these.into_iter().map(|(a, b)| self.pair(a, b)).collect();
        let pairs = graph.pairs().into_iter();
        pairs
            .filter(|(a, b)| these.contains(&self.pair(*a, *b)))
            .count()
    }
}

/// Whatever is asked of two learners is the same in either order.
fn sorted<T: Ord + Copy>([a, b]: [T; 2]) -> [T; 2] {
    [a.min(b), a.max(b)]
}

fn agreement(graph: &LearnerGraph) -> Vec<usize> {
    let mut seen: HashMap<Vec<usize>, usize> = HashMap::new();
    let class = |l: LearnerId| {
        let places = graph.rules.iter().enumerate();
        let mine: Vec<usize> = places
            .filter(|(_, rule)| rule.learners.contains(l))
            .map(|(at, _)| at)
            .collect();
        let next = seen.len();
        *seen.entry(mine).or_insert(next)
    };
    graph.learners().iter().map(class).collect()
}
