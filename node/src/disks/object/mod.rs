//! A disk that is a prefix in an object store.
//!
//! | object | what |
//! |---|---|
//! | `superblock` | as on a file |
//! | `directory/<id>` | a processor of the disk |
//! | `blocks/<id>` | its block with its header, as in a copy on a file |
//! | `log/<id>/…` | frames of its log, see `chunks` |
//! | `checks/<id>` | what the store can do is tried out here |
//!
//! # Why no late write undoes a later one
//!
//! A PUT whose answer does not come may still land at any time. Every PUT of a block names the version
//! that it replaces (If-Match), and no two PUTs carry the same bytes, so that no two versions ever have
//! the same tag. Of all PUTs that name one version at most one succeeds. Therefore:
//!
//! - A write with an unknown outcome is settled by reading the object. If it holds what was to be
//!   written, the write is done. If it still holds the version before, the same PUT is sent again: one of
//!   the two succeeds, and either is the write. Anything else was written by somebody else.
//! - Once a later write has succeeded, the version that an earlier one names is gone for good.
//! - Opening the disk writes the block with a new incarnation. After that, no PUT of an earlier
//!   incarnation can succeed, neither one on its way nor one of a process that still runs; the latter
//!   finds out with its next write.

mod abilities;
mod chunks;
pub(super) mod create;
mod join;
pub(super) mod look;
pub(super) mod store;

use super::disk::{
    Disk, Opened, check_append, check_block, check_floor, check_member, check_superblock, too_large,
};
use super::format::Superblock;
use super::header::BlockHeader;
use super::sealed::{Flaw, block_of};
use super::{DiskConfig, DiskError, Member, System};
use chunks::Chunks;
use consensus::Slot;
use consensus::disk_paxos::{Block, LogRecord, ProcessorId};
use join::{block_key, claim, decode, directory, join, missing, superblock};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Change, Condition, Got, Store, Tag};

/// How often a write is repeated whose outcome is unknown, or an opening that meets others.
const ATTEMPTS: u32 = 4;

/// A prefix in an object store, open for one processor.
pub struct ObjectDisk {
    store: Store,
    superblock: Superblock,
    me: ProcessorId,
    /// Of the last write of the own block, and its tag.
    header: BlockHeader,
    tag: Tag,
    /// The number of the next object of the own log.
    number: u64,
    others: BTreeMap<ProcessorId, (Tag, Arc<Block>)>,
    logs: BTreeMap<ProcessorId, Chunks>,
    /// Why nothing can be done any more.
    closed: Option<String>,
}

impl ObjectDisk {
    /// See [`open`](super::open).
    ///
    /// # Errors
    /// As there, and [`DiskError::Unfit`] if the store lacks conditional writes.
    pub fn open(disk: &DiskConfig, system: &System, me: &Member) -> Result<Opened, DiskError> {
        Self::open_in(Store::connect(disk)?, &disk.name, system, me)
    }

    pub(super) fn open_in(
        store: Store,
        name: &str,
        system: &System,
        me: &Member,
    ) -> Result<Opened, DiskError> {
        let superblock = superblock(&store)?;
        check_superblock(store.place(), name, system, &superblock)?;
        check_member(store.place(), &superblock, me)?;
        abilities::check(&store, me)?;
        let (header, own, tag) = claim(&store, &superblock, me.id)?;
        join(&store, &superblock, me)?;
        let mut log = Chunks::default();
        log.refresh(&store, me.id)?;
        let logged = log.end();
        check_floor(store.place(), &own, logged)?;
        let disk = Self {
            store,
            superblock,
            me: me.id,
            header,
            tag,
            number: 0,
            others: BTreeMap::new(),
            logs: BTreeMap::from([(me.id, log)]),
            closed: None,
        };
        Ok(Opened {
            disk: Box::new(disk),
            own,
            logged,
        })
    }

    fn check(&self) -> Result<(), DiskError> {
        match &self.closed {
            None => Ok(()),
            Some(why) => Err(DiskError::refused(
                self.store.place(),
                format!("a write failed before, the disk must be opened again: {why}"),
            )),
        }
    }

