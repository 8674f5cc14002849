//! The one thing that all disks are to a processor: blocks and logs.

use super::{DiskConfig, DiskError, FileDisk, Location, Member, ObjectDisk, System};
use consensus::Slot;
use consensus::disk_paxos::{Block, LogRecord, ProcessorId};
use std::sync::Arc;

/// A disk that a processor has open. Everything blocks until it is done.
///
/// One operation at a time, and never one while an earlier is unresolved. After an error of a write the
/// disk refuses everything: whether the write has happened is known only after [`open`]ing it again.
pub trait Disk: Send {
    /// DiskSynod: Phase1or2Write(p, d). The block is durable on return.
    ///
    /// # Errors
    /// The block may have been written or not, unless it is [`DiskError::Refused`].
    fn write_block(&mut self, block: &Block) -> Result<(), DiskError>;

    /// Appends to this processor's log. The records are durable on return.
    ///
    /// # Errors
    /// Some records may have been written, in order. [`DiskError::Refused`] if the records do not
    /// continue the log where it ends, [`DiskError::LogFull`] if they do not fit; then none was.
    fn append_log(&mut self, records: &[LogRecord]) -> Result<(), DiskError>;

    /// Reads the directory, and then the block of every other processor in it. What has not changed
    /// since it was read before is the same `Arc`.
    ///
    /// # Errors
    /// If any of them cannot be read.
    fn read_blocks(&mut self) -> Result<Vec<(ProcessorId, Arc<Block>)>, DiskError>;

    /// Reads a part of a processor's log: from a slot on, about `max_bytes`, and at least one record
    /// if there is one. None if the log ends before the slot, or the processor has not joined.
    ///
    /// # Errors
    /// If the log cannot be read. Where it is damaged it ends.
    fn read_log(
        &mut self,
        of: ProcessorId,
        from: Slot,
        max_bytes: usize,
    ) -> Result<Vec<LogRecord>, DiskError>;
}

/// A disk that has just been opened.
pub struct Opened {
    /// The disk.
    pub disk: Box<dyn Disk>,
    /// DiskSynod: Phase0Read(p, d): this processor's own block.
    pub own: Block,
    /// The first slot that this processor's log on the disk lacks.
    pub logged: Slot,
}

/// Opens a disk for a processor, and adds it to the disk's directory if it is not there.
///
/// On return no write from before can have an effect any more.
///
/// # Errors
/// If the disk cannot be used now, is none of this system, or the processor has it open already.
pub fn open(disk: &DiskConfig, system: &System, processor: &Member) -> Result<Opened, DiskError> {
    match &disk.location {
        Location::Path(_) => FileDisk::open(disk, system, processor),
        Location::S3 { .. } => ObjectDisk::open(disk, system, processor),
    }
}

/// The first test of every disk: is it the one that was meant?
pub(super) fn check_superblock(
    place: &str,
    name: &str,
    system: &System,
    found: &super::Superblock,
) -> Result<(), DiskError> {
    let differs = |what, found: &dyn ToString, expected: &dyn ToString| DiskError::Other {
        place: place.to_owned(),
        what,
        found: found.to_string(),
        expected: expected.to_string(),
    };
    if found.system != system.id {
        return Err(differs("system", &found.system, &system.id));
    }
    if found.name != name {
        return Err(differs("disk", &found.name, &name));
    }
    Ok(())
}

/// Whether the processor can be one of the disk's.
pub(super) fn check_member(
    place: &str,
    superblock: &super::Superblock,
    processor: &Member,
) -> Result<(), DiskError> {
    if processor.id.0 <= superblock.processors {
        return Ok(());
    }
    Err(DiskError::refused(
        place,
        format!(
            "it takes the processors 1 to {}, and this is processor {}; format a new disk with more \
             --processors",
            superblock.processors, processor.id
        ),
    ))
}

/// Whether the entry under a processor's number is that processor's.
pub(super) fn check_entry(place: &str, found: &Member, me: &Member) -> Result<(), DiskError> {
    if found == me {
        return Ok(());
    }
    Err(DiskError::Other {
        place: place.to_owned(),
        what: "a directory with processor",
        found: format!("{} '{}'", found.id, found.name),
        expected: format!("{} '{}'", me.id, me.name),
    })
}

/// Whether a block and a log on the same disk can be one processor's.
pub(super) fn check_floor(place: &str, own: &Block, logged: Slot) -> Result<(), DiskError> {
    if own.floor <= logged {
        return Ok(());
    }
    let what = format!(
        "it ends before slot {}, but the block says that everything below {} is in it",
        logged.0, own.floor.0
    );
    Err(DiskError::damaged(place, "this processor's log", what))
}

/// What must hold for records to be appended to a log that ends before slot `next`.
pub(super) fn check_append(
    place: &str,
    next: Slot,
    records: &[LogRecord],
) -> Result<(), DiskError> {
    match (next.0..).zip(records).find(|(n, r)| r.slot.0 != *n) {
        None => Ok(()),
        Some((n, record)) => Err(DiskError::refused(
            place,
            format!(
                "the log goes on with slot {n}, and slot {} was to be appended: an error of this \
                 program, nothing was written",
                record.slot.0
            ),
        )),
    }
}

/// What must hold for a block to be written beside a log that ends before slot `logged`.
pub(super) fn check_block(place: &str, block: &Block, logged: Slot) -> Result<(), DiskError> {
    if block.floor <= logged {
        return Ok(());
    }
    Err(DiskError::refused(
        place,
        format!(
            "a block with the floor {} was to be written, and the log ends before slot {}: an error \
             of this program, nothing was written",
            block.floor.0, logged.0
        ),
    ))
}

/// The error of a block that is too large.
pub(super) fn too_large(place: &str, bytes: usize) -> DiskError {
    DiskError::refused(
        place,
        format!(
            "a block of {bytes} bytes was to be written, the limit is {}: an error of this program, \
             nothing was written",
            consensus::disk_paxos::MAX_BLOCK_BYTES
        ),
    )
}
