//! Which slots a leader has used in its ballot, and with which values.

use super::batches::Batches;
use super::waiting::Waiting;
use crate::{Batch, ClientValue, MAX_BATCH_BYTES, MAX_BATCH_VALUES, Slot};
use crypto::Digest;
use std::collections::{BTreeMap, BTreeSet};

/// The slots of one ballot, as its leader fills them. A slot is used once, for one value, forever.
#[derive(Debug, Default)]
pub(crate) struct Pipeline {
    /// Slots that other ballots left unfinished.
    unfinished: BTreeSet<Slot>,
    /// What was proposed in this ballot.
    proposed: BTreeMap<Slot, Digest>,
    /// Proposed slots that are not decided.
    open: BTreeSet<Slot>,
    /// The first slot that nobody has used.
    fresh: Slot,
    /// The client values that proposed batches carry.
    carried: BTreeSet<Digest>,
}

/// What may be proposed in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// This value and no other.
    Taken(Digest),
    /// Any value.
    Any,
}

impl Pipeline {
    /// How many proposed slots are not decided.
    pub(crate) fn open(&self) -> u64 {
        self.open.len() as u64
    }

    /// Finds the slots from `from` up to `end` that are still to be proposed in.
    pub(crate) fn look_back(&mut self, from: Slot, end: Slot, wanted: impl Fn(Slot) -> bool) {
        self.fresh = self.fresh.max(end).max(from);
        let unfinished = |s: &Slot| !self.proposed.contains_key(s) && wanted(*s);
        self.unfinished = (from.0..end.0).map(Slot).filter(unfinished).collect();
    }

    /// Slots below are used: the first fresh one is not before.
    pub(crate) fn skip_to(&mut self, slot: Slot) {
        self.fresh = self.fresh.max(slot);
    }

    /// Closes slots that are decided. Where an older ballot's value won, the values proposed there
    /// wait again.
    pub(crate) fn close(
        &mut self,
        is_open: impl Fn(Slot) -> bool,
        decided_as: impl Fn(Slot, &Digest) -> bool,
        batches: &Batches,
    ) {
        let closed: Vec<Slot> = self.open.iter().copied().filter(|s| !is_open(*s)).collect();
        for slot in closed {
            self.open.remove(&slot);
            let Some(value) = self.proposed.get(&slot) else {
                continue;
            };
            if !decided_as(slot, value)
                && let Some(batch) = batches.get(value)
            {
                for v in &batch.values {
                    self.carried.remove(&v.id());
                }
            }
        }
    }

    /// The next slot to propose in, with the value: unfinished slots first, then waiting values in
    /// fresh slots. New batches are added to `made`. What is returned counts as proposed.
    pub(crate) fn next(
        &mut self,
        choose: impl Fn(Slot) -> Option<Choice>,
        waiting: &Waiting,
        batches: &Batches,
        made: &mut Vec<Batch>,
    ) -> Option<(Slot, Digest)> {
        while let Some(slot) = self.unfinished.pop_first() {
            // A gap takes any value, an empty batch if nothing waits. Where nothing is safe with what
            // is known, `look_back` finds the slot again.
            if let Some(choice) = choose(slot) {
                return Some(self.use_slot(slot, choice, waiting, batches, made));
            }
        }
        if !self.something_waits(waiting) {
            return None;
        }
        let slot = self.fresh;
        let choice = choose(slot)?;
        self.fresh = slot.next();
        Some(self.use_slot(slot, choice, waiting, batches, made))
    }

    fn use_slot(
        &mut self,
        slot: Slot,
        choice: Choice,
        waiting: &Waiting,
        batches: &Batches,
        made: &mut Vec<Batch>,
    ) -> (Slot, Digest) {
        let value = match choice {
            Choice::Taken(value) => {
                self.carry(batches.get(&value).map(|b| &**b));
                value
            }
            Choice::Any => {
                let batch = self.take(waiting);
                let value = batch.digest();
                self.carry(Some(&batch));
                made.push(batch);
                value
            }
        };
        self.proposed.insert(slot, value);
        self.open.insert(slot);
        (slot, value)
    }

    /// Takes back a proposal from storage.
    pub(crate) fn restore(&mut self, slot: Slot, value: Digest, batches: &Batches) {
        self.carry(batches.get(&value).map(|b| &**b));
        self.proposed.insert(slot, value);
        self.open.insert(slot);
        self.fresh = self.fresh.max(slot.next());
    }

    /// A value waits again although a proposed batch carries it.
    pub(crate) fn release(&mut self, id: &Digest) {
        self.carried.remove(id);
    }

    fn carry(&mut self, batch: Option<&Batch>) {
        self.carried
            .extend(batch.iter().flat_map(|b| &b.values).map(ClientValue::id));
    }

    fn free<'a>(&'a self, waiting: &'a Waiting) -> impl Iterator<Item = &'a ClientValue> {
        waiting
            .iter()
            .filter(|(id, _)| !self.carried.contains(*id))
            .map(|(_, v)| v)
    }

    fn something_waits(&self, waiting: &Waiting) -> bool {
        self.free(waiting).next().is_some()
    }

    /// The oldest waiting values that no proposed batch carries, as many as fit.
    fn take(&self, waiting: &Waiting) -> Batch {
        let mut bytes = 0;
        let fitting = self.free(waiting).take(MAX_BATCH_VALUES).take_while(|v| {
            bytes += v.encoded_len();
            bytes <= MAX_BATCH_BYTES
        });
        Batch {
            values: fitting.cloned().collect(),
        }
    }
}
