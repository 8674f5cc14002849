//! What can go wrong, where, and what to do about it.

use super::rows::VERSION;
use consensus::storage::StorageError;
use crypto::NetworkId;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the history cannot be opened, read or written. Every message names the file and a remedy.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
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
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process has the file open.
    #[error(
        "{} is in use by another process; stop that one, or give each node a directory of its own",
        .0.display()
    )]
    InUse(PathBuf),
    /// A file with the name of a history is something else.
    #[error(
        "{} is not a history; if the directory is meant for something else, name another one",
        .0.display()
    )]
    NotAHistory(PathBuf),
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
    /// Written by an earlier version of this software, and to be looked at only.
    #[error(
        "{path} has format version {found}, this program looks at {VERSION}: start the node once, which rewrites it, or \
         use the older program (nothing was changed)",
        path = path.display()
    )]
    OlderVersion {
        /// Which file.
        path: PathBuf,
        /// The version it has.
        found: u32,
    },
    /// The history of another network.
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
    /// The history has another number of logs.
    #[error(
        "{path} has {found} lanes, this node needs {expected}: name another directory, or use the \
         configuration that it was made with (nothing was changed)",
        path = path.display()
    )]
    OtherLanes {
        /// Which file.
        path: PathBuf,
        /// Its lanes.
        found: u16,
        /// The lanes asked for.
        expected: u16,
    },
    /// Something that was written is gone or changed.
    #[error(
        "{path} is damaged: {what}. Nothing was repaired. If the disk itself still has what was written, \
         mend what is in between and start again; otherwise leave the node off, and if it is an acceptor \
         or a proposer, never use its key again. Never put an older copy in its place (docs/storage.md)",
        path = path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which row, and what is wrong with it.
        what: String,
    },
    /// Something that is larger than a row may be.
    #[error("{path} cannot hold {what}: {bytes} bytes, the limit is {limit}", path = path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// What.
        what: String,
        /// Its bytes.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The caller asked for something that cannot be: a defect of this program.
    #[error("{path}: {what}; this is a defect of the program, please report it", path = path.display())]
    Misused {
        /// Which file.
        path: PathBuf,
        /// What was asked for.
        what: String,
    },
    /// An earlier error has stopped the history.
    #[error("the history stopped earlier: {0}")]
    Stopped(String),
}

impl HistoryError {
    /// For `map_err`: what was being done to which file.
    pub(super) fn io<'a, E: Into<io::Error>>(
        path: &'a Path,
        doing: &'static str,
    ) -> impl FnOnce(E) -> Self + 'a {
        move |source| Self::Io {
            path: path.to_owned(),
            doing,
            source: source.into(),
        }
    }
}

impl From<HistoryError> for StorageError {
    fn from(error: HistoryError) -> Self {
        Self(error.to_string())
    }
}

/// What goes wrong with a row, before anybody says in which file.
#[derive(Debug)]
pub(super) enum Fault {
    /// The database library failed.
    Database(redb::Error),
    /// A row is gone or changed.
    Damaged(String),
    /// A row above its bound.
    TooLarge {
        what: String,
        bytes: usize,
        limit: usize,
    },
    /// A defect of the caller.
    Misused(String),
}

impl Fault {
    pub(super) fn damaged(what: impl fmt::Display) -> Self {
        Self::Damaged(what.to_string())
    }

    /// The error, with the file and what was being done to it.
    pub(super) fn at(self, path: &Path, doing: &'static str) -> HistoryError {
        let path = path.to_owned();
        match self {
            Self::Database(redb::Error::Io(source)) => HistoryError::Io {
                path,
                doing,
                source,
            },
            Self::Database(redb::Error::DatabaseAlreadyOpen) => HistoryError::InUse(path),
            Self::Database(redb::Error::PreviousIo) => HistoryError::Io {
                path,
                doing,
                source: io::Error::other("an earlier operation on this file has failed"),
            },
            Self::Database(error) => HistoryError::Damaged {
                path,
                // The library's words are for those who know it.
                what: format!("the file's own structure is damaged ({error})"),
            },
            Self::Damaged(what) => HistoryError::Damaged { path, what },
            Self::TooLarge { what, bytes, limit } => HistoryError::TooLarge {
                path,
                what,
                bytes,
                limit,
            },
            Self::Misused(what) => HistoryError::Misused { path, what },
        }
    }
}

macro_rules! from_database {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for Fault {
            fn from(error: redb::$error) -> Self {
                Self::Database(error.into())
            }
        })*
    };
}

from_database!(
    StorageError,
    TableError,
    TransactionError,
    CommitError,
    DatabaseError,
    SetDurabilityError
);
