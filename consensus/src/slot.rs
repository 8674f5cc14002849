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
