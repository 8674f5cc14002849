//! The harness is proved: bugs that are planted on purpose are found, each within a few seeds.
//!
//! Two of them, BelieveCertificate and DisconnectAll, show only when certificates arrive in an order that
//! chance does not bring about: exhaustive search finds them (`consensus/tests/model/bugs.rs`).
//!
//! `cargo test -p simulation --test planted -- --nocapture` prints the table that docs/simulation.md shows.

use consensus::Mode;
use consensus::disk_paxos::DiskPaxos;
use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use consensus::planted::{Bug, plant};
use simulation::adversary::{Adversary, Behaviour};
use simulation::cast::Cast;
use simulation::run::{Options, Outcome, run};
use simulation::stage::Stage;

/// A network in which a bug shows.
struct Network {
    mode: Mode,
    liars: &'static [(usize, Behaviour)],
}

/// The executable specification refuses an action.
const SPEC: &str = "the specification";
const FOUR: Network = hpaxos(&[]);
const PAXOS: Network = crashes(Mode::Paxos);
const DISKS: Network = crashes(Mode::DiskPaxos);

const fn hpaxos(liars: &'static [(usize, Behaviour)]) -> Network {
    let mode = Mode::Hpaxos;
    Network { mode, liars }
}

const fn crashes(mode: Mode) -> Network {
    let liars = &[] as &[_];
    Network { mode, liars }
}

fn one(network: &Network, seed: u64) -> Outcome {
    let cast = match network.mode {
        Mode::Hpaxos => Cast::hpaxos(&learner_graph::builtin(4), 0),
        Mode::Paxos => Cast::paxos(3, 2, 2),
        Mode::DiskPaxos => Cast::disk_paxos(2, 3),
    };
    let liars = network.liars.iter().map(|(node, behaviour)| Adversary {
        node: *node,
        behaviour: behaviour.clone(),
    });
    let stage = Stage::new(cast.expect("a network"), liars.collect()).expect("a stage");
    let options = Options::default();
    match network.mode {
        Mode::Hpaxos => run::<HPaxos>(stage, seed, &options),
        Mode::Paxos => run::<Paxos>(stage, seed, &options),
        Mode::DiskPaxos => run::<DiskPaxos>(stage, seed, &options),
    }
}

/// Every one of these bugs is found in a run of one of the first `seeds` seeds, in which nothing is wrong
/// without it, and what fails first is this.
fn found(seeds: u64, bugs: &[(Bug, Network, &str)]) {
    let mut missed = Vec::new();
    for (bug, network, invariant) in bugs {
        plant(Some(*bug));
        let first = (0..seeds).find_map(|s| one(network, s).violation.map(|(_, v)| (s, v)));
        plant(None);
        match first {
            Some((seed, violation)) => {
                let clean = one(network, seed).violation;
                assert_eq!(clean, None, "{bug:?}: seed {seed} fails without it");
                assert_eq!(violation.invariant, *invariant, "{bug:?}: {violation}");
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
            (ForgetPromise, FOUR, SPEC),
            (ForgetVotes, FOUR, SPEC),
            (HideVotes, FOUR, SPEC),
            (HideProposals, FOUR, SPEC),
            (VoteInLeftBallot, FOUR, SPEC),
            (VoteWithoutJoining, FOUR, SPEC),
            (TwoValues, hpaxos(&[(3, Behaviour::Values)]), SPEC),
            (SendBeforeStoring, FOUR, "rule 8: stored before it leaves"),
            (VoteWithoutBytes, FOUR, "rule 7: bytes before votes"),
            (ForgetAnnounced, FOUR, SPEC),
            (CheckpointWithoutVotes, FOUR, SPEC),
            (ThawWithoutVotes, FOUR, SPEC),
        ],
    );
}

#[test]
fn safe_values_and_quorums() {
    use Bug::*;
    found(
        20,
        &[
            (TrustProposer, FOUR, SPEC),
            (QuorumOfAnother, FOUR, SPEC),
            (VouchUnsafe, hpaxos(&[(3, Behaviour::Invent)]), SPEC),
            (IgnoreConnected, FOUR, SPEC),
            (PublishedRule, FOUR, "liveness"),
            (DecideForAnother, FOUR, SPEC),
        ],
    );
}

#[test]
fn evidence_and_the_log() {
    use Bug::*;
    found(
        20,
        &[
            (NoLowWater, FOUR, SPEC),
            (SettleForAnother, FOUR, SPEC),
            (ConvictSettled, FOUR, "evidence"),
            (SkipGaps, FOUR, "log order"),
            (DeliverTwice, FOUR, "no duplicate"),
            (DropUndelivered, FOUR, SPEC),
        ],
    );
}

#[test]
fn crash_faults_only() {
    use Bug::*;
    found(
        2000,
        &[
            (PaxosForgetPromise, PAXOS, "maxBal is remembered"),
            (PaxosIgnoreVotes, PAXOS, "Next: VoteFor"),
            (PaxosForgetProposed, PAXOS, "Next: VoteFor"),
            (PaxosCheckpointWithoutVotes, PAXOS, "Next: VoteFor"),
            (DropUndelivered, PAXOS, "liveness"),
            (CommitUnread, DISKS, "HInv2"),
            (ReuseBlock, DISKS, "Phase1or2Write"),
            (TryBelowFloor, DISKS, "HInv6"),
            (SkipRecovery, DISKS, "HInv4"),
        ],
    );
}
