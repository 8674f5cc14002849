//! TrustSafe and Ent: the closure of the declared agreements, one set of acceptors at a time.
//!
//! For one fixed set the closure is graph reachability. A declared agreement whose condition
//! holds of the set joins all the learners it lists; symmetry and transitivity say that two
//! learners agree if a chain of such agreements leads from one to the other, and upward closure
//! comes for free because conditions are monotone. Nothing is ever multiplied out.

use crate::expr::NodeId;
use crate::flat::Root;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::set::{AcceptorSet, LearnerSet};

/// A declared agreement: these learners agree with each other, and each with itself, while the
/// safe acceptors satisfy the condition.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) learners: LearnerSet,
    pub(crate) expr: NodeId,
    pub(crate) root: Root,
}

/// The learners that chains of joined groups lead to from `from`; empty if no group that holds
/// contains it. `holds` tells of a group by its place whether it joins its members.
pub(crate) fn reach(
    from: LearnerId,
    groups: impl Iterator<Item = LearnerSet> + Clone,
    holds: impl Fn(usize) -> bool,
) -> LearnerSet {
    let mut reached: LearnerSet = std::iter::once(from).collect();
    let mut touched = false;
    loop {
        let before = reached;
        for (at, group) in groups.clone().enumerate() {
            let adds = !touched || !group.is_subset(&reached);
            if adds && group.intersects(&reached) && holds(at) {
                reached |= group;
                touched = true;
            }
        }
        if reached == before {
            break;
        }
    }
    if touched { reached } else { LearnerSet::EMPTY }
}

impl LearnerGraph {
    /// TrustSafe of `LearnerGraphAssumption`: whether `l1` and `l2` are sure to agree if all of
    /// `set` is safe. Closed under symmetry, transitivity and upward closure. Does not allocate;
    /// false for a learner that is not in the graph.
    pub fn trust_safe(&self, l1: LearnerId, l2: LearnerId, set: &AcceptorSet) -> bool {
        let groups = self.rules.iter().map(|rule| rule.learners);
        let holds = |at: usize| self.flat.holds(self.rules[at].root, set);
        if l1 == l2 {
            let own = |at: &usize| self.rules[*at].learners.contains(l1);
            return (0..self.rules.len()).filter(own).any(holds);
        }
        reach(l1, groups, holds).contains(l2)
    }

    /// Ent: a row per learner with the learners entangled with it if exactly `safe` are safe.
    /// The row of a learner that does not even agree with itself is empty.
    pub fn ent(&self, safe: &AcceptorSet) -> Vec<LearnerSet> {
        let mut rows = vec![LearnerSet::EMPTY; self.n_learners()];
        for rule in &self.rules {
            if !self.flat.holds(rule.root, safe) {
                continue;
            }
            let mut joined = rule.learners;
            for learner in rule.learners {
                joined |= rows[usize::from(learner.0)];
            }
            for learner in joined {
                rows[usize::from(learner.0)] = joined;
            }
        }
        rows
    }
}
