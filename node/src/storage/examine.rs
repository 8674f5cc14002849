//! A look at a log, for those who look after it.

use std::path::Path;

use crypto::NetworkId;

use super::LogError;
use super::directory::Directory;
use super::reader::Reader;
use super::survey::{Found, Observer, Summary, walk};

/// One segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentFacts {
    /// Its number.
    pub number: u64,
    /// Its format version.
    pub version: u32,
    /// The length of its file, which is allocated in advance.
    pub len: u64,
    /// Its whole records.
    pub records: u64,
    /// The bytes of their contents.
    pub bytes: u64,
}

/// What there is in the directory of a log.
#[derive(Debug)]
pub struct Examination {
    /// The network that the log belongs to; `None` if there is no segment that says it.
    pub network: Option<NetworkId>,
    /// What the log holds; up to the problem, if there is one.
    pub summary: Summary,
    /// The segments that count, in order; up to the problem.
    pub segments: Vec<SegmentFacts>,
    /// Segments that a checkpoint has replaced and that are still there. Opening the log removes them.
    pub leftovers: u64,
    /// Whether a segment or checkpoint was begun and not finished. Opening the log removes it.
    pub draft: bool,
    /// What would keep [`FileLog::open`](super::FileLog::open) from opening the log.
    pub problem: Option<LogError>,
}

/// Reads every record of a log that no process has open, in order, and changes nothing in it. The log is
/// locked for that time, though several may look at it at once. The log of another network than the one
/// that is named, if one is, is not read.
///
/// # Errors
/// If the directory cannot be read, or is in use. Whatever is wrong in it is no error: see
/// [`Examination::problem`].
pub fn examine(
    directory: &Path,
    network: Option<NetworkId>,
    visit: &mut dyn FnMut(&Found<'_>),
) -> Result<Examination, LogError> {
    let directory = Directory::look(directory)?;
    let numbers = directory.segments()?;
    let mut seen = Seen {
        network: None,
        segments: Vec::new(),
        visit,
    };
    let mut summary = Summary::default();
    let problem = walk(&directory, network, &mut summary, &mut seen).err();
    let generation = summary.generation;
    Ok(Examination {
        network: seen.network,
        summary,
        segments: seen.segments,
        leftovers: numbers.iter().filter(|n| **n < generation).count() as u64,
        draft: directory.unfinished().exists(),
        problem,
    })
}

struct Seen<'a> {
    network: Option<NetworkId>,
    segments: Vec<SegmentFacts>,
    visit: &'a mut dyn FnMut(&Found<'_>),
}

impl Observer for Seen<'_> {
    fn segment(&mut self, reader: &Reader) {
        self.network = Some(reader.header().network);
        self.segments.push(SegmentFacts {
            number: reader.header().number,
            version: reader.version(),
            len: reader.len(),
            records: 0,
            bytes: 0,
        });
    }

    fn record(&mut self, found: &Found<'_>) {
        if let Some(segment) = self.segments.last_mut() {
            segment.records += 1;
            segment.bytes += found.contents.len() as u64;
        }
        (self.visit)(found);
    }
}
