//! Checks the `[nodes.…]` tables against the graph and against each other.

use super::file::{File, NodeEntry};
use super::{Byzantine, NodeConfig, peer_id};
use crypto::PublicKey;
use learner_graph::{LearnerGraph, Problem};
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use toml::Spanned;

/// The longest node name, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Reads every node, in the order of names, and reports whatever is wrong with them.
pub(super) fn read(
    file: &File,
    graph: Option<&LearnerGraph>,
    problems: &mut Vec<Problem>,
) -> Vec<NodeConfig> {
    if file.nodes.is_empty() {
        problems.push(Problem::error(
            None,
            "there are no nodes",
            "add a table [nodes.NAME] for each",
        ));
    }
    let mut nodes = Vec::new();
    let mut keys: BTreeMap<PublicKey, String> = BTreeMap::new();
    let mut played: BTreeMap<String, String> = BTreeMap::new();
    for (name, entry) in &file.nodes {
        let node = Reader {
            name,
            entry: entry.get_ref(),
            graph,
            problems,
        };
        let Some(node) = node.read(&mut keys, &mut played) else {
            continue;
        };
        nodes.push(node);
    }
    // What is missing is only worth saying of entries that could be read.
    if !nodes.is_empty() && nodes.len() == file.nodes.len() {
        missing(file, graph, &played, problems);
    }
    nodes
}

fn missing(
    file: &File,
    graph: Option<&LearnerGraph>,
    played: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) {
    let unplayed = graph
        .into_iter()
        .flat_map(|g| g.acceptors().iter().map(|a| g.acceptor_name(a)));
    for acceptor in unplayed.filter(|a| !played.contains_key(*a)) {
        problems.push(Problem::error(
            file.acceptors_span(),
            format!("no node plays acceptor '{acceptor}'"),
            format!("add acceptor = \"{acceptor}\" to one node"),
        ));
    }
    if !file.nodes.values().any(|n| n.get_ref().proposer) {
        problems.push(Problem::error(
            file.nodes.keys().next().map(Spanned::span),
            "no node is a proposer, so nothing would ever be proposed",
            "set proposer = true on at least one node",
        ));
    }
}

