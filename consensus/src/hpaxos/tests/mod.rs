//! Tests of single rules, close to the paper's definitions.

mod contradiction;
mod forget;
mod hostile;
mod learner;
mod pages;
mod puppet;
mod rules;
mod safe_at;

use super::message::Entry;
use crate::{Ballot, Member, Network};
use crypto::{Digest, Keypair, MemberId, Signer};
use learner_graph::{LearnerGraph, LearnerId, LearnerSet};
use std::sync::Arc;

pub(super) const FOUR: &str = include_str!("../../../../examples/four.toml");
pub(super) const MIXED: &str = include_str!("../../../../examples/mixed.toml");
pub(super) const LG4: &str = include_str!("../../../../examples/lg4.toml");
pub(super) const PAIR: &str = include_str!("../../../../examples/pair.toml");
pub(super) const THR0: &str = include_str!("../../../../examples/thr0.toml");

/// A value, by name.
pub(super) fn value(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

pub(super) fn graph(text: &str) -> LearnerGraph {
    learner_graph::parse_graph(text).expect("a valid graph").0
}

pub(super) fn learner(graph: &LearnerGraph, name: &str) -> LearnerId {
    graph.learner(name).expect("a learner of the graph")
}

pub(super) fn entry(ballot: u64, v: &str, learners: LearnerSet) -> Entry {
    Entry {
        ballot: Ballot(ballot),
        value: value(v),
        learners,
    }
}

/// A network in which member i plays acceptor i, and everyone proposes.
pub(super) fn network(text: &str) -> Arc<Network> {
    let graph = graph(text);
    let members = graph
        .acceptors()
        .iter()
        .map(|a| Member {
            name: format!("n{:03}", a.0),
            key: key(a.0).public(),
            acceptor: Some(a),
            proposer: true,
        })
        .collect();
    Arc::new(Network::new("test", "hpaxos", graph, members).expect("a valid network"))
}

fn key(i: u16) -> Keypair {
    Keypair::from_seed([i as u8 + 1; 32])
}

pub(super) fn signer(network: &Network, i: u16) -> Signer {
    Signer::new(key(i), MemberId(i), network.id())
}
