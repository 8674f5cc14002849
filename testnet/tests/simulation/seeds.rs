//! Many seeds: loss, duplication, reordering, crashes with lost writes, cuts, disks that are away. At every
//! step everything holds, and when the faults are over, everything that was accepted is decided.

use crate::support::{FLEXIBLE, FOUR, LG2, UNI0};
use consensus::disk_paxos::DiskPaxos;
use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use node::config::Mode;
use testnet::simulation::protocols::Simulated;
use testnet::simulation::run::{Options, run};
use testnet::simulation::scenario::stage;
use testnet::simulation::tally::Tally;

const SEEDS: u64 = 40;

fn all_hold<P: Simulated>(
    mode: Mode,
    graph: Option<&str>,
    nodes: Option<usize>,
    disks: Option<usize>,
) -> Tally {
    let mut total = Tally::default();
    for seed in 0..SEEDS {
        let stage = stage(mode, graph, nodes, disks).expect("a network");
        let outcome = run::<P>(stage, seed, &Options::default());
        if let Some((at, violation)) = outcome.violation {
            panic!("{graph:?} {nodes:?} {disks:?}, seed {seed} at {at:?}: {violation}");
        }
        total.add(&outcome.tally);
    }
    // Not for want of anything to check. What the history has is not told again after a restart.
    assert!(total.decisions > 10 * SEEDS, "{total:?}");
    assert!(total.faults.contains_key("crash"), "{total:?}");
    assert!(total.checkpoints > SEEDS, "{total:?}");
    let alone = total.messages == 0;
    assert!(
        alone || total.faults.contains_key("message lost"),
        "{total:?}"
    );
    total
}

#[test]
fn random_faults_never_break_agreement_and_everything_is_decided_afterwards() {
    let mut thawed = 0;
    for graph in [FOUR, UNI0, LG2] {
        thawed += all_hold::<HPaxos>(Mode::Hpaxos, Some(graph), None, None).thawed;
    }
    assert!(thawed > SEEDS, "{thawed}");
}

#[test]
fn random_faults_refine_voting_and_everything_is_decided_afterwards() {
    for nodes in [3, 5] {
        all_hold::<Paxos>(Mode::Paxos, None, Some(nodes), None);
    }
    all_hold::<Paxos>(Mode::Paxos, Some(FLEXIBLE), None, None);
}

#[test]
fn random_faults_keep_the_invariants_and_everything_is_decided_afterwards() {
    for (processors, disks) in [(2, 3), (3, 3), (1, 1), (3, 5), (2, 1)] {
        let total = all_hold::<DiskPaxos>(Mode::DiskPaxos, None, Some(processors), Some(disks));
        assert!(total.faults.contains_key("disk lost"), "{total:?}");
    }
}
