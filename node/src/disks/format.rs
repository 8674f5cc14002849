//! What stands on a disk, whatever kind it is, and where it stands on a file or device.
//!
//! ```text
//!   0            4096 × id          1 MiB
//!   ┌──────────┬──────┬──────┬─────┬──────────────────────┬──────────────────────┬─────
//!   │superblock│ id 1 │ id 2 │  …  │ region of processor 1│ region of processor 2│  …
//!   └──────────┴──────┴──────┴─────┴──────────────────────┴──────────────────────┴─────
//!                directory         ╱                       ╲
//!                            copy 0 │ copy 1 │ log
//!                        each a header sector and up to 8 MiB
//! ```
//!
//! The paper guards a disk's directory by a lock, because its processors look for a free place in it.
//! Here the configuration gives every processor its number, and with it its sector and its region.
//! Nobody else ever writes there, so that there is nothing to guard.

use super::sealed::{Flaw, Kind, SECTOR, Salt, checksum, seal, unseal};
use consensus::Slot;
use consensus::disk_paxos::{Block, LogRecord, MAX_BLOCK_BYTES, ProcessorId};
use crypto::{Digest, codec};
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU8;

/// Where the first region starts: behind the directory of the largest disk.
const FIRST_REGION: u64 = 256 * SECTOR as u64;
/// A copy of a block with its header.
pub(super) const COPY_BYTES: u64 = (SECTOR + MAX_BLOCK_BYTES) as u64;
/// Where in a frame its records start.
pub(super) const FRAME_HEADER: usize = 64;
/// About the most records of one frame, in bytes; a larger record has a frame of its own.
const FRAME_TARGET: usize = 4 << 20;
/// The largest frame's records: about twice the target, and more than one record can have.
const MAX_FRAME: usize = 8 << 20;

/// The first thing on a disk. Written once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superblock {
    /// The disk's name in the configuration.
    pub name: String,
    /// The system that the disk belongs to, see [`System`](super::System).
    pub system: Digest,
    /// Drawn when the disk was formatted.
    pub uuid: [u8; 16],
    /// The largest number of a processor.
    pub processors: NonZeroU8,
    /// Bytes for the log of each processor; 0 where logs have no bound.
    pub log_bytes: u64,
}

/// An entry of a disk's directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The processor's number.
    pub id: ProcessorId,
    /// Its name.
    pub name: String,
}

/// What stands before a processor's block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockHeader {
    /// Whose block.
    pub processor: ProcessorId,
    /// How often the processor has opened the disk.
    pub incarnation: u64,
    /// The number of the write, over all incarnations.
    pub seq: u64,
    /// Drawn at each opening: no two openings ever write the same bytes.
    pub opening: u64,
    /// Bytes of the log area that were in use when this was written; 0 where there is no area.
    pub log_head: u64,
    len: u32,
    crc: u32,
}

/// What stands before some records of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FrameHeader {
    pub(super) processor: ProcessorId,
    /// The slot of the first record.
    pub(super) first: Slot,
    pub(super) count: u32,
    len: u32,
    crc: u32,
}

