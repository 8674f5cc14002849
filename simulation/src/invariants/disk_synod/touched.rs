//! Which slots have to be looked at.

use crate::disks::Whole;
use consensus::Slot;
use std::collections::BTreeSet;

/// The slots whose variables may have changed since the invariants were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// These.
    Some(BTreeSet<Slot>),
    /// All, those included that nobody has tried.
    All,
}

impl Default for Touched {
    fn default() -> Self {
        Touched::Some(BTreeSet::new())
    }
}

impl Touched {
    /// The slots in which two versions of a block differ.
    #[must_use]
    pub fn between(old: &Whole, new: &Whole) -> Touched {
        if old.block.mbal != new.block.mbal {
            return Touched::All;
        }
        let slots = old.slots.keys().chain(new.slots.keys());
        let differ = |slot: &&Slot| old.slots.get(slot) != new.slots.get(slot);
        Touched::Some(slots.filter(differ).copied().collect())
    }

    /// One slot.
    #[must_use]
    pub fn one(slot: Slot) -> Touched {
        Touched::Some([slot].into())
    }

    /// These slots, too.
    pub fn add(&mut self, more: Touched) {
        match (&mut *self, more) {
            (Touched::Some(slots), Touched::Some(more)) => slots.extend(more),
            _ => *self = Touched::All,
        }
    }

    /// The slots, as far as they are named.
    pub(super) fn slots(self) -> BTreeSet<Slot> {
        match self {
            Touched::Some(slots) => slots,
            Touched::All => BTreeSet::new(),
        }
    }
}
