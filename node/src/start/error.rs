//! Why a node does not start.

use crate::directory::DirectoryError;
use crate::history::HistoryError;
use crate::network::NetworkStartError;
use crate::storage::LogError;
use crate::trace::WriterError;
use crypto::KeyFileError;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration has no node of this name.
    #[error("the configuration has no node '{name}'; its nodes are {nodes}")]
    UnknownNode {
        /// The name asked for.
        name: String,
        /// The names there are.
        nodes: String,
    },
    /// The key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// There is no key.
    #[error("there is no key file {}: name the one of node '{node}' in --key; if the node is new, `hpaxos keygen --out {}` makes a key, and prints the public half for the configuration", .path.display(), .path.display())]
    NoKey {
        /// The key file.
        path: PathBuf,
        /// The node.
        node: String,
    },
    /// The key is not the one that the configuration gives the node.
    #[error("{} holds the key {found}{owner}, but the configuration gives node '{node}' the key {expected}; use the right key file, or put this key into the configuration", .path.display())]
    KeyMismatch {
        /// The key file.
        path: PathBuf,
        /// The node.
        node: String,
        /// Its key by the configuration.
        expected: String,
        /// The key in the file.
        found: String,
        /// Whose key that is, in words, if it is another node's.
        owner: String,
    },
    /// The data directory is not this node's, or not as the start expects it.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The data cannot be used.
    #[error("cannot use the data directory: {0}")]
    Storage(#[from] LogError),
    /// The history cannot be used.
    #[error("cannot use the data directory: {0}")]
    History(#[from] HistoryError),
    /// The network cannot be started.
    #[error(transparent)]
    Network(#[from] NetworkStartError),
    /// The HTTP API cannot be served.
    #[error(
        "cannot serve HTTP on {address}: {source}; stop the program that uses it, or change `http` of node '{node}' in the configuration"
    )]
    Http {
        /// The address.
        address: SocketAddr,
        /// The node.
        node: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The trace cannot be written.
    #[error("cannot write the trace: {0}")]
    Trace(WriterError),
    /// Traces are in the words of one protocol.
    #[error("--trace is for mode hpaxos, and this network's mode is {0}: leave it out")]
    TraceMode(&'static str),
    /// Spans cannot be sent to where they should go.
    #[error("cannot send spans (--otlp, OTEL_EXPORTER_OTLP_ENDPOINT, --otlp-ratio): {0}")]
    Otlp(String),
    /// The operating system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

impl StartError {
    /// Whether another command line is what it takes.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            StartError::UnknownNode { .. } | StartError::TraceMode(_) | StartError::Otlp(_) => true,
            StartError::Directory(error) => error.is_usage(),
            _ => false,
        }
    }
}
