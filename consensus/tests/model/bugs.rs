//! Planted bugs, and what the checker finds of them.
//!
//! Not to be seen here, and why:
//!
//! | bug | what it takes |
//! |---|---|
//! | `SettleForAnother`, `SkipGaps`, `DeliverTwice`, `DropUndelivered` | more than one slot |
//! | `ForgetAnnounced` | proposers, which are the environment here |
//! | `SendBeforeStoring` | a crash between storing and sending |
//! | `VoteWithoutBytes` | values whose bytes are missing |
//! | `Paxos…`, and those of Disk Paxos | another protocol |

use crate::configurations::{CRASH, LG1, LG4, ONE, setup};
use crate::judge::{self, DEADLOCK_FREE, NOT_CONVICTED, SAFETY};
use crate::model::{Checked, Delivery, Setup};
use crate::world::vote;
use consensus::planted::Bug;
use crypto::MemberId;
use stateright::{Checker, HasDiscoveries, Model};

/// Bob's quorums are those of three of four; the kiosk, first by name, is content with two.
const KIOSK: &str = r#"
acceptors = ["a1", "a2", "a3", "a4"]

[define]
any3 = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }

[learners]
a_kiosk = { threshold = 2, of = ["a1", "a2", "a3", "a4"] }
bob = "any3"

[[safe]]
between = ["bob"]
when = "any3"
"#;

/// The checker finds that this property does not hold.
fn finds(bug: Bug, broken: &'static str, setup: Setup) {
    let bug = Some(bug);
    let checker = Checked::new(Setup { bug, ..setup }).checker();
    let until = HasDiscoveries::AnyOf([broken].into());
    let checker = checker.threads(1).finish_when(until).spawn_bfs().join();
    let path = checker.assert_any_discovery(broken);
    eprintln!(
        "{bug:?}: not so: {broken}: {} unique states until then, {} steps",
        checker.unique_state_count(),
        path.into_actions().len(),
    );
}

fn silent(graph: &'static str) -> Setup {
    let silent = Some("a4");
    Setup {
        silent,
        ..setup(graph)
    }
}

fn liar(graph: &'static str, name: &'static str) -> Setup {
    let liar = Some(name);
    Setup {
        liar,
        ..setup(graph)
    }
}

/// Nine steps of TLC, with the published KnowsSafeAt2: a vote that a quorum of those who are up cannot
/// vouch for blocks every value.
#[test]
fn the_published_rule_deadlocks() {
    finds(Bug::PublishedRule, DEADLOCK_FREE, silent(ONE));
}

#[test]
fn what_a_restart_forgets() {
    finds(Bug::ForgetPromise, SAFETY, setup(CRASH));
    finds(Bug::ForgetVotes, SAFETY, setup(CRASH));
}

#[test]
fn what_a_1b_hides() {
    finds(Bug::HideVotes, NOT_CONVICTED, setup(LG1));
    finds(Bug::HideVotes, SAFETY, setup(LG1));
    finds(Bug::HideProposals, NOT_CONVICTED, setup(CRASH));
    finds(Bug::HideProposals, DEADLOCK_FREE, silent(ONE));
}

#[test]
fn votes_in_another_ballot() {
    finds(Bug::VoteInLeftBallot, SAFETY, setup(CRASH));
    // Safe with two ballots. But whoever joins the ballot afterwards has nothing to show that is below it.
    let delivery = Delivery::Every;
    let setup = Setup {
        delivery,
        ..setup(CRASH)
    };
    finds(Bug::VoteWithoutJoining, NOT_CONVICTED, setup);
}

#[test]
fn values_that_are_not_safe() {
    finds(Bug::TrustProposer, SAFETY, setup(CRASH));
    finds(Bug::IgnoreConnected, SAFETY, setup(LG1));
    finds(Bug::TwoValues, SAFETY, setup(CRASH));
    // The ballot of a 2av that a liar claims lies above that of the decision.
    let ballots = vec![1, 3];
    finds(
        Bug::VouchUnsafe,
        SAFETY,
        Setup {
            ballots,
            ..liar(ONE, "a4")
        },
    );
}

/// Votes for bob rest on the kiosk's quorum: too few 2av are left to vouch for what is voted.
#[test]
fn votes_with_the_quorum_of_another() {
    finds(Bug::QuorumOfAnother, DEADLOCK_FREE, silent(KIOSK));
}

#[test]
fn slots_below_the_low_water_mark() {
    let low_water = true;
    let setup = Setup {
        low_water,
        ..setup(CRASH)
    };
    finds(Bug::NoLowWater, SAFETY, setup.clone());
    finds(Bug::ConvictSettled, NOT_CONVICTED, setup);
}

#[test]
fn evidence_that_proves_too_much() {
    finds(Bug::BelieveCertificate, SAFETY, liar(ONE, "a4"));
    finds(Bug::DisconnectAll, SAFETY, liar(LG4, "a1"));
}

/// The oracle decides with the graph alone: a production learner that decides too early differs.
#[test]
fn a_learner_that_decides_for_another() {
    for (bug, same) in [(None, true), (Some(Bug::DecideForAnother), false)] {
        let model = Checked::new(Setup { bug, ..setup(LG4) });
        let mut machines = model.machines();
        let (x, lb) = (machines.world.values[0].1, model.learners[1]);
        // A quorum of la votes for lb.
        let said = [0, 1].map(|i| machines.world.say(MemberId(i), vote(1, x, lb, true)));
        let two_b = said.concat();
        let learned = machines.learn(&two_b);
        assert_eq!(learned == judge::chosen(&machines, &two_b), same);
    }
}
