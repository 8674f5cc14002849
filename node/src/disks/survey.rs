//! What there is on disks, and whether it fits together. Reads only, beside live processors too.

use super::header::BlockHeader;
use super::{DiskConfig, DiskError, Location, Member, Superblock, file, object};
use consensus::Slot;
use consensus::disk_paxos::{Block, LogRecord, ProcessorId};
use crypto::Digest;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Is shown every record of every log.
pub type Visit<'a> = &'a mut dyn FnMut(ProcessorId, &LogRecord);

/// What there is on one disk.
#[derive(Debug)]
pub struct Survey {
    /// The superblock.
    pub superblock: Superblock,
    /// The processors in the directory.
    pub members: Vec<MemberState>,
}

/// What there is of one processor.
#[derive(Debug)]
pub struct MemberState {
    /// Who.
    pub member: Member,
    /// The copies of its block: two on a file or device, one in an object store.
    pub copies: Vec<CopyState>,
    /// The newest block, or why there is none.
    pub block: Result<(BlockHeader, Arc<Block>), String>,
    /// Its log.
    pub log: LogState,
    /// What is wrong beside a missing block.
    pub problems: Vec<String>,
}

/// One copy of a block.
#[derive(Debug)]
pub enum CopyState {
    /// Its header is whole.
    Whole(BlockHeader),
    /// It is an unfinished write, or damaged.
    Broken(String),
}

/// A log.
#[derive(Debug)]
pub struct LogState {
    /// The first slot that it lacks.
    pub end: Slot,
    /// In how many pieces it was written.
    pub pieces: u64,
    /// Bytes in use.
    pub bytes: u64,
    /// Bytes there are, if they are limited.
    pub capacity: Option<u64>,
}

/// Looks at a disk, without a lock and without writing.
///
/// # Errors
/// If the disk cannot be read, or its superblock or directory is damaged.
pub fn survey(disk: &DiskConfig, visit: Visit<'_>) -> Result<Survey, DiskError> {
    match &disk.location {
        Location::Path(path) => file::look::look(disk, path, visit),
        Location::S3 { .. } => object::look::look(disk, visit),
    }
}

/// Compares disks with each other.
#[derive(Default)]
pub struct Checker {
    /// The value of each slot, and where it was found first.
    values: BTreeMap<Slot, (Digest, String)>,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// How many slots with two values are listed one by one.
const LISTED: usize = 20;

impl Checker {
    /// How many slots there are in the logs.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.values.len()
    }

    /// Reads a disk, verifies everything on it, and compares its logs with those seen before.
    ///
    /// # Errors
    /// If the disk cannot be read at all.
    pub fn check(&mut self, disk: &DiskConfig) -> Result<Survey, DiskError> {
        let mut conflicts = Vec::new();
        let values = &mut self.values;
        let survey = survey(disk, &mut |of, record| {
            let digest = record.value.digest();
            let here = || format!("processor {of} on disk '{}'", disk.name);
            let (first, found) = values
                .entry(record.slot)
                .or_insert_with(|| (digest, here()));
            if *first != digest {
                let slot = record.slot.0;
                conflicts.push(format!(
                    "slot {slot} has two values: {first} in the log of {found}, {digest} in that \
                     of {}",
                    here()
                ));
            }
        })?;
        let more = conflicts.len().saturating_sub(LISTED);
        conflicts.truncate(LISTED);
        if more > 0 {
            conflicts.push(format!("{more} more slots have two values"));
        }
        self.problems.extend(conflicts);
        for state in &survey.members {
            let who = format!("disk '{}', processor {}", disk.name, state.member.id);
            for problem in &state.problems {
                self.problems.push(format!("{who}: {problem}"));
            }
            match &state.block {
                Err(why) => self.problems.push(format!("{who}: no block: {why}")),
                Ok((_, block)) if block.floor > state.log.end => {
                    self.problems.push(format!(
                        "{who}: its block says that the slots below {} are in its log, which ends \
                         before slot {}",
                        block.floor.0, state.log.end.0
                    ));
                }
                Ok(_) => {}
            }
        }
        Ok(survey)
    }
}
