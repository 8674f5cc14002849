//! What a node has received: `msgs`, as far as it still matters.

use super::message::{Body, Message, Vote};
use crate::{Ballot, Slot, Time};
use crypto::{Digest, MemberId};
use learner_graph::{AcceptorId, AcceptorSet};
use std::collections::BTreeMap;

/// 1b messages of so many ballots are kept, and the 2b of so many in each slot.
const MAX_BALLOTS: usize = 32;

/// The 1b of one acceptor.
#[derive(Clone, Debug)]
pub(super) struct OneB {
    pub(super) low_water: Slot,
    pub(super) votes: BTreeMap<Slot, (Ballot, Digest)>,
    message: Message,
}

/// The 1b messages of one ballot.
#[derive(Clone, Debug, Default)]
pub(super) struct OneBs(BTreeMap<AcceptorId, OneB>);

/// What was received about one slot.
#[derive(Debug, Default)]
pub(super) struct SlotReceived {
    /// When anything about it was first heard.
    pub(super) since: Time,
    /// The 2a of the highest ballot.
    pub(super) two_a: Option<(Ballot, Digest)>,
    /// Who sent the 2b of a ballot and value.
    pub(super) two_b: BTreeMap<(Ballot, Digest), AcceptorSet>,
}

/// Everything received that still matters.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// The highest ballot started, and by whom.
    one_a: Option<(Ballot, MemberId)>,
    one_b: BTreeMap<Ballot, OneBs>,
    slots: BTreeMap<Slot, SlotReceived>,
}

impl OneBs {
    /// Who sent a 1b that covers this slot.
    pub(super) fn covering(&self, slot: Slot) -> AcceptorSet {
        self.0
            .iter()
            .filter(|(_, m)| m.low_water <= slot)
            .map(|(a, _)| *a)
            .collect()
    }

    /// Everyone who sent a 1b.
    pub(super) fn senders(&self) -> AcceptorSet {
        self.0.keys().copied().collect()
    }

    /// Paxos: Phase2a, the value of the highest `maxVbal`; `None` if no acceptor has voted.
    pub(super) fn highest_vote(&self, slot: Slot) -> Option<(Ballot, Digest)> {
        self.0
            .values()
            .filter_map(|m| m.votes.get(&slot))
            .max()
            .copied()
    }

    /// One past the last slot with a vote.
    pub(super) fn end(&self) -> Slot {
        let last = |m: &OneB| m.votes.last_key_value().map_or(Slot(0), |(s, _)| s.next());
        self.0.values().map(last).max().unwrap_or_default()
    }
}

impl Received {
    /// The highest ballot above `above` and up to `limit` that its owner has started.
    pub(super) fn started(&self, above: Ballot, limit: Ballot) -> Option<Ballot> {
        self.one_a
            .map(|(b, _)| b)
            .filter(|b| *b > above && *b <= limit)
    }

    /// Takes in a 1a.
    pub(super) fn one_a(&mut self, ballot: Ballot, from: MemberId) {
        if self.one_a.is_none_or(|(b, _)| b < ballot) {
            self.one_a = Some((ballot, from));
        }
    }

    /// Takes in a 1b. True if it is new.
    pub(super) fn one_b(&mut self, acceptor: AcceptorId, message: &Message) -> bool {
        let Body::OneB {
            ballot,
            low_water,
            votes,
        } = &message.body
        else {
            return false;
        };
        let one_bs = self.one_b.entry(*ballot).or_default();
        if one_bs.0.contains_key(&acceptor) {
            return false;
        }
        let votes = votes
            .iter()
            .map(|v| (v.slot, (v.ballot, v.value)))
            .collect();
        one_bs.0.insert(
            acceptor,
            OneB {
                low_water: *low_water,
                votes,
                message: message.clone(),
            },
        );
        if self.one_b.len() > MAX_BALLOTS {
            self.one_b.pop_first();
        }
        true
    }

    /// The 1b messages of a ballot.
    pub(super) fn one_bs(&self, ballot: Ballot) -> Option<&OneBs> {
        self.one_b.get(&ballot)
    }

