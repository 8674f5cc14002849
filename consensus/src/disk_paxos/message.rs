//! What processors tell each other beside their disks: what is decided. Nothing depends on it but
//! speed, since the disks tell the same.

use crate::paxos::Vote;
use serde::{Deserialize, Serialize};

/// The largest encoded message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// The sender knows these slots to be committed, each in this ballot with this value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// In ascending order of slots.
    pub votes: Vec<Vote>,
}
