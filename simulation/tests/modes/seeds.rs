//! Many seeds: loss, duplication, reordering, crashes with lost writes, cuts, disks that are away. At every
//! step everything holds, and when the faults are over, everything that was accepted is decided.

use crate::support::{FOUR, LG2, UNI0, honest};
use consensus::disk_paxos::DiskPaxos;
use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use simulation::cast::Cast;
use simulation::oracle::Violation;
use simulation::protocols::Simulated;
use simulation::run::{Options, run};
use simulation::tally::Tally;

const SEEDS: u64 = 40;

fn all_hold<P: Simulated>(what: &str, cast: Result<Cast, Violation>) -> Tally {
    let mut total = Tally::default();
    for seed in 0..SEEDS {
        let outcome = run::<P>(honest(cast.clone()), seed, &Options::default());
        if let Some((at, violation)) = outcome.violation {
            panic!("{what}, seed {seed} at {at:?}: {violation}");
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
        thawed += all_hold::<HPaxos>(graph, Cast::hpaxos(graph, 0)).thawed;
    }
    assert!(thawed > SEEDS, "{thawed}");
}

#[test]
fn random_faults_refine_voting_and_everything_is_decided_afterwards() {
    for (acceptors, read, write) in [(3, 2, 2), (5, 3, 3), (5, 4, 2)] {
        let what = format!("{read} of {acceptors} read, {write} write");
        all_hold::<Paxos>(&what, Cast::paxos(acceptors, read, write));
    }
}

#[test]
fn random_faults_keep_the_invariants_and_everything_is_decided_afterwards() {
    for (processors, disks) in [(2, 3), (3, 3), (1, 1), (3, 5), (2, 1)] {
        let what = format!("{processors} processors, {disks} disks");
        let total = all_hold::<DiskPaxos>(&what, Cast::disk_paxos(processors, disks));
        assert!(total.faults.contains_key("disk lost"), "{total:?}");
    }
}
