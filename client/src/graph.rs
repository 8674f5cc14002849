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
    /// The two things that contradict each other, each as what it says; what both say alike is left out.
    #[serde(default)]
    pub sides: Vec<Vec<Statement>>,
    /// Signed messages in base64, for `hpaxos evidence verify`.
    pub evidence: String,
}

/// What a message says, as far as it is about one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Statement {
    /// In words: `2av in slot 0, ballot 1`.
    pub says: String,
    /// The digest of the value that it is about, in hex.
    #[serde(default)]
    pub value: Option<String>,
}
