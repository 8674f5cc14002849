//! What one acceptor has sent in one slot, reduced to what a 1b must show.

use super::message::{Entry, SlotReport};
use crate::planted::{Bug, planted};
use crate::{Ballot, Slot};
use crypto::Digest;
use learner_graph::LearnerSet;

/// HPaxos: `votes_sent` and `two_a_v_sent` of one acceptor in one slot.
///
/// Of the votes only the maximal one per learner is kept, of the 2av only the highest ballot per
/// learner and value: nothing else can ever be asked for, since the acceptor votes in its joined
/// ballot only and ballots are joined in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) votes: Vec<Entry>,
    pub(super) proposals: Vec<Entry>,
}

impl Sent {
    /// HPaxos: Phase2b, `votesSent' = votesSent \cup {…}`, keeping maximal votes.
    ///
    /// What is added twice, or after what hides it, changes nothing.
    pub(super) fn add_vote(&mut self, ballot: Ballot, value: Digest, learners: LearnerSet) {
        let mut learners = learners;
        for entry in &mut self.votes {
            if entry.ballot > ballot {
                learners -= entry.learners;
            } else {
                entry.learners -= learners;
            }
        }
        add(
            &mut self.votes,
            Entry {
                ballot,
                value,
                learners,
            },
        );
    }

    /// HPaxos: Phase2av, `2avSent' = 2avSent \cup {…}`, keeping the highest ballot per value.
    ///
    /// What is added twice, or after what hides it, changes nothing.
    pub(super) fn add_proposal(&mut self, ballot: Ballot, value: Digest, learners: LearnerSet) {
        let mut learners = learners;
        for entry in self.proposals.iter_mut().filter(|e| e.value == value) {
            if entry.ballot > ballot {
                learners -= entry.learners;
            } else {
                entry.learners -= learners;
            }
        }
        add(
            &mut self.proposals,
            Entry {
                ballot,
                value,
                learners,
            },
        );
    }

    /// What binds the 2av of this value in this ballot: those sent in it, by rule 4 of one value.
    pub(super) fn proposed_in(&self, ballot: Ballot, value: Digest) -> Option<&Entry> {
        self.proposals.iter().find(|e| e.binds(ballot, value))
    }

    /// What binds the 2b of this value in this ballot: those sent in it, by rule 4 of one value.
    pub(super) fn voted_in(&self, ballot: Ballot, value: Digest) -> Option<&Entry> {
        self.votes.iter().find(|e| e.binds(ballot, value))
    }

    /// HPaxos: the `votes` and `proposals` of a 1b, for this slot.
    pub(super) fn report(&self, slot: Slot) -> SlotReport {
        SlotReport {
            slot,
            votes: self.votes.clone(),
            proposals: self.proposals.clone(),
        }
    }
}

impl Entry {
    fn binds(&self, ballot: Ballot, value: Digest) -> bool {
        self.ballot == ballot && (self.value == value || !planted(Bug::TwoValues))
    }
}

/// Adds to the entry of this ballot and value; entries stay sorted, and none is empty.
fn add(entries: &mut Vec<Entry>, new: Entry) {
    match entries.binary_search_by_key(&(new.ballot, new.value), |e| (e.ballot, e.value)) {
        Ok(i) => entries[i].learners |= new.learners,
        Err(i) => entries.insert(i, new),
    }
    entries.retain(|e| !e.learners.is_empty());
}
