//! Checks the `[nodes.…]` tables against the graph and against each other.

use super::address::is_host;
use super::file::{File, NodeEntry};
use super::{Mode, Named, NodeConfig, peer_id};
use consensus::disk_paxos::ProcessorId;
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
    mode: Mode,
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
    let mut taken = Taken::default();
    for (name, entry) in &file.nodes {
        let node = Reader {
            name,
            entry: entry.get_ref(),
            mode,
            graph,
            problems,
        };
        let Some(node) = node.read(&mut taken) else {
            continue;
        };
        nodes.push(node);
    }
    // What is missing is only worth saying of entries that could be read.
    if !nodes.is_empty() && nodes.len() == file.nodes.len() {
        missing(file, mode, graph, &taken, problems);
    }
    nodes
}

/// What only one node can have, with the node that has it.
#[derive(Default)]
struct Taken {
    keys: BTreeMap<PublicKey, String>,
    acceptors: BTreeMap<String, String>,
    processors: BTreeMap<ProcessorId, String>,
}

fn missing(
    file: &File,
    mode: Mode,
    graph: Option<&LearnerGraph>,
    taken: &Taken,
    problems: &mut Vec<Problem>,
) {
    let first = file.nodes.keys().next().map(Spanned::span);
    if mode == Mode::DiskPaxos {
        if taken.processors.is_empty() {
            problems.push(Problem::error(
                first,
                "no node is a processor, so nothing would ever be proposed",
                "set processor = 1 on one node",
            ));
        }
        return;
    }
    let unplayed = graph
        .into_iter()
        .flat_map(|g| g.acceptors().iter().map(|a| g.acceptor_name(a)));
    for acceptor in unplayed.filter(|a| !taken.acceptors.contains_key(*a)) {
        problems.push(Problem::error(
            file.acceptors.as_ref().map(Spanned::span),
            format!("no node plays acceptor '{acceptor}'"),
            format!("add acceptor = \"{acceptor}\" to one node"),
        ));
    }
    let proposes = |entry: &NodeEntry| entry.proposer.as_ref().is_some_and(|p| *p.get_ref());
    if !file.nodes.values().any(|n| proposes(n.get_ref())) {
        problems.push(Problem::error(
            first,
            "no node is a proposer, so nothing would ever be proposed",
            "set proposer = true on at least one node",
        ));
    }
}

pub(super) struct Reader<'a> {
    pub(super) name: &'a Spanned<String>,
    pub(super) entry: &'a NodeEntry,
    pub(super) mode: Mode,
    pub(super) graph: Option<&'a LearnerGraph>,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    pub(super) fn error<T>(&mut self, at: &Spanned<T>, what: String, mend: &str) {
        let what = format!("node '{}': {what}", self.name.get_ref());
        self.problems
            .push(Problem::error(Some(at.span()), what, mend));
    }

    /// All parts are read before any is given up, so that one pass reports every problem.
    fn read(mut self, taken: &mut Taken) -> Option<NodeConfig> {
        let entry = self.entry;
        let before = self.problems.len();
        self.check_name();
        self.strange_fields();
        let key = self.key(&mut taken.keys);
        let acceptor = entry
            .acceptor
            .as_ref()
            .filter(|_| self.mode != Mode::DiskPaxos);
        let acceptor = acceptor.and_then(|a| self.acceptor(a, &mut taken.acceptors));
        let processor = entry.processor.as_ref();
        let processor = processor.and_then(|p| self.processor(p, &mut taken.processors));
        let learners = self.learners();
        let address = self.multiaddr(&entry.address, false);
        let listen = match &entry.listen {
            Some(listen) => self.multiaddr(listen, true),
            None => self.listens_at(address.as_ref()),
        };
        let http = entry.http.as_ref().and_then(|h| self.http(h));
        let http_names = self.http_names();
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
            // A processor is what proposes.
            proposer: processor.is_some() || entry.proposer.as_ref().is_some_and(|p| *p.get_ref()),
            processor,
            learners,
            address: address?,
            listen: listen?,
            http,
            http_names,
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
            _ if !listen && Named::of(&address).is_some_and(|named| named.is_name()) => false,
            _ => {
                let or_name = if listen { "" } else { " or a name," };
                let what = format!("'{address}' is not an IP address{or_name} and a TCP port");
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

    /// Where a node listens that does not say so.
    fn listens_at(&mut self, address: Option<&Multiaddr>) -> Option<Multiaddr> {
        let address = address?;
        if let Some(named) = Named::of(address) {
            let what = format!("'{address}' says where others find it, and not where it listens");
            let mend = format!("add listen = \"/ip4/0.0.0.0/tcp/{}\"", named.port);
            self.error(&self.entry.address, what, &mend);
            return None;
        }
        Some(address.clone())
    }

    fn http_names(&mut self) -> Vec<String> {
        // Browsers ask for a name as it is written: one with an empty part is meant by nobody.
        let fine = |name: &str| is_host(name) && !name.split('.').any(str::is_empty);
        let mut names = Vec::new();
        for name in self.entry.http_names.iter().flatten() {
            if fine(name.get_ref()) {
                names.push(name.get_ref().to_ascii_lowercase());
            } else {
                let what = format!("'{}' is no name of a host", name.get_ref());
                self.error(
                    name,
                    what,
                    "write it as browsers ask for it, without a port: ledger.example",
                );
            }
        }
        names
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
}
