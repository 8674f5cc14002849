//! The durable log: what a node has promised, proposed and voted, in the order in which it did.
//!
//! ```text
//!   append ──► buffer ──(full, or sync)──► active segment ──fdatasync──► durable
//!                                              │ full
//!                                              ▼
//!                                        next segment: prepared under another name,
//!                                        synced, renamed, directory synced
//!
//!   replace ──► draft of the checkpoint, synced ──► renamed, directory synced ──► older segments
//!                                                                                removed
//!
//!   open ──► lock ──► survey (reads only, every record) ──► repair of a torn tail ──► replay
//! ```
//!
//! - A directory belongs to one process at a time, to one network, and to one version of the format.
//! - What was appended before a [`sync`](consensus::storage::Storage::sync) that succeeded is found
//!   by the next [`FileLog::open`]; later records may be lost, but only with everything after them.
//! - A checkpoint [replaces](consensus::storage::Storage::replace) everything before it by one rename. Until
//!   that is durable the log is what it was, and from then on segments before the checkpoint count for
//!   nothing; the next opening removes what is left of them.
//! - After an error nothing is retried: whether a failed sync has written anything cannot be known.
//!   The log refuses everything until it is opened again.
//! - Opening repairs only what a crash explains: an unfinished end of the last segment, behind its
//!   checkpoint if it has one. Any other damage is an error that says where, and leaves every segment as
//!   it is.
//! - What the last sync before a crash covered is indistinguishable from what it did not: if the disk
//!   damages exactly those records, and nothing was written after them, they count as unfinished.
//!   Nor can the log know that a whole directory was replaced by an older copy of it.
//!
//! The files are described in [`mod@format`].

mod directory;
mod draft;
mod error;
mod examine;
mod file_log;
mod files;
pub mod format;
#[cfg(test)]
mod fuzz;
mod reader;
mod replay;
mod segment;
mod survey;

#[cfg(test)]
mod tests;

/// The directory of the log in a node's data directory.
pub(crate) const LOG: &str = "log";

pub(crate) use directory::has_segments;
pub use error::LogError;
pub use examine::{Examination, SegmentFacts, examine};
pub use file_log::{FileLog, Options};
pub use replay::Replay;
pub use survey::{Found, Summary};
