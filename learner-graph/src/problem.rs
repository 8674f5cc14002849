//! What is wrong with a graph file, where, and what to do about it.

use serde::Serialize;
use std::fmt;
use std::ops::Range;

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is accepted, and does something its author may not expect.
    Warning,
}

/// A place in a text, counted from one; columns count characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

impl Position {
    /// The place of a byte offset; the end of the text if the offset is beyond it.
    pub fn of(offset: usize, text: &str) -> Self {
        let mut at = offset.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let before = &text[..at];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }
}

/// One thing that is wrong with a file: shown as
/// `graph.toml:12:9: error: what is wrong; how to mend it`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, thiserror::Error)]
pub struct Problem {
    /// Whether the file is refused because of it.
    pub severity: Severity,
    /// The file's name, once [`located`](Self::located) knows it.
    pub file: Option<String>,
    /// Where in the file, once [`located`](Self::located) has the text.
    pub at: Option<Position>,
    /// The bytes of the file that it is about.
    #[serde(skip)]
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub what: String,
    /// What the author of the file can do; empty if `what` says it.
    pub mend: String,
    /// The field that is missing, or that seems to be meant by one that nobody knows: of the two problems one is told.
    #[serde(skip)]
    pub(crate) field: Option<&'static str>,
}

impl Problem {
    /// A problem because of which the file is refused.
    pub fn error(
        span: Option<Range<usize>>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            file: None,
            at: None,
            span,
            what: what.into(),
            mend: mend.into(),
            field: None,
        }
    }

    /// A problem that does not stop the file from being used.
    pub fn warning(
        span: Option<Range<usize>>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(span, what, mend)
        }
    }

    /// The same problem, for this field is missing or seems to be meant.
    pub(crate) fn about(mut self, field: impl Into<Option<&'static str>>) -> Self {
        self.field = field.into();
        self
    }

    /// The same problem with the line and column of its span in `text`.
    pub fn located(mut self, text: &str) -> Self {
        if let Some(span) = &self.span {
            self.at = Some(Position::of(span.start, text));
        }
        self
    }

    /// The same problem, said of a file of this name.
    pub fn in_file(mut self, file: &str) -> Self {
        self.file = Some(file.to_owned());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
        }
        if let Some(at) = self.at {
            write!(f, "{}:{}:", at.line, at.column)?;
        }
        if self.file.is_some() || self.at.is_some() {
            f.write_str(" ")?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}", self.what)?;
        if !self.mend.is_empty() {
            write!(f, "; {}", self.mend)?;
        }
        Ok(())
    }
}
