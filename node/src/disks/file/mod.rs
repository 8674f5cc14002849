//! A disk that is a regular file or a block device.

pub(super) mod buffer;
pub(super) mod copies;
pub(super) mod create;
pub(super) mod device;
mod directory;
pub(super) mod log;
pub(super) mod look;

use super::disk::{
    Disk, Opened, check_append, check_block, check_entry, check_floor, check_member,
    check_superblock, too_large,
};
use super::format::Superblock;
use super::header::{BlockHeader, FrameHeader};
use super::sealed::{Flaw, SECTOR, block_of};
use super::{DiskConfig, DiskError, Location, Member, System};
use buffer::Buffer;
use consensus::Slot;
use consensus::disk_paxos::{Block, LogRecord, ProcessorId};
use copies::{Found, turn};
use device::Device;
use directory::{directory, entry_damaged, superblock};
use log::{Index, Place};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A regular file or block device, open for one processor.
pub struct FileDisk {
    device: Device,
    superblock: Superblock,
    me: ProcessorId,
    /// Of the last write of the own block.
    header: BlockHeader,
    /// Where the own log ends.
    end: Place,
    others: BTreeMap<ProcessorId, Found>,
    logs: BTreeMap<ProcessorId, Index>,
    /// Why nothing can be done any more.
    closed: Option<String>,
}

impl FileDisk {
    /// See [`open`](super::open).
    ///
    /// # Errors
    /// As there.
    pub fn open(disk: &DiskConfig, system: &System, me: &Member) -> Result<Opened, DiskError> {
        let place = disk.place();
        let Location::Path(path) = &disk.location else {
            return Err(DiskError::refused(&place, "it is not a file or device"));
        };
        let device = Device::open(path, &place, true)?;
        // Before anything is read: whoever formats a disk locks all of it.
        if !device.lock(Superblock::entry_at(me.id), SECTOR as u64)? {
            let who = format!("processor {}, or is being formatted", me.id);
            return Err(DiskError::InUse { place, who });
        }
        let superblock = superblock(&device)?;
        check_superblock(&place, &disk.name, system, &superblock)?;
        check_member(&place, &superblock, me)?;
        device.check(superblock.disk_bytes())?;
        let mut opening = Self {
            device,
            superblock,
            me: me.id,
            header: BlockHeader::first(me.id),
            end: Place::default(),
            others: BTreeMap::new(),
            logs: BTreeMap::new(),
            closed: None,
        };
        opening.join(me)?;
        let found = opening.read_block(me.id, None)?;
        opening.find_end(found.header.log_head)?;
        let logged = opening.end.slot;
        check_floor(&place, &found.block, logged)?;
        // What was read may be in a cache only, if the process before was killed while it wrote.
        opening.device.sync()?;
        opening.header = found.header.reopened();
        opening.put(&found.block)?;
        Ok(Opened {
            disk: Box::new(opening),
            own: Arc::unwrap_or_clone(found.block),
            logged,
        })
    }

    /// Adds the processor to the directory: first its block, so that whoever finds it there finds a
    /// block too. Only this processor ever writes there, see [`format`](super::format).
    fn join(&self, me: &Member) -> Result<(), DiskError> {
        let at = Superblock::entry_at(me.id);
        match Member::decode(&self.superblock.uuid, &self.device.read(at, SECTOR)?) {
            Ok(found) => check_entry(self.device.place(), &found, me),
            Err(Flaw::Blank) => {
                self.no_block_yet(me.id)?;
                let first = BlockHeader::first(me.id);
                for header in [first, first.next(0)] {
                    self.write_copy(header, &Block::default())?;
                }
                let entry = Buffer::of(&me.encode(&self.superblock.uuid));
                self.device.write(at, &entry)
            }
            Err(flaw) => Err(entry_damaged(&self.device, me.id, &flaw)),
        }
    }

    /// Whoever has opened the disk was in the directory: an empty entry is a lost one then.
    fn no_block_yet(&self, of: ProcessorId) -> Result<(), DiskError> {
        match self.read_block(of, None) {
            Ok(found) if found.header.incarnation > 0 => {
                Err(entry_damaged(&self.device, of, &Flaw::Blank))
            }
            _ => Ok(()),
        }
    }

