//! `GET /v1/graph` and `GET /v1/evidence`.

use serde::{Deserialize, Serialize};

/// The learner graph and who plays it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Graph {
    /// The network's name.
    pub network: String,
    /// The network's id, in hex.
    pub network_id: String,
    /// The acceptors, or the disks.
    pub acceptors: Vec<Player>,
    /// The learners.
    pub learners: Vec<String>,
    /// The nodes that propose.
    pub proposers: Vec<String>,
    /// The graph as the network id sees it.
    pub canonical: String,
}

/// An acceptor and the node that plays it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Player {
    /// The acceptor.
    pub acceptor: String,
    /// The node; nobody plays a disk.
    pub node: Option<String>,
}

/// All evidence that a node knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct EvidenceList {
    /// The node.
    pub node: String,
    /// The pieces.
    pub evidence: Vec<Evidence>,
}

/// A piece of evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Evidence {
    /// The digest of `evidence`, in hex.
    pub digest: String,
    /// The acceptor that it proves not safe, if it is about one.
    pub acceptor: Option<String>,
    /// What it proves, in words.
    pub words: String,
    /// Signed messages in base64, for `hpaxos evidence verify`.
    pub evidence: String,
}
