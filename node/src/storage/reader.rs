//! Reading one segment from its start, record by record.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crypto::NetworkId;

use super::LogError;
use super::format::{HEADER_LEN, Header, HeaderError, MAX_RECORD, RECORD_HEADER_LEN, RecordHeader};

/// A segment being read. Holds one buffer; records are at most [`MAX_RECORD`] long.
#[derive(Debug)]
pub(super) struct Reader {
    file: BufReader<File>,
    path: PathBuf,
    header: Header,
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
    /// Opens segment `number` of a log in which the next record is `first`.
    pub(super) fn open(
        path: &Path,
        network: NetworkId,
        number: u64,
        first: u64,
    ) -> Result<Self, LogError> {
        let file = File::open(path).map_err(LogError::io(path, "open"))?;
        let len = file
            .metadata()
            .map_err(LogError::io(path, "examine"))?
            .len();
        let mut file = BufReader::with_capacity(1 << 16, file);
        let header = read_header(path, &mut file, len)?;
        if header.network != network {
            return Err(LogError::OtherNetwork {
                path: path.to_owned(),
                found: header.network,
                expected: network,
            });
        }
        if header.number != number {
            let what = format!("it is segment {} under another name", header.number);
            return Err(LogError::damaged(path, 0, what));
        }
        if header.first != first {
            let what = format!(
                "it starts with record {}, but the segments before end with record {}",
                header.first,
                first - 1
            );
            return Err(LogError::damaged(path, 0, what));
        }
        Ok(Self {
            file,
            path: path.to_owned(),
            header,
            offset: HEADER_LEN as u64,
            len,
            next: first,
        })
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
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
            if let Some(last) = chunk.iter().rposition(|byte| *byte != 0) {
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

fn read_header(path: &Path, file: &mut impl Read, len: u64) -> Result<Header, LogError> {
    if len < HEADER_LEN as u64 {
        return Err(LogError::damaged(path, 0, "it is shorter than its header"));
    }
    let mut bytes = [0; HEADER_LEN];
    file.read_exact(&mut bytes)
        .map_err(LogError::io(path, "read"))?;
    Header::decode(&bytes).map_err(|error| match error {
        HeaderError::Magic => LogError::NotASegment(path.to_owned()),
        HeaderError::Version(found) => LogError::NewerVersion {
            path: path.to_owned(),
            found,
        },
        HeaderError::Checksum => {
            LogError::damaged(path, 0, "the checksum of its header does not fit")
        }
    })
}
