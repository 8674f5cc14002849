//! The history on disk: every decision that was delivered, with its proof and its bytes, and what was
//! said in slots that some learner has not decided for long.
//!
//! ```text
//!   keep ──► overlay ──(flush: the records behind it are durable)──► writer ──one transaction──► file
//!              │                                                                                  │
//!              └────────────── what is asked for: what is not written yet, then ──────────────────┘
//! ```
//!
//! - What was kept is seen by every later call. It is written by a thread of its own, in groups, and
//!   only after [`HistoryFile::flush`] let it: a decision may rest on this node's own vote, which must
//!   never be less durable than its consequence.
//! - A crash at any instant leaves a prefix of what was kept in each lane, with everything that
//!   [`HistoryFile::commit`] returned for and nothing that was never flushed.
//! - A file belongs to one process at a time, to one network, to one number of lanes and to one version
//!   of the format.
//! - After an error nothing is retried. The history answers as if it were empty, and
//!   [`HistoryFile::failed`] says why. What clients and peers ask for goes another way (`shelf`,
//!   `look_up…`): if it cannot be read they are told, and nothing stops.
//!
//! The rows are described in `rows`, how values and batches are found in `index`.

mod check;
mod error;
mod file;
mod group;
mod index;
mod look_up;
mod overlay;
mod read;
mod rows;
mod shared;
mod shelf;
mod store;
mod untouched;
mod upgrade;
mod writer;

#[cfg(test)]
mod tests;

/// The name of the file in a node's data directory.
pub const FILE_NAME: &str = "history.redb";

pub use check::{Report, Summary, check, summary};
pub use error::HistoryError;
pub use file::{HistoryFile, Options};
pub use look_up::Outcome;
pub(crate) use read::MAX_GIVEN;
pub use read::Shown;
pub use rows::{MAX_LANES, MAX_MESSAGE_BYTES, MAX_PROOF, VERSION};
pub use shared::Message;
pub(crate) use shelf::Shelf;
