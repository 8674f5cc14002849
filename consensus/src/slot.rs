//! Positions in the log.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// One consensus instance of the log, counted from 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Slot(pub u64);

impl Slot {
    /// The slot after this one. Saturates at the end of the number range.
    #[must_use]
    pub fn next(self) -> Slot {
        self.plus(1)
    }

    /// The slot `n` after this one. Saturates at the end of the number range.
    #[must_use]
    pub fn plus(self, n: u64) -> Slot {
        Slot(self.0.saturating_add(n))
    }

    /// This slot and those after it, as far as they are before `end`.
    pub fn up_to(self, end: Slot) -> impl DoubleEndedIterator<Item = Slot> + use<> {
        (self.0..end.0).map(Slot)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run of slots that leave memory, and come back, together: from `start` up to `end`, without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Page {
    /// The first slot.
    pub start: Slot,
    /// The slot after the last one.
    pub end: Slot,
}

impl Page {
    /// The page of a slot where pages have `slots` slots, at least one, counted from slot 0.
    #[must_use]
    pub fn of(slot: Slot, slots: u64) -> Page {
        let start = Slot(slot.0 - slot.0 % slots.max(1));
        Page {
            start,
            end: start.plus(slots.max(1)),
        }
    }

    /// Whether the slot is one of them.
    #[must_use]
    pub fn contains(&self, slot: Slot) -> bool {
        self.start <= slot && slot < self.end
    }

    /// How many slots it has.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a page has slots")]
    pub fn len(&self) -> u64 {
        self.end.0.saturating_sub(self.start.0)
    }

    /// Which of these pages, none of which overlap, has a slot.
    pub(crate) fn among(pages: &BTreeSet<Page>, slot: Slot) -> Option<Page> {
        let last = Page {
            start: slot,
            end: Slot(u64::MAX),
        };
        let page = pages.range(..=last).next_back();
        page.filter(|page| page.contains(slot)).copied()
    }

    /// Whether some slot is of both.
    #[must_use]
    pub fn overlaps(&self, other: &Page) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Its slots, ascending.
    pub fn slots(&self) -> impl DoubleEndedIterator<Item = Slot> + use<> {
        self.start.up_to(self.end)
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}
