//! What a disk says about itself, and where everything stands on a file or device.
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

use super::sealed::{Flaw, Kind, SECTOR, Salt, seal, unseal};
use consensus::disk_paxos::{MAX_BLOCK_BYTES, ProcessorId};
use crypto::Digest;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU8;

/// Where the first region starts: behind the directory of the largest disk.
const FIRST_REGION: u64 = 256 * SECTOR as u64;
/// A copy of a block with its header.
pub(super) const COPY_BYTES: u64 = (SECTOR + MAX_BLOCK_BYTES) as u64;

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
