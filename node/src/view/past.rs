//! What was delivered too long ago for memory. It is read from the disk: nothing here but [`View::may_find`] is to be
//! called from asynchronous code.

use super::View;
use super::decisions::{Delivered, Receipt};
use crate::config::Mode;
use consensus::Slot;
use consensus::storage::StorageError;
use crypto::Digest;
use learner_graph::LearnerId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// The learner whose log in the history is this one's: where learners differ in nothing but where they
/// are, there is one log for all.
pub(super) fn lane(mode: Mode, learner: LearnerId) -> LearnerId {
    match mode {
        Mode::Hpaxos => learner,
        Mode::Paxos | Mode::DiskPaxos => LearnerId(0),
    }
}

impl View {
    /// Decisions of a learner that were delivered long ago, from a slot on: at most `limit`, and about
    /// `max_bytes` of them. The history may know more, which is not durable yet.
    pub(crate) fn old(
        &self,
        learner: LearnerId,
        from: Slot,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Arc<Delivered>>, StorageError> {
        let lane = lane(self.mode, learner);
        let next = self.log(learner).map_or(Slot(0), |log| log.next());
        let mut shown = self.shelf.decisions(lane, from, limit, max_bytes)?;
        shown.retain(|shown| shown.slot < next);
        let delivered = shown.into_iter().map(Delivered::shown);
        Ok(delivered.map(Arc::new).collect())
    }

    /// Whether it is worth looking whether a value was delivered long ago. Nothing is read.
    pub(crate) fn may_find(&self, value: &Digest) -> bool {
        self.shelf.may_find(value)
    }

    /// Which of these values were delivered to a learner, however long ago: their places, and where they are decided.
    /// Of values of one slot, the slot is read once, and its batch never.
    ///
    /// # Errors
    /// If it cannot be told of one of them, which is named by its place, from 1.
    pub(crate) fn find(
        &self,
        learner: LearnerId,
        values: impl IntoIterator<Item = (usize, Digest)>,
    ) -> Result<Vec<(usize, Receipt)>, StorageError> {
        let lane = lane(self.mode, learner);
        let next = self.log(learner).map_or(Slot(0), |log| log.next());
        let mut receipts: HashMap<Slot, Option<Receipt>> = HashMap::new();
        let mut found = Vec::new();
        for (at, id) in values {
            let of_value = |error: StorageError| StorageError(format!("value {}: {error}", at + 1));
            let slot = self.shelf.find(lane, &id).map_err(of_value)?;
            let Some(slot) = slot.filter(|slot| *slot < next) else {
                continue;
            };
            let receipt = match receipts.entry(slot) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    let outcome = self.shelf.outcome(lane, slot).map_err(of_value)?;
                    *new.insert(outcome.map(|outcome| Receipt::read(learner, slot, &outcome)))
                }
            };
            found.extend(receipt.map(|receipt| (at, receipt)));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Shown;
    use crate::testing::{self, Books};
    use consensus::{Ballot, Batch, ClientValue, MAX_BATCH_VALUES};
    use learner_graph::AcceptorSet;
    use std::sync::atomic::Ordering;

    #[test]
    fn many_old_values_of_one_slot_are_one_read() {
        let value = |n: usize| ClientValue::new(Vec::new(), n.to_le_bytes().to_vec());
        let values: Vec<ClientValue> = (0..MAX_BATCH_VALUES).flat_map(value).collect();
        let ids: Vec<(usize, Digest)> = values.iter().map(ClientValue::id).enumerate().collect();
        let batch = Batch {
            values: values.into(),
        };
        let books = Books::of([Shown {
            slot: Slot(0),
            ballot: Ballot(2),
            digest: batch.digest(),
            quorum: AcceptorSet::EMPTY,
            values: batch.values.clone().into(),
        }]);
        let config = testing::config("");
        let node = config.node("n1").unwrap();
        let view = View::new(&config, node, 1, Arc::new(books.clone()));
        let found = view.find(LearnerId(0), ids.clone()).unwrap();
        let places = found.iter().map(|(at, _)| *at);
        assert!(places.eq(0..MAX_BATCH_VALUES));
        let right =
            |r: &Receipt| (r.slot, r.ballot, r.digest) == (Slot(0), Ballot(2), batch.digest());
        assert!(found.iter().all(|(_, receipt)| right(receipt)));
        assert_eq!(books.reads.load(Ordering::Relaxed), 1);
    }
}
