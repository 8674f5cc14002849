//! Classic Paxos against module Voting: every step is one of Voting's, and its invariants hold after it.
//!
//! ```text
//!   a 1b is durable ──► IncreaseMaxBal ─┐
//!   a 2b is durable ──► VoteFor ────────┼──► TypeOK, OneVote, OneValuePerBallot, VotesSafe,
//!   a decision ───────► chosen? ────────┘    Consistency, C!Spec
//! ```
//!
//! A statement of an acceptor counts once it is durable: before that it has not left, and the acceptor
//! may forget it.

pub mod consistency;
pub mod decided;
pub mod next;
pub mod one_value_per_ballot;
pub mod one_vote;
pub mod refinement;
pub mod state;
pub mod type_ok;
pub mod votes_safe;

use crate::disks::Disk;
use crate::oracle::{Oracle, Place, Verdict};
use crate::stage::Stage;
use consensus::paxos::{Body, Output, Paxos, Record};
use consensus::{Ballot, ClientValue, Protocol as _, Slot};
use crypto::Digest;
use learner_graph::AcceptorId;
use state::State;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Module Voting, fed with what acceptors say.
#[derive(Debug)]
pub struct Voting {
    stage: Arc<Stage>,
    state: State,
    /// `maxBal` as it was when it was last looked at.
    max_bal: BTreeMap<AcceptorId, Ballot>,
    /// Consensus: `chosen`, as it was before the last step.
    chosen: BTreeMap<Slot, BTreeSet<Digest>>,
    /// Voting: `Value`, of which batches are made.
    submitted: BTreeSet<Digest>,
    steps: u64,
}

impl Voting {
    /// Voting: Init.
    #[must_use]
    pub fn new(stage: &Arc<Stage>) -> Self {
        Voting {
            stage: Arc::clone(stage),
            state: State::new(stage),
            max_bal: BTreeMap::new(),
            chosen: BTreeMap::new(),
            submitted: BTreeSet::new(),
            steps: 0,
        }
    }

    /// How many steps of Voting were seen.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// A statement of an acceptor is durable.
    fn said(&mut self, a: AcceptorId, body: &Body) -> Verdict {
        match body {
            Body::OneB { ballot, .. } => {
                self.steps += 1;
                next::increase_max_bal(&mut self.state, a, *ballot)?;
                type_ok::grows(&mut self.max_bal, &self.state)
            }
            Body::TwoB { ballot, values } => {
                for (slot, value) in values {
                    self.steps += 1;
                    next::vote_for(&mut self.state, *slot, a, *ballot, *value)?;
                    self.voted(*slot)?;
                }
                type_ok::grows(&mut self.max_bal, &self.state)
            }
            _ => Ok(()),
        }
    }

    /// What holds after a vote. A promise alone makes none of it false.
    fn voted(&mut self, slot: Slot) -> Verdict {
        let state = &self.state;
        type_ok::check(state, slot)?;
        one_vote::check(state, slot)?;
        one_value_per_ballot::check(state, slot)?;
        votes_safe::check(state, slot)?;
        consistency::check(state, slot)?;
        refinement::check(self.chosen.entry(slot).or_default(), state.chosen(slot))
    }
}

impl Oracle<Paxos> for Voting {
    fn submitted(&mut self, value: &ClientValue) {
        self.submitted.insert(value.id());
    }

    fn stepped(&mut self, place: Place, machine: &Paxos, _: &[Disk]) -> Verdict {
        match self.stage.acceptor(place) {
            Some(a) => type_ok::remembers(&self.state, a, machine.status().max_bal),
            None => Ok(()),
        }
    }

    fn told(&mut self, place: Place, output: &Output) -> Verdict {
        match output {
            Output::Persist(Record::Message(message)) => {
                if let Body::Decided { votes } = &message.body {
                    for v in votes {
                        decided::check(&self.state, v.slot, v.ballot, v.value)?;
                    }
                }
                match self.stage.acceptor(place) {
                    Some(a) => self.said(a, &message.body),
                    None => Ok(()),
                }
            }
            Output::Decided(d) => {
                decided::check(&self.state, d.slot, d.ballot, d.value)?;
                decided::was_submitted(&self.submitted, &d.values)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod fixture {
    //! States made by hand.

    use super::state::State;
    use crate::cast::Cast;
    use crate::stage::Stage;
    use consensus::{Ballot, Slot};
    use crypto::Digest;
    use learner_graph::AcceptorId;
    use std::sync::Arc;

    pub(super) const SLOT: Slot = Slot(0);

    fn stage(acceptors: usize, read: usize, write: usize) -> Arc<Stage> {
        let cast = Cast::paxos(acceptors, read, write).expect("a network");
        Arc::new(Stage::new(cast, Vec::new()).expect("nobody lies"))
    }

    /// Three acceptors, any two of which are a quorum.
    pub(super) fn three() -> Arc<Stage> {
        stage(3, 2, 2)
    }

    /// Five acceptors: four read, two write.
    pub(super) fn flexible() -> Arc<Stage> {
        stage(5, 4, 2)
    }

    pub(super) fn a(n: u16) -> AcceptorId {
        AcceptorId(n - 1)
    }

    pub(super) fn v(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    /// Votes (acceptor, ballot, value), whether they may be cast or not; `maxBal` follows.
    pub(super) fn voted(stage: &Arc<Stage>, votes: &[(u16, u64, &str)]) -> State {
        let mut state = State::new(stage);
        for (n, b, value) in votes {
            state.vote(SLOT, a(*n), Ballot(*b), v(value));
            state.promise(a(*n), state.max_bal(a(*n)).max(Ballot(*b)));
        }
        state
    }
}

#[cfg(test)]
mod tests;
