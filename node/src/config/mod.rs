//! The configuration of a network: one TOML file that all its nodes share.
//!
//! ```text
//!   text ──file──► shapes ──trust──► LearnerGraph ─┐
//!                    ├────disks───► DisksConfig ───┤
//!                    ├────nodes───► NodeConfig ────┼─► Config { Network, nodes, limits }
//!                    └────limits──► Limits ────────┘
//!                  each step adds its problems, with line and column
//! ```
//!
//! Secrets and paths are no part of it: they are given to each node on its command line.

mod address;
mod check;
mod disks;
mod file;
#[cfg(test)]
mod fuzz;
mod limits;
mod nodes;
mod roles;
mod trust;

pub(crate) use address::Named;
pub(crate) use check::mode_of;
pub use check::{Look, look};
pub use consensus::Mode;
pub use limits::Limits;

use crate::disks::DisksConfig;
use consensus::Network;
use consensus::disk_paxos::ProcessorId;
use crypto::{MemberId, PublicKey};
use learner_graph::{AcceptorId, LearnerGraph, LearnerId, Problem};
use libp2p::{Multiaddr, PeerId};
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// The longest configuration file that is read, in bytes.
pub const MAX_CONFIG_BYTES: usize = 1 << 20;

/// How a node misbehaves on purpose, in test networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Byzantine {
    /// Every 2av and 2b is sent a second time for another value.
    DoubleVote,
    /// Every 1c is sent a second time with other values.
    DoubleAnnounce,
}

impl Byzantine {
    /// All behaviours there are.
    pub const ALL: [Byzantine; 2] = [Byzantine::DoubleVote, Byzantine::DoubleAnnounce];

    /// The name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Byzantine::DoubleVote => "double-vote",
            Byzantine::DoubleAnnounce => "double-announce",
        }
    }
}

/// One node of the network.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub key: PublicKey,
    /// The same identity as libp2p names it.
    pub peer: PeerId,
    /// Its number as a signer; `None` for a node that only learns.
    pub member: Option<MemberId>,
    /// The acceptor that it plays.
    pub acceptor: Option<AcceptorId>,
    /// Whether it owns ballots.
    pub proposer: bool,
    /// Disk Paxos: its number as a processor.
    pub processor: Option<ProcessorId>,
    /// The learners that it plays: whose decisions its HTTP API shows.
    pub learners: Vec<LearnerId>,
    /// Where the others reach it.
    pub address: Multiaddr,
    /// Where it listens.
    pub listen: Multiaddr,
    /// Where its HTTP API listens, if it has one.
    pub http: Option<SocketAddr>,
    /// The names, in lower case and without a port, by which its HTTP API may be asked on loopback, as a proxy passes
    /// them on; addresses and `localhost` always are.
    pub http_names: Vec<String>,
    /// How it misbehaves, for tests.
    pub byzantine: Option<Byzantine>,
}

impl NodeConfig {
    /// The roles of the node in words.
    #[must_use]
    pub fn roles(&self) -> Vec<&'static str> {
        let mut roles = Vec::new();
        if self.acceptor.is_some() {
            roles.push("acceptor");
        }
        if self.processor.is_some() {
            roles.push("processor");
        } else if self.proposer {
            roles.push("proposer");
        }
        if !self.learners.is_empty() {
            roles.push("learner");
        }
        roles
    }
}

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The network's name.
    pub name: String,
    /// The protocol.
    pub mode: Mode,
    /// The part of the file that is the learner graph, as TOML.
    pub graph_text: String,
    /// The learner graph, the members and their keys.
    pub network: Arc<Network>,
    /// Paxos: a graph with one learner, whose quorums are the read quorums. The network's graph has
    /// the write quorums.
    pub read_quorums: Option<LearnerGraph>,
    /// Disk Paxos: the disks, in the order of the graph's acceptors.
    pub disks: Option<DisksConfig>,
    /// All nodes, in the order of their names.
    pub nodes: Vec<NodeConfig>,
    /// The limits.
    pub limits: Limits,
    /// HPaxos: the slots of a page, see [`consensus::hpaxos::Config::page`]. Not in the file: tests alone change it.
    pub page_slots: u64,
    /// What the file's author may not expect.
    pub warnings: Vec<Problem>,
}

/// Why a configuration cannot be used: everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// Everything that is wrong with the file, with `file:line:column` and how to mend it.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let file = path.display().to_string();
        let text = read_bounded(path).map_err(|error| {
            let mend = "name a configuration file that this user may read";
            ConfigError(vec![
                Problem::error(None, error.to_string(), mend).in_file(&file),
            ])
        })?;
        Config::parse(&text, &file)
    }

    /// Checks a configuration from its text; `file` is what messages call it, and relative paths of
    /// disks begin in its directory.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(text: &str, file: &str) -> Result<Config, ConfigError> {
        check::config(text, file)
    }

    /// The node of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&NodeConfig> {
        self.nodes.iter().find(|n| n.name == name)
    }
}

/// A key as libp2p names it. `None` cannot happen for keys that passed `PublicKey::from_bytes`.
#[must_use]
pub fn peer_id(key: &PublicKey) -> Option<PeerId> {
    let key = libp2p::identity::ed25519::PublicKey::try_from_bytes(key.as_bytes()).ok()?;
    Some(libp2p::identity::PublicKey::from(key).to_peer_id())
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let limit = MAX_CONFIG_BYTES as u64;
    let mut text = String::new();
    std::fs::File::open(path)?
        .take(limit + 1)
        .read_to_string(&mut text)?;
    if text.len() > MAX_CONFIG_BYTES {
        return Err(std::io::Error::other(format!(
            "the file has more than {limit} bytes"
        )));
    }
    Ok(text)
}