struct Reader<'a> {
    name: &'a Spanned<String>,
    entry: &'a NodeEntry,
    graph: Option<&'a LearnerGraph>,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn error(&mut self, at: &Spanned<String>, what: String, mend: &str) {
        let what = format!("node '{}': {what}", self.name.get_ref());
        self.problems
            .push(Problem::error(Some(at.span()), what, mend));
    }

    /// All parts are read before any is given up, so that one pass reports every problem.
    fn read(
        mut self,
        keys: &mut BTreeMap<PublicKey, String>,
        played: &mut BTreeMap<String, String>,
    ) -> Option<NodeConfig> {
        let entry = self.entry;
        let before = self.problems.len();
        self.check_name();
        let key = self.key(keys);
        let acceptor = entry
            .acceptor
            .as_ref()
            .and_then(|a| self.acceptor(a, played));
        let learners = entry
            .learners
            .iter()
            .filter_map(|l| self.learner(l))
            .collect();
        let address = self.multiaddr(&entry.address, false);
        let listen = match &entry.listen {
            Some(listen) => self.multiaddr(listen, true),
            None => address.clone(),
        };
        let http = entry.http.as_ref().and_then(|h| self.http(h));
        let byzantine = entry.byzantine.as_ref().and_then(|b| self.byzantine(b));
        if self.problems.len() > before {
            return None;
        }
        let key = key?;
        Some(NodeConfig {
            name: self.name.get_ref().clone(),
            key,
            peer: peer_id(&key)?,
            member: None,
            acceptor,
            proposer: entry.proposer,
            learners,
            address: address?,
            listen: listen?,
            http,
            byzantine,
        })
    }

    fn check_name(&mut self) {
        let name = self.name.get_ref();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.chars().all(allowed) {
            let mend = "use 1 to 64 ASCII letters, digits, '-', '_' or '.'";
            self.error(self.name, "this cannot be a name".into(), mend);
        }
    }

    fn key(&mut self, keys: &mut BTreeMap<PublicKey, String>) -> Option<PublicKey> {
        let text = &self.entry.key;
        match text.get_ref().parse::<PublicKey>() {
            Ok(key) => {
                if let Some(other) = keys.insert(key, self.name.get_ref().clone()) {
                    let what = format!("it has the key of node '{other}'");
                    self.error(text, what, "give each node its own (hpaxos keygen)");
                }
                Some(key)
            }
            Err(error) => {
                let mend = "put the hex that `hpaxos keygen` prints here";
                self.error(text, error.to_string(), mend);
                None
            }
        }
    }

    fn acceptor(
        &mut self,
        name: &Spanned<String>,
        played: &mut BTreeMap<String, String>,
    ) -> Option<learner_graph::AcceptorId> {
        let graph = self.graph?;
        let Some(acceptor) = graph.acceptor(name.get_ref()) else {
            let what = format!("the graph has no acceptor '{}'", name.get_ref());
            self.error(name, what, "add it to `acceptors`, or correct the name");
            return None;
        };
        if let Some(other) = played.insert(name.get_ref().clone(), self.name.get_ref().clone()) {
            let what = format!(
                "acceptor '{}' is played by node '{other}' already",
                name.get_ref()
            );
            self.error(name, what, "an acceptor is played by one node");
        }
        Some(acceptor)
    }

    fn learner(&mut self, name: &Spanned<String>) -> Option<learner_graph::LearnerId> {
        let graph = self.graph?;
        let learner = graph.learner(name.get_ref());
        if learner.is_none() {
            let what = format!("the graph has no learner '{}'", name.get_ref());
            self.error(name, what, "add it under [learners], or correct the name");
        }
        learner
    }

    fn multiaddr(&mut self, text: &Spanned<String>, listen: bool) -> Option<Multiaddr> {
        let mend = "write for example /ip4/127.0.0.1/tcp/9001";
        let address = match text.get_ref().parse::<Multiaddr>() {
            Ok(address) => address,
            Err(error) => {
                self.error(
                    text,
                    format!("'{}' is no multiaddr: {error}", text.get_ref()),
                    mend,
                );
                return None;
            }
        };
        let parts: Vec<Protocol<'_>> = address.iter().collect();
        let unspecified = match parts.as_slice() {
            [_, Protocol::Tcp(0)] => {
                let mend = "choose a port that is free on the node's machine";
                self.error(text, "port 0 cannot be found by the others".into(), mend);
                return None;
            }
            [Protocol::Ip4(ip), Protocol::Tcp(_)] => ip.is_unspecified(),
            [Protocol::Ip6(ip), Protocol::Tcp(_)] => ip.is_unspecified(),
            _ => {
                let what = format!("'{address}' is not an IP address and a TCP port");
                self.error(text, what, mend);
                return None;
            }
        };
        if unspecified && !listen {
            let what = format!("nobody can dial '{address}'");
            let mend = "put the address that others reach here, and this one into `listen`";
            self.error(text, what, mend);
        }
        Some(address)
    }

    fn http(&mut self, text: &Spanned<String>) -> Option<SocketAddr> {
        match text.get_ref().parse() {
            Ok(address) => Some(address),
            Err(_) => {
                let what = format!("'{}' is no address to serve HTTP on", text.get_ref());
                self.error(
                    text,
                    what,
                    "write IP:PORT, for example 127.0.0.1:8001; port 0 is any free one",
                );
                None
            }
        }
    }

    fn byzantine(&mut self, text: &Spanned<String>) -> Option<Byzantine> {
        let found = Byzantine::ALL.iter().find(|b| b.name() == text.get_ref());
        if found.is_none() {
            let names: Vec<_> = Byzantine::ALL.iter().map(|b| b.name()).collect();
            let what = format!("unknown behaviour '{}'", text.get_ref());
            self.error(
                text,
                what,
                &format!(
                    "for tests there is {}; leave it out otherwise",
                    names.join(", ")
                ),
            );
        }
        found.copied()
    }
}
