//! The acceptor: Phase1b, Phase2av and Phase2b.

use super::entries::Sent;
use super::message::{Message, OneB, Scope, SlotVotes, Votes};
use super::received::Received;
use super::safe_at::{Trust, knows_safe_at};
use crate::log::batches::Batches;
use crate::planted::{self, Bug, planted};
use crate::{Ballot, Page, Slot};
use crypto::Digest;
use learner_graph::{AcceptorId, LearnerSet};
use std::collections::{BTreeMap, BTreeSet};

/// The state that an acceptor must never forget.
#[derive(Debug)]
pub(super) struct Acceptor {
    pub(super) id: AcceptorId,
    /// HPaxos: `maxBal[l, a]`, one number for all learners: a ballot is joined for all at once.
    pub(super) max_bal: Ballot,
    /// Below it nothing is ever signed again.
    pub(super) low_water: Slot,
    /// HPaxos: `votesSent` and `2avSent`, by slot; those of frozen pages are in the history.
    sent: BTreeMap<Slot, Sent>,
    /// What its 1b of `max_bal` is about, the part with which it joined.
    scope: Scope,
    /// The pages about which it has said its 1b of `max_bal` since.
    thawed: BTreeSet<Page>,
}

impl Acceptor {
    pub(super) fn new(id: AcceptorId) -> Self {
        Acceptor {
            id,
            max_bal: Ballot::NONE,
            low_water: Slot(0),
            sent: BTreeMap::new(),
            scope: Scope::ALL,
            thawed: BTreeSet::new(),
        }
    }

    /// Raises the low-water mark and forgets what is below. The caller has made sure that a
    /// certificate of every learner is held for every slot below, and stores the mark first.
    pub(super) fn raise_low_water(&mut self, mark: Slot) {
        if mark > self.low_water {
            self.low_water = mark;
            self.sent = self.sent.split_off(&mark);
            self.thawed.retain(|page| page.end > mark);
        }
    }