impl Superblock {
    /// A superblock with a fresh uuid.
    pub(super) fn new(name: &str, system: Digest, processors: NonZeroU8, log_bytes: u64) -> Self {
        let mut uuid = [0; 16];
        // Two sets of keys from the system's source of randomness.
        for half in uuid.chunks_exact_mut(8) {
            half.copy_from_slice(&RandomState::new().hash_one(name).to_le_bytes());
        }
        Self {
            name: name.to_owned(),
            system,
            uuid,
            processors,
            log_bytes,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        seal(Kind::Superblock, &Salt::default(), self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        unseal(Kind::Superblock, &Salt::default(), bytes)
    }

    /// The numbers that processors can have.
    pub(super) fn ids(&self) -> impl Iterator<Item = ProcessorId> + use<> {
        (1..=self.processors.get()).filter_map(ProcessorId::new)
    }

    /// Where a processor's entry in the directory is.
    pub(super) fn entry_at(id: ProcessorId) -> u64 {
        SECTOR as u64 * u64::from(id.0.get())
    }

    fn region_bytes(&self) -> u64 {
        (2 * COPY_BYTES).saturating_add(self.log_bytes)
    }

    fn region_at(&self, id: ProcessorId) -> u64 {
        let before = self
            .region_bytes()
            .saturating_mul(u64::from(id.0.get()) - 1);
        FIRST_REGION.saturating_add(before)
    }

    /// Where a copy of a processor's block is.
    pub(super) fn copy_at(&self, id: ProcessorId, which: u64) -> u64 {
        self.region_at(id).saturating_add(which * COPY_BYTES)
    }

    /// Where a processor's log starts.
    pub(super) fn log_at(&self, id: ProcessorId) -> u64 {
        self.copy_at(id, 2)
    }

    /// Bytes of the whole disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        let regions = self
            .region_bytes()
            .saturating_mul(u64::from(self.processors.get()));
        FIRST_REGION.saturating_add(regions)
    }

    /// The log that each of these processors can have on a disk of this size, in whole sectors.
    pub(super) fn log_for(disk_bytes: u64, processors: NonZeroU8) -> Option<u64> {
        let each = disk_bytes.checked_sub(FIRST_REGION)? / u64::from(processors.get());
        let log = each.checked_sub(2 * COPY_BYTES)?;
        Some(log - log % SECTOR as u64)
    }

    /// How many processors with such logs fit on a disk of this size.
    pub(super) fn fitting(disk_bytes: u64, log_bytes: u64) -> u64 {
        disk_bytes.saturating_sub(FIRST_REGION) / (2 * COPY_BYTES + log_bytes)
    }
}

impl Member {
    pub(super) fn encode(&self, salt: &Salt) -> Vec<u8> {
        seal(Kind::Member, salt, self)
    }

    pub(super) fn decode(salt: &Salt, bytes: &[u8]) -> Result<Self, Flaw> {
        unseal(Kind::Member, salt, bytes)
    }
}

impl BlockHeader {
    /// The header of the write after this one.
    pub(super) fn next(self, log_head: u64) -> Self {
        Self {
            seq: self.seq.saturating_add(1),
            log_head,
            ..self
        }
    }

    /// The header before the first write of a new incarnation.
    pub(super) fn reopened(self) -> Self {
        Self {
            incarnation: self.incarnation.saturating_add(1),
            opening: RandomState::new().hash_one(self.seq),
            ..self
        }
    }

    /// The header of the first write.
    pub(super) fn first(processor: ProcessorId) -> Self {
        Self {
            processor,
            incarnation: 0,
            seq: 0,
            opening: 0,
            log_head: 0,
            len: 0,
            crc: 0,
        }
    }

    /// The order of a processor's writes.
    pub(super) fn order(&self) -> (u64, u64) {
        (self.incarnation, self.seq)
    }

    /// Header and block as they stand in a copy; the header with what it says about the block.
    /// The block must have an encoding of at most [`MAX_BLOCK_BYTES`], the error is its length.
    pub(super) fn encode_with(self, salt: &Salt, block: &Block) -> Result<(Self, Vec<u8>), usize> {
        let payload = codec::encode(block);
        if payload.len() > MAX_BLOCK_BYTES {
            return Err(payload.len());
        }
        let header = Self {
            len: payload.len() as u32,
            crc: checksum(salt, &[&payload]),
            ..self
        };
        let mut bytes = seal(Kind::Block, salt, &header);
        bytes.resize(SECTOR, 0);
        bytes.extend_from_slice(&payload);
        Ok((header, bytes))
    }

    /// Reads the header of a copy.
    pub(super) fn decode(salt: &Salt, of: ProcessorId, bytes: &[u8]) -> Result<Self, Flaw> {
        let header: Self = unseal(Kind::Block, salt, bytes)?;
        if header.processor != of {
            return Err(Flaw::Broken("it is another processor's"));
        }
        if header.len as usize > MAX_BLOCK_BYTES {
            return Err(Flaw::Broken("its length makes no sense"));
        }
        Ok(header)
    }

