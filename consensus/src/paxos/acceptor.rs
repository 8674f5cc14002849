//! The acceptor: Phase1b and Phase2b.

use super::message::{Body, Vote};
use crate::planted::{Bug, planted};
use crate::{Ballot, Slot};
use crypto::Digest;
use learner_graph::AcceptorId;
use std::collections::BTreeMap;

/// The state that an acceptor must never forget.
#[derive(Debug)]
pub(super) struct Acceptor {
    pub(super) id: AcceptorId,
    /// Paxos: `maxBal[a]`.
    pub(super) max_bal: Ballot,
    /// The last 1b, as it was said: if ever said again, then so.
    promise: Option<Body>,
    /// Every slot below is delivered here; the acceptor votes in none of them again.
    pub(super) low_water: Slot,
    /// Paxos: `maxVbal[a]` and `maxVal[a]`, by slot.
    voted: BTreeMap<Slot, (Ballot, Digest)>,
}

impl Acceptor {
    pub(super) fn new(id: AcceptorId) -> Self {
        Acceptor {
            id,
            max_bal: Ballot::NONE,
            promise: None,
            low_water: Slot(0),
            voted: BTreeMap::new(),
        }
    }

    /// Paxos: Phase1b(a). The 1b must be durable before it leaves. `None` if the ballot is not above
    /// `max_bal`.
    pub(super) fn phase_1b(&mut self, ballot: Ballot) -> Option<Body> {
        // Paxos: m.bal > maxBal[a].
        if ballot <= self.max_bal {
            return None;
        }
        // Paxos: maxBal' = [maxBal EXCEPT ![a] = m.bal].
        self.max_bal = ballot;
        let vote = |(slot, (ballot, value)): (&Slot, &(Ballot, Digest))| Vote {
            slot: *slot,
            ballot: *ballot,
            value: *value,
        };
        let votes = self.voted.iter().map(vote).collect();
        self.promise = Some(Body::OneB {
            ballot,
            low_water: self.low_water,
            votes,
        });
        self.promise.clone()
    }

    /// Paxos: Phase2b(a), for the 2a of one ballot and slot. True if the acceptor votes, which must
    /// be durable before it leaves, as must the value's bytes.
    pub(super) fn phase_2b(&mut self, ballot: Ballot, slot: Slot, value: Digest) -> bool {
        // Paxos: m.bal >= maxBal[a].
        if ballot < self.max_bal || slot < self.low_water {
            return false;
        }
        if self.voted.get(&slot).is_some_and(|(b, _)| *b >= ballot) {
            return false;
        }
        // Paxos: maxVbal' = m.bal, maxBal' = m.bal, maxVal' = m.val.
        self.max_bal = ballot;
        self.voted.insert(slot, (ballot, value));
        true
    }

    /// Raises the low-water mark: the caller has stored the decisions below, and stores the mark.
    pub(super) fn raise_low_water(&mut self, mark: Slot) {
        if mark > self.low_water {
            self.low_water = mark;
            self.voted = self.voted.split_off(&mark);
        }
    }

    /// The values that it has voted for from the low-water mark on.
    pub(super) fn voted(&self) -> impl Iterator<Item = (Slot, Digest)> {
        self.voted.iter().map(|(slot, (_, value))| (*slot, *value))
    }

    /// What it would have to say to come where it is, in this order and after the low-water mark.
    pub(super) fn said(&self) -> Vec<Body> {
        let mut votes: BTreeMap<Ballot, Vec<(Slot, Digest)>> = BTreeMap::new();
        for (slot, (ballot, value)) in &self.voted {
            votes.entry(*ballot).or_default().push((*slot, *value));
        }
        let promised = match &self.promise {
            Some(Body::OneB { ballot, .. }) => *ballot,
            _ => Ballot::NONE,
        };
        if self.max_bal > promised {
            // It may rest on votes that are below the low-water mark now.
            votes.entry(self.max_bal).or_default();
        }
        let two_b = |(ballot, values)| Body::TwoB { ballot, values };
        let later = votes.split_off(&promised);
        let mut said: Vec<Body> = votes.into_iter().map(two_b).collect();
        said.extend(self.promise.clone());
        said.extend(later.into_iter().map(two_b));
        said
    }

    /// Takes back what it said itself.
    pub(super) fn restore(&mut self, body: &Body) {
        match body {
            Body::OneB {
                ballot, low_water, ..
            } => {
                if !planted(Bug::PaxosForgetPromise) {
                    self.max_bal = self.max_bal.max(*ballot);
                }
                self.promise = Some(body.clone());
                self.raise_low_water(*low_water);
            }
            Body::TwoB { ballot, values } => {
                self.max_bal = self.max_bal.max(*ballot);
                for (slot, value) in values {
                    self.phase_2b(*ballot, *slot, *value);
                }
            }
            _ => {}
        }
    }
}
