//! The learners: who has decided what, delivered in the order of slots.
//!
//! Every node follows all learners of the graph, whichever it plays: a slot may be dropped only when
//! the certificate of every learner is held, and patience is counted per learner.

use super::evidence::{Certificate, Evidence};
use super::message::Message;
use super::received::SlotReceived;
use crate::Fork;
use crate::planted::{Bug, planted};
use crate::{Ballot, Slot};
use crypto::{Digest, Verified};
use learner_graph::{AcceptorSet, LearnerGraph, LearnerId, LearnerSet};
use std::collections::BTreeMap;

/// HPaxos: `decision`, for all learners and slots, with the certificates.
#[derive(Debug)]
pub(super) struct Learners {
    of: Vec<Learner>,
}

#[derive(Debug, Default)]
struct Learner {
    /// The first slot without a decision.
    undecided: Slot,
    /// The first slot not delivered: at most `undecided`, below it while bytes are missing.
    next: Slot,
    decided: BTreeMap<Slot, Decided>,
    forks: Vec<Fork>,
}

/// One decision with the messages that prove it.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    pub(super) ballot: Ballot,
    pub(super) value: Digest,
    pub(super) quorum: AcceptorSet,
    two_b: Vec<Verified<Message>>,
}

/// What a new 2b led to.
#[derive(Debug)]
pub(super) enum Learned {
    /// The learner decided the slot.
    Decided(LearnerId),
    /// The learner has a second decision in the slot.
    Fork(Fork, Box<Evidence>),
}

impl Learners {
    pub(super) fn new(n: usize) -> Self {
        Learners {
            of: (0..n).map(|_| Learner::default()).collect(),
        }
    }

    /// HPaxos: LearnerDecide, for every learner and ballot in which the 2b of one slot make it so.
    pub(super) fn decide(
        &mut self,
        graph: &LearnerGraph,
        slot: Slot,
        ballot: Ballot,
        received: &SlotReceived,
    ) -> Vec<Learned> {
        let mut learned = Vec::new();
        for (value, tally) in received.two_b(ballot) {
            for l in graph.learners().iter() {
                // HPaxos: ChosenIn(l, b, v).
                let quorum = tally.senders(l);
                let anyones = || graph.learners().iter().any(|l| graph.is_quorum(l, &quorum));
                let stolen = planted(Bug::DecideForAnother) && anyones();
                if !graph.is_quorum(l, &quorum) && !stolen {
                    continue;
                }
                let decided = || Decided {
                    ballot,
                    value,
                    quorum,
                    two_b: proof(received, ballot, &quorum, slot, &value, l),
                };
                let learner = &mut self.of[usize::from(l.0)];
                match learner.decided.get(&slot) {
                    None => {
                        learner.decided.insert(slot, decided());
                        while learner.decided.contains_key(&learner.undecided) {
                            learner.undecided = learner.undecided.next();
                        }
                        learned.push(Learned::Decided(l));
                    }
                    Some(first) if first.value != value => {
                        if learner.forks.iter().all(|f| f.slot != slot) {
                            let values = [(first.ballot, first.value), (ballot, value)];
                            let fork = Fork {
                                learner: l,
                                slot,
                                values,
                            };
                            learner.forks.push(fork.clone());
                            let evidence = Evidence::Disagreement {
                                first: first.certificate(l, slot),
                                second: decided().certificate(l, slot),
                            };
                            learned.push(Learned::Fork(fork, Box::new(evidence)));
                        }
                    }
                    Some(_) => {}
                }
            }
        }
        learned
    }

    /// The decision of a learner in a slot.
    pub(super) fn decision(&self, learner: LearnerId, slot: Slot) -> Option<&Decided> {
        self.of.get(usize::from(learner.0))?.decided.get(&slot)
    }

    /// The certificate of a decision.
    pub(super) fn certificate(&self, learner: LearnerId, slot: Slot) -> Option<Certificate> {
        Some(self.decision(learner, slot)?.certificate(learner, slot))
    }

    /// The signed messages behind a decision.
    pub(super) fn proof(&self, learner: LearnerId, slot: Slot) -> &[Verified<Message>] {
        self.decision(learner, slot).map_or(&[], |d| &d.two_b)
    }

    /// The learners that have not decided a slot.
    pub(super) fn undecided_in(&self, slot: Slot) -> LearnerSet {
        self.ids()
            .filter(|l| self.decision(*l, slot).is_none())
            .collect()
    }

    /// Whether some learner has decided this value in a slot.
    pub(super) fn decided_as(&self, slot: Slot, value: &Digest) -> bool {
        self.ids()
            .filter_map(|l| self.decision(l, slot))
            .any(|d| d.value == *value)
    }

    /// The first slot that a learner has not decided.
    pub(super) fn undecided(&self, learner: LearnerId) -> Slot {
        self.of
            .get(usize::from(learner.0))
            .map_or(Slot(0), |l| l.undecided)
    }

    /// The first slot that some learner has not decided: below it every certificate is held.
    pub(super) fn settled(&self) -> Slot {
        if planted(Bug::SettleForAnother) {
            return self.front();
        }
        self.of
            .iter()
            .map(|l| l.undecided)
            .min()
            .unwrap_or_default()
    }

    /// The first slot that no learner has decided all the way up to: the front of the log.
    pub(super) fn front(&self) -> Slot {
        self.of
            .iter()
            .map(|l| l.undecided)
            .max()
            .unwrap_or_default()
    }

    /// One past the highest slot decided by any learner.
    pub(super) fn end(&self) -> Slot {
        let last = |l: &Learner| {
            l.decided
                .last_key_value()
                .map_or(Slot(0), |(s, _)| s.next())
        };
        self.of.iter().map(last).max().unwrap_or_default()
    }

    /// The next slot to deliver to a learner, with its decision, if it is there.
    pub(super) fn next_delivery(&self, learner: LearnerId) -> Option<(Slot, &Decided)> {
        let l = self.of.get(usize::from(learner.0))?;
        let (slot, decided) = l.decided.range(l.next..).next()?;
        (*slot == l.next || planted(Bug::SkipGaps)).then_some((*slot, decided))
    }

    /// Notes that a slot, the next one, was delivered.
    pub(super) fn delivered(&mut self, learner: LearnerId, slot: Slot) {
        if let Some(l) = self.of.get_mut(usize::from(learner.0)) {
            l.next = slot.next();
        }
    }

    /// All learners.
    pub(super) fn ids(&self) -> impl Iterator<Item = LearnerId> + use<> {
        LearnerSet::first(self.of.len()).into_iter()
    }
}

impl Decided {
    fn certificate(&self, learner: LearnerId, slot: Slot) -> Certificate {
        Certificate {
            learner,
            slot,
            ballot: self.ballot,
            value: self.value,
            two_b: self.two_b.iter().map(|m| m.signed().clone()).collect(),
        }
    }
}

/// One message per acceptor of the quorum that holds its 2b for this learner.
fn proof(
    received: &SlotReceived,
    ballot: Ballot,
    quorum: &AcceptorSet,
    slot: Slot,
    value: &Digest,
    learner: LearnerId,
) -> Vec<Verified<Message>> {
    let holds = |m: &&Verified<Message>| match &***m {
        Message::Votes(v) => v
            .slots
            .binary_search_by_key(&slot, |s| s.slot)
            .ok()
            .and_then(|i| v.slots[i].two_b.as_ref())
            .is_some_and(|(v, ls)| v == value && ls.contains(learner)),
        _ => false,
    };
    quorum
        .iter()
        .filter_map(|a| received.said(ballot, a).find(holds))
        .cloned()
        .collect()
}
