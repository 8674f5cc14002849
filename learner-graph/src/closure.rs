//! TrustSafe and Ent: the closure of the declared agreements, one set of acceptors at a time.
//!
//! For one fixed set the closure is graph reachability. A declared agreement whose condition
//! holds of the set joins all the learners it lists; symmetry and transitivity say that two
//! learners agree if a chain of such agreements leads from one to the other, and upward closure
//! comes for free because conditions are monotone. Nothing is ever multiplied out.

use crate::expr::NodeId;
use crate::flat::Root;
use crate::formula::Formula;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::set::{AcceptorSet, LearnerSet};
use batsat::Lit;

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

    /// The learners that chains of declared agreements could lead to from one, whatever holds; none if it is in none.
    pub(crate) fn component(&self, from: LearnerId) -> LearnerSet {
        reach(from, self.rules.iter().map(|rule| rule.learners), |_| true)
    }

    /// The declared agreements of these learners.
    pub(crate) fn rules_among(&self, learners: LearnerSet) -> impl Iterator<Item = &Rule> + Clone {
        let among = move |rule: &&Rule| rule.learners.intersects(&learners);
        self.rules.iter().filter(among)
    }

    /// TrustSafe as clauses: a literal that can be true only if `l1` and `l2` are sure to agree
    /// while the acceptors with a true literal in `safe` are. Whom a chain of agreements that
    /// hold leads to from `l1` is said step by step.
    pub(crate) fn agree_if(
        &self,
        formula: &mut Formula,
        l1: LearnerId,
        l2: LearnerId,
        safe: &[Lit],
    ) -> Lit {
        // Others are in no chain, however hard they are.
        let near: Vec<&Rule> = self.rules_among(self.component(l1)).collect();
        let mut holds = Vec::new();
        for rule in &near {
            holds.push(formula.requires(&self.exprs, rule.expr, safe));
        }
        let own = near.iter().zip(&holds);
        let own = own.filter(|(rule, _)| rule.learners.contains(l1));
        let some = formula.fresh();
        formula.clause(own.map(|(_, holds)| *holds).chain([!some]));
        if l1 == l2 {
            return some;
        }
        let no = !formula.truth();
        let mut reached = vec![no; self.n_learners()];
        reached[usize::from(l1.0)] = some;
        // No chain is longer than there are agreements.
        for _ in 0..near.len().min(self.n_learners()) {
            if formula.is_given_up() {
                break;
            }
            let mut ways: Vec<Vec<Lit>> = reached.iter().map(|literal| vec![*literal]).collect();
            for (rule, holds) in near.iter().zip(&holds) {
                let from = rule.learners.iter().map(|l| reached[usize::from(l.0)]);
                let from: Vec<Lit> = from.filter(|literal| *literal != no).collect();
                if from.is_empty() {
                    continue;
                }
                let joins = formula.fresh();
                formula.clause([!joins, *holds]);
                formula.clause(from.into_iter().chain([!joins]));
                for l in rule.learners {
                    ways[usize::from(l.0)].push(joins);
                }
            }
            reached = ways
                .into_iter()
                .map(|ways| {
                    if ways == [no] {
                        return no;
                    }
                    let next = formula.fresh();
                    formula.clause(ways.into_iter().chain([!next]));
                    next
                })
                .collect();
        }
        reached[usize::from(l2.0)]
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
