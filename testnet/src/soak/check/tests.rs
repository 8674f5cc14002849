//! Each thing that can go wrong with a log is fed to the checker, and is found.

use super::*;
use crate::cli::NetworkArgs;
use crate::topology::of_text;
use node::config::Mode;

/// Clients of the tests, all of which wait for alice.
const CLIENTS: usize = 2;

/// Alice and Bob must agree, with each other and everywhere; Carol with herself only; Dora not even that.
const GRAPH: &str = r#"
acceptors = ["a1", "a2", "a3", "a4"]
[define]
any3 = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }
[learners]
alice = "any3"
bob = "any3"
carol = "any3"
dora = "any3"
[[safe]]
between = ["alice", "bob"]
when = "any3"
[[safe]]
between = ["carol"]
when = "any3"
"#;

/// Learners by their places in the graph.
const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const DORA: usize = 3;

fn network(mode: Mode, nodes: usize) -> NetworkArgs {
    NetworkArgs {
        mode,
        graph: None,
        nodes: Some(nodes),
        disks: None,
    }
}

struct Stage {
    checker: Checker,
    expect: Expectation,
}

impl Stage {
    fn new() -> Stage {
        let (layout, expect, _) =
            of_text(&network(Mode::Hpaxos, 4), "graph", GRAPH.into()).expect("a graph");
        let checker = Checker::new(&expect, &layout, &[Some(ALICE); CLIENTS]);
        Stage { checker, expect }
    }

    fn at(&self, learner: usize, node: usize) -> usize {
        let places = self.checker.places().iter();
        let found = places
            .clone()
            .position(|p| (p.learner, p.node) == (learner, node));
        found.expect("every node plays every learner")
    }

    fn told(&mut self, learner: usize, node: usize, slot: u64, values: &[(u32, u64)]) {
        let at = self.at(learner, node);
        self.checker.take(at, &told(slot, values));
    }

    /// All logs have the first `n` values of each client, a slot each.
    fn all_tell(&mut self, n: u64) {
        for learner in [ALICE, BOB, CAROL, DORA] {
            for node in 0..4 {
                for number in 0..n {
                    self.told(learner, node, number, &[(0, number), (1, number)]);
                }
            }
        }
    }

    fn finish(&mut self, acknowledged: [u64; CLIENTS]) {
        self.checker.finish(&self.expect.deciders(), &acknowledged);
    }

    /// What was found: the kinds, and the first one's words.
    fn kinds(&self) -> Vec<Kind> {
        self.checker.findings().0.iter().map(|f| f.kind).collect()
    }

    fn words(&self) -> &str {
        &self.checker.findings().0[0].words
    }
}

fn told(slot: u64, values: &[(u32, u64)]) -> Decision {
    let value = |(client, number): &(u32, u64)| {
        let (client, number) = (*client, *number);
        raw(Stamp { client, number }.value(20))
    };
    Decision {
        slot,
        values: values.iter().map(value).collect(),
        ..Decision::default()
    }
}

fn raw(bytes: Vec<u8>) -> Value {
    Value {
        bytes,
        ..Value::default()
    }
}

#[test]
fn a_network_that_does_what_it_must_is_not_accused() {
    let mut stage = Stage::new();
    stage.all_tell(50);
    stage.finish([50; 2]);
    assert_eq!(stage.kinds(), []);
    assert_eq!(stage.checker.decided(BOB), 100);
    let log = stage.checker.log(stage.at(CAROL, 2));
    assert_eq!((log.next, log.values), (50, 100));
}

#[test]
fn a_lost_value_is_found_at_the_end() {
    let mut stage = Stage::new();
    stage.all_tell(5);
    let lacking = |stage: &Stage, acknowledged: [u64; 2]| {
        stage
            .checker
            .lacking(&stage.expect.deciders(), &acknowledged)
            .len()
    };
    assert_eq!(lacking(&stage, [5, 5]), 0);
    assert_eq!(lacking(&stage, [5, 7]), 16, "no log has them");
    stage.finish([5, 7]);
    assert_eq!(stage.kinds(), [Kind::Lost; 16]);
    let words =
        "slot 5: alice at n1 lacks 2 acknowledged values, the first of them value 5 of client 1";
    assert_eq!(stage.words(), words);
}

