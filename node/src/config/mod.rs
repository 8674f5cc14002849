//! The configuration of a network: one TOML file that all its nodes share.
//!
//! ```text
//!   text ──file──► shapes ──graph──► LearnerGraph ─┐
//!                    ├────nodes───► NodeConfig ────┼─► Config { Network, nodes, limits }
//!                    └────limits──► Limits ────────┘
//!                  each step adds its problems, with line and column
//! ```
//!
//! Secrets and paths are no part of it: they are given to each node on its command line.

mod file;
mod limits;
mod nodes;

pub use limits::Limits;

use crate::disks::DisksConfig;
use consensus::{Member, Network};
use crypto::{MemberId, PublicKey};
use file::File;
use learner_graph::{AcceptorId, LearnerGraph, LearnerId, Problem, Severity};
use libp2p::{Multiaddr, PeerId};
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;

/// The longest configuration file that is read, in bytes.
pub const MAX_CONFIG_BYTES: usize = 1 << 20;

/// Which protocol a network runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Heterogeneous Paxos.
    Hpaxos,
    /// Classic Paxos.
    Paxos,
    /// Disk Paxos.
    DiskPaxos,
}

impl Mode {
    /// The name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Hpaxos => "hpaxos",
            Mode::Paxos => "paxos",
            Mode::DiskPaxos => "disk-paxos",
        }
    }
}

/// How a node misbehaves on purpose, in test networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Byzantine {
    /// Every 2av and 2b is sent a second time for another value.
    DoubleVote,
}

impl Byzantine {
    /// All behaviours there are.
    pub const ALL: [Byzantine; 1] = [Byzantine::DoubleVote];

    /// The name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Byzantine::DoubleVote => "double-vote",
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
    /// The learners that it plays: whose decisions its HTTP API shows.
    pub learners: Vec<LearnerId>,
    /// Where the others reach it.
    pub address: Multiaddr,
    /// Where it listens.
    pub listen: Multiaddr,
    /// Where its HTTP API listens, if it has one.
    pub http: Option<SocketAddr>,
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
        if self.proposer {
            roles.push("proposer");
        }
        if !self.learners.is_empty() {
            roles.push("learner");
        }
        roles
    }
}

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// The network's name.
    pub name: String,
    /// The protocol.
    pub mode: Mode,
    /// The learner graph, the members and their keys.
    pub network: Arc<Network>,
    /// Classic Paxos: the phase 1 quorums, if they are not those of the learner graph.
    pub read_quorums: Option<LearnerGraph>,
    /// All nodes, in the order of their names.
    pub nodes: Vec<NodeConfig>,
    /// The limits.
    pub limits: Limits,
    /// The disks, of a network that has some.
    pub disks: Option<DisksConfig>,
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

    /// Checks a configuration from its text; `file` is what messages call it.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(text: &str, file: &str) -> Result<Config, ConfigError> {
        let named = |problems: Vec<Problem>| -> Vec<Problem> {
            let mut problems: Vec<_> = problems
                .into_iter()
                .map(|p| p.located(text).in_file(file))
                .collect();
            problems.sort_by_key(|p| p.span.as_ref().map(|s| s.start));
            problems
        };
        let parsed: File = toml::from_str(text).map_err(|error| {
            let what = error.message().replace('\n', ", ");
            ConfigError(named(vec![Problem::error(error.span(), what, "")]))
        })?;
        let mut problems = Vec::new();
        let checked = check(&parsed, &mut problems);
        let problems = named(problems);
        match checked {
            Some(config) if problems.iter().all(|p| p.severity == Severity::Warning) => {
                Ok(Config {
                    warnings: problems,
                    ..config
                })
            }
            _ => Err(ConfigError(problems)),
        }
    }

    /// The node of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&NodeConfig> {
        self.nodes.iter().find(|n| n.name == name)
    }
}

/// Checks every part even if another one is wrong, so that all problems are found at once.
fn check(file: &File, problems: &mut Vec<Problem>) -> Option<Config> {
    let mode = mode(file.mode.as_ref(), problems);
    check_network_name(&file.network, problems);
    let limits = Limits::read(&file.limits, problems);
    let graph = match file.graph().build() {
        Ok((graph, warnings)) => {
            problems.extend(warnings);
            Some(graph)
        }
        Err(more) => {
            problems.extend(more);
            None
        }
    };
    let mut nodes = nodes::read(file, graph.as_ref(), problems);
    if problems.iter().any(|p| p.severity == Severity::Error) {
        return None;
    }
    let mode = mode?;
    let members = nodes.iter().filter(|n| n.acceptor.is_some() || n.proposer);
    let members = members
        .map(|n| Member {
            name: n.name.clone(),
            key: n.key,
            acceptor: n.acceptor,
            proposer: n.proposer,
        })
        .collect();
    let network = match Network::new(file.network.get_ref(), mode.name(), graph?, members) {
        Ok(network) => Arc::new(network),
        Err(error) => {
            problems.push(Problem::error(None, error.to_string(), ""));
            return None;
        }
    };
    for node in &mut nodes {
        node.member = network.member_named(&node.name);
    }
    let name = file.network.get_ref().clone();
    Some(Config {
        name,
        mode,
        network,
        read_quorums: None,
        nodes,
        limits,
        disks: None,
        warnings: Vec::new(),
    })
}

fn mode(mode: Option<&Spanned<String>>, problems: &mut Vec<Problem>) -> Option<Mode> {
    match mode.map(|m| m.get_ref().as_str()) {
        None | Some("hpaxos") => Some(Mode::Hpaxos),
        Some(other) => {
            problems.push(Problem::error(
                mode.map(Spanned::span),
                format!("unknown mode '{other}'"),
                "the mode is \"hpaxos\"",
            ));
            None
        }
    }
}

fn check_network_name(name: &Spanned<String>, problems: &mut Vec<Problem>) {
    let text = name.get_ref();
    if text.is_empty() || text.len() > 64 || text.chars().any(char::is_control) {
        problems.push(Problem::error(
            Some(name.span()),
            "this cannot be a network's name",
            "use 1 to 64 bytes of text",
        ));
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
