//! The network as nodes run it, from the engine's command to the thread that stands for the engine.

use super::{Arrived, MESSAGES, NODES, Nodes};
use consensus::hpaxos::{self, HPaxos, SlotVotes, Votes};
use consensus::paxos::{self, Paxos};
use consensus::{Ballot, Input, Protocol, Slot};
use crypto::{Digest, Keypair, MemberId, Signer};
use learner_graph::LearnerId;
use node::{Carrier, Config, ports};
use std::fmt::Write as _;
use std::sync::mpsc::Sender;
use std::time::Instant;
use tempfile::TempDir;

/// A protocol with a vote that can be told from others by its ballot.
pub(crate) trait Votable: Protocol {
    /// What the configuration says before its nodes.
    const HEADER: &str;

    fn vote(config: &Config, ballot: Ballot) -> Self::Wire;

    fn ballot(message: &Self::Message) -> Ballot;
}

/// A 2b for four slots.
impl Votable for Paxos {
    const HEADER: &str = "mode = \"paxos\"\n";

    fn vote(_: &Config, ballot: Ballot) -> paxos::Message {
        let value = |slot| (Slot(slot), Digest::of(b"value"));
        paxos::Message {
            from: MemberId(0),
            body: paxos::Body::TwoB {
                ballot,
                values: (0..4).map(value).collect(),
            },
        }
    }

    fn ballot(message: &paxos::Message) -> Ballot {
        match &message.body {
            paxos::Body::TwoB { ballot, .. } => *ballot,
            other => panic!("nobody said {other:?}"),
        }
    }
}

/// A 2b for one slot, signed.
impl Votable for HPaxos {
    const HEADER: &str =
        "[learners]\nl = { threshold = 3, of = [\"a0\", \"a1\", \"a2\", \"a3\"] }\n";

    fn vote(config: &Config, ballot: Ballot) -> Self::Wire {
        let vote = SlotVotes {
            slot: Slot(0),
            two_av: None,
            two_b: Some((Digest::of(b"value"), [LearnerId(0)].into_iter().collect())),
        };
        let votes = hpaxos::Message::Votes(Votes {
            ballot,
            slots: vec![vote],
        });
        let signer = Signer::new(key(0), MemberId(0), config.network.id());
        signer.sign(votes).expect("small").signed().clone()
    }

    fn ballot(message: &Self::Message) -> Ballot {
        (**message).ballot()
    }
}

/// How frames go.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Streams,
    Gossip,
}

/// The networks of all nodes.
pub(crate) struct Networks {
    nodes: Vec<Carrier>,
    frames: Vec<Vec<u8>>,
    /// How they are not to go.
    other: &'static str,
    _ports: Vec<ports::Lease>,
    _data: TempDir,
}

impl Networks {
    /// Frames go by streams, or as gossip.
    pub(crate) fn start<P: Votable>(way: Way, tell: Sender<Arrived>) -> Self {
        let (full_mesh, other) = match way {
            Way::Streams => (NODES, "gossip"),
            Way::Gossip => (2, "stream"),
        };
        let ports = ports::lease(NODES).expect("ports");
        let config = config::<P>(full_mesh, &ports);
        let data = TempDir::new().expect("a directory");
        let start = |at: usize| {
            let tell = tell.clone();
            let delivered = move |input| {
                if let Input::Message(message) = input {
                    let number = P::ballot(&message).0 as usize;
                    // At the end nobody counts any more.
                    let _ = tell.send((number, Instant::now()));
                }
            };
            let name = format!("n{at}");
            Carrier::start::<P>(&config, &name, &key(at), data.path(), delivered)
        };
        let nodes: Result<_, _> = (0..NODES).map(start).collect();
        let vote = |number| P::vote(&config, Ballot(number as u64));
        let frames = (0..MESSAGES).map(vote).map(Carrier::frame::<P>);
        Networks {
            nodes: nodes.expect("networks"),
            frames: frames.collect(),
            other,
            _ports: ports,
            _data: data,
        }
    }
}

/// How many frames went so from a node.
fn sent(node: &Carrier, way: &str) -> u64 {
    let metrics = node.metrics();
    let name = format!("hpaxos_frames_sent_total{{way=\"{way}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |n| n.parse().expect("a number"))
}

impl Nodes for Networks {
    fn publish(&self, node: usize, number: usize) {
        self.nodes[node].publish(self.frames[number].clone());
    }

    fn bytes(&self) -> usize {
        self.frames[0].len()
    }

    fn astray(&self) -> u64 {
        self.nodes.iter().map(|node| sent(node, self.other)).sum()
    }
}

fn config<P: Votable>(full_mesh: usize, ports: &[ports::Lease]) -> Config {
    let mut text =
        String::from("network = \"benchmark\"\nacceptors = [\"a0\", \"a1\", \"a2\", \"a3\"]\n");
    text.push_str(P::HEADER);
    for (at, port) in ports.iter().enumerate() {
        let (key, port) = (key(at).public(), port.port());
        write!(
            text,
            "[nodes.n{at}]\nkey = \"{key}\"\nacceptor = \"a{at}\"\nproposer = true\n\
             address = \"/ip4/127.0.0.1/tcp/{port}\"\n"
        )
        .expect("to a string");
    }
    write!(text, "[limits]\nfull_mesh_nodes = {full_mesh}\n").expect("to a string");
    Config::parse(&text, "benchmark").expect("a good configuration")
}

fn key(at: usize) -> Keypair {
    Keypair::from_seed([at as u8 + 1; 32])
}