    /// Forgets a page, unless it has said something there that is not among these messages of its own: all
    /// that it gets back. True if it is forgotten.
    pub(super) fn freeze<'a>(
        &mut self,
        page: Page,
        own: impl Iterator<Item = &'a Message>,
    ) -> bool {
        let mut kept = Acceptor::new(self.id);
        kept.low_water = self.low_water;
        for message in own {
            match message {
                Message::Votes(votes) => kept.restore_votes(votes, |slot| page.contains(slot)),
                Message::OneB(one_b) if one_b.ballot == self.max_bal => kept.restore_1b(one_b),
                _ => {}
            }
        }
        let same = self.sent.range(page.start..page.end).eq(&kept.sent)
            && self.thawed.contains(&page) == kept.thawed.contains(&page);
        if same {
            self.sent.retain(|slot, _| !page.contains(*slot));
        }
        same
    }

    /// The values of everything that it has sent and may have to show.
    pub(super) fn named(&self) -> impl Iterator<Item = Digest> {
        let entries = self
            .sent
            .values()
            .flat_map(|s| s.votes.iter().chain(&s.proposals));
        entries.map(|e| e.value)
    }

    /// HPaxos: Phase1b(l, b, a) for all learners l, but not yet for the slots of frozen pages. The caller has
    /// checked InitializedBallot.
    ///
    /// Returns the signed 1b, which must be durable before it leaves. `None` if `maxBal < b` does not
    /// hold: a ballot is joined once, and its 1b is repeated only by repeating its bytes. `None` as
    /// well if it cannot be signed: then nothing has happened.
    pub(super) fn phase_1b<T>(
        &mut self,
        ballot: Ballot,
        frozen: Vec<Page>,
        sign: impl FnOnce(OneB) -> Option<T>,
    ) -> Option<T> {
        if ballot <= self.max_bal {
            return None;
        }
        let scope = Scope::AllBut(frozen);
        let one_b = sign(self.one_b(ballot, scope.clone()))?;
        // HPaxos: maxBal' = [maxBal EXCEPT ![l, a] = b].
        self.max_bal = ballot;
        (self.scope, self.thawed) = (scope, BTreeSet::new());
        Some(one_b)
    }

    /// HPaxos: Phase1b(l, b, a) of the joined ballot for the slots of a page that has thawed, once. `None` if
    /// it was said, or cannot be signed.
    pub(super) fn phase_1b_of<T>(
        &mut self,
        page: Page,
        sign: impl FnOnce(OneB) -> Option<T>,
    ) -> Option<T> {
        if self.max_bal == Ballot::NONE || page.slots().any(|slot| self.has_reported(slot)) {
            return None;
        }
        let one_b = sign(self.one_b(self.max_bal, Scope::Only(page)))?;
        self.thawed.insert(page);
        Some(one_b)
    }

    /// Whether its 1b of the joined ballot is about a slot: before that it votes there no more than in
    /// another ballot.
    fn has_reported(&self, slot: Slot) -> bool {
        self.scope.contains(slot) || Page::among(&self.thawed, slot).is_some()
    }

    fn one_b(&self, ballot: Ballot, scope: Scope) -> OneB {
        // HPaxos: votes |-> {p \in votesSent[a] : MaxVote(a, b, p)}, proposals |-> {p \in 2avSent[a] : …}.
        let slots = self
            .sent
            .iter()
            .filter(|(slot, _)| scope.contains(**slot))
            .map(|(slot, sent)| sent.report(*slot))
            .filter_map(planted::tampered)
            .collect();
        OneB {
            ballot,
            low_water: planted::low_water(self.low_water),
            scope,
            slots,
        }
    }

    /// HPaxos: Phase2av and Phase2b in the joined ballot, for these slots and all learners.
    ///
    /// What is returned counts as sent, and must be durable before it leaves. Digests whose bytes
    /// would be needed are added to `missing`.
    pub(super) fn phase_2(
        &mut self,
        slots: &BTreeSet<Slot>,
        received: &Received,
        batches: &Batches,
        trust: Trust<'_>,
        missing: &mut Vec<Digest>,
    ) -> Option<Votes> {
        let ballot = self.max_bal;
        let mut votes = self.phase_2_in(ballot, slots, received, batches, trust, missing);
        if let Some(other) = planted::other_ballot(ballot) {
            votes =
                votes.or_else(|| self.phase_2_in(other, slots, received, batches, trust, missing));
        }
        votes
    }

    fn phase_2_in(
        &mut self,
        ballot: Ballot,
        slots: &BTreeSet<Slot>,
        received: &Received,
        batches: &Batches,
        trust: Trust<'_>,
        missing: &mut Vec<Digest>,
    ) -> Option<Votes> {
        let mut said = Vec::new();
        for slot in slots.range(self.low_water..).copied() {
            if !self.has_reported(slot) {
                continue;
            }
            let two_av = self.phase_2av(ballot, slot, received, batches, trust);
            if let Some((value, learners)) = two_av {
                self.sent
                    .entry(slot)
                    .or_default()
                    .add_proposal(ballot, value, learners);
            }
            let two_b = self.phase_2b(ballot, slot, received, batches, trust, missing);
            if let Some((value, learners)) = two_b {
                self.sent
                    .entry(slot)
                    .or_default()
                    .add_vote(ballot, value, learners);
            }
            if two_av.is_some() || two_b.is_some() {
                said.push(SlotVotes {
                    slot,
                    two_av,
                    two_b,
                });
            }
        }
        (!said.is_empty()).then_some(Votes {
            ballot,
            slots: said,
        })
    }

    /// HPaxos: Phase2av(l, b, a, v), the learners l for which it is enabled and not done.
    fn phase_2av(
        &self,
        ballot: Ballot,
        slot: Slot,
        received: &Received,
        batches: &Batches,
        trust: Trust<'_>,
    ) -> Option<(Digest, LearnerSet)> {
        // HPaxos: AnnouncedValue(l, b, v); it implies InitializedBallot(l, b).
        let announced = received.slot(slot)?.announced(ballot)?;
        let value = announced.value;
        let mut learners = announced.learners;
        // At most one value per slot and ballot, whatever the learner (rule 4).
        if let Some(before) = self
            .sent
            .get(&slot)
            .and_then(|s| s.proposed_in(ballot, value))
        {
            if before.value != value {
                return None;
            }
            learners -= before.learners;
        }
        // The bytes are stored first (rule 7).
        let stored = batches.stored(&value) || planted(Bug::VoteWithoutBytes);
        if learners.is_empty() || !stored {
            return None;
        }
        // HPaxos: KnowsSafeAt(l, a, b, v).
        let view = received.one_bs(ballot)?.of_slot(slot);
        let safe: LearnerSet = learners
            .iter()
            .filter(|l| planted(Bug::TrustProposer) || knows_safe_at(trust, &view, *l, &value))
            .collect();
        (!safe.is_empty()).then_some((value, safe))
    }

    /// HPaxos: Phase2b(l, b, a, v), the learners l for which it is enabled and not done.
    fn phase_2b(
        &self,
        ballot: Ballot,
        slot: Slot,
        received: &Received,
        batches: &Batches,
        trust: Trust<'_>,
        missing: &mut Vec<Digest>,
    ) -> Option<(Digest, LearnerSet)> {
        let sent = self.sent.get(&slot);
        received
            .slot(slot)?
            .two_av(ballot)
            .find_map(|(value, tally)| {
                // At most one value per slot and ballot, whatever the learner (rule 4).
                let before = sent.and_then(|s| s.voted_in(ballot, value));
                if before.is_some_and(|b| b.value != value) {
                    return None;
                }
                let done = before.map(|b| b.learners).unwrap_or_default();
                // HPaxos: \E Q : [lr |-> l, q |-> Q] \in TrustLive /\ \A aa \in Q : a 2av of aa was received.
                let mut learners = LearnerSet::EMPTY;
                for (of, senders) in tally.groups() {
                    learners |= planted::with_quorum(trust.graph, of - done, &senders);
                }
                if learners.is_empty() {
                    return None;
                }
                // The bytes are stored first (rule 7).
                if !batches.stored(&value) && !planted(Bug::VoteWithoutBytes) {
                    missing.push(value);
                    return None;
                }
                Some((value, learners))
            })
    }

    /// Takes back a 1b of its own from storage.
    pub(super) fn restore_1b(&mut self, one_b: &OneB) {
        if one_b.ballot > self.max_bal && !planted(Bug::ForgetPromise) {
            self.max_bal = one_b.ballot;
            (self.scope, self.thawed) = (Scope::ALL, BTreeSet::new());
        }
        if one_b.ballot == self.max_bal {
            match &one_b.scope {
                scope @ Scope::AllBut(_) => self.scope = scope.clone(),
                Scope::Only(page) => {
                    self.thawed.insert(*page);
                }
            }
        }
        self.raise_low_water(one_b.low_water);
    }

    /// Takes back 2av and 2b of its own from storage, those of some slots.
    pub(super) fn restore_votes(&mut self, votes: &Votes, of: impl Fn(Slot) -> bool) {
        // It votes in its joined ballot only.
        if !planted(Bug::VoteWithoutJoining) {
            self.max_bal = self.max_bal.max(votes.ballot);
        }
        if planted(Bug::ForgetVotes) {
            return;
        }
        let low_water = self.low_water;
        let counts = |s: &&SlotVotes| s.slot >= low_water && of(s.slot);
        for said in votes.slots.iter().filter(counts) {
            let sent = self.sent.entry(said.slot).or_default();
            if let Some((value, learners)) = said.two_av {
                sent.add_proposal(votes.ballot, value, learners);
            }
            if let Some((value, learners)) = said.two_b {
                sent.add_vote(votes.ballot, value, learners);
            }
        }
    }
}