#[test]
fn one_log_that_lacks_the_end_is_found() {
    let mut stage = Stage::new();
    stage.all_tell(5);
    for learner in [ALICE, BOB, CAROL, DORA] {
        for node in (0..4).filter(|node| (learner, *node) != (BOB, 2)) {
            stage.told(learner, node, 5, &[(0, 5)]);
        }
    }
    stage.finish([6, 5]);
    assert_eq!(stage.kinds(), [Kind::Lost]);
    assert!(
        stage
            .words()
            .starts_with("slot 5: bob at n3 lacks 1 acknowledged value,"),
        "{}",
        stage.words()
    );
}

#[test]
fn who_need_not_decide_need_not_have_everything() {
    let mut stage = Stage::new();
    stage.told(ALICE, 0, 0, &[(0, 0)]);
    let only_alice = [ALICE];
    stage.checker.finish(&only_alice, &[1, 0]);
    assert_eq!(
        stage.kinds(),
        [Kind::Lost; 3],
        "alice at the other nodes, and nobody else"
    );
}

#[test]
fn a_value_that_is_decided_twice_is_found() {
    let mut stage = Stage::new();
    stage.told(ALICE, 1, 0, &[(0, 0), (1, 0)]);
    stage.told(ALICE, 1, 1, &[(1, 0)]);
    assert_eq!(stage.kinds(), [Kind::Duplicate]);
    assert_eq!(
        stage.words(),
        "slot 1: alice at n2 has value 0 of client 1 for the second time"
    );
    // In one slot, too, and where the order is free.
    let mut stage = Stage::new();
    stage.told(DORA, 1, 0, &[(0, 3), (0, 3)]);
    assert_eq!(stage.kinds(), [Kind::Duplicate]);
}

#[test]
fn values_that_overtake_each_other_are_found() {
    let mut stage = Stage::new();
    stage.told(BOB, 3, 0, &[(0, 1)]);
    assert_eq!(stage.kinds(), [Kind::Reordered]);
    assert!(
        stage
            .words()
            .starts_with("slot 0: bob at n4 has value 1 of client 0 without value 0 before it"),
        "{}",
        stage.words()
    );
    let mut stage = Stage::new();
    stage.told(CAROL, 3, 0, &[(0, 1)]);
    stage.told(CAROL, 3, 1, &[(0, 0)]);
    assert_eq!(
        stage.kinds(),
        [],
        "the client waits for alice, with whom carol need not agree"
    );
}

#[test]
fn other_decisions_in_a_slot_are_found_at_once() {
    for (learner, node, who) in [(ALICE, 3, "alice at n4"), (BOB, 0, "bob at n1")] {
        let mut stage = Stage::new();
        stage.told(ALICE, 0, 0, &[(0, 0)]);
        stage.told(learner, node, 0, &[(1, 0)]);
        assert_eq!(stage.kinds(), [Kind::Diverged]);
        assert_eq!(
            stage.words(),
            format!("slot 0: {who} has value 0 of client 1, unlike alice at n1")
        );
    }
    // The same values in another order, in more slots, or with another digest are another decision.
    let mut stage = Stage::new();
    stage.told(ALICE, 0, 0, &[(0, 0), (1, 0)]);
    stage.told(ALICE, 1, 0, &[(1, 0), (0, 0)]);
    stage.told(ALICE, 2, 0, &[(0, 0)]);
    let at = stage.at(ALICE, 3);
    let digest = "00".into();
    stage.checker.take(
        at,
        &Decision {
            digest,
            ..told(0, &[(0, 0), (1, 0)])
        },
    );
    assert_eq!(stage.kinds(), [Kind::Diverged; 3]);
}

#[test]
fn learners_that_need_not_agree_may_differ() {
    let mut stage = Stage::new();
    stage.told(ALICE, 0, 0, &[(0, 0)]);
    stage.told(CAROL, 0, 0, &[(1, 0)]);
    stage.told(DORA, 0, 0, &[]);
    stage.told(DORA, 1, 0, &[(1, 0)]);
    assert_eq!(stage.kinds(), []);
    stage.told(CAROL, 1, 0, &[(0, 0)]);
    assert_eq!(stage.kinds(), [Kind::Diverged], "carol agrees with herself");
}

