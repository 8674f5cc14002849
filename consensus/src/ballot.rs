//! Ballot numbers.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A ballot number (HPaxos: `Ballot`). Ballots start at 1; 0 means "none joined yet".
///
/// Each ballot belongs to one proposer, see [`Network::owner`](crate::Network::owner).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Ballot(pub u64);

impl Ballot {
    /// Before any ballot: the initial `max_bal`.
    pub const NONE: Ballot = Ballot(0);
    /// The first ballot that anyone may start.
    pub const FIRST: Ballot = Ballot(1);

    /// The ballot after this one. Saturates: the last ballot has no successor but itself.
    #[must_use]
    pub fn next(self) -> Ballot {
        Ballot(self.0.saturating_add(1))
    }
}

impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
