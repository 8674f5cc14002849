//! What a node tells a person about itself.

use super::HPaxos;
use crate::{Ballot, Slot};
use crypto::MemberId;
use learner_graph::{AcceptorSet, LearnerSet};
use std::collections::BTreeMap;

/// Where a node stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The highest ballot that this node knows to be joined, by itself or by a quorum.
    pub ballot: Ballot,
    /// Its owner; `None` before the first.
    pub leader: Option<MemberId>,
    /// The acceptor's `max_bal`; 0 for a node that plays none.
    pub max_bal: Ballot,
    /// The acceptor's low-water mark.
    pub low_water: Slot,
    /// Per learner, the first slot that it has not decided here.
    pub next: Vec<Slot>,
    /// Client values that wait to be decided.
    pub waiting: usize,
    /// HPaxos: `connected`, a row per learner.
    pub connected: Vec<LearnerSet>,
    /// Acceptors proved not safe.
    pub caught: AcceptorSet,
    /// What was refused in spite of a valid signature, by reason.
    pub refused: BTreeMap<&'static str, u64>,
}

impl HPaxos {
    /// Where this node stands.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            ballot: self.ballot,
            leader: self.network.owner(self.ballot),
            max_bal: self.acceptor.as_ref().map_or(Ballot::NONE, |a| a.max_bal),
            low_water: self.floor,
            next: self
                .learners
                .ids()
                .map(|l| self.learners.undecided(l))
                .collect(),
            waiting: self.waiting.len(),
            connected: self.convictions.connected().to_vec(),
            caught: self.convictions.suspicion().caught,
            refused: self.refused.clone(),
        }
    }
}
