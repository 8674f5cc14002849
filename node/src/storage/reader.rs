//! Reading one segment from its start, record by record.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crypto::NetworkId;

use super::LogError;
use super::format::{
    HEADER_LEN, Header, HeaderError, MAX_RECORD, RECORD_HEADER_LEN, RecordHeader, header_len,
};

/// What is compared at once with zeros.
const ZEROS: [u8; 4096] = [0; 4096];

/// A segment being read. Holds one buffer; records are at most [`MAX_RECORD`] long.
#[derive(Debug)]
pub(super) struct Reader {
    file: BufReader<File>,
    path: PathBuf,
    header: Header,
    version: u32,
    /// Where the next record starts.
    offset: u64,
    /// The length of the file when it was opened.
    len: u64,
    /// The sequence number that the next record must have.
    next: u64,
}

/// What there is at the reader's offset.
#[derive(Debug)]
pub(super) enum Step {
    /// A whole record, which the reader has moved behind.
    Record {
        /// Where it starts.
        offset: u64,
        /// What it says was durable when it was written.
        durable: u64,
        contents: Vec<u8>,
    },
    /// No whole record: the end, or something broken. The reader has not moved.
    Stop,
}

impl Reader {
    /// Opens segment `number` of a log, of this network if one is named.
    pub(super) fn open(
        path: &Path,
        network: Option<NetworkId>,
        number: u64,
    ) -> Result<Self, LogError> {
        let file = File::open(path).map_err(LogError::io(path, "open"))?;
        let len = file
            .metadata()
            .map_err(LogError::io(path, "examine"))?
            .len();
        let mut file = BufReader::with_capacity(1 << 16, file);
        let (header, version) = read_header(path, &mut file)?;
        if let Some(expected) = network.filter(|network| *network != header.network) {
            return Err(LogError::OtherNetwork {
                path: path.to_owned(),
                found: header.network,
                expected,
            });
        }
        if header.number != number {
            let what = format!("it is segment {} under another name", header.number);
            return Err(LogError::damaged(path, 0, what));
        }
        if !header.makes_sense() {
            return Err(LogError::damaged(path, 0, "its header contradicts itself"));
        }
        let mut reader = Self {
            file,
            path: path.to_owned(),
            header,
            version,
            offset: header_len(version) as u64,
            len,
            next: header.first,
        };
        // The header may be shorter than what was read for it.
        reader.seek_back()?;
        Ok(reader)
    }

    /// Opens segment `number` of a generation. Its first record must be `first`, where that is known.
    pub(super) fn open_in(
        generation: u64,
        path: &Path,
        network: NetworkId,
        number: u64,
        first: Option<u64>,
    ) -> Result<Self, LogError> {
        let reader = Self::open(path, Some(network), number)?;
        let header = reader.header;
        if header.generation != generation {
            let what = format!(
                "it is of generation {}, and the last segment is of generation {generation}",
                header.generation
            );
            return Err(LogError::damaged(path, 0, what));
        }
        match first {
            Some(first) if header.first != first => {
                let what = format!(
                    "it starts with record {}, but the segments before end with record {}",
                    header.first,
                    first - 1
                );
                Err(LogError::damaged(path, 0, what))
            }
            _ => Ok(reader),
        }
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// The format version of the segment.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// The length of the file.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The sequence number that the next record has.
    pub(super) fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Reads the next record. Not to be called again after a [`Step::Stop`].
    pub(super) fn step(&mut self) -> Result<Step, LogError> {
        let mut left = self.len - self.offset;
        if left < RECORD_HEADER_LEN as u64 {
            return Ok(Step::Stop);
        }
        let mut bytes = [0; RECORD_HEADER_LEN];
        self.fill(&mut bytes)?;
        left -= RECORD_HEADER_LEN as u64;
        let header = RecordHeader::decode(&bytes);
        let len = header.len as usize;
        if len > MAX_RECORD || len as u64 > left {
            return Ok(Step::Stop);
        }
        // Zeros are never a record, even where a salt gives them the right checksum.
        if header.sequence == 0 {
            return Ok(Step::Stop);
        }
        let mut contents = vec![0; len];
        self.fill(&mut contents)?;
        if !header.fits(self.header.salt, &contents) {
            return Ok(Step::Stop);
        }
        let offset = self.offset;
        if header.sequence != self.next {
            let what = format!("record {} is where {} belongs", header.sequence, self.next);
            return Err(LogError::damaged(&self.path, offset, what));
        }
        self.offset += (RECORD_HEADER_LEN + len) as u64;
        self.next += 1;
        Ok(Step::Record {
            offset,
            durable: header.durable,
            contents,
        })
    }

    /// How many bytes there are from the reader's offset to the last one that is not zero.
    pub(super) fn used(&mut self) -> Result<u64, LogError> {
        self.seek_back()?;
        let (mut used, mut passed) = (0, 0);
        loop {
            let chunk = self
                .file
                .fill_buf()
                .map_err(LogError::io(&self.path, "read"))?;
            if chunk.is_empty() {
                return Ok(used);
            }
            // Most of a log's last file is zeros, which are compared in pieces.
            let empty = |piece: &[u8]| ZEROS.starts_with(piece);
            if !chunk.chunks(ZEROS.len()).all(empty)
                && let Some(last) = chunk.iter().rposition(|byte| *byte != 0)
            {
                used = passed + last as u64 + 1;
            }
            let len = chunk.len();
            passed += len as u64;
            self.file.consume(len);
        }
    }

    /// Everything from the reader's offset, zeros at the end included.
    pub(super) fn rest(&mut self) -> Result<Vec<u8>, LogError> {
        self.seek_back()?;
        let mut rest = Vec::new();
        self.file
            .read_to_end(&mut rest)
            .map_err(LogError::io(&self.path, "read"))?;
        Ok(rest)
    }

    fn seek_back(&mut self) -> Result<(), LogError> {
        self.file
            .seek(SeekFrom::Start(self.offset))
            .map(drop)
            .map_err(LogError::io(&self.path, "read"))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), LogError> {
        self.file
            .read_exact(bytes)
            .map_err(LogError::io(&self.path, "read"))
    }
}

fn read_header(path: &Path, file: &mut impl Read) -> Result<(Header, u32), LogError> {
    let mut bytes = Vec::with_capacity(HEADER_LEN);
    file.take(HEADER_LEN as u64)
        .read_to_end(&mut bytes)
        .map_err(LogError::io(path, "read"))?;
    Header::decode(&bytes).map_err(|error| match error {
        HeaderError::Magic => LogError::NotASegment(path.to_owned()),
        HeaderError::Version(found) => LogError::NewerVersion {
            path: path.to_owned(),
            found,
        },
        HeaderError::Short => LogError::damaged(path, 0, "it is shorter than its header"),
        HeaderError::Checksum => {
            LogError::damaged(path, 0, "the checksum of its header does not fit")
        }
    })
}
