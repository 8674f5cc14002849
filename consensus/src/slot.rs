//! Positions in the log.

use serde::{Deserialize, Serialize};
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
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// So many slots share a [`Page`].
pub const PAGE_SLOTS: u64 = 128;

/// A run of [`PAGE_SLOTS`] slots that leave memory, and come back, together.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Page(pub u64);

impl Page {
    /// The page of a slot.
    #[must_use]
    pub fn of(slot: Slot) -> Page {
        Page(slot.0 / PAGE_SLOTS)
    }

    /// Its first slot. Saturates at the end of the number range.
    #[must_use]
    pub fn start(self) -> Slot {
        Slot(self.0.saturating_mul(PAGE_SLOTS))
    }

    /// The slot after its last one. Saturates at the end of the number range.
    #[must_use]
    pub fn end(self) -> Slot {
        self.next().start()
    }

    /// The page after this one.
    #[must_use]
    pub fn next(self) -> Page {
        Page(self.0.saturating_add(1))
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
