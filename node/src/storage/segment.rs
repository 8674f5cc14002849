//! The segment that is being written.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, fdatasync};
use rustix::io::{Errno, retry_on_intr};

use super::LogError;
use super::directory::Directory;
use super::files;
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
    /// Starts a segment, with the name of one that is not complete. Nothing but the space for it is
    /// there before it gets [its name](Self::name).
    pub(super) fn draft(
        directory: &Directory,
        header: Header,
        capacity: u64,
    ) -> Result<Self, LogError> {
        let path = directory.unfinished();
        directory.remove_unfinished()?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(LogError::io(&path, "create"))?;
        let capacity = capacity.max(HEADER_LEN as u64);
        allocate(&path, &file, capacity)?;
        Ok(Self {
            file,
            path,
            header,
            end: HEADER_LEN as u64,
            capacity,
        })
    }

    /// Makes a draft a segment of the log, complete and durable, or not at all. The records that were
    /// written to it, up to `sealed`, are its checkpoint.
    pub(super) fn name(&mut self, directory: &Directory, sealed: u64) -> Result<(), LogError> {
        self.header.sealed = sealed;
        self.file
            .write_all_at(&self.header.encode(), 0)
            .map_err(LogError::io(&self.path, "write"))?;
        files::sync(&self.path, &self.file)?;
        // A crash from here on leaves a whole segment or none.
        let path = directory.segment(self.header.number);
        files::rename(&self.path, &path)?;
        self.path = path;
        directory.sync()
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
        files::sync(&segment.path, &segment.file)?;
        directory.sync()?;
        Ok(segment)
    }

    /// Cuts off everything behind the end. The bytes are gone for good before anything else is
    /// written: what is allocated afterwards reads as zeros, so no part of them is ever taken for a
    /// record.
    fn cut(&mut self) -> Result<(), LogError> {
        self.file
            .set_len(self.end)
            .map_err(LogError::io(&self.path, "cut the unfinished end of"))?;
        files::sync(&self.path, &self.file)
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

    /// Makes room for `bytes` more, and for `reserve` behind them.
    pub(super) fn extend(&mut self, bytes: u64, reserve: u64) -> Result<(), LogError> {
        self.capacity = self.end + bytes + reserve;
        allocate(&self.path, &self.file, self.capacity)
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

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn salt(&self) -> u64 {
        self.header.salt
    }
}

/// Reserves the space up to `capacity` now, so that a full disk is noticed here, and a sync has no
/// new file length to write.
fn allocate(path: &Path, file: &File, capacity: u64) -> Result<(), LogError> {
    let doing = format!("allocate {capacity} bytes for");
    match retry_on_intr(|| fallocate(file, FallocateFlags::empty(), 0, capacity)) {
        // Some file systems cannot reserve; there, a full disk is an error of a later write.
        Err(Errno::OPNOTSUPP) => file.set_len(capacity).map_err(LogError::io(path, "extend")),
        result => result.map_err(LogError::io(path, doing)),
    }
}
