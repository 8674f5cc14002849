//! Finding out, without changing anything, what a directory holds.

use std::collections::VecDeque;
use std::path::Path;

use crypto::NetworkId;

use super::LogError;
use super::directory::Directory;
use super::format::{Header, MAX_RECORD, RECORD_HEADER_LEN, RecordHeader, framed};
use super::reader::{Reader, Step};

/// What a log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Segments.
    pub segments: u64,
    /// The number of the first of them: 0 in a log that no checkpoint has replaced.
    pub generation: u64,
    /// The sequence number of the first record, whether there is one or not.
    pub first: u64,
    /// Whole records.
    pub records: u64,
    /// Bytes of the contents of these records.
    pub bytes: u64,
    /// Bytes of the records behind the checkpoint, with what stands before their contents.
    pub grown: u64,
    /// Bytes of an unfinished write at the end, which opening the log cuts off.
    pub torn: Option<u64>,
}

impl Summary {
    /// The sequence number that the next record will have.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.first + self.records
    }
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

/// One record, as it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The number of its segment.
    pub segment: u64,
    /// Where it starts there.
    pub offset: u64,
    /// Its sequence number.
    pub sequence: u64,
    /// What was appended.
    pub contents: &'a [u8],
}

/// Sees what a survey comes across, in order.
pub(super) trait Observer {
    /// A segment, before its records.
    fn segment(&mut self, reader: &Reader);
    /// A whole record.
    fn record(&mut self, found: &Found<'_>);
}

impl Observer for () {
    fn segment(&mut self, _: &Reader) {}
    fn record(&mut self, _: &Found<'_>) {}
}

/// Reads every record of a log that belongs to this network.
pub(super) fn survey(directory: &Directory, network: NetworkId) -> Result<Survey, LogError> {
    let mut summary = Summary::default();
    let tail = walk(directory, Some(network), &mut summary, &mut ())?;
    Ok(Survey { summary, tail })
}

/// Reads every record, and adds up what there is; before damage, if there is any. Without a network the
/// last segment says which one it is.
pub(super) fn walk(
    directory: &Directory,
    network: Option<NetworkId>,
    summary: &mut Summary,
    observer: &mut impl Observer,
) -> Result<Option<Tail>, LogError> {
    summary.first = 1;
    let mut tail = None;
    let Some(last) = current(directory, network)? else {
        return Ok(tail);
    };
    let (network, generation) = (last.network, last.generation);
    summary.generation = generation;
    for number in generation..=last.number {
        let path = directory.segment(number);
        let first = (number > generation).then(|| summary.next());
        let mut reader = Reader::open_in(generation, &path, network, number, first)?;
        if number == generation {
            summary.first = reader.header().first;
        }
        summary.segments += 1;
        observer.segment(&reader);
        let doubtful = read_records(&mut reader, summary, observer)?;
        summary.torn = judge(&path, &mut reader, number == last.number)?;
        tail = Some(Tail {
            header: *reader.header(),
            end: reader.offset(),
            doubtful,
        });
    }
    Ok(tail)
}

/// The header of the last segment, whose generation is the one that counts. Segments of earlier ones may
/// be left, and some of them gone.
fn current(directory: &Directory, network: Option<NetworkId>) -> Result<Option<Header>, LogError> {
    let numbers = directory.segments()?;
    let Some(last) = numbers.last() else {
        return Ok(None);
    };
    let reader = Reader::open(&directory.segment(*last), network, *last)?;
    let generation = reader.header().generation;
    let start = numbers.partition_point(|number| *number < generation);
    for (expected, number) in (generation..).zip(&numbers[start..]) {
        if *number != expected {
            return Err(LogError::Missing(directory.segment(expected)));
        }
    }
    Ok(Some(*reader.header()))
}

/// Reads all whole records. Returns where those start that may not be durable.
fn read_records(
    reader: &mut Reader,
    summary: &mut Summary,
    observer: &mut impl Observer,
) -> Result<u64, LogError> {
    let segment = reader.header().number;
    let sealed = reader.header().sealed;
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
        if sequence > sealed {
            doubtful.push_back((sequence, offset));
            summary.grown += framed(&contents);
        }
        while doubtful.front().is_some_and(|(known, _)| *known <= durable) {
            doubtful.pop_front();
        }
        summary.records += 1;
        summary.bytes += contents.len() as u64;
        observer.record(&Found {
            segment,
            offset,
            sequence,
            contents: &contents,
        });
    }
}

/// What follows the whole records: nothing, or so many bytes of an unfinished write; or damage.
fn judge(path: &Path, reader: &mut Reader, is_last: bool) -> Result<Option<u64>, LogError> {
    let (offset, next) = (reader.offset(), reader.next_sequence());
    let sealed = reader.header().sealed;
    if next <= sealed {
        // A checkpoint is durable before it gets its name.
        let what = format!("record {next} is broken, and the checkpoint goes up to {sealed}");
        return Err(LogError::damaged(path, offset, what));
    }
    let used = reader.used()?;
    if used == 0 {
        return Ok(None);
    }
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
    Ok(Some(used))
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
