//! The network to launch: which node plays what, and its configuration text. No I/O but randomness.

use crate::failure::Failure;
use crate::plan::Misbehaviour;
use learner_graph::LearnerGraph;
use std::net::{Ipv4Addr, SocketAddrV4};
use toml::{Table, Value};

/// A node to launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePlan {
    /// Its name: `n1`, `n2`, …
    pub name: String,
    /// The acceptor that it plays.
    pub acceptor: Option<String>,
    /// The learners that it plays: all of them.
    pub learners: Vec<String>,
    /// How it misbehaves.
    pub byzantine: Option<Misbehaviour>,
}

impl NodePlan {
    /// Its roles in words.
    #[must_use]
    pub fn roles(&self) -> Vec<&'static str> {
        match self.acceptor {
            Some(_) => vec!["acceptor", "proposer", "learner"],
            None => vec!["learner"],
        }
    }
}

/// What to launch.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The graph's text as the user wrote it, or the built-in one.
    pub graph_text: String,
    /// The nodes.
    pub nodes: Vec<NodePlan>,
    /// The patience of acceptors, if it is not to be the default.
    pub patience_ms: Option<u64>,
}

impl Layout {
    /// One node per acceptor, and pure learners for the rest of `nodes`. Every node plays every
    /// learner, so that each learner is seen from everywhere.
    ///
    /// # Errors
    /// If `nodes` are fewer than the acceptors.
    pub fn new(graph_text: String, graph: &LearnerGraph, nodes: usize) -> Result<Layout, Failure> {
        let acceptors: Vec<&str> = graph
            .acceptors()
            .iter()
            .map(|a| graph.acceptor_name(a))
            .collect();
        if nodes < acceptors.len() {
            return Err(Failure::usage(format!(
                "the graph has {} acceptors, which need a node each: --nodes {nodes} is too few",
                acceptors.len()
            )));
        }
        let learners: Vec<String> = graph
            .learners()
            .iter()
            .map(|l| graph.learner_name(l).to_owned())
            .collect();
        let node = |at: usize| NodePlan {
            name: format!("n{}", at + 1),
            acceptor: acceptors.get(at).map(|a| (*a).to_owned()),
            learners: learners.clone(),
            byzantine: None,
        };
        Ok(Layout {
            graph_text,
            nodes: (0..nodes).map(node).collect(),
            patience_ms: None,
        })
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
                Failure::usage(format!(
                    "there is no node '{name}'; the nodes are n1 to {last}"
                ))
            })
    }

    /// The text of the network's configuration.
    ///
    /// # Errors
    /// If the graph's text is not TOML, which its reader would have refused.
    pub fn config(&self, keys: &[String], ports: &[Ports]) -> Result<String, Failure> {
        let bad = |e: &dyn std::fmt::Display| Failure::Bad(vec![e.to_string()]);
        let mut table: Table = self
            .graph_text
            .parse()
            .map_err(|e: toml::de::Error| bad(&e))?;
        table.insert("network".into(), Value::String("testnet".into()));
        let mut nodes = Table::new();
        for ((plan, key), ports) in self.nodes.iter().zip(keys).zip(ports) {
            nodes.insert(
                plan.name.clone(),
                Value::Table(node_table(plan, key, *ports)),
            );
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
}

fn node_table(plan: &NodePlan, key: &str, ports: Ports) -> Table {
    let text = |text: &str| Value::String(text.to_owned());
    let mut table = Table::new();
    table.insert("key".into(), text(key));
    if let Some(acceptor) = &plan.acceptor {
        table.insert("acceptor".into(), text(acceptor));
        table.insert("proposer".into(), Value::Boolean(true));
    }
    let learners = plan.learners.iter().map(|l| text(l)).collect();
    table.insert("learners".into(), Value::Array(learners));
    let address = format!("/ip4/127.0.0.1/tcp/{}", ports.peers);
    table.insert("address".into(), text(&address));
    table.insert("http".into(), text(&ports.http_address().to_string()));
    if let Some(how) = plan.byzantine {
        table.insert("byzantine".into(), text(how.word()));
    }
    table
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
mod tests {
    use super::*;

    fn layout(acceptors: usize, nodes: usize) -> Result<Layout, Failure> {
        let text = learner_graph::builtin(acceptors);
        let (graph, _) = learner_graph::parse_graph(&text).expect("the built-in graph is valid");
        Layout::new(text, &graph, nodes)
    }

    #[test]
    fn nodes_beyond_the_acceptors_only_learn() {
        let layout = layout(4, 5).expect("enough nodes");
        assert_eq!(layout.nodes[3].acceptor.as_deref(), Some("a4"));
        assert_eq!(layout.nodes[4].acceptor, None);
        assert_eq!(layout.nodes[4].roles(), ["learner"]);
        assert_eq!(layout.nodes[4].learners, ["alice", "bob", "carol"]);
        assert_eq!(layout.place("n5").expect("exists"), 4);
        assert!(
            layout
                .place("n6")
                .expect_err("does not")
                .to_string()
                .contains("n1 to n5")
        );
    }

    #[test]
    fn too_few_nodes_are_refused() {
        let error = layout(4, 3).expect_err("three nodes for four acceptors");
        assert_eq!(error.code(), 2);
        assert!(error.to_string().contains("4 acceptors"));
    }

    #[test]
    fn the_configuration_is_one_that_nodes_accept() {
        let mut layout = layout(4, 5).expect("enough nodes");
        layout.nodes[3].byzantine = Some(Misbehaviour::DoubleVote);
        layout.patience_ms = Some(321);
        let keypair = |at: u8| {
            crypto::Keypair::from_seed([at + 1; 32])
                .public()
                .to_string()
        };
        let keys: Vec<String> = (0..5).map(keypair).collect();
        let ports: Vec<Ports> = (0..5)
            .map(|i| Ports {
                peers: 9000 + i,
                http: 0,
            })
            .collect();
        let text = layout.config(&keys, &ports).expect("TOML");
        let config = node::config::Config::parse(&text, "network.toml").expect("accepted");
        assert_eq!(config.limits.patience_ms, 321);
        assert_eq!(config.nodes.len(), 5);
        assert!(config.nodes[3].byzantine.is_some() && config.nodes[0].byzantine.is_none());
        assert!(config.nodes[0].proposer && !config.nodes[4].proposer);
        assert_eq!(config.nodes[4].roles(), layout.nodes[4].roles());
        assert_eq!(config.nodes[0].roles(), layout.nodes[0].roles());
    }
}
