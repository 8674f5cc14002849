//! What can go wrong, where, and what to do about it.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use consensus::storage::StorageError;
use crypto::NetworkId;

use super::format::{MAX_RECORD, VERSION};

/// Why the log cannot be opened, read or written. Every message names the file and a remedy.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The operating system refused or failed.
    #[error(
        "cannot {doing} {path}: {source}; check the disk (space, permissions, health) and start \
         again",
        path = path.display()
    )]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What was being done to it.
        doing: Cow<'static, str>,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process has the directory open.
    #[error(
        "{} is in use by another process; stop that one, or give each node a directory of its own",
        .0.display()
    )]
    InUse(PathBuf),
    /// A file with the name of a segment is something else.
    #[error(
        "{} is not a log segment; if the directory is meant for something else, name another one",
        .0.display()
    )]
    NotASegment(PathBuf),
    /// Written by a later version of this software.
    #[error(
        "{path} has format version {found}, this program reads {VERSION}: use the newer program \
         again (nothing was changed)",
        path = path.display()
    )]
    NewerVersion {
        /// Which file.
        path: PathBuf,
        /// The version it has.
        found: u32,
    },
    /// The log of another network: its promises mean nothing in this one.
    #[error(
        "{path} belongs to network {found}, this node is configured for {expected}: name another \
         directory, or use the configuration that it was made with (nothing was changed)",
        path = path.display()
    )]
    OtherNetwork {
        /// Which file.
        path: PathBuf,
        /// The network that it belongs to.
        found: NetworkId,
        /// The network that was asked for.
        expected: NetworkId,
    },
    /// Records that were durable are gone or changed.
    #[error(
        "{path} is damaged at offset {offset}: {what}. Nothing was changed. Without these records \
         the node would break promises that it has made: if the disk itself still has them, mend \
         what is in between and start again; otherwise leave the node off and never use its key \
         again. Do not delete the directory and go on, and never put an older copy in its place \
         (docs/storage.md)",
        path = path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where the first damaged record, or the damaged header, starts.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// A segment between others, or the first one, is not there.
    #[error(
        "{} is missing although there are later segments. Nothing was changed. Put that very \
         file back, and never an older copy of the directory; without it the node would break \
         promises that it has made",
        .0.display()
    )]
    Missing(PathBuf),
    /// A record above the bound.
    #[error("a record of {0} bytes is larger than the log takes ({MAX_RECORD})")]
    RecordTooLarge(usize),
    /// An earlier error has stopped the log.
    #[error("the log stopped earlier: {0}")]
    Stopped(String),
}

impl LogError {
    /// For `map_err`: what was being done to which file.
    pub(super) fn io<'a, E: Into<io::Error>>(
        path: &'a Path,
        doing: impl Into<Cow<'static, str>>,
    ) -> impl FnOnce(E) -> Self + 'a {
        let doing = doing.into();
        move |source| Self::Io {
            path: path.to_owned(),
            doing,
            source: source.into(),
        }
    }

    pub(super) fn damaged(path: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            offset,
            what: what.into(),
        }
    }
}

impl From<LogError> for StorageError {
    fn from(error: LogError) -> Self {
        Self(error.to_string())
    }
}
