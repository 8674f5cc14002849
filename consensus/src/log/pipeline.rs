//! Which slots a leader has used in its ballot, and with which values.
//!
//! A value goes into a fresh slot at once, unless the leader is told to wait for others to share the slot
//! ([`Batching`]), since what a slot costs does not depend on its values. Then it waits for others
//! - while earlier slots are open, and fewer values wait than are on their way, in slots that are not delivered;
//! - after the last open slot was decided, whose clients are being answered and may come back with their next values:
//!   until as many wait as waited or were on their way when that slot was filled, [`COME_BACK`] times as long as it
//!   took at most, and of that the share that was missing when it was decided.
//!
//! Clients who submit one value after the other so come to share all slots. Where few of those come back that were
//! waited for, nobody is waited for after the next decision, then the next two, four, up to [`MAX_PASSED`].

use super::batches::{Batches, Named};
use super::by_digest::Digests;
use super::queue::Place;
use super::waiting::Waiting;
use crate::{ClientValue, MAX_BATCH_BYTES, MAX_BATCH_VALUES, Page, Slot, Time};
use crypto::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How many waiting values share a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    /// How long the oldest value may wait for others, while earlier slots are open and more values are on their way
    /// than wait, or clients whose values were decided are likely to come back. Zero: not at all.
    pub delay: Duration,
    /// With so many bytes of values a batch is full: it goes out at once, and takes no more. Only a single
    /// value may be larger. [`MAX_BATCH_BYTES`] at most.
    pub bytes: usize,
}

impl Default for Batching {
    /// Nothing waits, and as much goes together as can.
    fn default() -> Self {
        Batching {
            delay: Duration::ZERO,
            bytes: MAX_BATCH_BYTES,
        }
    }
}

/// How long clients have to come back after a slot was decided, as a multiple of the time that it took: the answers,
/// and their next values, have two more ways to go.
const COME_BACK: u32 = 2;
/// After so many decisions at most nobody is waited for.
const MAX_PASSED: u32 = 64;

/// What slots are filled with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Supply<'a> {
    pub(crate) waiting: &'a Waiting,
    pub(crate) batches: &'a Batches,
    pub(crate) batching: Batching,
    pub(crate) now: Time,
}

/// The slots of one ballot, as its leader fills them. A slot is used once, for one value, forever.
#[derive(Debug, Default)]
pub(crate) struct Pipeline {
    /// Slots that other ballots left unfinished.
    unfinished: BTreeSet<Slot>,
    /// What was proposed in this ballot.
    proposed: BTreeMap<Slot, Proposed>,
    /// Proposed slots that are not decided.
    open: BTreeSet<Slot>,
    /// Slots decided as proposed, some of whose values still wait to be delivered.
    closed: BTreeSet<Slot>,
    /// The first slot that nobody has used.
    fresh: Slot,
    /// The client values of open and closed slots.
    carried: Digests,
    /// Every value that waits before this place is carried.
    free: Place,
    /// When the values that wait for others have waited long enough.
    due: Option<Time>,
    /// The fresh slot that was filled last.
    last: Last,
    /// After so many decisions nobody is waited for, since few came back.
    to_pass: u32,
    /// After how many it was the last time.
    passed: u32,
}

/// What is known of the fresh slot that was filled last.
#[derive(Debug, Default)]
struct Last {
    /// When it was.
    filled: Time,
    /// How many values waited or were on their way then, its own among them.
    crowd: usize,
    /// Since when no slot is open, and how many values waited then.
    decided: Option<(Time, usize)>,
}

#[derive(Debug)]
struct Proposed {
    value: Digest,
    /// What it carries, as far as that counts for the slot.
    carries: Arc<[Digest]>,
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

    /// What was proposed, as far as it is not forgotten.
    pub(crate) fn proposed(&self) -> impl Iterator<Item = (Slot, Digest)> {
        self.proposed.iter().map(|(slot, p)| (*slot, p.value))
    }

    /// How many client values are carried.
    #[cfg(test)]
    pub(crate) fn carried(&self) -> usize {
        self.carried.len()
    }

    /// Of these slots, all before `end`, those are still to be proposed in that were not used in this ballot.
    pub(crate) fn look_back(&mut self, slots: impl Iterator<Item = Slot>, end: Slot) {
        self.skip_to(end);
        let unused = |s: &Slot| !self.proposed.contains_key(s);
        self.unfinished = slots.filter(unused).collect();
    }

    /// Slots below `end` are used in other ballots: these of them are still to be proposed in.
    pub(crate) fn extend_to(&mut self, end: Slot, slots: impl IntoIterator<Item = Slot>) {
        self.unfinished.extend(slots);
        self.skip_to(end);
    }

    /// Slots below are used: the first fresh one is not before.
    pub(crate) fn skip_to(&mut self, slot: Slot) {
        self.fresh = self.fresh.max(slot);
    }

