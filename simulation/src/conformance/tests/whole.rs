//! Whole behaviours.

use super::run::{FOUR, MIXED, Run};
use crate::conformance::Spec;
use crate::invariants::hpaxos;
use consensus::Slot;
use consensus::hpaxos::trace::{Action, Msg};
use learner_graph::AcceptorSet;

/// All actions of a run are accepted, and every invariant holds after each and, in full, at the end.
fn accepted(run: &Run) -> Spec {
    let graph = run.network.graph().clone();
    let liar = run.liar.map(|i| learner_graph::AcceptorId(i as u16));
    let safe = graph.acceptors() - liar.into_iter().collect();
    let mut spec = Spec::new(graph, safe).expect("a small graph");
    for (node, action) in &run.actions {
        spec.apply(*node, action).unwrap_or_else(|e| panic!("{e}"));
        hpaxos::check(&spec, action).unwrap_or_else(|e| panic!("{e}"));
    }
    hpaxos::check_all(&spec).unwrap_or_else(|e| panic!("{e}"));
    spec
}

fn count(run: &Run, kind: impl Fn(&Action) -> bool) -> usize {
    run.actions.iter().filter(|(_, a)| kind(a)).count()
}

#[test]
fn a_network_without_faults() {
    let mut run = Run::new(FOUR);
    for i in 0..10 {
        run.submit(i % 4, &format!("value {i}"));
        run.settle(4);
    }
    let spec = accepted(&run);
    let decided = spec.decisions(Slot(0)).count();
    assert_eq!(decided, 4 * 3, "every learner at every node");
    let two_b = count(&run, |a| matches!(a, Action::Send(Msg::TwoB(..))));
    assert!(two_b >= 10 * 4 * 3, "{two_b} 2b");
}

#[test]
fn leaders_fall_silent_and_come_back() {
    let mut run = Run::new(FOUR);
    for i in 0..3 {
        run.submit(i, &format!("value {i}"));
    }
    run.settle(20);
    run.cut.insert(0);
    for i in 1..4 {
        run.submit(i, &format!("without a1: {i}"));
    }
    run.settle(60);
    // The next leader falls silent before everybody has decided what it led.
    run.heal(0);
    run.cut.insert(1);
    run.submit(2, "without a2");
    run.settle(60);
    run.heal(1);
    run.settle(60);
    let spec = accepted(&run);
    let said = |a: &Action| matches!(a, Action::Send(Msg::OneB { bal, slots, .. }) if bal.0 > 1 && !slots.is_empty());
    assert!(count(&run, said) > 0, "a later 1b shows votes");
    let dropped =
        |a: &Action| matches!(a, Action::Send(Msg::OneB { low_water, .. }) if low_water.0 > 0);
    assert!(
        count(&run, dropped) > 0,
        "a later 1b leaves out settled slots"
    );
    let last = spec.slots().last().expect("slots");
    assert!(spec.decisions(last).count() > 0);
}

#[test]
fn bytes_come_although_nobody_had_them_when_they_were_first_wanted() {
    let mut run = Run::new(FOUR);
    run.cut.insert(3);
    run.submit(0, "without a4");
    run.settle(20);
    // It hears what was decided, and then nothing.
    run.heal(3);
    run.cut.extend(0..3);
    run.settle(4);
    let decided = |run: &Run| {
        let spec = accepted(run);
        spec.decisions(Slot(0))
            .filter(|(node, _)| *node == 3)
            .count()
    };
    assert_eq!(decided(&run), 0, "nobody gives it the bytes");
    run.cut.clear();
    run.settle(4);
    assert_eq!(decided(&run), 2, "alice and bob need no vote of its own");
}

#[test]
fn an_acceptor_starts_again() {
    let mut run = Run::new(FOUR);
    run.submit(0, "first");
    run.settle(20);
    for node in [2, 0] {
        run.restart(node);
        run.submit(1, &format!("after the restart of {node}"));
        run.settle(60);
    }
    let spec = accepted(&run);
    assert!(spec.slots().count() >= 3);
}

#[test]
fn an_acceptor_votes_twice() {
    for liar in 0..4 {
        let mut run = Run::new(MIXED);
        run.liar = Some(liar);
        for i in 0..6 {
            run.submit(i % 4, &format!("value {i}"));
            run.settle(20);
        }
        let spec = accepted(&run);
        let caught = |a: &Action| matches!(a, Action::Disconnect { caught, .. } if *caught != AcceptorSet::EMPTY);
        assert!(count(&run, caught) >= 3, "all others know");
        assert!(spec.decisions(Slot(0)).count() > 0);
    }
}
