//! The configuration file as written, before anything is checked but its shape.

use learner_graph::{GraphSection, Tree};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The network's name, part of its id.
    pub(super) network: Option<Spanned<String>>,
    /// The protocol.
    pub(super) mode: Option<Spanned<String>>,
    /// The acceptors by name.
    pub(super) acceptors: Option<Spanned<Tree>>,
    /// Expressions by name.
    pub(super) define: Option<Spanned<Tree>>,
    /// TrustLive.
    pub(super) learners: Option<Spanned<Tree>>,
    /// TrustSafe.
    pub(super) safe: Option<Spanned<Tree>>,
    /// Acceptors that may fail together, by kind.
    pub(super) groups: Option<Spanned<Tree>>,
    /// The quorums where nobody lies.
    pub(super) quorums: Option<Spanned<QuorumsEntry>>,
    /// The disks by name.
    #[serde(default)]
    pub(super) disks: BTreeMap<Spanned<String>, Spanned<DiskEntry>>,
    /// The nodes by name.
    #[serde(default)]
    pub(super) nodes: BTreeMap<Spanned<String>, Spanned<NodeEntry>>,
    /// The limits by name.
    #[serde(default)]
    pub(super) limits: BTreeMap<Spanned<String>, Spanned<i64>>,
}

/// The `[quorums]` table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuorumsEntry {
    /// Paxos: the quorums of phase 1.
    pub(super) read: Option<Spanned<Tree>>,
    /// Paxos: the quorums of phase 2.
    pub(super) write: Option<Spanned<Tree>>,
    /// Disk Paxos: the quorums of both phases.
    pub(super) disks: Option<Spanned<Tree>>,
}

/// One `[disks.NAME]` table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DiskEntry {
    /// A file or a block device.
    pub(super) path: Option<Spanned<String>>,
    /// A prefix in a bucket.
    pub(super) url: Option<Spanned<String>>,
    /// The object store's address.
    pub(super) endpoint: Option<Spanned<String>>,
    /// The object store's region.
    pub(super) region: Option<Spanned<String>>,
    /// Whether to speak plain HTTP with the object store.
    pub(super) allow_http: Option<Spanned<bool>>,
}

/// One `[nodes.NAME]` table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeEntry {
    /// The public key in hex.
    pub(super) key: Spanned<String>,
    /// The acceptor that the node plays.
    pub(super) acceptor: Option<Spanned<String>>,
    /// Whether it owns ballots.
    pub(super) proposer: Option<Spanned<bool>>,
    /// Its number as a processor of Disk Paxos.
    pub(super) processor: Option<Spanned<i64>>,
    /// The learners it plays.
    pub(super) learners: Option<Spanned<Vec<Spanned<String>>>>,
    /// Where the others reach it.
    pub(super) address: Spanned<String>,
    /// Where it listens, if that differs.
    pub(super) listen: Option<Spanned<String>>,
    /// Where its HTTP API listens.
    pub(super) http: Option<Spanned<String>>,
    /// The names by which its HTTP API may be asked.
    pub(super) http_names: Option<Vec<Spanned<String>>>,
    /// The Byzantine test switch.
    pub(super) byzantine: Option<Spanned<String>>,
}

impl File {
    /// The learner graph's part of the file.
    pub(super) fn graph(&self) -> GraphSection {
        GraphSection {
            acceptors: self.acceptors.clone(),
            define: self.define.clone(),
            learners: self.learners.clone(),
            safe: self.safe.clone(),
            groups: self.groups.clone(),
        }
    }
}