    /// The first slot that nobody has used.
    pub(crate) fn fresh(&self) -> Slot {
        self.fresh
    }

    /// Slots below are decided and delivered: what was proposed there is forgotten, and nothing is ever
    /// proposed there again.
    pub(crate) fn forget_below(&mut self, slot: Slot, waiting: &Waiting) {
        self.skip_to(slot);
        for slots in [&mut self.unfinished, &mut self.open, &mut self.closed] {
            while slots.first().is_some_and(|first| *first < slot) {
                slots.pop_first();
            }
        }
        while let Some(first) = self.proposed.first_entry().filter(|p| *p.key() < slot) {
            let carries = first.remove().carries;
            self.uncarry(&carries, waiting);
        }
    }

    /// What was proposed in a page is forgotten until it is restored, and nothing is proposed there before.
    pub(crate) fn forget(&mut self, page: Page, waiting: &Waiting) {
        let here = |slot: &Slot| page.contains(*slot);
        self.unfinished.retain(|slot| !here(slot));
        self.open.retain(|slot| !here(slot));
        self.closed.retain(|slot| !here(slot));
        let mut gone = self.proposed.split_off(&page.start);
        self.proposed.append(&mut gone.split_off(&page.end));
        for p in gone.into_values() {
            self.uncarry(&p.carries, waiting);
        }
    }

    /// Closes slots that are decided. Where an older ballot's value won, the values proposed there
    /// wait again.
    pub(crate) fn close(
        &mut self,
        is_open: impl Fn(Slot) -> bool,
        decided_as: impl Fn(Slot, &Digest) -> bool,
        waiting: &Waiting,
    ) {
        let closed: Vec<Slot> = self.open.iter().copied().filter(|s| !is_open(*s)).collect();
        for slot in closed {
            self.open.remove(&slot);
            let Some(p) = self.proposed.get_mut(&slot) else {
                continue;
            };
            if decided_as(slot, &p.value) {
                self.closed.insert(slot);
            } else {
                let lost = std::mem::take(&mut p.carries);
                self.uncarry(&lost, waiting);
            }
        }
        let waits = |p: &Proposed| p.carries.iter().any(|id| waiting.waits(id));
        let proposed = &self.proposed;
        let delivered = |slot: &Slot| proposed.get(slot).is_none_or(|p| !waits(p));
        let delivered: Vec<Slot> = self.closed.iter().copied().filter(delivered).collect();
        for slot in delivered {
            self.closed.remove(&slot);
            if let Some(p) = self.proposed.get_mut(&slot) {
                let done = std::mem::take(&mut p.carries);
                self.uncarry(&done, waiting);
            }
        }
    }

    /// The next slot to propose in, with the value: unfinished slots first, then waiting values in
    /// fresh slots. New batches are added to `made`. What is returned counts as proposed.
    pub(crate) fn next(
        &mut self,
        choose: impl Fn(Slot) -> Option<Choice>,
        supply: Supply<'_>,
        made: &mut Vec<Named>,
    ) -> Option<(Slot, Digest)> {
        while let Some(slot) = self.unfinished.pop_first() {
            // A gap takes any value, an empty batch if nothing waits. Where nothing is safe with what
            // is known, `look_back` finds the slot again.
            if let Some(choice) = choose(slot) {
                return Some(self.use_slot(slot, choice, supply, made));
            }
        }
        self.skip_carried(supply.waiting);
        if self.open.is_empty() {
            let waiting = self.count_free(supply.waiting);
            self.last.decided.get_or_insert((supply.now, waiting));
        }
        self.due = self.due_at(supply).filter(|due| *due > supply.now);
        if self.due.is_some() || self.free(supply.waiting).next().is_none() {
            return None;
        }
        let slot = self.fresh;
        let choice = choose(slot)?;
        self.fresh = slot.next();
        self.judge(supply.waiting);
        self.last = Last {
            filled: supply.now,
            crowd: supply.waiting.load().values,
            decided: None,
        };
        Some(self.use_slot(slot, choice, supply, made))
    }

    /// The same for a slot that others have used. `None` if it was proposed in.
    pub(crate) fn next_in(
        &mut self,
        slot: Slot,
        choice: Choice,
        supply: Supply<'_>,
        made: &mut Vec<Named>,
    ) -> Option<(Slot, Digest)> {
        let unused = !self.proposed.contains_key(&slot);
        unused.then(|| self.use_slot(slot, choice, supply, made))
    }

    /// When `next` has to be called although nothing happens.
    pub(crate) fn due(&self) -> Option<Time> {
        self.due
    }