    /// Runs a write. If it fails, nobody knows what has been written.
    fn writing<T>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, DiskError>,
    ) -> Result<T, DiskError> {
        let result = self.check().and_then(|()| write(self));
        if let Err(error) = &result
            && !matches!(error, DiskError::Refused { .. })
        {
            self.closed.get_or_insert(error.to_string());
        }
        result
    }

    fn put(&mut self, block: &Block) -> Result<(), DiskError> {
        let salt = &self.superblock.uuid;
        let (header, bytes) = self
            .header
            .next(0)
            .encode_with(salt, block)
            .map_err(|len| too_large(self.store.place(), len))?;
        let key = block_key(self.me);
        let condition = Condition::Replaces(self.tag.clone());
        let mut attempts = 1;
        self.tag = loop {
            let error = match self.store.put(&key, &bytes, &condition) {
                Ok(tag) => break tag,
                Err(error) => error,
            };
            match self.store.get(&key)? {
                Some(got) if got.bytes == bytes => break got.tag,
                Some(got) if got.tag == self.tag && attempts < ATTEMPTS => attempts += 1,
                Some(got) if got.tag == self.tag => return Err(error),
                got => return Err(self.not_mine(got)),
            }
        };
        self.header = header;
        Ok(())
    }

    /// The own block is not what was written last.
    fn not_mine(&self, got: Option<Got>) -> DiskError {
        let place = self.store.place();
        let header = match &got {
            Some(got) => BlockHeader::decode(&self.superblock.uuid, self.me, &got.bytes),
            None => Err(Flaw::Blank),
        };
        match header {
            Ok(header) if header.order() > self.header.order() => DiskError::Superseded {
                place: place.to_owned(),
                processor: self.me,
            },
            _ => {
                let what = "it is not what this processor wrote last";
                DiskError::damaged(place, block_of(self.me), what)
            }
        }
    }
}

impl Disk for ObjectDisk {
    fn write_block(&mut self, block: &Block) -> Result<(), DiskError> {
        self.writing(|disk| {
            let logged = disk.logs.entry(disk.me).or_default().end();
            check_block(disk.store.place(), block, logged)?;
            disk.put(block)
        })
    }

    fn append_log(&mut self, records: &[LogRecord]) -> Result<(), DiskError> {
        self.writing(|disk| {
            let log = disk.logs.entry(disk.me).or_default();
            check_append(disk.store.place(), log.end(), records)?;
            let (store, salt) = (&disk.store, &disk.superblock.uuid);
            let incarnation = disk.header.incarnation;
            log.append(store, salt, disk.me, incarnation, &mut disk.number, records)
        })
    }

    fn read_blocks(&mut self) -> Result<Vec<(ProcessorId, Arc<Block>)>, DiskError> {
        self.check()?;
        let mut ids = directory(&self.store)?;
        ids.retain(|id| *id != self.me);
        let known = |id| self.others.get(id).map(|(tag, _)| tag.clone());
        let wanted = ids.iter().map(|id| (block_key(*id), known(id))).collect();
        let mut blocks = Vec::new();
        for (id, change) in ids.iter().zip(self.store.changes(wanted)?) {
            if let Change::New(got) = change {
                let (_, block) = decode(&self.store, &self.superblock, *id, &got)?;
                self.others.insert(*id, (got.tag, Arc::new(block)));
            } else if matches!(change, Change::None) {
                return Err(missing(&self.store, *id));
            }
            if let Some((_, block)) = self.others.get(id) {
                blocks.push((*id, block.clone()));
            }
        }
        Ok(blocks)
    }

    fn read_log(
        &mut self,
        of: ProcessorId,
        from: Slot,
        max_bytes: usize,
    ) -> Result<Vec<LogRecord>, DiskError> {
        self.check()?;
        let log = self.logs.entry(of).or_default();
        log.read(&self.store, &self.superblock.uuid, of, from, max_bytes)
    }
}
