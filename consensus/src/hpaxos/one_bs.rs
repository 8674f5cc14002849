//! The 1b messages of one ballot, as one node has received them.

use super::message::{Entry, Message, OneB, SlotReport};
use crate::Slot;
use crypto::Verified;
use learner_graph::{AcceptorId, AcceptorSet};
use std::collections::BTreeMap;

/// HPaxos: `{m \in received : m.type = "1b" /\ m.bal = b}` for one ballot b.
#[derive(Debug, Default)]
pub(super) struct OneBs {
    messages: BTreeMap<AcceptorId, Verified<Message>>,
    senders: AcceptorSet,
    /// The highest low-water mark among the senders: from it on, each of them covers every slot.
    low_water: Slot,
    /// Who reports something about a slot.
    reporting: BTreeMap<Slot, AcceptorSet>,
}

impl OneBs {
    /// Takes in a 1b, unless one of the same acceptor is here already.
    pub(super) fn insert(&mut self, acceptor: AcceptorId, message: Verified<Message>) {
        let Message::OneB(one_b) = &*message else {
            return;
        };
        if !self.senders.insert(acceptor) {
            return;
        }
        self.low_water = self.low_water.max(one_b.low_water);
        for report in &one_b.slots {
            self.reporting
                .entry(report.slot)
                .or_default()
                .insert(acceptor);
        }
        self.messages.insert(acceptor, message);
    }

    /// Forgets the 1b of one acceptor.
    pub(super) fn remove(&mut self, acceptor: AcceptorId) {
        self.senders.remove(acceptor);
        self.messages.remove(&acceptor);
        self.reporting.retain(|_, reporting| {
            reporting.remove(acceptor);
            !reporting.is_empty()
        });
    }

    /// The acceptors whose 1b is here.
    pub(super) fn senders(&self) -> AcceptorSet {
        self.senders
    }

    /// The 1b of one acceptor.
    pub(super) fn get(&self, acceptor: AcceptorId) -> Option<&Verified<Message>> {
        self.messages.get(&acceptor)
    }

    /// All of them.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Verified<Message>> {
        self.messages.values()
    }

    /// The slots about which some 1b reports something, from `slot` on.
    pub(super) fn reported_from(&self, slot: Slot) -> impl DoubleEndedIterator<Item = Slot> {
        self.reporting.range(slot..).map(|(s, _)| *s)
    }

    /// What the 1b messages say about one slot. Those with a low-water mark above it say nothing.
    pub(super) fn of_slot(&self, slot: Slot) -> SlotView<'_> {
        let reporting = self.reporting.get(&slot).copied().unwrap_or_default();
        let covering = if slot >= self.low_water {
            self.senders
        } else {
            self.one_bs()
                .filter(|(_, m)| m.low_water <= slot)
                .map(|(a, _)| a)
                .collect()
        };
        let reports = reporting
            .iter()
            .filter_map(|a| Some((a, find(one_b(self.messages.get(&a)?)?, slot)?)))
            .collect();
        SlotView { covering, reports }
    }

    fn one_bs(&self) -> impl Iterator<Item = (AcceptorId, &OneB)> {
        self.messages
            .iter()
            .filter_map(|(a, m)| Some((*a, one_b(m)?)))
    }
}

fn one_b(message: &Message) -> Option<&OneB> {
    match message {
        Message::OneB(m) => Some(m),
        _ => None,
    }
}

fn find(one_b: &OneB, slot: Slot) -> Option<&SlotReport> {
    let i = one_b.slots.binary_search_by_key(&slot, |r| r.slot).ok()?;
    one_b.slots.get(i)
}

/// What the 1b messages of one ballot say about one slot.
#[derive(Debug)]
pub(super) struct SlotView<'a> {
    /// The acceptors whose 1b covers the slot.
    pub(super) covering: AcceptorSet,
    /// The reports of those that have sent something in the slot.
    pub(super) reports: Vec<(AcceptorId, &'a SlotReport)>,
}

impl SlotView<'_> {
    /// Every 2av shown, with who shows it.
    pub(super) fn proposals(&self) -> impl Iterator<Item = (AcceptorId, &Entry)> {
        self.reports
            .iter()
            .flat_map(|(a, r)| r.proposals.iter().map(|e| (*a, e)))
    }
}
