//! Families of sets of acceptors: quorums, and the closed TrustSafe of a pair of learners.

use crate::chains::joined;
use crate::closure::reach;
use crate::expr::{Exprs, FALSE, NodeId, TRUE};
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::set::LearnerSet;

/// A family of sets of acceptors that is closed under supersets.
#[derive(Clone, Debug)]
pub(crate) enum Family {
    /// The sets of which an expression holds.
    Of(NodeId),
    /// The closed TrustSafe of two learners, from the groups that agree and their conditions.
    Agreement {
        from: LearnerId,
        to: LearnerId,
        groups: Vec<LearnerSet>,
        conditions: Vec<NodeId>,
    },
}

/// What is known of a family after some acceptors are decided.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Entered, whatever the rest.
    In,
    /// Left, whatever the rest.
    Out,
    /// Entered with all of the rest, left with none of it.
    Open,
}

impl Family {
    /// The quorums of a learner.
    pub(crate) fn live(graph: &LearnerGraph, learner: LearnerId) -> Self {
        Self::Of(graph.live[usize::from(learner.0)].0)
    }

    /// The closed TrustSafe of a pair; nothing if no set of acceptors makes them agree.
    pub(crate) fn agreement(graph: &LearnerGraph, from: LearnerId, to: LearnerId) -> Option<Self> {
        let component = graph.component(from);
        if !component.contains(to) {
            return None;
        }
        let near = graph.rules_among(component);
        Some(Self::Agreement {
            from,
            to,
            groups: near.clone().map(|r| r.learners).collect(),
            conditions: near.map(|r| r.expr).collect(),
        })
    }

    /// The expressions that the family is made of; a search keeps what is left of each.
    pub(crate) fn roots(&self) -> &[NodeId] {
        match self {
            Self::Of(root) => std::slice::from_ref(root),
            Self::Agreement { conditions, .. } => conditions,
        }
    }

    /// The same family of other expressions, one for each.
    pub(crate) fn map(&self, mut other: impl FnMut(NodeId) -> NodeId) -> Self {
        match self {
            Self::Of(root) => Self::Of(other(*root)),
            Self::Agreement {
                from,
                to,
                groups,
                conditions,
            } => Self::Agreement {
                from: *from,
                to: *to,
                groups: groups.clone(),
                conditions: conditions.iter().map(|id| other(*id)).collect(),
            },
        }
    }

    /// The same family with as few conditions as are found; often one expression.
    pub(crate) fn joined(&self, exprs: &mut Exprs) -> Self {
        let Self::Agreement {
            from,
            to,
            groups,
            conditions,
        } = self
        else {
            return self.clone();
        };
        let all = groups.iter().copied().zip(conditions.iter().copied());
        let (groups, conditions) = joined(*from, *to, all, exprs);
        match conditions[..] {
            [] => Self::Of(FALSE),
            [only] => Self::Of(only),
            _ => Self::Agreement {
                from: *from,
                to: *to,
                groups,
                conditions,
            },
        }
    }

    /// Makes one of all the ways in which a family can be decided.
    pub(crate) fn simplify(&self, rest: &mut [NodeId]) {
        match self.status(rest) {
            Status::In => rest.fill(TRUE),
            Status::Out => rest.fill(FALSE),
            Status::Open => {}
        }
    }

    /// What is known when this is left of [`roots`](Self::roots).
    pub(crate) fn status(&self, rest: &[NodeId]) -> Status {
        let (maybe, surely) = match self {
            Self::Of(_) => (rest[0] != FALSE, rest[0] == TRUE),
            Self::Agreement {
                from, to, groups, ..
            } => {
                let joins = |holds: &dyn Fn(usize) -> bool| {
                    reach(*from, groups.iter().copied(), holds).contains(*to)
                };
                let maybe = joins(&|at| rest[at] != FALSE);
                (maybe, maybe && joins(&|at| rest[at] == TRUE))
            }
        };
        match (maybe, surely) {
            (false, _) => Status::Out,
            (true, true) => Status::In,
            (true, false) => Status::Open,
        }
    }
}
