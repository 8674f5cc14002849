//! Learners that validity does not tell apart.

use crate::expr::NodeId;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;

/// What validity depends on of each learner: whom it agrees with, and its quorums.
pub(super) struct Kinds(Vec<(usize, NodeId)>);

/// What validity depends on of a pair of learners.
pub(super) type Pair = [(usize, NodeId); 2];

impl Kinds {
    pub(super) fn of(graph: &LearnerGraph) -> Self {
        let classes = graph.agreement_classes().into_iter();
        let lives = graph.live.iter().map(|(id, _)| *id);
        Self(classes.zip(lives).collect())
    }

    /// Pairs of the same kinds are valid or not together.
    pub(super) fn pair(&self, a: LearnerId, b: LearnerId) -> Pair {
        let [a, b] = [a, b].map(|l| self.0[usize::from(l.0)]);
        [a.min(b), a.max(b)]
    }
}
