//! What leaves memory. The history has every decision that was delivered, for ever; a few hundred recent ones stay
//! here, so that it is seldom asked.

use super::DiskPaxos;
use crate::Slot;
use crate::log::recent::stays_from;
use crypto::Digest;
use std::collections::BTreeSet;

impl DiskPaxos {
    /// Lets go of what the history has, once that is much.
    pub(super) fn forget(&mut self) {
        let large = self.batches.grown() >= self.config.recent_bytes;
        if let Some(oldest) = stays_from(self.oldest, self.next, self.config.recent, large) {
            self.drop_below(oldest);
        }
    }

    /// Delivered slots below leave memory, with everything that is there for their sake alone.
    fn drop_below(&mut self, oldest: Slot) {
        self.oldest = oldest;
        self.decided = self.decided.split_off(&oldest);
        self.pipeline.forget_below(self.next, &self.waiting);
        let decided = self.decided.values().map(|known| known.value);
        let proposed = self.pipeline.proposed().map(|(_, value)| value);
        // Blocks have the bytes of what they name.
        let named: BTreeSet<Digest> = decided.chain(proposed).collect();
        self.batches
            .retain(|value| named.contains(value), &mut self.waiting);
    }
}
