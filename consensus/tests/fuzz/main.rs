//! Fuzzing: what is decoded, and the state machines fed with whatever others may say.
//!
//! `cargo test` replays the corpus beside each target and adds random inputs; docs/fuzzing.md tells how
//! to run a target for long.

mod decode;
mod disk_paxos;
mod hpaxos;
mod paxos;
mod seeds;
mod source;

use consensus::{Member, Network};
use crypto::{Keypair, MemberId, Signer};
use learner_graph::LearnerGraph;

const FOUR: &str = include_str!("../../../examples/four.toml");
const MIXED: &str = include_str!("../../../examples/mixed.toml");

/// Acceptors, and members, in both graphs.
const MEMBERS: u16 = 4;

fn graph(text: &str) -> LearnerGraph {
    learner_graph::parse_graph(text).expect("a valid graph").0
}

fn key(i: u16) -> Keypair {
    Keypair::from_seed([i as u8 + 1; 32])
}

/// A network in which member i plays acceptor i, and everyone proposes.
fn network(mode: &str, text: &str) -> Network {
    let graph = graph(text);
    let members = graph.acceptors().iter().map(|a| Member {
        name: format!("n{}", a.0),
        key: key(a.0).public(),
        acceptor: Some(a),
        proposer: true,
    });
    let members = members.collect();
    Network::new("fuzz", mode, graph, members).expect("a valid network")
}

fn signer(network: &Network, i: u16) -> Signer {
    Signer::new(key(i), MemberId(i), network.id())
}