#[test]
fn in_modes_where_nobody_lies_all_must_agree_and_keep_the_order() {
    let (layout, expect, _) =
        crate::topology::topology(&network(Mode::Paxos, 3)).expect("a network");
    let mut checker = Checker::new(&expect, &layout, &[None; 2]);
    assert_eq!(checker.places().len(), 3, "each node has one learner");
    checker.take(0, &told(0, &[(0, 0)]));
    checker.take(1, &told(0, &[(1, 0)]));
    checker.take(2, &told(0, &[(0, 0)]));
    checker.take(2, &told(1, &[(1, 1)]));
    let kinds: Vec<Kind> = checker.findings().0.iter().map(|f| f.kind).collect();
    assert_eq!(kinds, [Kind::Diverged, Kind::Reordered]);
}

#[test]
fn a_node_that_remembers_otherwise_after_a_restart_is_found() {
    let mut stage = Stage::new();
    stage.all_tell(3);
    stage.told(ALICE, 0, 1, &[(0, 1), (1, 1)]);
    stage.told(ALICE, 0, 2, &[(0, 2), (1, 2)]);
    assert_eq!(
        stage.kinds(),
        [],
        "it tells the same again, and nothing counts twice"
    );
    stage.told(ALICE, 0, 2, &[(1, 2), (0, 2)]);
    let at = stage.at(BOB, 1);
    stage.checker.again(at, 0, None);
    stage
        .checker
        .again(at, 0, Some(&told(1, &[(0, 1), (1, 1)])));
    assert_eq!(stage.kinds(), [Kind::Changed; 3]);
    assert_eq!(
        stage.words(),
        "slot 2: alice at n1 tells this slot otherwise than before"
    );
    assert_eq!(stage.checker.log(at).values, 6);
}

#[test]
fn old_slots_are_remembered_for_as_long_as_it_takes() {
    let mut stage = Stage::new();
    let at = stage.at(CAROL, 0);
    for node in 0..4 {
        for number in 0..window::KEPT + 100 {
            stage.told(CAROL, node, number, &[(0, number)]);
        }
    }
    let mut old = stage.checker.old_slots(16 * 10);
    old.retain(|(log, _)| *log == at);
    assert_eq!(old.len(), 10);
    let (_, slot) = old[0];
    assert!(slot < 100, "not in the window: {slot}");
    stage
        .checker
        .again(at, slot, Some(&told(slot, &[(0, slot)])));
    assert_eq!(stage.kinds(), []);
    stage
        .checker
        .again(at, slot, Some(&told(slot, &[(0, slot + 1)])));
    assert_eq!(stage.kinds(), [Kind::Changed]);
}

#[test]
fn holes_and_strange_values_are_found() {
    let mut stage = Stage::new();
    stage.told(ALICE, 0, 0, &[(0, 0)]);
    stage.told(ALICE, 0, 3, &[(0, 1)]);
    assert_eq!(stage.kinds(), [Kind::Skipped]);
    assert_eq!(stage.words(), "slot 1: alice at n1 leaves slots 1 to 2 out");
    let mut stage = Stage::new();
    let at = stage.at(BOB, 0);
    let values = vec![raw(b"never submitted".to_vec())];
    stage.checker.take(
        at,
        &Decision {
            values,
            ..Decision::default()
        },
    );
    stage.told(BOB, 0, 1, &[(CLIENTS as u32, 0)]);
    assert_eq!(
        stage.kinds(),
        [Kind::Foreign; 2],
        "nor is there such a client"
    );
}

#[test]
fn slots_that_are_cut_otherwise_do_not_hide_another_order() {
    // Were slots not compared, the running hash would tell.
    let mut stage = Stage::new();
    let (one, other) = (stage.at(DORA, 0), stage.at(DORA, 1));
    stage.checker.group[other] = stage.checker.group[one];
    for at in [one, other] {
        let first = u32::from(at == other);
        let log = &mut stage.checker.logs[at];
        for client in [first, 1 - first] {
            log.take(Stamp { client, number: 0 }, false).expect("once");
        }
    }
    stage.checker.finish(&[DORA], &[0, 0]);
    assert_eq!(stage.kinds(), [Kind::Diverged]);
}

#[test]
fn findings_have_a_bound() {
    let mut stage = Stage::new();
    for slot in 0..100 {
        stage.told(ALICE, 0, slot, &[(0, 0)]);
    }
    assert_eq!(stage.checker.findings().0.len(), FINDINGS);
    assert_eq!(stage.checker.findings().1, 99 - FINDINGS as u64);
}
