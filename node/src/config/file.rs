//! The configuration file as written, before anything is checked but its shape.

use learner_graph::{GraphSection, Tree};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The network's name, part of its id.
    pub(super) network: Spanned<String>,
    /// The protocol.
    pub(super) mode: Option<Spanned<String>>,
    acceptors: Option<Spanned<Tree>>,
    define: Option<Spanned<Tree>>,
    learners: Option<Spanned<Tree>>,
    safe: Option<Spanned<Tree>>,
    /// The nodes by name.
    #[serde(default)]
    pub(super) nodes: BTreeMap<Spanned<String>, Spanned<NodeEntry>>,
    /// The limits by name.
    #[serde(default)]
    pub(super) limits: BTreeMap<Spanned<String>, Spanned<i64>>,
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
    #[serde(default)]
    pub(super) proposer: bool,
    /// The learners it plays.
    #[serde(default)]
    pub(super) learners: Vec<Spanned<String>>,
    /// Where the others reach it.
    pub(super) address: Spanned<String>,
    /// Where it listens, if that differs.
    pub(super) listen: Option<Spanned<String>>,
    /// Where its HTTP API listens.
    pub(super) http: Option<Spanned<String>>,
    /// The Byzantine test switch.
    pub(super) byzantine: Option<Spanned<String>>,
}

impl File {
    /// Where the acceptors are listed.
    pub(super) fn acceptors_span(&self) -> Option<Range<usize>> {
        self.acceptors.as_ref().map(Spanned::span)
    }

    /// The learner graph's part of the file.
    pub(super) fn graph(&self) -> GraphSection {
        GraphSection {
            acceptors: self.acceptors.clone(),
            define: self.define.clone(),
            learners: self.learners.clone(),
            safe: self.safe.clone(),
        }
    }
}
