//! The records that a log held when it was opened.

use std::sync::Arc;

use crypto::NetworkId;

use super::LogError;
use super::directory::Directory;
use super::reader::{Reader, Step};
use super::survey::Summary;

/// Gives the records of a log in the order in which they were appended, one at a time. What is
/// appended after opening is not among them.
///
/// It reads the files of the log, so that [replacing](consensus::storage::Storage::replace) those ends it
/// with an error. After an error there is nothing more; the node must not start with a part of its log.
#[derive(Debug)]
pub struct Replay {
    directory: Arc<Directory>,
    network: NetworkId,
    summary: Summary,
    /// Records given so far.
    given: u64,
    /// The segment being read, and its number.
    reader: Option<(u64, Reader)>,
    failed: bool,
}

impl Replay {
    pub(super) fn new(directory: Arc<Directory>, network: NetworkId, summary: Summary) -> Self {
        Self {
            directory,
            network,
            summary,
            given: 0,
            reader: None,
            failed: false,
        }
    }

    /// How many bytes of an unfinished write were cut off at the end. They had not been synced.
    #[must_use]
    pub fn truncated(&self) -> Option<u64> {
        self.summary.torn
    }

    /// Whether there was no log, and an empty one was created. For a node that has run before, this
    /// means that the directory is not the right one: it would go on without its promises.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.summary.segments == 0
    }

    /// What the log held when it was opened.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary
    }

    fn read(&mut self) -> Result<Vec<u8>, LogError> {
        loop {
            let (number, reader) = match &mut self.reader {
                Some((number, reader)) => (number, reader),
                empty => {
                    let number = self.summary.generation;
                    let reader = open(&self.directory, self.network, &self.summary, number, 0)?;
                    let (number, reader) = empty.insert((number, reader));
                    (number, reader)
                }
            };
            if let Step::Record { contents, .. } = reader.step()? {
                return Ok(contents);
            }
            // The survey has found more records, so there is a next segment.
            *number += 1;
            let summary = &self.summary;
            *reader = open(&self.directory, self.network, summary, *number, self.given)?;
        }
    }
}

impl Iterator for Replay {
    type Item = Result<Vec<u8>, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.given == self.summary.records {
            return None;
        }
        let record = self.read();
        self.given += 1;
        self.failed = record.is_err();
        Some(record)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.summary.records - self.given);
        let left = if self.failed { Ok(0) } else { left };
        (0, left.ok())
    }
}

/// Opens the segment that follows after so many records of the log.
fn open(
    directory: &Directory,
    network: NetworkId,
    summary: &Summary,
    number: u64,
    given: u64,
) -> Result<Reader, LogError> {
    let first = Some(summary.first + given);
    let path = directory.segment(number);
    Reader::open_in(summary.generation, &path, network, number, first)
}
