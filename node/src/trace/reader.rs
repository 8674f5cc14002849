//! Reads a trace, line by line.

use super::line::{Line, Wrong};
use learner_graph::LearnerGraph;
use std::io::{BufRead, Read};
use std::sync::Arc;

/// The longest line that is read, in bytes. A 1b of 4 MiB may become that long.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// A line with its number, counted from 1.
#[derive(Clone, Debug)]
pub struct Numbered {
    /// The number.
    pub number: usize,
    /// The line.
    pub line: Line,
}

/// A line that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It makes no sense.
    #[error("{file}:{number}: {wrong}")]
    Wrong {
        /// The file.
        file: String,
        /// The line's number.
        number: usize,
        /// What is wrong.
        wrong: Wrong,
    },
    /// The file cannot be read.
    #[error("'{file}': {error}")]
    Io {
        /// The file.
        file: String,
        /// What the operating system said.
        error: std::io::Error,
    },
}

/// Reads the lines of one trace. The graph is taken from the Init lines, which must have the same one.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    file: String,
    number: usize,
    graph: Option<(String, Arc<LearnerGraph>)>,
    bytes: u64,
    torn: bool,
}

impl<R: BufRead> Reader<R> {
    /// A trace; `file` is what messages call it.
    pub fn new(input: R, file: impl Into<String>) -> Self {
        Reader {
            input,
            file: file.into(),
            number: 0,
            graph: None,
            bytes: 0,
            torn: false,
        }
    }

    /// What messages call it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The graph, once an Init line was read.
    pub fn graph(&self) -> Option<&Arc<LearnerGraph>> {
        self.graph.as_ref().map(|(_, graph)| graph)
    }

    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the last line had no end: its writer was killed in the middle of it, and it is left out.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// [`LineError`] says what to mend.
    pub fn next_line(&mut self) -> Result<Option<Numbered>, LineError> {
        let mut bytes = Vec::new();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let read = (&mut self.input).take(limit).read_until(b'\n', &mut bytes);
        let read = read.map_err(|error| LineError::Io {
            file: self.file.clone(),
            error,
        })?;
        self.bytes += read as u64;
        if read > MAX_LINE_BYTES {
            self.number += 1;
            let what = format!("the line is longer than {MAX_LINE_BYTES} bytes");
            return Err(self.wrong(Wrong::new(what, "no node writes such a line")));
        }
        if bytes.pop() != Some(b'\n') {
            self.torn = read > 0;
            return Ok(None);
        }
        self.number += 1;
        self.parse(&bytes)
            .map(Some)
            .map_err(|wrong| self.wrong(wrong))
    }

    fn parse(&mut self, bytes: &[u8]) -> Result<Numbered, Wrong> {
        let text = std::str::from_utf8(bytes)
            .map_err(|e| Wrong::new(e.to_string(), "a trace is UTF-8 text"))?;
        let graph = self.graph.as_ref().map(|(_, graph)| &**graph);
        let line = Line::parse(text, graph)?;
        if let Line::Init(init) = &line {
            self.take_graph(&init.graph)?;
        }
        let number = self.number;
        Ok(Numbered { number, line })
    }

    fn take_graph(&mut self, text: &str) -> Result<(), Wrong> {
        if self.graph.as_ref().is_some_and(|(known, _)| known == text) {
            return Ok(());
        }
        let (graph, _) = learner_graph::parse_graph(text).map_err(|problems| {
            let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let what = format!("the graph cannot be used: {}", words.join("; "));
            Wrong::new(what, "see `hpaxos graph check`")
        })?;
        let same =
            |(_, known): &(String, Arc<LearnerGraph>)| known.canonical() == graph.canonical();
        if !self.graph.as_ref().is_none_or(same) {
            let mend = "keep the traces of different networks in different files";
            return Err(Wrong::new(
                "the graph is not that of the Init line before",
                mend,
            ));
        }
        self.graph = Some((text.to_owned(), Arc::new(graph)));
        Ok(())
    }

    fn wrong(&self, wrong: Wrong) -> LineError {
        LineError::Wrong {
            file: self.file.clone(),
            number: self.number,
            wrong,
        }
    }
}