    /// When the waiting values have to go, if they can wait for others.
    fn due_at(&self, supply: Supply<'_>) -> Option<Time> {
        let Batching { delay, bytes } = supply.batching;
        if delay.is_zero() {
            return None;
        }
        let free = self.count_free(supply.waiting);
        let (expected, until) = match self.last.decided {
            None => (self.carried.len(), None),
            Some(_) if self.to_pass > 0 => return None,
            Some((decided, here)) => {
                let crowd = self.last.crowd;
                let took = decided.saturating_sub(self.last.filled);
                let missing = crowd.saturating_sub(here) as u32;
                let wait =
                    took.saturating_mul(missing.saturating_mul(COME_BACK)) / (crowd as u32).max(1);
                (crowd, Some(decided.saturating_add(wait)))
            }
        };
        let may_fill = free >= MAX_BATCH_VALUES || supply.waiting.load().bytes >= bytes;
        if free >= expected || may_fill && self.fit(supply, |_, _| {}) {
            return None;
        }
        let (oldest, _) = self.free(supply.waiting).next()?;
        let due = supply.waiting.since(oldest)?.saturating_add(delay);
        Some(until.map_or(due, |until| until.min(due)))
    }

    /// Values go after a decision: whether those came back that were missing then.
    fn judge(&mut self, waiting: &Waiting) {
        let Some((_, here)) = self.last.decided else {
            return;
        };
        let missing = self.last.crowd.saturating_sub(here);
        let came = self.count_free(waiting).saturating_sub(here);
        if self.to_pass > 0 {
            self.to_pass -= 1;
        } else if 2 * came < missing {
            self.passed = (2 * self.passed).clamp(1, MAX_PASSED);
            self.to_pass = self.passed;
        } else if missing > 1 {
            // One comes sooner or later, whoever it is.
            self.passed = 0;
        }
    }

    /// How many values wait that no proposed batch carries.
    fn count_free(&self, waiting: &Waiting) -> usize {
        waiting.load().values.saturating_sub(self.carried.len())
    }

    fn use_slot(
        &mut self,
        slot: Slot,
        choice: Choice,
        supply: Supply<'_>,
        made: &mut Vec<Named>,
    ) -> (Slot, Digest) {
        let value = match choice {
            Choice::Taken(value) => {
                self.propose(slot, value, supply.batches.named(&value));
                value
            }
            Choice::Any => {
                self.skip_carried(supply.waiting);
                let batch = self.take(supply);
                let value = batch.digest;
                self.propose(slot, value, Some(batch.clone()));
                made.push(batch);
                value
            }
        };
        (slot, value)
    }

    /// Takes back a proposal from storage.
    pub(crate) fn restore(&mut self, slot: Slot, value: Digest, batches: &Batches) {
        self.propose(slot, value, batches.named(&value));
        self.skip_to(slot.next());
    }

    /// A value waits again although a proposed batch carries it.
    pub(crate) fn release(&mut self, id: &Digest, waiting: &Waiting) {
        self.carried.remove(id);
        self.free = waiting.place(id).map_or(self.free, |at| at.min(self.free));
    }

    fn propose(&mut self, slot: Slot, value: Digest, batch: Option<Named>) {
        let carries = batch.map(|named| Arc::clone(named.values.ids()));
        let carries = carries.unwrap_or_default();
        for id in carries.iter() {
            self.carried.insert(*id, ());
        }
        self.proposed.insert(slot, Proposed { value, carries });
        self.open.insert(slot);
        self.last.decided = None;
    }

    fn uncarry(&mut self, ids: &[Digest], waiting: &Waiting) {
        for id in ids {
            self.release(id, waiting);
        }
    }

    /// Looks where the first free value is: those before are not looked at again.
    fn skip_carried(&mut self, waiting: &Waiting) {
        let mut from = waiting.from(self.free);
        let first = from.find(|(_, id, _)| !self.carried.contains(id));
        self.free = first.map_or(waiting.end(), |(at, ..)| at);
    }

    fn free<'a>(
        &'a self,
        waiting: &'a Waiting,
    ) -> impl Iterator<Item = (&'a Digest, &'a ClientValue)> {
        let from = waiting.from(self.free).map(|(_, id, value)| (id, value));
        from.filter(|(id, _)| !self.carried.contains(id))
    }

    /// Hands out the oldest waiting values that no proposed batch carries, as many as fit into one. Whether that
    /// is then full.
    fn fit<'a>(
        &'a self,
        supply: Supply<'a>,
        mut take: impl FnMut(&'a Digest, &'a ClientValue),
    ) -> bool {
        let (mut taken, mut bytes) = (0, 0);
        for (id, value) in self.free(supply.waiting) {
            bytes += value.encoded_len();
            if taken > 0 && bytes > supply.batching.bytes {
                return true;
            }
            take(id, value);
            taken += 1;
            if taken == MAX_BATCH_VALUES || bytes >= supply.batching.bytes {
                return true;
            }
        }
        false
    }

    /// Those in a batch.
    fn take(&self, supply: Supply<'_>) -> Named {
        let mut taken = Vec::new();
        self.fit(supply, |id, value| taken.push((*id, value.clone())));
        Named::of_values(taken.into_iter())
    }
}

#[cfg(test)]
mod tests;
