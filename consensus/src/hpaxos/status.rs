//! What a node tells a person about itself.

use super::HPaxos;
use crate::{Ballot, Status};

impl HPaxos {
    /// Where this node stands.
    pub(super) fn status(&self) -> Status {
        Status {
            ballot: self.ballot,
            leader: self.network.owner(self.ballot),
            max_bal: self.acceptor.as_ref().map_or(Ballot::NONE, |a| a.max_bal),
            patience: match self.acceptor {
                Some(_) => self.pacemaker.patience().to_vec(),
                None => Vec::new(),
            },
            low_water: self.floor,
            frozen: self.received.frozen().map(|page| page.len()).sum(),
            next: self
                .learners
                .ids()
                .map(|l| self.learners.undecided(l))
                .collect(),
            waiting: self.waiting.len(),
            connected: self.convictions.connected().to_vec(),
            caught: self.convictions.suspicion().caught,
            refused: self.refused.clone(),
            disks: Vec::new(),
        }
    }
}
