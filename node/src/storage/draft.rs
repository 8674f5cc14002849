//! A checkpoint that is being written.

use super::LogError;
use super::directory::Directory;
use super::file_log::MAX_BUFFER;
use super::format::{Header, MAX_RECORD, encode_record};
use super::segment::Segment;

/// The first segment of a generation, of which nothing counts before it is [finished](Self::finish).
#[derive(Debug)]
pub(super) struct Draft {
    segment: Segment,
    /// Records that are not written yet; at most [`MAX_BUFFER`] and one record.
    buffer: Vec<u8>,
    /// The sequence number of the next record.
    next: u64,
    /// What is allocated at a time.
    step: u64,
}

impl Draft {
    /// Begins a checkpoint with this header, in steps of so many bytes.
    pub(super) fn begin(directory: &Directory, start: Header, step: u64) -> Result<Self, LogError> {
        Ok(Self {
            segment: Segment::draft(directory, start, step)?,
            buffer: Vec::new(),
            next: start.first,
            step,
        })
    }

    pub(super) fn append(&mut self, record: &[u8]) -> Result<(), LogError> {
        if record.len() > MAX_RECORD {
            return Err(LogError::RecordTooLarge(record.len()));
        }
        let start = self.segment.header();
        // None of the checkpoint is durable before all of it is.
        let durable = start.first - 1;
        encode_record(&mut self.buffer, start.salt, self.next, durable, record);
        self.next += 1;
        if self.buffer.len() >= MAX_BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    /// Makes the checkpoint durable, and the start of the log. Gives the segment, at the end of which the
    /// log goes on, and the sequence number of the last record in it.
    pub(super) fn finish(mut self, directory: &Directory) -> Result<(Segment, u64), LogError> {
        self.flush()?;
        let last = self.next - 1;
        self.segment.name(directory, last)?;
        Ok((self.segment, last))
    }

    fn flush(&mut self) -> Result<(), LogError> {
        let bytes = self.buffer.len() as u64;
        if bytes > self.segment.room() {
            self.segment.extend(bytes, self.step)?;
        }
        self.segment.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}
