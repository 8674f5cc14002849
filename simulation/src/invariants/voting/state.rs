//! The variables of module Voting, and what it defines on them.
//!
//! Phase 1 has quorums of its own: where the module says Quorum of acceptors that have promised, those are
//! read quorums, and where it says that a value is chosen, write quorums. Any of the one kind meets any of
//! the other, which is all that the module's proofs need. Both families are closed upwards, so that a
//! quorum of acceptors of whom something holds exists if and only if all acceptors of whom it holds are one.

use crate::stage::Stage;
use consensus::{Ballot, Slot};
use crypto::Digest;
use learner_graph::{AcceptorId, AcceptorSet, LearnerId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Voting: `VotedFor(a, b, v)`, as (b, v, a).
pub type Vote = (Ballot, Digest, AcceptorId);

/// Voting: `votes` and `maxBal`. Every slot is an instance of the module, with votes of its own; a promise
/// is for all of them. Ballots start at 1, and 0 stands for the module's -1.
#[derive(Debug)]
pub struct State {
    stage: Arc<Stage>,
    max_bal: BTreeMap<AcceptorId, Ballot>,
    votes: BTreeMap<Slot, BTreeSet<Vote>>,
}

/// Learners differ in nothing but where they are.
const ANY: LearnerId = LearnerId(0);

impl State {
    /// Voting: Init.
    #[must_use]
    pub fn new(stage: &Arc<Stage>) -> Self {
        State {
            stage: Arc::clone(stage),
            max_bal: BTreeMap::new(),
            votes: BTreeMap::new(),
        }
    }

    /// `maxBal' = [maxBal EXCEPT ![a] = b]`.
    pub(super) fn promise(&mut self, a: AcceptorId, b: Ballot) {
        self.max_bal.insert(a, b);
    }

    /// `votes' = [votes EXCEPT ![a] = votes[a] \cup {<<b, v>>}]`.
    pub(super) fn vote(&mut self, slot: Slot, a: AcceptorId, b: Ballot, v: Digest) {
        self.votes.entry(slot).or_default().insert((b, v, a));
    }

    /// Voting: `Acceptor`.
    #[must_use]
    pub fn acceptors(&self) -> AcceptorSet {
        self.stage.network().graph().acceptors()
    }

    /// Whoever may start a ballot owns some.
    #[must_use]
    pub fn is_ballot(&self, b: Ballot) -> bool {
        self.stage.network().owner(b).is_some()
    }

    /// Voting: `maxBal[a]`.
    #[must_use]
    pub fn max_bal(&self, a: AcceptorId) -> Ballot {
        self.max_bal.get(&a).copied().unwrap_or(Ballot::NONE)
    }

    /// All votes in a slot, in the order of ballots and values.
    pub fn votes(&self, slot: Slot) -> impl Iterator<Item = &Vote> + Clone {
        self.votes.get(&slot).into_iter().flatten()
    }

    /// The acceptors of whom something holds.
    pub(super) fn those(&self, holds: impl Fn(AcceptorId) -> bool) -> AcceptorSet {
        self.acceptors().iter().filter(|a| holds(*a)).collect()
    }

    /// Whether this is a quorum of phase 1.
    #[must_use]
    pub fn is_read_quorum(&self, set: &AcceptorSet) -> bool {
        self.stage.read_quorums().is_quorum(ANY, set)
    }

    /// Whether this is a quorum of phase 2.
    #[must_use]
    pub fn is_write_quorum(&self, set: &AcceptorSet) -> bool {
        self.stage.network().graph().is_quorum(ANY, set)
    }

    /// Voting: VotedFor(a, b, v).
    #[must_use]
    pub fn voted_for(&self, slot: Slot, a: AcceptorId, b: Ballot, v: Digest) -> bool {
        let votes = self.votes.get(&slot);
        votes.is_some_and(|votes| votes.contains(&(b, v, a)))
    }

    /// Voting: DidNotVoteAt(a, b).
    #[must_use]
    pub fn did_not_vote_at(&self, slot: Slot, a: AcceptorId, b: Ballot) -> bool {
        self.votes(slot).all(|(bal, _, acc)| (*bal, *acc) != (b, a))
    }

    /// Voting: `\E Q \in Quorum : ShowsSafeAt(Q, b, v)`.
    #[must_use]
    pub fn shows_safe_at(&self, slot: Slot, b: Ballot, v: Digest) -> bool {
        let of_value = self.votes(slot).filter(|(c, w, _)| *c < b && *w == v);
        let mut cs: BTreeSet<Ballot> = of_value.map(|(c, ..)| *c).collect();
        cs.insert(Ballot::NONE);
        cs.into_iter().any(|c| {
            // \A a \in Q : maxBal[a] >= b; \A d \in (c+1)..(b-1) : DidNotVoteAt(a, d).
            let silent = |a| {
                let mut votes = self.votes(slot);
                !votes.any(|(d, _, acc)| *acc == a && c < *d && *d < b)
            };
            let q = self.those(|a| self.max_bal(a) >= b && silent(a));
            // (c # -1) => \E a \in Q : VotedFor(a, c, v).
            let shown = c == Ballot::NONE || q.iter().any(|a| self.voted_for(slot, a, c, v));
            shown && self.is_read_quorum(&q)
        })
    }

    /// Voting: ChosenAt(b, v).
    #[must_use]
    pub fn chosen_at(&self, slot: Slot, b: Ballot, v: Digest) -> bool {
        self.is_write_quorum(&self.those(|a| self.voted_for(slot, a, b, v)))
    }

    /// Voting: chosen.
    #[must_use]
    pub fn chosen(&self, slot: Slot) -> BTreeSet<Digest> {
        let voted: BTreeSet<(Ballot, Digest)> =
            self.votes(slot).map(|(b, v, _)| (*b, *v)).collect();
        let chosen = voted
            .into_iter()
            .filter(|(b, v)| self.chosen_at(slot, *b, *v));
        chosen.map(|(_, v)| v).collect()
    }

    /// Voting: CannotVoteAt(a, b).
    #[must_use]
    pub fn cannot_vote_at(&self, slot: Slot, a: AcceptorId, b: Ballot) -> bool {
        self.max_bal(a) > b && self.did_not_vote_at(slot, a, b)
    }

    /// Voting: NoneOtherChoosableAt(b, v). A read quorum, since it has to meet all that could choose.
    #[must_use]
    pub fn none_other_choosable_at(&self, slot: Slot, b: Ballot, v: Digest) -> bool {
        let out = |a| self.voted_for(slot, a, b, v) || self.cannot_vote_at(slot, a, b);
        self.is_read_quorum(&self.those(out))
    }

    /// Voting: SafeAt(b, v).
    #[must_use]
    pub fn safe_at(&self, slot: Slot, b: Ballot, v: Digest) -> bool {
        (1..b.0).all(|c| self.none_other_choosable_at(slot, Ballot(c), v))
    }
}
