//! Classic Paxos: every step is one of Voting's, whoever dies.

use crate::support::{Directed as _, SECOND, holds, quiet};
use consensus::Ballot;
use consensus::paxos::Paxos;
use crypto::Digest;
use simulation::cast::Cast;
use simulation::world::World;

fn of(n: usize, seed: u64) -> World<Paxos> {
    let majority = n / 2 + 1;
    quiet(Cast::paxos(n, majority, majority), seed)
}

#[test]
fn everything_is_decided_in_one_order_by_one_leader() {
    for n in [1, 3, 5] {
        let mut w = of(n, 1);
        let values: Vec<Digest> = (0..20).map(|i| w.give(i % n, &format!("v{i}"))).collect();
        w.until(5 * SECOND, "everything", |w| w.all_have(&values));
        let log = w.delivered(0, w.own(0));
        assert!((0..n).all(|i| w.delivered(i, w.own(i)) == log));
        assert_eq!(w.status(0).expect("up").ballot, Ballot(1));
        // A promise of every acceptor, and votes of a quorum in some slot at least.
        assert!(
            w.oracle().steps() as usize > n + n / 2,
            "Voting was looked at"
        );
    }
}

#[test]
fn a_minority_may_die_the_leader_included_and_comes_back() {
    let mut w = of(5, 2);
    let mut values = vec![w.give(1, "first")];
    w.until(5 * SECOND, "first", |w| w.all_have(&values));
    holds(w.crash(0));
    holds(w.crash(4));
    values.extend((0..10).map(|i| w.give(1 + i % 3, &format!("value {i}"))));
    w.until(20 * SECOND, "the rest goes on", |w| w.all_have(&values));
    holds(w.start(0));
    holds(w.start(4));
    values.push(w.give(4, "last"));
    w.until(20 * SECOND, "all catch up", |w| w.all_have(&values));
}

/// Two of five decide while their leader lives, and a new leader needs four.
#[test]
fn read_and_write_quorums_differ() {
    let mut w: World<Paxos> = quiet(Cast::paxos(5, 4, 2), 3);
    let mut values = vec![w.give(0, "first")];
    w.until(5 * SECOND, "first", |w| w.all_have(&values));
    for place in 2..5 {
        holds(w.crash(place));
    }
    values.push(w.give(0, "of two"));
    w.until(5 * SECOND, "two decide", |w| w.all_have(&values));
    holds(w.crash(0));
    holds(w.start(2));
    holds(w.start(3));
    let late = w.give(1, "without a leader");
    holds(w.run_for(10 * SECOND));
    assert!(!w.all_have(&[late]), "three are no quorum for a new leader");
    holds(w.start(4));
    values.push(late);
    w.until(60 * SECOND, "four are", |w| w.all_have(&values));
}
