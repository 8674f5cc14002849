//! Finding out, without changing anything, what a directory holds.

use std::collections::VecDeque;
use std::path::Path;

use crypto::NetworkId;

use super::LogError;
use super::directory::Directory;
use super::format::{Header, MAX_RECORD, RECORD_HEADER_LEN, RecordHeader};
use super::reader::{Reader, Step};

/// What a log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Segments.
    pub segments: u64,
    /// Whole records.
    pub records: u64,
    /// Bytes of the contents of these records.
    pub bytes: u64,
    /// Bytes of an unfinished write at the end, which opening the log cuts off.
    pub torn: Option<u64>,
}

/// Reads every record of a log that no process has open, and changes nothing in it.
///
/// # Errors
/// Whatever would keep [`FileLog::open`](super::FileLog::open) from opening it.
pub fn check(directory: &Path, network: NetworkId) -> Result<Summary, LogError> {
    let directory = Directory::lock(directory)?;
    survey(&directory, network).map(|survey| survey.summary)
}

/// What opening needs to know.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) summary: Summary,
    /// The last segment, unless there is none.
    pub(super) tail: Option<Tail>,
}

/// The last segment of a log.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) header: Header,
    /// Where the next record goes.
    pub(super) end: u64,
    /// Where the records start of which no later one says that they were durable.
    pub(super) doubtful: u64,
}

pub(super) fn survey(directory: &Directory, network: NetworkId) -> Result<Survey, LogError> {
    let mut summary = Summary {
        segments: directory.count()?,
        ..Summary::default()
    };
    let mut tail = None;
    for number in 0..summary.segments {
        let path = directory.segment(number);
        let mut reader = Reader::open(&path, network, number, summary.records + 1)?;
        let doubtful = read_records(&mut reader, &mut summary)?;
        let used = reader.used()?;
        if used > 0 {
            let is_last = number + 1 == summary.segments;
            judge(&path, &mut reader, used, is_last)?;
            summary.torn = Some(used);
        }
        tail = Some(Tail {
            header: *reader.header(),
            end: reader.offset(),
            doubtful,
        });
    }
    Ok(Survey { summary, tail })
}

/// Reads all whole records. Returns where those start that may not be durable.
fn read_records(reader: &mut Reader, summary: &mut Summary) -> Result<u64, LogError> {
    // Sequence numbers and offsets of the records that are not known to be durable.
    let mut doubtful = VecDeque::new();
    loop {
        let sequence = reader.next_sequence();
        let Step::Record {
            offset,
            durable,
            contents,
        } = reader.step()?
        else {
            return Ok(doubtful.front().map_or(reader.offset(), |(_, at)| *at));
        };
        doubtful.push_back((sequence, offset));
        while doubtful.front().is_some_and(|(known, _)| *known <= durable) {
            doubtful.pop_front();
        }
        summary.records += 1;
        summary.bytes += contents.len() as u64;
    }
}

/// Decides whether the `used` bytes that follow the whole records are an unfinished write.
fn judge(path: &Path, reader: &mut Reader, used: u64, is_last: bool) -> Result<(), LogError> {
    let (offset, next) = (reader.offset(), reader.next_sequence());
    if !is_last {
        // A segment is synced before the next one is created.
        let what = format!("record {next} is broken, and there is a later segment");
        return Err(LogError::damaged(path, offset, what));
    }
    if let Some(at) = find_witness(&reader.rest()?, used, reader.header().salt, next) {
        let witness = offset + at as u64;
        let what = format!(
            "record {next} is broken, and the record at offset {witness} was written when it was \
             durable"
        );
        return Err(LogError::damaged(path, offset, what));
    }
    Ok(())
}

/// Looks for a whole record, at any position, which says that record `broken` was durable. The
/// length of a broken record is not to be believed, hence any position among the `used` bytes; the
/// zeros behind them may still belong to the last record.
fn find_witness(rest: &[u8], used: u64, salt: u64, broken: u64) -> Option<usize> {
    let most = (rest.len() / RECORD_HEADER_LEN) as u64;
    let starts = rest.len().saturating_sub(RECORD_HEADER_LEN - 1);
    (0..starts.min(used as usize)).find(|at| {
        let (header, contents) = rest[*at..].split_at(RECORD_HEADER_LEN);
        let header = RecordHeader::decode(header);
        // The cheap questions first: almost no position gets as far as the checksum.
        let plausible = header.durable >= broken
            && header.sequence > header.durable
            && header.sequence - broken <= most
            && header.len as usize <= MAX_RECORD;
        plausible
            && contents
                .get(..header.len as usize)
                .is_some_and(|contents| header.fits(salt, contents))
    })
}
