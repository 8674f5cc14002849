//! Joining a disk in an object store, and what there is besides the logs.

use super::ATTEMPTS;
use super::store::{Condition, Got, Store, Tag};
use crate::disks::disk::{check_entry, too_large};
use crate::disks::format::Superblock;
use crate::disks::header::BlockHeader;
use crate::disks::sealed::{Flaw, block_of};
use crate::disks::{DiskError, Member};
use consensus::disk_paxos::{Block, ProcessorId};

/// The key of the superblock.
pub(super) const SUPERBLOCK: &str = "superblock";

/// Reads the own block and writes it again as a new incarnation, or for the first time.
pub(super) fn claim(
    store: &Store,
    superblock: &Superblock,
    me: ProcessorId,
) -> Result<(BlockHeader, Block, Tag), DiskError> {
    let key = block_key(me);
    let mut attempts = 0;
    loop {
        let (header, block, condition) = match store.get(&key)? {
            Some(got) => {
                let (header, block) = decode(store, superblock, me, &got)?;
                (header, block, Condition::Replaces(got.tag))
            }
            None => {
                no_entry_yet(store, me)?;
                (BlockHeader::first(me), Block::default(), Condition::New)
            }
        };
        let (header, bytes) = header
            .reopened()
            .next(0)
            .encode_with(&superblock.uuid, &block)
            .map_err(|len| too_large(store.place(), len))?;
        let error = match store.put(&key, &bytes, &condition) {
            Ok(tag) => return Ok((header, block, tag)),
            Err(error) => error,
        };
        // A late write of an earlier incarnation may have come first, or this one in spite of all.
        if let Some(got) = store.get(&key)?
            && got.bytes == bytes
        {
            return Ok((header, block, got.tag));
        }
        attempts += 1;
        if attempts == ATTEMPTS {
            return Err(error);
        }
    }
}

/// A processor that has joined has a block. If that is gone, starting from nothing would break what it
/// has promised.
fn no_entry_yet(store: &Store, me: ProcessorId) -> Result<(), DiskError> {
    match directory(store)?.contains(&me) {
        true => Err(missing(store, me)),
        false => Ok(()),
    }
}

/// Adds the processor to the directory. Its block is there already.
pub(super) fn join(store: &Store, superblock: &Superblock, me: &Member) -> Result<(), DiskError> {
    let key = format!("directory/{}", me.id);
    let salt = &superblock.uuid;
    let found = match store.get(&key)? {
        Some(found) => found,
        None => match store.put(&key, &me.encode(salt), &Condition::New) {
            Ok(_) => return Ok(()),
            Err(error) => store.get(&key)?.ok_or(error)?,
        },
    };
    let entry = Member::decode(salt, &found.bytes).map_err(|flaw| {
        let at = format!("directory entry of processor {}", me.id);
        DiskError::damaged(store.place(), at, flaw)
    })?;
    check_entry(store.place(), &entry, me)
}

pub(super) fn superblock(store: &Store) -> Result<Superblock, DiskError> {
    let place = || store.place().to_owned();
    let unformatted = |what: String| DiskError::Unformatted {
        place: place(),
        what,
    };
    let Some(got) = store.get(SUPERBLOCK)? else {
        return Err(unformatted("there is no superblock".to_owned()));
    };
    Superblock::decode(&got.bytes).map_err(|flaw| match flaw {
        Flaw::Version(found) => DiskError::OtherVersion {
            place: place(),
            found,
        },
        Flaw::Broken(what) => DiskError::damaged(store.place(), SUPERBLOCK, what),
        Flaw::Blank | Flaw::Foreign => unformatted(flaw.to_string()),
    })
}

/// The processors in the directory. The names of the objects say it all.
pub(super) fn directory(store: &Store) -> Result<Vec<ProcessorId>, DiskError> {
    let names = store.list("directory", None)?;
    let ids = names.iter().filter_map(|(name, _)| name.parse().ok());
    let mut ids: Vec<_> = ids.filter_map(ProcessorId::new).collect();
    ids.sort();
    Ok(ids)
}

pub(super) fn decode(
    store: &Store,
    superblock: &Superblock,
    of: ProcessorId,
    got: &Got,
) -> Result<(BlockHeader, Block), DiskError> {
    BlockHeader::decode_with(&superblock.uuid, of, &got.bytes)
        .map_err(|flaw| DiskError::damaged(store.place(), block_of(of), flaw))
}

pub(super) fn missing(store: &Store, of: ProcessorId) -> DiskError {
    DiskError::damaged(store.place(), block_of(of), "it is gone")
}

pub(super) fn block_key(of: ProcessorId) -> String {
    format!("blocks/{of}")
}
