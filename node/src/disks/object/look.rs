//! Looking at a disk in an object store, without writing.

use super::chunks::Chunks;
use super::join::{block_key, decode, directory, missing, superblock};
use super::store::Store;
use crate::disks::survey::{CopyState, LogState, MemberState, Survey, Visit};
use crate::disks::{DiskConfig, DiskError, Member};
use consensus::Slot;
use std::sync::Arc;

/// How much of a log is read at a time.
const AT_ONCE: usize = 4 << 20;

/// See [`survey`](crate::disks::survey()).
pub(in crate::disks) fn look(disk: &DiskConfig, visit: Visit<'_>) -> Result<Survey, DiskError> {
    look_in(&Store::connect(disk)?, visit)
}

pub(in crate::disks) fn look_in(store: &Store, visit: Visit<'_>) -> Result<Survey, DiskError> {
    let superblock = superblock(store)?;
    let salt = superblock.uuid;
    let mut members = Vec::new();
    for of in directory(store)? {
        let entry = store.get(&format!("directory/{of}"))?.unwrap_or_default();
        let member = Member::decode(&salt, &entry.bytes).map_err(|flaw| {
            let at = format!("directory entry of processor {of}");
            DiskError::damaged(store.place(), at, flaw)
        })?;
        // The block before the log: what it refers to is there, whatever is appended meanwhile.
        let block = match store.get(&block_key(of))? {
            Some(got) => decode(store, &superblock, of, &got),
            None => Err(missing(store, of)),
        };
        let block = match block {
            Ok((header, block)) => Ok((header, Arc::new(block))),
            Err(DiskError::Damaged { what, .. }) => Err(what),
            Err(error) => return Err(error),
        };
        let mut log = Chunks::default();
        let mut problems = Vec::new();
        let mut next = Slot(0);
        loop {
            match log.read(store, &salt, of, next, AT_ONCE) {
                Ok(records) if records.is_empty() => break,
                Ok(records) => {
                    for record in &records {
                        visit(of, record);
                        next = Slot(record.slot.0 + 1);
                    }
                }
                Err(DiskError::Damaged { at, what, .. }) => {
                    problems.push(format!("{at}: {what}"));
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let (pieces, bytes) = log.size();
        members.push(MemberState {
            member,
            copies: vec![match &block {
                Ok((header, _)) => CopyState::Whole(*header),
                Err(why) => CopyState::Broken(why.clone()),
            }],
            block,
            log: LogState {
                end: next,
                pieces,
                bytes,
                capacity: None,
            },
            problems,
        });
    }
    Ok(Survey {
        superblock,
        members,
    })
}
