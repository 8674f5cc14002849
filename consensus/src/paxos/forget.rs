//! What leaves memory. The history has every decision that was delivered, for ever; a few hundred recent ones stay
//! here, so that it is seldom asked.

use super::{Output, Paxos, Record};
use crate::Slot;
use crate::log::recent::stays_from;
use crypto::Digest;
use std::collections::BTreeSet;

impl Paxos {
    /// Lets go of what the history has, once that is much.
    pub(super) fn forget(&mut self, out: &mut Vec<Output>) {
        let some = (self.config.recent / 2).max(1);
        let large = self.batches.grown() >= self.config.recent_bytes;
        if large || self.next.0 >= self.low_water().0.saturating_add(some) {
            self.settle(out);
        }
        self.trim(large);
    }

    /// The delivered slots that need not stay leave memory, once they are many or `large`.
    pub(super) fn trim(&mut self, large: bool) {
        if let Some(oldest) = stays_from(self.oldest, self.next, self.config.recent, large) {
            self.drop_below(oldest);
        }
    }

    /// Raises the low-water mark to the first slot that is not delivered.
    pub(super) fn settle(&mut self, out: &mut Vec<Output>) {
        if let Some(acceptor) = &mut self.acceptor
            && self.next > acceptor.low_water
        {
            out.push(Output::Persist(Record::LowWater(self.next)));
            acceptor.raise_low_water(self.next);
        }
    }

    /// The acceptor's low-water mark.
    pub(super) fn low_water(&self) -> Slot {
        self.acceptor.as_ref().map_or(self.next, |a| a.low_water)
    }

    /// Delivered slots below leave memory, with everything that is there for their sake alone.
    fn drop_below(&mut self, oldest: Slot) {
        self.oldest = oldest;
        let recent = self.decided.split_off(&oldest);
        let old = std::mem::replace(&mut self.decided, recent).into_values();
        let old: BTreeSet<Digest> = old.map(|(_, value)| value).collect();
        if let Some(proposer) = &mut self.proposer {
            proposer.forget_below(self.next, &self.waiting);
        }
        let named = self.named(oldest);
        // While what was stored is taken back, bytes come before whatever names them.
        let running = self.running;
        let needs = |value: &Digest| named.contains(value) || !running && !old.contains(value);
        self.batches.retain(needs, &mut self.waiting);
    }

    /// The values that anything in memory names in slots from this one on.
    pub(super) fn named(&self, from: Slot) -> BTreeSet<Digest> {
        let decided = self
            .decided
            .iter()
            .map(|(slot, (_, value))| (*slot, *value));
        let voted = self.acceptor.iter().flat_map(|a| a.voted());
        let proposed = self.proposer.iter().flat_map(|p| p.proposed());
        let named = decided
            .chain(voted)
            .chain(proposed)
            .chain(self.received.values());
        let named = named.filter(|(slot, _)| *slot >= from);
        named.map(|(_, value)| value).collect()
    }
}
