//! Disk Paxos for a log: one processor of module DiskSynod.

mod block;
mod disk;

pub use block::{Block, Entry, LogRecord, MAX_BLOCK_BYTES, MAX_LOG_RECORD_BYTES, ProcessorId};
pub use disk::{Action, DiskId, Event, Operation, Report};
