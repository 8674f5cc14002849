//! What a processor asks of its disks, and what it hears from them.
//!
//! ```text
//!   open ──► Opened ──► Write ──► Done ──► Write ──► Failed ──► (the caller opens again) ──► Opened
//! ```
//!
//! A disk stands in the learner graph where an acceptor stands in the other protocols: its sets of
//! disks that count as a majority (DiskSynod: `IsMajority`) are the learners' quorums.
//! One operation at a time is in progress on a disk; those of different disks run concurrently.

use super::block::{Block, LogRecord, ProcessorId};
use crate::Slot;
use learner_graph::AcceptorId;
use std::sync::Arc;

/// A disk, by its place in the learner graph.
pub type DiskId = AcceptorId;

/// Something to do on one disk. Never given before the answer to the one before.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Where.
    pub disk: DiskId,
    /// What.
    pub action: Action,
}

/// What to do on a disk.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// DiskSynod: Phase1or2Write(p, d), then Phase1or2Read(p, d, q) for every other processor q of the
    /// disk's directory, which is read after the write.
    ///
    /// The records are appended to this processor's log and durable before the block is written; the
    /// block is durable before anything is read. The records continue the log where it ends.
    Write {
        /// Records for the log, none most of the time.
        log: Vec<LogRecord>,
        /// The block.
        block: Arc<Block>,
    },
    /// Appends to this processor's log without a write of the block: a disk that was away catches up.
    Append(Vec<LogRecord>),
    /// Reads the blocks of all other processors, without a write before: to follow them.
    Read,
    /// Reads a part of a processor's log.
    ReadLog {
        /// Whose.
        of: ProcessorId,
        /// The first slot wanted.
        from: Slot,
        /// About how much; one record is read in any case.
        max_bytes: usize,
    },
}

/// What happened on a disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Where.
    pub disk: DiskId,
    /// What.
    pub report: Report,
}

/// What is heard from a disk.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// The disk can be used, for the first time or again. No operation is in progress on it, and none
    /// from before can have an effect any more.
    Opened {
        /// DiskSynod: Phase0Read(p, d): this processor's own block.
        own: Block,
        /// Where this processor's log on the disk ends: the first slot that it lacks.
        logged: Slot,
    },
    /// The answer to `Write` and `Read`: the blocks of all other processors in the directory.
    Blocks(Vec<(ProcessorId, Arc<Block>)>),
    /// The answer to `Append`.
    Appended,
    /// The answer to `ReadLog`: records in ascending order of slots, from the first wanted on. None if
    /// the log ends before it.
    Log {
        /// Whose log.
        of: ProcessorId,
        /// The records.
        records: Vec<LogRecord>,
    },
    /// The disk cannot be used now. What was in progress has had its effect or not. The caller tries to
    /// open it again.
    Failed(String),
}
