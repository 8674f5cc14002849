//! The harness is proved: bugs that are planted on purpose are found, each within a few seeds.
//!
//! Two of them, BelieveCertificate and DisconnectAll, show only when certificates arrive in an order that
//! chance does not bring about: exhaustive search finds them (`consensus/tests/model/bugs.rs`).
//!
//! `cargo test -p testnet --test planted -- --nocapture` prints the table that docs/simulation.md shows.

use consensus::disk_paxos::DiskPaxos;
use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use consensus::planted::{Bug, plant};
use node::config::Mode;
use testnet::cli::NetworkArgs;
use testnet::simulation::adversary::{Adversary, Behaviour};
use testnet::simulation::run::{Options, Outcome, run};
use testnet::simulation::stage::Stage;
use testnet::topology::topology;

/// A network in which a bug shows.
struct Network {
    mode: Mode,
    /// A file in `examples`; the built-in graph if there is none.
    graph: Option<&'static str>,
    liars: &'static [(usize, Behaviour)],
}

const FOUR: Network = hpaxos(None, &[]);
const PAXOS: Network = crashes(Mode::Paxos);
const DISKS: Network = crashes(Mode::DiskPaxos);

const fn hpaxos(graph: Option<&'static str>, liars: &'static [(usize, Behaviour)]) -> Network {
    let mode = Mode::Hpaxos;
    Network { mode, graph, liars }
}

const fn crashes(mode: Mode) -> Network {
    let (graph, liars) = (None, &[] as &[_]);
    Network { mode, graph, liars }
}

fn one(network: &Network, seed: u64) -> Outcome {
    let file = |g| format!("{}/../examples/{g}.toml", env!("CARGO_MANIFEST_DIR")).into();
    let args = NetworkArgs {
        mode: network.mode,
        graph: network.graph.map(file),
        nodes: None,
        disks: None,
    };
    let (layout, ..) = topology(&args).expect("a network");
    let liars = network.liars.iter().map(|(node, behaviour)| Adversary {
        node: *node,
        behaviour: behaviour.clone(),
    });
    let stage = Stage::new(&layout, liars.collect()).expect("a stage");
    let options = Options::default();
    match network.mode {
        Mode::Hpaxos => run::<HPaxos>(stage, seed, &options),
        Mode::Paxos => run::<Paxos>(stage, seed, &options),
        Mode::DiskPaxos => run::<DiskPaxos>(stage, seed, &options),
    }
}

/// Every one of these bugs is found in a run of one of the first `seeds` seeds, in which nothing is wrong
/// without it.
fn found(seeds: u64, bugs: &[(Bug, Network)]) {
    let mut missed = Vec::new();
    for (bug, network) in bugs {
        plant(Some(*bug));
        let first = (0..seeds).find_map(|s| one(network, s).violation.map(|(_, v)| (s, v)));
        plant(None);
        match first {
            Some((seed, violation)) => {
                let clean = one(network, seed).violation;
                assert_eq!(clean, None, "{bug:?}: seed {seed} fails without it");
                println!("| {bug:?} | {} | {} |", seed + 1, violation.invariant);
            }
            None => missed.push(*bug),
        }
    }
    assert_eq!(missed, [], "not found within {seeds} seeds");
}

#[test]
fn promises_and_votes() {
    use Bug::*;
    found(
        20,
        &[
            (ForgetPromise, FOUR),
            (ForgetVotes, FOUR),
            (HideVotes, FOUR),
            (HideProposals, FOUR),
            (VoteInLeftBallot, FOUR),
            (VoteWithoutJoining, FOUR),
            (TwoValues, hpaxos(None, &[(3, Behaviour::Values)])),
            (SendBeforeStoring, FOUR),
            (VoteWithoutBytes, FOUR),
            (ForgetAnnounced, FOUR),
        ],
    );
}

#[test]
fn safe_values_and_quorums() {
    use Bug::*;
    found(
        20,
        &[
            (TrustProposer, FOUR),
            (QuorumOfAnother, FOUR),
            (VouchUnsafe, hpaxos(None, &[(3, Behaviour::Invent)])),
            (IgnoreConnected, FOUR),
            (PublishedRule, FOUR),
            (DecideForAnother, FOUR),
        ],
    );
}

#[test]
fn evidence_and_the_log() {
    use Bug::*;
    found(
        20,
        &[
            (NoLowWater, FOUR),
            (SettleForAnother, FOUR),
            (ConvictSettled, FOUR),
            (SkipGaps, FOUR),
            (DeliverTwice, FOUR),
        ],
    );
}

#[test]
fn crash_faults_only() {
    use Bug::*;
    found(
        400,
        &[
            (PaxosForgetPromise, PAXOS),
            (PaxosIgnoreVotes, PAXOS),
            (PaxosForgetProposed, PAXOS),
            (CommitUnread, DISKS),
            (ReuseBlock, DISKS),
            (TryBelowFloor, DISKS),
            (SkipRecovery, DISKS),
        ],
    );
}
