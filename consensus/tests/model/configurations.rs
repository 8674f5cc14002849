//! What is checked, and how large it is.

use crate::judge::{self, Decisions};
use crate::model::{Checked, Delivery, Setup};
use learner_graph::LearnerId;
use stateright::{Checker, Model};
use std::collections::BTreeSet;

/// Four acceptors, any three of which are a quorum of everyone; one may be a liar.
pub const ONE: &str = r#"
acceptors = ["a1", "a2", "a3", "a4"]

[define]
any3 = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }

[learners]
alice = "any3"

[[safe]]
between = ["alice"]
when = "any3"
"#;
/// The first two learners of four.toml.
pub const TWO: &str = r#"
acceptors = ["a1", "a2", "a3", "a4"]

[define]
any3 = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }

[learners]
alice = "any3"
bob = { sets = [["a1", { threshold = 2, of = ["a2", "a3", "a4"] }]] }

[[safe]]
between = ["alice", "bob"]
when = "any3"
"#;
/// Three acceptors that may crash.
pub const CRASH: &str = r#"
acceptors = ["a1", "a2", "a3"]

[learners]
alice = { threshold = 2, of = ["a1", "a2", "a3"] }

[[safe]]
between = ["alice"]
when = { threshold = 3, of = ["a1", "a2", "a3"] }
"#;
pub const FOUR: &str = include_str!("../../../examples/four.toml");
pub const LG1: &str = include_str!("../../../examples/lg1.toml");
pub const LG4: &str = include_str!("../../../examples/lg4.toml");
pub const MIXED: &str = include_str!("../../../examples/mixed.toml");
pub const UNI0: &str = include_str!("../../../examples/uni0.toml");

pub fn setup(graph: &'static str) -> Setup {
    Setup {
        graph,
        ballots: vec![1, 2],
        liar: None,
        silent: None,
        delivery: Delivery::Enough,
        low_water: false,
        bug: None,
    }
}

/// Every state is visited, nothing is found that must not be, and everything that must be. Where learners
/// decide, the production learners decide the same.
fn holds(name: &str, setup: Setup) -> impl Checker<Checked> + use<> {
    let checker = Checked::new(setup).checker().threads(1);
    let checker = checker.spawn_bfs().join();
    eprintln!(
        "{name}: {} unique states, depth {}, {} different steps of machines",
        checker.unique_state_count(),
        checker.max_depth(),
        checker.model().machines().steps(),
    );
    checker.assert_properties();
    for (_, path) in checker.discoveries() {
        let state = path.into_states().pop().expect("a state");
        let mut machines = checker.model().machines();
        let two_b = judge::two_b(checker.model(), &mut machines, &state);
        assert_eq!(machines.learn(&two_b), judge::chosen(&machines, &two_b));
    }
    checker
}

#[test]
fn three_acceptors_all_safe() {
    holds("lg1", setup(LG1));
}

#[test]
fn three_acceptors_that_know_what_was_decided() {
    let low_water = true;
    holds(
        "crash, low water",
        Setup {
            low_water,
            ..setup(CRASH)
        },
    );
}

/// LG4: la and lb agree although a1 lies, lc may differ from both.
#[test]
fn a_ring_of_learners_with_a_liar() {
    let liar = Some("a1");
    let checker = holds("lg4, a1 lies", Setup { liar, ..setup(LG4) });
    let [la, lb, lc] = checker.model().learners[..] else {
        panic!("three learners");
    };
    let entangled = |l1: LearnerId, l2| checker.model().entangled[usize::from(l1.0)].contains(l2);
    assert!(entangled(la, lb) && !entangled(la, lc) && !entangled(lb, lc));
    assert!(checker.discovery(judge::DISAGREEMENT).is_some());
}

#[test]
fn one_learner_and_a_liar() {
    let liar = Some("a4");
    holds("any three of four, a4 lies", Setup { liar, ..setup(ONE) });
}

/// The liar claims 2av of a ballot that nobody else has played.
#[test]
fn one_learner_and_a_liar_with_a_ballot_of_its_own() {
    let setup = Setup {
        liar: Some("a4"),
        ballots: vec![1, 3],
        ..setup(ONE)
    };
    holds("any three of four, a4 lies, ballots 1 and 3", setup);
}

/// With the vouching rule nobody is stuck when an acceptor falls silent; `bugs.rs` shows that with
/// the published one somebody is.
#[test]
fn no_deadlock_when_one_of_four_falls_silent() {
    let silent = Some("a4");
    holds(
        "any three of four, a4 silent",
        Setup {
            silent,
            ..setup(ONE)
        },
    );
}

/// What `Delivery::Enough` leaves out leads to no other decisions.
fn compare(name: &str, setup: Setup) {
    let delivery = Delivery::Every;
    let every = Setup {
        delivery,
        ..setup.clone()
    };
    let long_name = format!("{name}, every subset");
    let every = holds(&long_name, every);
    let enough = holds(name, setup);
    let outcomes = |model: &Checked| model.outcomes.lock().expect("done").clone();
    let (every, mut enough) = (outcomes(every.model()), outcomes(enough.model()));
    // The values differ in name only.
    let renamed = |d: &Decisions| -> Decisions {
        let other = |values: &BTreeSet<u8>| values.iter().map(|v| 1 - v).collect();
        d.iter().map(|(l, values)| (*l, other(values))).collect()
    };
    let others: Vec<Decisions> = enough.iter().map(renamed).collect();
    enough.extend(others);
    assert_eq!(every, enough);
}

#[test]
fn every_subset_delivered_leads_to_the_same_decisions() {
    compare("crash", setup(CRASH));
}

#[test]
#[ignore = "242,703 steps of machines: five minutes of a core"]
fn every_subset_delivered_beside_a_liar_leads_to_the_same_decisions() {
    let liar = Some("a4");
    compare("any three of four, a4 lies", Setup { liar, ..setup(ONE) });
}

#[test]
fn a_ring_of_learners_all_safe() {
    holds("lg4", setup(LG4));
}

#[test]
fn two_learners_and_a_liar() {
    let liar = Some("a4");
    holds("two of four.toml, a4 lies", Setup { liar, ..setup(TWO) });
}

#[test]
fn a_graph_that_is_uniform_when_one_falls_silent() {
    let silent = Some("a4");
    holds(
        "uni0, a4 silent",
        Setup {
            silent,
            ..setup(UNI0)
        },
    );
}

#[test]
#[ignore = "11,418 states: half a minute of a core"]
fn three_learners_and_a_liar() {
    let liar = Some("a4");
    holds(
        "four, a4 lies",
        Setup {
            liar,
            ..setup(FOUR)
        },
    );
}

/// The kiosk may differ from everyone, alice and bob may not.
#[test]
#[ignore = "318,162 states: two minutes of a core"]
fn a_learner_that_trusts_too_much_and_a_liar() {
    let liar = Some("a1");
    holds(
        "mixed, a1 lies",
        Setup {
            liar,
            ..setup(MIXED)
        },
    );
}
