//! The network to launch: which node plays what, and its configuration text. No I/O but randomness.

use crate::failure::Failure;
use crate::observe::Node;
use learner_graph::LearnerGraph;
use node::config::{Byzantine, Mode};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use toml::{Table, Value};

/// A node to launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePlan {
    /// Its name: `n1`, `n2`, …
    pub name: String,
    /// The acceptor that it plays.
    pub acceptor: Option<String>,
    /// Its number as a processor.
    pub processor: Option<u8>,
    /// The learners that it plays: all of them, or in modes without a learner graph its own.
    pub learners: Vec<String>,
    /// How it misbehaves.
    pub byzantine: Option<Byzantine>,
}

impl NodePlan {
    /// Its roles in words.
    #[must_use]
    pub fn roles(&self) -> Vec<&'static str> {
        match (&self.acceptor, self.processor) {
            (Some(_), _) => vec!["acceptor", "proposer", "learner"],
            (None, Some(_)) => vec!["processor", "learner"],
            (None, None) => vec!["learner"],
        }
    }

    /// Whether values can be submitted to it with the best prospects.
    #[must_use]
    pub fn proposes(&self) -> bool {
        self.acceptor.is_some() || self.processor.is_some()
    }
}

/// The name of the node at a place.
#[must_use]
pub fn node_name(at: usize) -> String {
    format!("n{}", at + 1)
}

/// What can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// A node, by its place.
    Node(usize),
    /// A disk, by its place.
    Disk(usize),
}

/// What to launch.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The protocol.
    pub mode: Mode,
    /// The text of the graph, or of the quorums, as the user wrote it, or the built-in one.
    pub graph_text: String,
    /// The nodes.
    pub nodes: Vec<NodePlan>,
    /// The disks by name.
    pub disks: Vec<String>,
    /// The patience of acceptors, if it is not to be the default.
    pub patience_ms: Option<u64>,
    /// The directory for traces, if they are to be written.
    pub trace: Option<PathBuf>,
}

impl Layout {
    /// One node per acceptor, and pure learners for the rest of `nodes`; where the graph's acceptors are
    /// disks, `nodes` processors. Every node plays every learner, so that each learner is seen from
    /// everywhere, or the learner of its own name in modes that have no others.
    ///
    /// # Errors
    /// If `nodes` are fewer than the acceptors.
    pub fn new(
        mode: Mode,
        graph_text: String,
        graph: &LearnerGraph,
        nodes: usize,
    ) -> Result<Layout, Failure> {
        let names = graph.acceptor_names(&graph.acceptors());
        let (acceptors, disks) = match mode {
            Mode::Hpaxos | Mode::Paxos => (names, Vec::new()),
            Mode::DiskPaxos => (Vec::new(), names),
        };
        if nodes < acceptors.len() {
            return Err(Failure::usage(format!(
                "the graph has {} acceptors, which need a node each: --nodes {nodes} is too few",
                acceptors.len()
            )));
        }
        let all = graph.learner_names(&graph.learners());
        let node = |at: usize| NodePlan {
            name: node_name(at),
            acceptor: acceptors.get(at).cloned(),
            processor: u8::try_from(at + 1)
                .ok()
                .filter(|_| mode == Mode::DiskPaxos),
            learners: match mode {
                Mode::Hpaxos => all.clone(),
                Mode::Paxos | Mode::DiskPaxos => vec![node_name(at)],
            },
            byzantine: None,
        };
        Ok(Layout {
            mode,
            graph_text,
            nodes: (0..nodes).map(node).collect(),
            disks,
            patience_ms: None,
            trace: None,
        })
    }

    /// The node or disk of this name.
    ///
    /// # Errors
    /// If there is none; the message lists those there are.
    pub fn victim(&self, name: &str) -> Result<Victim, Failure> {
        match self.disks.iter().position(|disk| disk == name) {
            Some(disk) => Ok(Victim::Disk(disk)),
            None => self.place(name).map(Victim::Node),
        }
    }

