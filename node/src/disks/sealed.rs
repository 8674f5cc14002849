//! The envelope around everything small that stands on a disk.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `HPXD` |
//! | 4 | what it is ([`Kind`]) |
//! | 4 | format version |
//! | 4 | length of the contents |
//! | 4 | CRC-32C of the disk's salt, the three fields above and the contents |
//! | length | the contents in the canonical encoding |
//!
//! All integers are little endian. The salt is drawn when a disk is formatted: what an earlier format
//! has left behind never counts, and values from strangers cannot make up a header.

use consensus::disk_paxos::ProcessorId;
use crypto::codec;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// The format that this program writes, and the only one that it reads.
pub(super) const VERSION: u32 = 1;
/// Bytes before the contents.
pub(super) const PREFIX: usize = 20;
/// The unit of aligned access, and the most that an envelope with its contents takes.
pub(super) const SECTOR: usize = 4096;

const MAGIC: [u8; 4] = *b"HPXD";

/// Drawn for each disk, goes into its checksums.
pub(super) type Salt = [u8; 16];

/// What an envelope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Superblock = 1,
    Member = 2,
    Block = 3,
    Frame = 4,
}

/// Why bytes are not a whole envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Nothing but zeros.
    Blank,
    /// Something else.
    Foreign,
    /// Of another version.
    Version(u32),
    /// Ours once, but changed or unfinished.
    Broken(&'static str),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Blank => f.write_str("there are only zeros"),
            Flaw::Foreign => f.write_str("something else is there"),
            Flaw::Version(version) => write!(f, "it has format version {version}"),
            Flaw::Broken(what) => f.write_str(what),
        }
    }
}

/// Puts a value in an envelope.
pub(super) fn seal<T: Serialize>(kind: Kind, salt: &Salt, value: &T) -> Vec<u8> {
    let contents = codec::encode(value);
    debug_assert!(PREFIX + contents.len() <= SECTOR);
    let mut bytes = Vec::with_capacity(PREFIX + contents.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&(kind as u32).to_le_bytes());
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(contents.len() as u32).to_le_bytes());
    let checksum = checksum(salt, &[&bytes[4..16], &contents]);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(&contents);
    bytes
}

/// Takes a value out of the envelope at the start of `bytes`.
pub(super) fn unseal<T: Serialize + DeserializeOwned>(
    kind: Kind,
    salt: &Salt,
    bytes: &[u8],
) -> Result<T, Flaw> {
    let bytes = &bytes[..bytes.len().min(SECTOR)];
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(Flaw::Blank);
    }
    if bytes.len() < PREFIX || bytes[..4] != MAGIC || u32_at(bytes, 4) != kind as u32 {
        return Err(Flaw::Foreign);
    }
    // Before the checksum, because a later version may have it elsewhere.
    if u32_at(bytes, 8) != VERSION {
        return Err(Flaw::Version(u32_at(bytes, 8)));
    }
    let len = u32_at(bytes, 12) as usize;
    let contents = bytes[PREFIX..].get(..len);
    let contents = contents.ok_or(Flaw::Broken("its length makes no sense"))?;
    if u32_at(bytes, 16) != checksum(salt, &[&bytes[4..16], contents]) {
        return Err(Flaw::Broken("its checksum does not fit"));
    }
    codec::decode(contents, SECTOR).map_err(|_| Flaw::Broken("its contents make no sense"))
}

/// CRC-32C of the salt and the parts.
pub(super) fn checksum(salt: &Salt, parts: &[&[u8]]) -> u32 {
    let start = crc32c::crc32c(salt);
    parts
        .iter()
        .fold(start, |sum, part| crc32c::crc32c_append(sum, part))
}

/// How a processor is called where its number stands in the sentence.
pub(super) fn block_of(processor: ProcessorId) -> String {
    format!("block of processor {processor}")
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(field)
}
