//! Heterogeneous Paxos while everybody follows it: agreement, progress, crashes.

use crate::support::{Directed as _, FOUR, SECOND, holds, quiet};
use consensus::Ballot;
use consensus::hpaxos::HPaxos;
use simulation::cast::Cast;
use simulation::world::World;

const ALL: [usize; 4] = [0, 1, 2, 3];

fn of(seed: u64) -> World<HPaxos> {
    quiet(Cast::hpaxos(FOUR, 0), seed)
}

#[test]
fn every_learner_decides_everything_in_one_order() {
    let mut w = of(1);
    for i in 0..20 {
        w.give(i % 4, &format!("value {i}"));
    }
    let learners = ["alice", "bob", "carol"];
    w.until(5 * SECOND, "all learners everywhere", |w| {
        learners.iter().all(|l| w.have(&ALL, l, 20))
    });
    let log = w.log(0, "alice");
    for place in ALL {
        for learner in learners {
            assert_eq!(w.log(place, learner), log);
        }
    }
    let ballot = w.status(0).expect("up").ballot;
    assert_eq!(ballot, Ballot(1), "nobody complained");
}

#[test]
fn a_dead_acceptor_stops_only_learners_without_quorum_and_they_catch_up() {
    let mut w = of(2);
    w.give(0, "first");
    w.until(5 * SECOND, "first value", |w| w.have(&ALL, "carol", 1));
    holds(w.crash(3));
    for i in 0..10 {
        w.give(i % 3, &format!("without a4: {i}"));
    }
    w.until(5 * SECOND, "alice and bob go on", |w| {
        w.have(&ALL, "alice", 11) && w.have(&ALL, "bob", 11)
    });
    let carol = w.log(0, "carol").len();
    assert_eq!(carol, 1, "carol needs all four acceptors");
    holds(w.start(3));
    w.until(10 * SECOND, "carol is completed", |w| {
        w.have(&ALL, "carol", 11)
    });
}

#[test]
fn when_the_leader_dies_the_next_one_takes_over() {
    let mut w = of(3);
    w.give(1, "first");
    w.until(5 * SECOND, "first value", |w| w.have(&ALL, "alice", 1));
    // Ballot 1 belongs to the first node.
    holds(w.crash(0));
    w.give(1, "second");
    w.give(2, "third");
    w.until(10 * SECOND, "alice goes on", |w| w.have(&ALL, "alice", 3));
    assert!(w.status(1).expect("up").ballot >= Ballot(2));
    holds(w.start(0));
    w.give(0, "fourth");
    w.until(10 * SECOND, "all", |w| {
        w.have(&ALL, "carol", 4) && w.have(&ALL, "bob", 4)
    });
}

/// All learners have decided a first value, and then alice and bob forty more, one after the other.
fn forty_values_without_a4() -> World<HPaxos> {
    let mut w = of(6);
    w.give(0, "first");
    w.until(5 * SECOND, "first value", |w| w.have(&ALL, "carol", 1));
    holds(w.crash(3));
    for i in 0..40 {
        w.give(0, &format!("value {i}"));
        w.until(SECOND, "the next value", |w| w.have(&ALL, "alice", 2 + i));
    }
    w
}

/// A learner whose quorum falls silent in the middle of a ballot costs the others nothing: the
/// leader goes on in the same ballot, far beyond its window of slots in flight.
#[test]
fn a_learner_without_quorum_does_not_hold_the_window() {
    let w = forty_values_without_a4();
    let status = w.status(0).expect("up");
    assert_eq!(status.ballot, Ballot(1), "nobody lost patience");
    let next = status.next[0].0;
    assert!(next > 8 + 1, "more slots than the window were used: {next}");
}

/// Carol's slots were open for much longer than anybody's patience, and nobody but her waits for them: she is
/// completed in the same ballot, while the others go on.
#[test]
fn who_catches_up_does_not_slow_the_others() {
    let mut w = forty_values_without_a4();
    holds(w.advance(60 * SECOND));
    holds(w.start(3));
    for i in 40..80 {
        w.give(0, &format!("value {i}"));
        w.until(SECOND, "the next value", |w| {
            w.have(&[0, 1, 2], "alice", 2 + i)
        });
    }
    w.until(10 * SECOND, "carol is completed", |w| {
        w.have(&ALL, "carol", 81)
    });
    let status = w.status(0).expect("up");
    assert_eq!(status.ballot, Ballot(1), "nobody lost patience");
}
