//! The proposer: Phase1a and Phase2a.

use super::message::Body;
use super::received::OneBs;
use crate::log::batches::{Batches, Named};
use crate::log::pipeline::{Choice, Pipeline, Supply};
use crate::log::waiting::Waiting;
use crate::planted::{Bug, planted};
use crate::{Ballot, Slot, Time};
use crypto::Digest;
use learner_graph::AcceptorSet;

/// What the owner of a ballot must not forget, and where it stands.
#[derive(Debug, Default)]
pub(super) struct Proposer {
    /// The highest of its own ballots that it started; 0 before the first.
    ballot: Ballot,
    /// The 1b senders when older slots were last looked at.
    looked: AcceptorSet,
    /// What it proposed in `ballot`.
    pipeline: Pipeline,
}

/// What a proposer looks at.
pub(super) struct Scene<'a> {
    pub(super) window: u64,
    pub(super) one_bs: &'a OneBs,
    /// Whether a set of acceptors is a phase 1 quorum.
    pub(super) is_read_quorum: &'a dyn Fn(&AcceptorSet) -> bool,
    /// The first slot that is not delivered here.
    pub(super) next: Slot,
    /// One past the last slot decided here.
    pub(super) end: Slot,
    /// The value decided in a slot that is not delivered.
    pub(super) decided: &'a dyn Fn(Slot) -> Option<Digest>,
    pub(super) supply: Supply<'a>,
}

impl Proposer {
    /// The ballot that it leads, if it started one.
    pub(super) fn ballot(&self) -> Ballot {
        self.ballot
    }

    /// Paxos: Phase1a(b). The 1a must be durable before it leaves.
    pub(super) fn phase_1a(&mut self, ballot: Ballot) {
        *self = Proposer {
            ballot,
            ..Proposer::default()
        };
    }

    /// Paxos: Phase2a(b), for every slot in which a value can be proposed now. What is returned counts
    /// as sent; it and the new batches must be durable before they leave.
    pub(super) fn phase_2a(&mut self, scene: &Scene<'_>) -> (Vec<Named>, Option<Body>) {
        // Paxos: \A a \in Q : \E m \in S : m.acc = a.
        let senders = scene.one_bs.senders();
        if !(scene.is_read_quorum)(&senders) {
            return (Vec::new(), None);
        }
        self.pipeline.forget_below(scene.next, scene.supply.waiting);
        let open = |slot: Slot| (scene.decided)(slot).is_none();
        if self.looked != senders {
            self.looked = senders;
            let end = scene.one_bs.end().max(scene.end);
            self.pipeline
                .look_back(scene.next.up_to(end).filter(|slot| open(*slot)), end);
        }
        let decided_as = |slot, value: &Digest| (scene.decided)(slot) == Some(*value);
        self.pipeline.close(open, decided_as, scene.supply.waiting);
        self.pipeline.skip_to(scene.end);
        let (mut made, mut values) = (Vec::new(), Vec::new());
        while self.pipeline.open() < scene.window {
            let choose = |slot| choose(slot, scene);
            let next = self.pipeline.next(choose, scene.supply, &mut made);
            let Some(proposal) = next else { break };
            values.push(proposal);
        }
        values.sort_unstable();
        let two_a = (!values.is_empty()).then_some(Body::TwoA {
            ballot: self.ballot,
            values,
        });
        (made, two_a)
    }

    /// When `phase_2a` has to be called although nothing happens.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.pipeline.due()
    }

    /// What it would have to say to come where it is, in this order.
    pub(super) fn said(&self) -> Vec<Body> {
        if self.ballot == Ballot::NONE {
            return Vec::new();
        }
        let values: Vec<(Slot, Digest)> = self.pipeline.proposed().collect();
        let ballot = self.ballot;
        let two_a = (!values.is_empty()).then_some(Body::TwoA { ballot, values });
        let mut said = vec![Body::OneA { ballot }];
        said.extend(two_a);
        said
    }

    /// The values that it has proposed.
    pub(super) fn proposed(&self) -> impl Iterator<Item = (Slot, Digest)> {
        self.pipeline.proposed()
    }

    #[cfg(test)]
    pub(super) fn carried(&self) -> usize {
        self.pipeline.carried()
    }

    /// Slots below are delivered.
    pub(super) fn forget_below(&mut self, next: Slot, waiting: &Waiting) {
        self.pipeline.forget_below(next, waiting);
    }

    /// Takes back what it said itself. Slots below `next` are delivered.
    pub(super) fn restore(&mut self, body: &Body, next: Slot, batches: &Batches) {
        match body {
            Body::OneA { ballot } if *ballot > self.ballot => self.phase_1a(*ballot),
            Body::TwoA { ballot, values }
                if *ballot == self.ballot && !planted(Bug::PaxosForgetProposed) =>
            {
                for (slot, value) in values.iter().filter(|(slot, _)| *slot >= next) {
                    self.pipeline.restore(*slot, *value, batches);
                }
            }
            _ => {}
        }
    }
}

/// Paxos: Phase2a, the choice of v. `None` while the 1b that cover the slot are no quorum: whoever
/// does not cover it knows its decision, and will tell.
fn choose(slot: Slot, scene: &Scene<'_>) -> Option<Choice> {
    if !(scene.is_read_quorum)(&scene.one_bs.covering(slot)) {
        return None;
    }
    // Paxos: \A m \in S : m.maxVbal = -1, or the value of the highest maxVbal.
    Some(match scene.one_bs.highest_vote(slot) {
        Some((_, value)) if !planted(Bug::PaxosIgnoreVotes) => Choice::Taken(value),
        _ => Choice::Any,
    })
}
