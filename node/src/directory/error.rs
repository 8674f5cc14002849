//! Why a data directory is not taken, and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why a node may not use a data directory.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A member starts with an empty directory, and nothing says that it never ran.
    #[error(
        "there is nothing of a node in {path}. If node '{node}' has never run, add --init; if it has, \
         name the directory that it ran with: with an empty one it would contradict what it has said, \
         and be caught",
        path = .path.display()
    )]
    Empty {
        /// The directory.
        path: PathBuf,
        /// The node.
        node: String,
    },
    /// The first start of a node, and there is a node's data.
    #[error(
        "{path} has the data{owner} already: leave out --init, which is for the very first start of a node \
         (nothing was changed)",
        path = .path.display()
    )]
    Begun {
        /// The directory.
        path: PathBuf,
        /// Whose it is, in words, if that is known.
        owner: String,
    },
    /// Another node's directory.
    #[error(
        "{path} is the data directory of {owner}, and this is node '{node}' with the key {key}: name the \
         directory that node '{node}' ran with (nothing was changed)",
        path = .path.display()
    )]
    OtherNode {
        /// The directory.
        path: PathBuf,
        /// Whose it is, in words.
        owner: String,
        /// The node.
        node: String,
        /// Its key.
        key: String,
    },
    /// Something is stored, and nothing says by whom.
    #[error(
        "{path} has a log with records in it, and nothing says whose it is. If node '{node}' ran with it, and no \
         other, put a file node.toml with these lines into it:\n{text}",
        path = .path.display()
    )]
    Unbound {
        /// The directory.
        path: PathBuf,
        /// The node.
        node: String,
        /// What the file would say.
        text: String,
    },
    /// There was a log.
    #[error(
        "{path} is gone or empty, although {there} beside it says that there was a log. Put the log back; \
         without it the node would break promises that it has made (nothing was changed)",
        path = .path.display()
    )]
    LogGone {
        /// Where the log was.
        path: PathBuf,
        /// What says so.
        there: &'static str,
    },
    /// The file that says whose it is makes no sense.
    #[error(
        "{path} does not say whose directory this is: {why}. Was it written by a newer program, or changed \
         by hand? (nothing was changed)",
        path = .path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The operating system refused or failed.
    #[error(
        "cannot {doing} {path}: {source}; check the disk (space, permissions, health) and start again",
        path = .path.display()
    )]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What was being done to it.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

impl DirectoryError {
    /// Whether another command line is what it takes.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Empty { .. } | Self::Begun { .. } | Self::OtherNode { .. } | Self::Unbound { .. }
        )
    }

    /// For `map_err`: what was being done to which file.
    pub(super) fn io<'a>(
        path: &'a Path,
        doing: &'static str,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io {
            path: path.to_owned(),
            doing,
            source,
        }
    }
}