    /// Finds the end of the own log. Everything that the block refers to must be there. What follows
    /// was appended when the block was not yet written: it is written again as it is, because a write
    /// that failed may have left it in a cache.
    fn find_end(&mut self, log_head: u64) -> Result<(), DiskError> {
        let index = self.logs.entry(self.me).or_default();
        let (device, superblock, me) = (&self.device, &self.superblock, self.me);
        let end = log::walk(device, superblock, me, Place::default(), &mut |frame| {
            index.note(frame.place);
            if frame.place.offset >= log_head {
                let at = superblock.log_at(me) + frame.place.offset;
                device.write(at, &Buffer::of(frame.bytes))?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if end.place.offset < log_head {
            let at = format!("log of processor {me} at byte {}", end.place.offset);
            let what = end.flaw.unwrap_or(Flaw::Blank);
            return Err(DiskError::damaged(device.place(), at, what));
        }
        self.end = end.place;
        Ok(())
    }

    fn read_block(&self, of: ProcessorId, known: Option<&Found>) -> Result<Found, DiskError> {
        let (device, superblock) = (&self.device, &self.superblock);
        let mut read = |which, len| device.read(superblock.copy_at(of, which), len);
        copies::newest(&mut read, device.place(), &superblock.uuid, of, known)
    }

    /// Writes the block as the next version.
    fn put(&mut self, block: &Block) -> Result<(), DiskError> {
        let header = self.header.next(self.end.offset);
        self.header = self.write_copy(header, block)?;
        Ok(())
    }

    fn write_copy(&self, header: BlockHeader, block: &Block) -> Result<BlockHeader, DiskError> {
        let place = self.device.place();
        let (header, bytes) = header
            .encode_with(&self.superblock.uuid, block)
            .map_err(|len| too_large(place, len))?;
        let at = self.superblock.copy_at(header.processor, turn(&header));
        self.device.write(at, &Buffer::of(&bytes))?;
        Ok(header)
    }

    /// Before every write: is the last one still the newest? Nobody on this machine can have written
    /// since. If two machines share the device and this number, that is noticed here at the latest.
    fn check_mine(&self) -> Result<(), DiskError> {
        let (device, superblock) = (&self.device, &self.superblock);
        let mut read = |which, len| device.read(superblock.copy_at(self.me, which), len);
        let mine = turn(&self.header);
        let is = copies::header(&mut read, &superblock.uuid, self.me, mine)?;
        let other = copies::header(&mut read, &superblock.uuid, self.me, 1 - mine)?;
        let newer = [&is, &other]
            .into_iter()
            .flatten()
            .any(|header| header.order() > self.header.order());
        if newer {
            return Err(DiskError::Superseded {
                place: device.place().to_owned(),
                processor: self.me,
            });
        }
        if is.as_ref() != Ok(&self.header) {
            let what = "it is not what this processor wrote last";
            return Err(DiskError::damaged(device.place(), block_of(self.me), what));
        }
        Ok(())
    }

    /// The state of the disk before every operation.
    fn check(&self) -> Result<(), DiskError> {
        match &self.closed {
            None => self.device.check(self.superblock.disk_bytes()),
            Some(why) => Err(DiskError::refused(
                self.device.place(),
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

    fn append(&mut self, records: &[LogRecord]) -> Result<(), DiskError> {
        check_append(self.device.place(), self.end.slot, records)?;
        let frames = FrameHeader::encode_all(&self.superblock.uuid, self.me, records);
        let frames: Vec<_> = frames
            .into_iter()
            .map(|(count, bytes)| (count as u64, Buffer::of(&bytes)))
            .collect();
        let more: u64 = frames.iter().map(|(_, frame)| frame.len() as u64).sum();
        if self.end.offset + more > self.superblock.log_bytes {
            return Err(DiskError::LogFull {
                place: self.device.place().to_owned(),
                processor: self.me,
                used: self.end.offset,
                capacity: self.superblock.log_bytes,
                more,
            });
        }
        for (count, frame) in frames {
            let at = self.superblock.log_at(self.me) + self.end.offset;
            self.device.write(at, &frame)?;
            self.end.offset += frame.len() as u64;
            self.end.slot.0 += count;
        }
        Ok(())
    }
}

impl Disk for FileDisk {
    fn write_block(&mut self, block: &Block) -> Result<(), DiskError> {
        self.writing(|disk| {
            check_block(disk.device.place(), block, disk.end.slot)?;
            disk.check_mine()?;
            disk.put(block)
        })
    }

    fn append_log(&mut self, records: &[LogRecord]) -> Result<(), DiskError> {
        self.writing(|disk| disk.append(records))
    }

    fn read_blocks(&mut self) -> Result<Vec<(ProcessorId, Arc<Block>)>, DiskError> {
        self.check()?;
        let mut blocks = Vec::new();
        for member in directory(&self.device, &self.superblock)? {
            if member.id == self.me {
                continue;
            }
            let found = self.read_block(member.id, self.others.get(&member.id))?;
            blocks.push((member.id, found.block.clone()));
            self.others.insert(member.id, found);
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
        if of.0 > self.superblock.processors {
            return Ok(Vec::new());
        }
        let index = self.logs.entry(of).or_default();
        log::read(&self.device, &self.superblock, of, index, from, max_bytes)
    }
}