    /// The highest ballot of which some 1b, 2a or 2b is here.
    pub(super) fn highest_joined(&self) -> Ballot {
        let joined = self
            .one_b
            .last_key_value()
            .map_or(Ballot::NONE, |(b, _)| *b);
        let voted = self
            .slots
            .values()
            .filter_map(|s| s.two_b.last_key_value())
            .map(|((b, _), _)| *b);
        voted.max().unwrap_or(Ballot::NONE).max(joined)
    }

    fn slot_mut(&mut self, slot: Slot, now: Time) -> &mut SlotReceived {
        self.slots.entry(slot).or_insert_with(|| SlotReceived {
            since: now,
            ..Default::default()
        })
    }

    /// Takes in the 2a of a slot. True if it is the highest so far: others are for nothing.
    pub(super) fn two_a(&mut self, vote: Vote, now: Time) -> bool {
        let known = self.slot_mut(vote.slot, now);
        let highest = known.two_a.is_none_or(|(b, _)| b < vote.ballot);
        if highest {
            known.two_a = Some((vote.ballot, vote.value));
        }
        highest
    }

    /// Takes in the 2b of a slot. Returns who has sent the same.
    pub(super) fn two_b(&mut self, a: AcceptorId, vote: Vote, now: Time) -> AcceptorSet {
        let known = self.slot_mut(vote.slot, now);
        let senders = known.two_b.entry((vote.ballot, vote.value)).or_default();
        senders.insert(a);
        let senders = *senders;
        if known.two_b.len() > MAX_BALLOTS {
            // Should that have been a quorum, whoever knows it tells.
            known.two_b.pop_first();
        }
        senders
    }

    /// The values proposed and voted for, by slot.
    pub(super) fn values(&self) -> impl Iterator<Item = (Slot, Digest)> {
        let of_slot = |(slot, s): (&Slot, &SlotReceived)| {
            let two_a = s.two_a.iter().map(|(_, value)| *value);
            let two_b = s.two_b.keys().map(|(_, value)| *value);
            let slot = *slot;
            let values: Vec<_> = two_a.chain(two_b).map(|value| (slot, value)).collect();
            values
        };
        self.slots.iter().flat_map(of_slot)
    }

    /// What is known about a slot.
    pub(super) fn slot(&self, slot: Slot) -> Option<&SlotReceived> {
        self.slots.get(&slot)
    }

    /// The slots of which anything is known, ascending.
    pub(super) fn slots(&self) -> impl DoubleEndedIterator<Item = (Slot, &SlotReceived)> {
        self.slots.iter().map(|(s, r)| (*s, r))
    }

    /// Forgets a slot that is decided.
    pub(super) fn forget(&mut self, slot: Slot) {
        self.slots.remove(&slot);
    }

    /// The 1a and the 1b of ballots from `from` on, as they were sent.
    pub(super) fn joining(&self, from: Ballot) -> impl Iterator<Item = Message> {
        let one_a = self.one_a.filter(|(b, _)| *b >= from);
        let one_a = one_a.map(|(ballot, from)| Message {
            from,
            body: Body::OneA { ballot },
        });
        let one_b = self.one_b.range(from..).flat_map(|(_, o)| o.0.values());
        one_a.into_iter().chain(one_b.map(|m| m.message.clone()))
    }

    /// The votes of the highest 2a and of all 2b of a slot, with who sent them.
    pub(super) fn votes_in(&self, slot: Slot) -> (Option<Vote>, Vec<(AcceptorSet, Vote)>) {
        let Some(s) = self.slots.get(&slot) else {
            return (None, Vec::new());
        };
        let vote = |ballot, value| Vote {
            slot,
            ballot,
            value,
        };
        let two_b = s
            .two_b
            .iter()
            .map(|((b, v), from)| (*from, vote(*b, *v)))
            .collect();
        (s.two_a.map(|(b, v)| vote(b, v)), two_b)
    }
}
