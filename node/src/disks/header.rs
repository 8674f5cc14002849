//! Blocks and pieces of logs as they stand on any kind of disk: each behind a header.
//!
//! ```text
//!   block     header in a sector of its own │ the block
//!   frame     header in 64 bytes │ consecutive records of the log
//! ```

use super::sealed::{Flaw, Kind, SECTOR, Salt, checksum, seal, unseal};
use consensus::Slot;
use consensus::disk_paxos::{Block, LogRecord, MAX_BLOCK_BYTES, ProcessorId};
use crypto::codec;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};

/// Where in a frame its records start.
pub(super) const FRAME_HEADER: usize = 64;
/// About the most records of one frame, in bytes; a larger record has a frame of its own.
const FRAME_TARGET: usize = 4 << 20;
/// The largest frame's records: about twice the target, and more than one record can have.
const MAX_FRAME: usize = 8 << 20;

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
                bytes += codec::encoded_len(*record);
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
        // Counted down to the first, since there may be no number after the last.
        let numbered = (0..)
            .zip(&records)
            .all(|(n, r)| r.slot.0.checked_sub(n) == Some(self.first.0));
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
