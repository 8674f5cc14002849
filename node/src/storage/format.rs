//! The bytes of a segment.
//!
//! All integers are little endian. A segment is a [`Header`], records, and zeros up to the end of
//! the file, which is allocated in advance.
//!
//! | header | bytes |
//! |---|---|
//! | magic `HPXLOG\r\n` | 8 |
//! | format version | 4 |
//! | network id | 32 |
//! | number of the segment, from 0 | 8 |
//! | sequence number of its first record, from 1 | 8 |
//! | generation: the number of the segment that it starts with | 8 |
//! | `sealed`: the last sequence number that was durable when the segment got its name | 8 |
//! | salt | 8 |
//! | CRC-32C of the above | 4 |
//!
//! Format version 1 has no generation and no `sealed`: every segment is of generation 0, and nothing
//! was in it when it got its name.
//!
//! | record | bytes |
//! |---|---|
//! | length of the contents | 4 |
//! | CRC-32C of the segment's salt, the length and everything below | 4 |
//! | sequence number, one more than that of the record before | 8 |
//! | `durable`: the last sequence number known to be durable when this was written | 8 |
//! | contents | length |
//!
//! `durable` tells damage from an unfinished write. A power cut may lose any part of what was not yet
//! synced, so that a record that is whole may follow one that is not. But if a later record says that
//! the broken one had been durable, then it has been damaged since.
//!
//! A checkpoint is the first segment of a generation, the number of which it is. Its records are durable
//! before it gets its name, and its header says which is the last of them: `sealed`. If one of them is
//! broken, then it has been damaged since. Numbers of segments and of records are never used twice, so
//! that the last segment is always of the generation that counts.
//!
//! The salt is drawn for each segment. Contents come from strangers, and those cannot make up bytes
//! that look like a record without knowing it.

use crypto::{Digest, NetworkId};

/// The format that this program writes, and the newest that it reads.
pub const VERSION: u32 = 2;
/// The oldest format that this program reads. What it appends to a segment stays in the segment's format.
const OLDEST: u32 = 1;
/// The largest contents of a record: 16 MiB.
pub const MAX_RECORD: usize = 16 << 20;
/// Bytes of a segment's header.
pub const HEADER_LEN: usize = 88;
/// Bytes of the header in format version 1.
const HEADER_LEN_1: usize = 72;
/// Bytes of a record before its contents.
pub const RECORD_HEADER_LEN: usize = 24;

const MAGIC: [u8; 8] = *b"HPXLOG\r\n";

/// The start of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The network that the log belongs to.
    pub network: NetworkId,
    /// The number of the segment.
    pub number: u64,
    /// The sequence number of its first record.
    pub first: u64,
    /// The number of the first segment of the generation that it belongs to.
    pub generation: u64,
    /// The sequence number of the last record that was durable when the segment got its name: the last
    /// one of the checkpoint if it is one, and otherwise the one before the first.
    pub sealed: u64,
    /// Goes into every checksum of the segment.
    pub salt: u64,
}

/// How long the header is in a format version.
pub(super) fn header_len(version: u32) -> usize {
    match version {
        1 => HEADER_LEN_1,
        _ => HEADER_LEN,
    }
}

/// Why bytes are not the header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    Magic,
    Version(u32),
    Short,
    Checksum,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..44].copy_from_slice(self.network.0.as_bytes());
        let fields = [
            self.number,
            self.first,
            self.generation,
            self.sealed,
            self.salt,
        ];
        for (bytes, field) in bytes[44..84].chunks_exact_mut(8).zip(fields) {
            bytes.copy_from_slice(&field.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&bytes[..84]);
        bytes[84..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the header from the first [`HEADER_LEN`] bytes of a segment. Also gives its format version.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, u32), HeaderError> {
        if bytes.len() < 12 {
            return Err(HeaderError::Short);
        }
        if bytes[..8] != MAGIC {
            return Err(HeaderError::Magic);
        }
        // Before the checksum, because a later version may have it elsewhere.
        let version = u32_at(bytes, 8);
        if version > VERSION {
            return Err(HeaderError::Version(version));
        }
        if version < OLDEST {
            return Err(HeaderError::Checksum);
        }
        let len = header_len(version);
        let Some((fields, checksum)) = bytes.get(..len).map(|header| header.split_at(len - 4))
        else {
            return Err(HeaderError::Short);
        };
        if u32_at(checksum, 0) != crc32c::crc32c(fields) {
            return Err(HeaderError::Checksum);
        }
        let mut network = [0; 32];
        network.copy_from_slice(&fields[12..44]);
        let first = u64_at(fields, 52);
        let (generation, sealed) = match version {
            1 => (0, first.saturating_sub(1)),
            _ => (u64_at(fields, 60), u64_at(fields, 68)),
        };
        let header = Self {
            network: NetworkId(Digest(network)),
            number: u64_at(fields, 44),
            first,
            generation,
            sealed,
            salt: u64_at(fields, fields.len() - 8),
        };
        Ok((header, version))
    }

    /// Whether the fields fit each other.
    pub(super) fn makes_sense(&self) -> bool {
        let before = self.first.checked_sub(1);
        // Nothing but a checkpoint is there from the start, and generation 0 has none.
        let seals = self.number == self.generation && self.number > 0;
        self.generation <= self.number
            && (self.number > 0 || self.first == 1)
            && match seals {
                true => before.is_some_and(|before| self.sealed >= before),
                false => before == Some(self.sealed),
            }
    }
}

/// The start of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub(super) len: u32,
    pub(super) checksum: u32,
    pub(super) sequence: u64,
    pub(super) durable: u64,
}

impl RecordHeader {
    /// Reads the fields. `bytes` holds at least [`RECORD_HEADER_LEN`].
    pub(super) fn decode(bytes: &[u8]) -> Self {
        Self {
            len: u32_at(bytes, 0),
            checksum: u32_at(bytes, 4),
            sequence: u64_at(bytes, 8),
            durable: u64_at(bytes, 16),
        }
    }

    /// Whether the checksum fits the fields and the contents.
    pub(super) fn fits(&self, salt: u64, contents: &[u8]) -> bool {
        self.checksum == checksum(salt, self.len, self.sequence, self.durable, contents)
    }
}

/// How many bytes a record takes with these contents.
pub(super) fn framed(contents: &[u8]) -> u64 {
    (RECORD_HEADER_LEN + contents.len()) as u64
}

/// Appends a record to `buffer`. The caller has checked its length.
pub(super) fn encode_record(
    buffer: &mut Vec<u8>,
    salt: u64,
    sequence: u64,
    durable: u64,
    contents: &[u8],
) {
    debug_assert!(contents.len() <= MAX_RECORD);
    let len = contents.len() as u32;
    let checksum = checksum(salt, len, sequence, durable, contents);
    buffer.extend_from_slice(&len.to_le_bytes());
    buffer.extend_from_slice(&checksum.to_le_bytes());
    buffer.extend_from_slice(&sequence.to_le_bytes());
    buffer.extend_from_slice(&durable.to_le_bytes());
    buffer.extend_from_slice(contents);
}

fn checksum(salt: u64, len: u32, sequence: u64, durable: u64, contents: &[u8]) -> u32 {
    let mut fields = [0; 28];
    fields[..8].copy_from_slice(&salt.to_le_bytes());
    fields[8..12].copy_from_slice(&len.to_le_bytes());
    fields[12..20].copy_from_slice(&sequence.to_le_bytes());
    fields[20..].copy_from_slice(&durable.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&fields), contents)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(field)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(field)
}
