//! The segment that is being written.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crypto::NetworkId;
use rustix::fs::{FallocateFlags, fallocate, fdatasync};
use rustix::io::Errno;

use super::LogError;
use super::directory::Directory;
use super::format::{HEADER_LEN, Header};
use super::survey::Tail;

/// How much is copied at a time where memory must stay bounded.
const CHUNK: usize = 1 << 20;

/// A segment open for writing at its end.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) file: File,
    path: PathBuf,
    header: Header,
    /// Where the next write goes.
    end: u64,
    /// How long the file is: allocated, and zero from `end` on.
    capacity: u64,
}

impl Segment {
    /// Creates a segment: complete and durable, or not at all.
    pub(super) fn create(
        directory: &Directory,
        network: NetworkId,
        number: u64,
        first: u64,
        capacity: u64,
    ) -> Result<Self, LogError> {
        let (draft, path) = (directory.unfinished(), directory.segment(number));
        directory.remove_unfinished()?;
        let header = Header {
            network,
            number,
            first,
            salt: RandomState::new().hash_one(number),
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&draft)
            .map_err(LogError::io(&draft, "create"))?;
        allocate(&draft, &file, capacity)?;
        file.write_all_at(&header.encode(), 0)
            .map_err(LogError::io(&draft, "write"))?;
        file.sync_all().map_err(LogError::io(&draft, "sync"))?;
        // A crash from here on leaves a whole segment or none.
        fs::rename(&draft, &path).map_err(LogError::io(&path, "name"))?;
        directory.sync()?;
        Ok(Self {
            file,
            path,
            header,
            end: HEADER_LEN as u64,
            capacity,
        })
    }

    /// Opens the last segment of a log, and makes it what the survey says it is: `torn` bytes behind
    /// its end are cut off, and every record in it is durable when this returns.
    pub(super) fn reopen(
        directory: &Directory,
        tail: &Tail,
        torn: bool,
        capacity: u64,
    ) -> Result<Self, LogError> {
        let path = directory.segment(tail.header.number);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(LogError::io(&path, "open for writing"))?;
        let len = file
            .metadata()
            .map_err(LogError::io(&path, "examine"))?
            .len();
        let mut segment = Self {
            file,
            path,
            header: tail.header,
            end: tail.end,
            capacity: capacity.max(len),
        };
        if torn {
            segment.cut()?;
        }
        segment.rewrite(tail.doubtful)?;
        if torn || len < segment.capacity {
            allocate(&segment.path, &segment.file, segment.capacity)?;
        }
        segment
            .file
            .sync_all()
            .map_err(LogError::io(&segment.path, "sync"))?;
        directory.sync()?;
        Ok(segment)
    }

    /// Cuts off everything behind the end. The bytes are gone for good before anything else is
    /// written: what is allocated afterwards reads as zeros, so no part of them is ever taken for a
    /// record.
    fn cut(&mut self) -> Result<(), LogError> {
        self.file
            .set_len(self.end)
            .and_then(|()| self.file.sync_all())
            .map_err(LogError::io(&self.path, "cut the unfinished end of"))
    }

    /// Writes the records from `from` on again, as they are. After a sync that failed, the system
    /// may show bytes that never reached the disk and regard them as clean; a sync alone would then
    /// confirm what is not there.
    fn rewrite(&mut self, mut from: u64) -> Result<(), LogError> {
        let mut chunk = vec![0; CHUNK];
        while from < self.end {
            let len = (self.end - from).min(CHUNK as u64) as usize;
            self.file
                .read_exact_at(&mut chunk[..len], from)
                .and_then(|()| self.file.write_all_at(&chunk[..len], from))
                .map_err(LogError::io(&self.path, "write again"))?;
            from += len as u64;
        }
        Ok(())
    }

    /// Writes at the end. The caller has seen to it that there is [`room`](Self::room).
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        self.file
            .write_all_at(bytes, self.end)
            .map_err(LogError::io(&self.path, "write to"))?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Makes everything written durable.
    pub(super) fn sync(&self) -> Result<(), LogError> {
        fdatasync(&self.file).map_err(LogError::io(&self.path, "sync"))
    }

    /// How many bytes still fit.
    pub(super) fn room(&self) -> u64 {
        self.capacity.saturating_sub(self.end)
    }

    pub(super) fn number(&self) -> u64 {
        self.header.number
    }

    pub(super) fn salt(&self) -> u64 {
        self.header.salt
    }
}

/// Reserves the space up to `capacity` now, so that a full disk is noticed here, and a sync has no
/// new file length to write.
fn allocate(path: &Path, file: &File, capacity: u64) -> Result<(), LogError> {
    match fallocate(file, FallocateFlags::empty(), 0, capacity) {
        // Some file systems cannot reserve; there, a full disk is an error of a later write.
        Err(Errno::OPNOTSUPP) => file.set_len(capacity).map_err(LogError::io(path, "extend")),
        result => result.map_err(LogError::io(path, "allocate")),
    }
}
