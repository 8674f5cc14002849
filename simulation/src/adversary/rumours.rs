//! What a liar has heard of values, so that its lies are about values that there are.

use super::voice::{Heard, nothing};
use consensus::hpaxos::Message;
use consensus::{Ballot, Slot};
use crypto::Digest;
use std::collections::{BTreeMap, BTreeSet};

/// Slots that are remembered.
const SLOTS: usize = 64;
/// Values of a slot that are remembered.
const VALUES: usize = 4;

/// The values heard of, by slot.
#[derive(Debug, Default)]
pub(super) struct Rumours {
    values: BTreeMap<Slot, BTreeSet<Digest>>,
    /// The highest ballot heard of.
    pub(super) ballot: Ballot,
}

impl Rumours {
    /// Remembers what is announced and voted.
    pub(super) fn hears(&mut self, message: &Heard) {
        self.ballot = self.ballot.max(message.ballot());
        match &**message {
            Message::OneC(m) => m.proposals.iter().for_each(|p| self.add(p.slot, p.value)),
            Message::Votes(m) => {
                for s in &m.slots {
                    let values = s.two_av.iter().chain(&s.two_b);
                    values.for_each(|(value, _)| self.add(s.slot, *value));
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, slot: Slot, value: Digest) {
        let values = self.values.entry(slot).or_default();
        values.insert(value);
        if values.len() > VALUES {
            values.pop_last();
        }
        if self.values.len() > SLOTS {
            self.values.pop_first();
        }
    }

    /// The slots heard of.
    pub(super) fn slots(&self) -> impl DoubleEndedIterator<Item = Slot> {
        self.values.keys().copied()
    }

    /// A value for a slot that is not this one: one heard of there, or else elsewhere, or else one that
    /// there is not.
    pub(super) fn another(&self, ballot: Ballot, slot: Slot, value: Option<Digest>) -> Digest {
        let here = self.values.get(&slot).into_iter().flatten();
        let mut known = here.chain(self.values.values().flatten());
        let other = known.find(|v| Some(**v) != value);
        other.copied().unwrap_or_else(|| nothing(ballot, slot))
    }
}
