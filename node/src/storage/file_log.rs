//! The log, open for appending.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::Arc;

use consensus::storage::{Storage, StorageError};
use crypto::NetworkId;

use super::directory::Directory;
use super::draft::Draft;
use super::format::{HEADER_LEN, Header, MAX_RECORD, encode_record, framed};
use super::segment::Segment;
use super::survey::survey;
use super::{LogError, Replay};

/// Appended records are written, though not synced, when they reach this size together.
pub(super) const MAX_BUFFER: usize = 4 << 20;

/// How a log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The size of a segment, allocated in advance. A record that is larger gets a segment of its
    /// own size.
    pub segment_bytes: u64,
}

impl Default for Options {
    /// Segments of 64 MiB.
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
        }
    }
}

/// A log in a directory, open for appending. It keeps the directory locked.
///
/// After the first error every call fails, and says what that error was.
#[derive(Debug)]
pub struct FileLog {
    pub(super) segment: Segment,
    directory: Arc<Directory>,
    network: NetworkId,
    options: Options,
    /// Records that are not written yet; at most [`MAX_BUFFER`] and one record.
    buffer: Vec<u8>,
    /// The sequence number of the next record.
    next: u64,
    /// The last sequence number that is durable.
    durable: u64,
    /// Bytes of the records behind the checkpoint.
    grown: u64,
    /// The error that has stopped the log.
    stopped: Option<String>,
}

impl FileLog {
    /// Opens the log of `network` in `directory`, with default [`Options`]. Creates the directory, and
    /// an empty log, where there is none: see [`Replay::is_new`].
    ///
    /// An unfinished write at the end is cut off: see [`Replay::truncated`]. Everything that the
    /// replay gives is durable when this returns.
    ///
    /// # Errors
    /// [`LogError`]; a log that is damaged, of another network or of a newer version is not changed.
    pub fn open(
        directory: impl AsRef<Path>,
        network: NetworkId,
    ) -> Result<(Self, Replay), LogError> {
        Self::open_with(directory, network, Options::default())
    }

    /// Like [`FileLog::open`], with options.
    ///
    /// # Errors
    /// Like [`FileLog::open`].
    pub fn open_with(
        directory: impl AsRef<Path>,
        network: NetworkId,
        options: Options,
    ) -> Result<(Self, Replay), LogError> {
        let directory = Arc::new(Directory::open_or_create(directory.as_ref())?);
        let survey = survey(&directory, network)?;
        let summary = survey.summary;
        let segment = match &survey.tail {
            None => create(&directory, header(network, 0, 1, 0), options.segment_bytes)?,
            Some(tail) => {
                directory.remove_unfinished()?;
                let torn = summary.torn.is_some();
                let segment = Segment::reopen(&directory, tail, torn, options.segment_bytes)?;
                // Only now is it sure that the names of the generation that counts are durable.
                directory.remove_before(summary.generation)?;
                segment
            }
        };
        let log = Self {
            segment,
            directory: Arc::clone(&directory),
            network,
            options,
            buffer: Vec::new(),
            next: summary.next(),
            durable: summary.next() - 1,
            grown: summary.grown,
            stopped: None,
        };
        Ok((log, Replay::new(directory, network, summary)))
    }

    fn try_append(&mut self, record: &[u8]) -> Result<(), LogError> {
        if record.len() > MAX_RECORD {
            return Err(LogError::RecordTooLarge(record.len()));
        }
        let needed = framed(record);
        if self.buffer.len() as u64 + needed > self.segment.room() {
            self.rotate(needed)?;
        }
        let salt = self.segment.salt();
        encode_record(&mut self.buffer, salt, self.next, self.durable, record);
        self.next += 1;
        self.grown += needed;
        if self.buffer.len() >= MAX_BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    /// The log is what it was until the checkpoint is complete, and takes its place all at once.
    fn try_replace(
        &mut self,
        checkpoint: &mut dyn Iterator<Item = Vec<u8>>,
    ) -> Result<(), LogError> {
        let number = self.segment.header().number + 1;
        let start = header(self.network, number, self.next, number);
        let mut draft = Draft::begin(&self.directory, start, self.options.segment_bytes)?;
        for record in checkpoint {
            draft.append(&record)?;
        }
        let (segment, last) = draft.finish(&self.directory)?;
        self.segment = segment;
        // Nothing that has been appended before needs to be written any more.
        self.buffer.clear();
        self.next = last + 1;
        self.durable = last;
        self.grown = 0;
        self.directory.remove_before(number)
    }

    fn try_sync(&mut self) -> Result<(), LogError> {
        if self.durable + 1 == self.next {
            return Ok(());
        }
        self.flush()?;
        self.segment.sync()?;
        self.durable = self.next - 1;
        Ok(())
    }

    /// Goes on in a new segment that has room for a record. What is in the old one is durable before:
    /// only the last segment may ever end in an unfinished write.
    fn rotate(&mut self, needed: u64) -> Result<(), LogError> {
        self.try_sync()?;
        let capacity = self.options.segment_bytes.max(HEADER_LEN as u64 + needed);
        let before = self.segment.header();
        let header = header(
            self.network,
            before.number + 1,
            self.next,
            before.generation,
        );
        self.segment = create(&self.directory, header, capacity)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), LogError> {
        self.segment.write(&self.buffer)?;
        self.buffer.clear();
        // One giant record must not hold its memory for ever.
        self.buffer.shrink_to(MAX_BUFFER);
        Ok(())
    }

    /// Runs one operation, unless an earlier one has failed.
    fn guard(
        &mut self,
        operation: impl FnOnce(&mut Self) -> Result<(), LogError>,
    ) -> Result<(), StorageError> {
        if let Some(first) = &self.stopped {
            return Err(LogError::Stopped(first.clone()).into());
        }
        operation(self).map_err(|error| {
            self.stopped = Some(error.to_string());
            error.into()
        })
    }
}

/// The header of a new segment, into which nothing has been written yet.
fn header(network: NetworkId, number: u64, first: u64, generation: u64) -> Header {
    Header {
        network,
        number,
        first,
        generation,
        sealed: first - 1,
        salt: RandomState::new().hash_one(number),
    }
}

/// Creates an empty segment: complete and durable, or not at all.
fn create(directory: &Directory, header: Header, capacity: u64) -> Result<Segment, LogError> {
    let mut segment = Segment::draft(directory, header, capacity)?;
    segment.name(directory, header.sealed)?;
    Ok(segment)
}

impl Storage for FileLog {
    fn append(&mut self, record: &[u8]) -> Result<(), StorageError> {
        self.guard(|log| log.try_append(record))
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.guard(Self::try_sync)
    }

    /// Needs disk space for the checkpoint beside what there is, which is removed afterwards. In memory
    /// are a buffer and one record.
    fn replace(
        &mut self,
        checkpoint: &mut dyn Iterator<Item = Vec<u8>>,
    ) -> Result<(), StorageError> {
        self.guard(|log| log.try_replace(checkpoint))
    }

    fn grown(&self) -> u64 {
        self.grown
    }
}
