//! Writes a trace.

use super::line::Line;
use super::reader::{LineError, Reader};
use crypto::Digest;
use learner_graph::LearnerGraph;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Why a file cannot become, or go on to be, a trace.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// The file cannot be written.
    #[error("'{0}': {1}")]
    Io(String, std::io::Error),
    /// It holds something else.
    #[error("{0}; name another file for the trace")]
    Line(#[from] LineError),
    /// It is the trace of another node, or of another network.
    #[error("'{file}' is the trace of node '{node}' of network {network}; name another file")]
    Other {
        /// The file.
        file: String,
        /// Whose it is.
        node: String,
        /// The network's id.
        network: String,
    },
}

/// Appends lines to a file. Every call leaves them with the operating system, so that they outlive the
/// process, but nothing is synced.
#[derive(Debug)]
pub struct Writer {
    file: File,
    name: String,
}

impl Writer {
    /// Opens a file, which is made if it does not exist. A line without end, from a process that was
    /// killed in the middle of it, is taken away.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(path: &Path) -> Result<Writer, WriterError> {
        let name = path.display().to_string();
        let failed = |error| WriterError::Io(name.clone(), error);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let mut file = options.open(path).map_err(failed)?;
        let whole = whole_lines(&mut file).map_err(failed)?;
        file.set_len(whole).map_err(failed)?;
        Ok(Writer { file, name })
    }

    /// Appends lines, all at once.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn append<'a>(
        &mut self,
        lines: impl IntoIterator<Item = &'a Line>,
        graph: &LearnerGraph,
    ) -> Result<(), WriterError> {
        let mut text = String::new();
        for line in lines {
            text.push_str(&line.to_json(graph));
            text.push('\n');
        }
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|error| WriterError::Io(self.name.clone(), error))
    }

    /// The digests of all lines in the file, as [`Line::to_json`] makes them. All must be of this node and
    /// this network.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something else.
    pub(super) fn known(
        &mut self,
        node: &str,
        network: &str,
    ) -> Result<HashSet<Digest>, WriterError> {
        let failed = |error| WriterError::Io(self.name.clone(), error);
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut reader = Reader::new(BufReader::new(&self.file), self.name.as_str());
        let mut known = HashSet::new();
        while let Some(numbered) = reader.next_line()? {
            let (whose, of) = match &numbered.line {
                Line::Init(init) => (&init.node, Some(&init.network)),
                Line::Step { node, .. } => (node, None),
            };
            if whose != node || of.is_some_and(|of| of != network) {
                return Err(WriterError::Other {
                    file: self.name.clone(),
                    node: whose.clone(),
                    network: of.cloned().unwrap_or_else(|| network.to_owned()),
                });
            }
            if let Some(graph) = reader.graph() {
                known.insert(Digest::of(numbered.line.to_json(graph).as_bytes()));
            }
        }
        Ok(known)
    }
}

/// How many bytes of a file are lines with an end.
fn whole_lines(file: &mut File) -> std::io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut input = BufReader::new(file);
    let (mut at, mut whole) = (0u64, 0u64);
    let mut chunk = [0; 1 << 16];
    loop {
        let read = input.read(&mut chunk)?;
        if read == 0 {
            return Ok(whole);
        }
        if let Some(end) = chunk[..read].iter().rposition(|byte| *byte == b'\n') {
            whole = at + end as u64 + 1;
        }
        at += read as u64;
    }
}
