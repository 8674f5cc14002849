//! What leaves memory. The history has every decision that was delivered, for ever; a few hundred recent ones stay
//! here, so that it is seldom asked.

use super::DiskPaxos;
use crate::Slot;
use crypto::Digest;
use std::collections::BTreeSet;

impl DiskPaxos {
    /// Lets go of what the history has, once that is half as much again as shall stay, or large: looking everything
    /// through is not for every slot.
    pub(super) fn forget(&mut self) {
        let recent = self.config.recent;
        let large = self.batches.grown() >= self.config.recent_bytes;
        if !large && self.next.0 < self.oldest.0.saturating_add((recent + recent / 2).max(1)) {
            return;
        }
        let stay = if large { 0 } else { recent };
        self.oldest = Slot(self.next.0.saturating_sub(stay));
        self.decided = self.decided.split_off(&self.oldest);
        self.pipeline.forget_below(self.next, &self.waiting);
        let decided = self.decided.values().map(|known| known.value);
        let proposed = self.pipeline.proposed().map(|(_, value)| value);
        // Blocks have the bytes of what they name.
        let named: BTreeSet<Digest> = decided.chain(proposed).collect();
        for gone in self.batches.retain(|value| named.contains(value)) {
            self.waiting.forget(&gone);
        }
    }
}
