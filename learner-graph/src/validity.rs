//! Validity: the last condition of `LearnerGraphAssumption`, in the strong form of the proof.
//!
//! For every edge (from, to, q) of the closed TrustSafe and all quorums Q1 of `from` and Q2 of
//! `to`, the sets q, Q1 and Q2 have an acceptor in common. A counterexample leaves every acceptor
//! out of at least one of the three, so the search asks of each acceptor which one misses it.

use crate::effort::Effort;
use crate::expr::{Node, NodeId};
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::search::{Found, Search};
use crate::set::AcceptorSet;
use std::collections::HashSet;

/// The steps that checking validity may take: some seconds.
pub const VALIDITY_STEPS: u64 = 2_000_000;

/// Three sets that ought to have an acceptor in common and do not. All are minimal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The edge starts here.
    pub from: LearnerId,
    /// The edge ends here; may be `from` itself.
    pub to: LearnerId,
    /// A TrustSafe set of the two.
    pub safe: AcceptorSet,
    /// A quorum of `from`.
    pub quorum_from: AcceptorSet,
    /// A quorum of `to`.
    pub quorum_to: AcceptorSet,
}

/// What a check of validity found.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Validity {
    /// One counterexample per edge that has one; of edges that differ only in the learners'
    /// names, one.
    pub violations: Vec<Violation>,
    /// Edges for which the steps ran out.
    pub undecided: Vec<(LearnerId, LearnerId)>,
}

impl Validity {
    /// Whether the graph was shown to be valid: an undecided one was not.
    pub fn holds(&self) -> bool {
        self.violations.is_empty() && self.undecided.is_empty()
    }
}

impl LearnerGraph {
    /// Checks validity in at most `steps` steps ([`VALIDITY_STEPS`] is a good number).
    pub fn validity(&self, steps: u64) -> Validity {
        let mut search = Search::new(&self.exprs, &Effort::steps(steps));
        let mut result = Validity::default();
        let classes = self.agreement_classes();
        let class = |l: LearnerId| {
            let at = usize::from(l.0);
            (classes[at], self.live[at].0)
        };
        let mut seen = HashSet::new();
        for from in self.learners() {
            for to in self.learners().iter().filter(|to| from <= *to) {
                let (a, b) = (class(from), class(to));
                if !seen.insert((a.min(b), a.max(b))) {
                    continue;
                }
                match self.violation(&mut search, from, to) {
                    Found::Yes(violation) => result.violations.push(violation),
                    Found::No => {}
                    Found::Undecided => result.undecided.push((from, to)),
                }
            }
        }
        result
    }

    fn violation(&self, search: &mut Search, from: LearnerId, to: LearnerId) -> Found<Violation> {
        let Some(safe) = Family::agreement(self, from, to) else {
            return Found::No;
        };
        let (live_from, live_to) = (Family::live(self, from), Family::live(self, to));
        if self.counts_suffice(&[&safe, &live_from, &live_to]) {
            return Found::No;
        }
        let found = search.disjoint([&safe, &live_from, &live_to]);
        found.map(|[safe, quorum_from, quorum_to]| Violation {
            from,
            to,
            safe: smallest(safe, |s| self.trust_safe(from, to, s)),
            quorum_from: smallest(quorum_from, |s| self.is_quorum(from, s)),
            quorum_to: smallest(quorum_to, |s| self.is_quorum(to, s)),
        })
    }

    /// Whether plain counting shows that they always meet: each is a threshold over different
    /// acceptors, and together they miss fewer of the common ones than there are. This settles
    /// flat graphs of hundreds of acceptors at once.
    pub(crate) fn counts_suffice(&self, families: &[&Family]) -> bool {
        let flat: Option<Vec<(usize, AcceptorSet)>> =
            families.iter().map(|f| self.flat_threshold(f)).collect();
        let Some(flat) = flat else { return false };
        let mut common = self.acceptors();
        for (_, members) in &flat {
            common &= *members;
        }
        let can_miss = |(need, members): &(usize, AcceptorSet)| {
            let elsewhere = (*members - common).len();
            common.len() - need.saturating_sub(elsewhere).min(common.len())
        };
        flat.iter().map(can_miss).sum::<usize>() < common.len()
    }

    fn flat_threshold(&self, family: &Family) -> Option<(usize, AcceptorSet)> {
        let root = match family {
            Family::Of(root) => *root,
            Family::Agreement { conditions, .. } => match conditions.as_slice() {
                [only] => *only,
                _ => return None,
            },
        };
        let is_acceptor = |id: NodeId| matches!(self.exprs.node(id), Node::Acceptor(_));
        match self.exprs.node(root) {
            Node::Acceptor(_) => Some((1, self.exprs.support(root))),
            Node::Threshold { need, members } => members
                .iter()
                .all(|(id, weight)| *weight == 1 && is_acceptor(*id))
                .then(|| (*need as usize, self.exprs.support(root))),
            Node::Constant(_) => None,
        }
    }
}

/// A minimal subset that still passes a monotone test; later acceptors are dropped first.
pub(crate) fn smallest(mut set: AcceptorSet, test: impl Fn(&AcceptorSet) -> bool) -> AcceptorSet {
    let mut members: Vec<_> = set.iter().collect();
    members.reverse();
    for member in members {
        set.remove(member);
        if !test(&set) {
            set.insert(member);
        }
    }
    set
}
