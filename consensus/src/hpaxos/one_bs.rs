//! The 1b messages of one ballot, as one node has received them.

use super::message::{Entry, MAX_PAGE, Message, OneB, Scope, SlotReport};
use crate::{Page, Slot};
use crypto::Verified;
use learner_graph::{AcceptorId, AcceptorSet};
use std::collections::BTreeMap;

/// HPaxos: `{m \in received : m.type = "1b" /\ m.bal = b}` for one ballot b.
#[derive(Debug, Default)]
pub(super) struct OneBs {
    /// The parts with which acceptors joined.
    messages: BTreeMap<AcceptorId, Verified<Message>>,
    senders: AcceptorSet,
    /// The highest low-water mark among the senders: from it on, each of them covers every slot, but for
    /// frozen pages.
    low_water: Slot,
    /// Whether some sender has left out a page.
    frozen: bool,
    /// The parts about single pages.
    parts: BTreeMap<(Page, AcceptorId), Verified<Message>>,
    /// Who reports something about a slot.
    reporting: BTreeMap<Slot, AcceptorSet>,
}

impl OneBs {
    /// Takes in a part of a 1b, unless the acceptor has said that part already.
    pub(super) fn insert(&mut self, acceptor: AcceptorId, message: Verified<Message>) {
        let Message::OneB(one_b) = &*message else {
            return;
        };
        if self.get(acceptor, &one_b.scope).is_some() {
            return;
        }
        for report in &one_b.slots {
            self.reporting
                .entry(report.slot)
                .or_default()
                .insert(acceptor);
        }
        match &one_b.scope {
            Scope::Only(page) => {
                self.parts.insert((*page, acceptor), message);
            }
            Scope::AllBut(pages) => {
                self.low_water = self.low_water.max(one_b.low_water);
                self.frozen |= !pages.is_empty();
                self.senders.insert(acceptor);
                self.messages.insert(acceptor, message);
            }
        }
    }

    /// Forgets the 1b of one acceptor.
    pub(super) fn remove(&mut self, acceptor: AcceptorId) {
        self.senders.remove(acceptor);
        self.messages.remove(&acceptor);
        self.parts.retain(|(_, from), _| *from != acceptor);
        self.reporting.retain(|_, reporting| {
            reporting.remove(acceptor);
            !reporting.is_empty()
        });
    }

    /// Forgets the parts about single pages that are not to be kept.
    pub(super) fn retain_parts(&mut self, keep: impl Fn(&Page) -> bool) {
        let gone = self.parts.keys().filter(|(page, _)| !keep(page));
        for key in gone.copied().collect::<Vec<_>>() {
            self.forget_part(key);
        }
    }

    /// Forgets the first part of an acceptor about a single page. True if there was one.
    pub(super) fn remove_part(&mut self, acceptor: AcceptorId) -> bool {
        let first = self.parts.keys().find(|(_, from)| *from == acceptor);
        first.copied().map(|key| self.forget_part(key)).is_some()
    }

    fn forget_part(&mut self, key: (Page, AcceptorId)) {
        let part = self.parts.remove(&key);
        let joined = self.messages.get(&key.1).and_then(|m| one_b(m));
        for report in part
            .as_deref()
            .and_then(one_b)
            .iter()
            .flat_map(|m| &m.slots)
        {
            let elsewhere = joined.is_some_and(|m| find(m, report.slot).is_some());
            if let (false, Some(reporting)) = (elsewhere, self.reporting.get_mut(&report.slot)) {
                reporting.remove(key.1);
                if reporting.is_empty() {
                    self.reporting.remove(&report.slot);
                }
            }
        }
    }

    /// Nobody has said anything.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.parts.is_empty()
    }

    /// The acceptors that have joined.
    pub(super) fn senders(&self) -> AcceptorSet {
        self.senders
    }

    /// The part of an acceptor's 1b with this scope; there is one with which it joined.
    pub(super) fn get(&self, acceptor: AcceptorId, scope: &Scope) -> Option<&Verified<Message>> {
        match scope {
            Scope::AllBut(_) => self.messages.get(&acceptor),
            Scope::Only(page) => self.parts.get(&(*page, acceptor)),
        }
    }

    /// All parts of the 1b of one acceptor.
    pub(super) fn of(&self, acceptor: AcceptorId) -> impl Iterator<Item = &Verified<Message>> {
        let parts = self.parts.iter();
        let parts = parts.filter(move |((_, from), _)| *from == acceptor);
        self.messages
            .get(&acceptor)
            .into_iter()
            .chain(parts.map(|(_, m)| m))
    }

    /// Those with which acceptors joined.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Verified<Message>> {
        self.messages.values()
    }

    /// All of these and those about single pages.
    pub(super) fn all(&self) -> impl Iterator<Item = &Verified<Message>> {
        self.messages.values().chain(self.parts.values())
    }

    /// Those about single pages.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&Page, AcceptorId, &Verified<Message>)> {
        self.parts.iter().map(|((page, from), m)| (page, *from, m))
    }

    /// The slots about which some 1b reports something, from `slot` on.
    pub(super) fn reported_from(&self, slot: Slot) -> impl DoubleEndedIterator<Item = Slot> {
        self.reporting.range(slot..).map(|(s, _)| *s)
    }

    /// What the 1b messages say about one slot. Those that do not cover it say nothing.
    pub(super) fn of_slot(&self, slot: Slot) -> SlotView<'_> {
        let reporting = self.reporting.get(&slot).copied().unwrap_or_default();
        let covering = if slot >= self.low_water && !self.frozen {
            self.senders
        } else {
            self.about(slot).map(|(a, _)| a).collect()
        };
        let reports = match reporting.is_empty() {
            true => Vec::new(),
            false => self
                .about(slot)
                .filter_map(|(a, m)| Some((a, find(m, slot)?)))
                .collect(),
        };
        SlotView { covering, reports }
    }

    /// Every part that covers a slot. Of one acceptor there may be two, if it lies: the first counts.
    fn about(&self, slot: Slot) -> impl Iterator<Item = (AcceptorId, &OneB)> {
        let joined = self.messages.iter().map(|(a, m)| (*a, m));
        // A page that has the slot begins no earlier.
        let first = Slot(slot.0.saturating_sub(MAX_PAGE));
        let near = |start| {
            let end = Slot(0);
            (Page { start, end }, AcceptorId(0))
        };
        let parts = self.parts.range(near(first)..near(slot.next()));
        let parts = parts.map(|((_, a), m)| (*a, m));
        let all = joined.chain(parts);
        let mut seen = AcceptorSet::EMPTY;
        all.filter_map(move |(a, m)| Some((a, one_b(m).filter(|m| m.covers(slot))?)))
            .filter(move |(a, _)| seen.insert(*a))
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