    /// Reads a whole copy.
    pub(super) fn decode_with(
        salt: &Salt,
        of: ProcessorId,
        bytes: &[u8],
    ) -> Result<(Self, Block), Flaw> {
        let header = Self::decode(salt, of, bytes)?;
        let payload = bytes.get(SECTOR..header.copy_bytes());
        let payload = payload.ok_or(Flaw::Broken("it is cut off"))?;
        if checksum(salt, &[payload]) != header.crc {
            return Err(Flaw::Broken("the checksum of the block does not fit"));
        }
        let block = codec::decode(payload, MAX_BLOCK_BYTES);
        let block = block.map_err(|_| Flaw::Broken("the block makes no sense"))?;
        Ok((header, block))
    }

    /// Bytes of the copy.
    pub(super) fn copy_bytes(&self) -> usize {
        SECTOR + self.len as usize
    }
}

impl FrameHeader {
    /// Cuts records into frames, each with the number of records in it. All are consecutive.
    pub(super) fn encode_all(
        salt: &Salt,
        processor: ProcessorId,
        records: &[LogRecord],
    ) -> Vec<(usize, Vec<u8>)> {
        let mut frames = Vec::new();
        let mut rest = records;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fitting = rest.iter().take_while(|record| {
                bytes += codec::encode(*record).len();
                bytes <= FRAME_TARGET
            });
            let count = fitting.count().max(1);
            let (these, more) = rest.split_at(count);
            frames.push((count, Self::encode(salt, processor, these)));
            rest = more;
        }
        frames
    }

    fn encode(salt: &Salt, processor: ProcessorId, records: &[LogRecord]) -> Vec<u8> {
        let payload = codec::encode(records);
        let header = Self {
            processor,
            first: records.first().map_or(Slot(0), |r| r.slot),
            count: records.len() as u32,
            len: payload.len() as u32,
            crc: checksum(salt, &[&payload]),
        };
        let mut bytes = seal(Kind::Frame, salt, &header);
        debug_assert!(bytes.len() <= FRAME_HEADER);
        bytes.resize(FRAME_HEADER, 0);
        bytes.extend_from_slice(&payload);
        bytes
    }

    /// Reads the header of a frame.
    pub(super) fn decode(salt: &Salt, of: ProcessorId, bytes: &[u8]) -> Result<Self, Flaw> {
        let header: Self = unseal(Kind::Frame, salt, bytes)?;
        if header.processor != of {
            return Err(Flaw::Broken("it is another processor's"));
        }
        if header.len as usize > MAX_FRAME || header.count == 0 {
            return Err(Flaw::Broken("its length makes no sense"));
        }
        Ok(header)
    }

    /// Reads the records of a whole frame.
    pub(super) fn records(&self, salt: &Salt, bytes: &[u8]) -> Result<Vec<LogRecord>, Flaw> {
        let payload = bytes.get(FRAME_HEADER..self.frame_bytes());
        let payload = payload.ok_or(Flaw::Broken("it is cut off"))?;
        if checksum(salt, &[payload]) != self.crc {
            return Err(Flaw::Broken("the checksum of its records does not fit"));
        }
        let records: Vec<LogRecord> = codec::decode(payload, MAX_FRAME)
            .map_err(|_| Flaw::Broken("its records make no sense"))?;
        let numbered = (self.first.0..).zip(&records).all(|(n, r)| r.slot.0 == n);
        if !numbered || records.len() != self.count as usize {
            return Err(Flaw::Broken("its records are not those that it announces"));
        }
        Ok(records)
    }

    /// The slot after the last record.
    pub(super) fn end(&self) -> Slot {
        Slot(self.first.0.saturating_add(u64::from(self.count)))
    }

    /// Bytes of the frame without what fills it up to a whole sector.
    pub(super) fn frame_bytes(&self) -> usize {
        FRAME_HEADER + self.len as usize
    }
}