    /// What a node or disk is called.
    #[must_use]
    pub fn name(&self, victim: Victim) -> &str {
        let name = match victim {
            Victim::Node(at) => self.nodes.get(at).map(|node| &node.name),
            Victim::Disk(at) => self.disks.get(at),
        };
        name.map_or("?", String::as_str)
    }

    /// Where a node writes its trace.
    #[must_use]
    pub fn trace_of(&self, node: &str) -> Option<PathBuf> {
        let dir = self.trace.as_ref()?;
        Some(dir.join(format!("{node}.ndjson")))
    }

    /// The place of a node by name.
    ///
    /// # Errors
    /// If there is no such node; the message lists those there are.
    pub fn place(&self, name: &str) -> Result<usize, Failure> {
        self.nodes
            .iter()
            .position(|node| node.name == name)
            .ok_or_else(|| {
                let last = self.nodes.last().map_or("none", |n| n.name.as_str());
                let disks = match self.disks.len() {
                    0 => String::new(),
                    n => format!(", the disks d1 to d{n}"),
                };
                Failure::usage(format!(
                    "there is no node '{name}'; the nodes are n1 to {last}{disks}"
                ))
            })
    }

    /// The text of the network's configuration, with other ports to reach nodes by where `seen` says so.
    ///
    /// # Errors
    /// If the graph's text is not TOML, which its reader would have refused.
    pub fn config(
        &self,
        keys: &[String],
        ports: &[Ports],
        seen: impl Fn(Node) -> Option<u16>,
    ) -> Result<String, Failure> {
        let bad = |e: &dyn std::fmt::Display| Failure::Bad(vec![e.to_string()]);
        let mut table: Table = self
            .graph_text
            .parse()
            .map_err(|e: toml::de::Error| bad(&e))?;
        table.insert("network".into(), Value::String("testnet".into()));
        table.insert("mode".into(), Value::String(self.mode.name().into()));
        let mut nodes = Table::new();
        let all = self.nodes.iter().zip(keys).zip(ports);
        for (at, ((plan, key), ports)) in all.enumerate() {
            let peers = seen(at).unwrap_or(ports.peers);
            let table = self.node_table(plan, key, Ports { peers, ..*ports });
            nodes.insert(plan.name.clone(), Value::Table(table));
        }
        table.insert("nodes".into(), Value::Table(nodes));
        if let Some(patience) = self.patience_ms.and_then(|ms| i64::try_from(ms).ok()) {
            let limits = table
                .entry("limits")
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(limits) = limits {
                limits.insert("patience_ms".into(), Value::Integer(patience));
            }
        }
        toml::to_string(&table).map_err(|e| bad(&e))
    }

    fn node_table(&self, plan: &NodePlan, key: &str, ports: Ports) -> Table {
        let text = |text: &str| Value::String(text.to_owned());
        let mut table = Table::new();
        table.insert("key".into(), text(key));
        if let Some(acceptor) = &plan.acceptor {
            table.insert("acceptor".into(), text(acceptor));
            table.insert("proposer".into(), Value::Boolean(true));
        }
        if let Some(number) = plan.processor {
            table.insert("processor".into(), Value::Integer(number.into()));
        }
        if self.mode == Mode::Hpaxos {
            let learners = plan.learners.iter().map(|l| text(l)).collect();
            table.insert("learners".into(), Value::Array(learners));
        }
        let address = format!("/ip4/127.0.0.1/tcp/{}", ports.peers);
        table.insert("address".into(), text(&address));
        table.insert("http".into(), text(&ports.http_address().to_string()));
        if let Some(how) = plan.byzantine {
            table.insert("byzantine".into(), text(how.name()));
        }
        table
    }
}

/// The loopback ports of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// For the other nodes.
    pub peers: u16,
    /// For the HTTP API; 0 is any free one, which the node tells when it is ready.
    pub http: u16,
}

impl Ports {
    /// Where the HTTP API listens.
    #[must_use]
    pub fn http_address(self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.http)
    }
}

#[cfg(test)]
mod tests;
