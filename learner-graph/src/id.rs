//! Identities of acceptors and learners: small numbers, so that sets of them are bitsets.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A small number that stands for a participant; what an [`IdSet`](crate::IdSet) holds.
pub trait Id: Copy + fmt::Debug {
    /// The identity with this number.
    fn from_index(index: u16) -> Self;
    /// The number of this identity.
    fn index(self) -> u16;
}

/// An acceptor, numbered by its place in the configuration's `acceptors` list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AcceptorId(pub u16);

/// A learner, numbered by its place among the sorted learner names (a TOML table has no order
/// of its own).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LearnerId(pub u16);

impl Id for AcceptorId {
    fn from_index(index: u16) -> Self {
        Self(index)
    }

    fn index(self) -> u16 {
        self.0
    }
}

impl Id for LearnerId {
    fn from_index(index: u16) -> Self {
        Self(index)
    }

    fn index(self) -> u16 {
        self.0
    }
}
