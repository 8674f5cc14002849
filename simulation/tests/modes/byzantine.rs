//! Heterogeneous Paxos with one member that does not follow it: the others go on.

use crate::support::{Directed as _, FOUR, MIXED, SECOND, holds, with_liar};
use consensus::hpaxos::{Entry, Message, SlotReport};
use consensus::{Ballot, Slot};
use crypto::Digest;
use learner_graph::{AcceptorId, AcceptorSet, LearnerSet};
use std::collections::BTreeSet;
use std::time::Duration;

/// Every vote, and the same again for another value.
fn twice(message: Message) -> Vec<Message> {
    let mut said = vec![message.clone()];
    if let Message::Votes(mut lie) = message {
        for s in &mut lie.slots {
            for (value, _) in s.two_av.iter_mut().chain(s.two_b.iter_mut()) {
                *value = Digest::of(b"another value");
            }
        }
        said.push(Message::Votes(lie));
    }
    said
}

#[test]
fn an_acceptor_that_votes_twice_is_caught_and_entangled_learners_go_on() {
    for liar in 0..4_usize {
        let mut w = with_liar(MIXED, 5, liar, twice);
        for i in 0..10 {
            w.give(i % 4, &format!("value {i}"));
        }
        let safe: Vec<usize> = (0..4).filter(|i| *i != liar).collect();
        let acceptor = AcceptorId(u16::try_from(liar).expect("small"));
        let it: AcceptorSet = [acceptor].into_iter().collect();
        w.until(10 * SECOND, "caught by everyone, and decided", |w| {
            let caught = |i: &usize| w.status(*i).expect("up").caught == it;
            safe.iter().all(caught) && w.have(&safe, "alice", 10) && w.have(&safe, "bob", 10)
        });
        // kiosk's agreement rests on a1, a2 and a3: the graph says when it is lost.
        let (kiosk, alice) = (
            w.learner("kiosk").expect("is"),
            w.learner("alice").expect("is"),
        );
        let connected = w.status(safe[0]).expect("up").connected;
        let lost = !connected[usize::from(kiosk.0)].contains(kiosk);
        assert_eq!(lost, liar != 3);
        assert!(connected[usize::from(alice.0)].contains(alice));
    }
}

#[test]
fn an_acceptor_that_joins_and_never_votes_stops_only_who_needs_it() {
    let mut w = with_liar(FOUR, 1, 3, |m| match m {
        Message::Votes(_) => vec![],
        m => vec![m],
    });
    for n in 0..20 {
        w.give(n % 3, &format!("value {n}"));
        holds(w.run_for(Duration::from_millis(10)));
    }
    let safe = [0, 1, 2];
    w.until(60 * SECOND, "alice and bob", |w| {
        w.have(&safe, "alice", 20) && w.have(&safe, "bob", 20)
    });
}

/// Its 1b show 2av of values that nobody has, in slots where nothing was ever sent.
#[test]
fn invented_values_do_not_block_the_log() {
    let mut w = with_liar(FOUR, 1, 3, |m| match m {
        Message::OneA { .. } | Message::OneC(_) => vec![],
        Message::OneB(mut b) if b.ballot > Ballot(1) => {
            let below = Ballot(b.ballot.0 - 1);
            let used: BTreeSet<u64> = b.slots.iter().map(|r| r.slot.0).collect();
            for s in (b.low_water.0..b.low_water.0 + 20).filter(|s| !used.contains(s)) {
                let (value, learners) = (Digest::of(&s.to_le_bytes()), LearnerSet::first(3));
                let proposals = vec![Entry {
                    ballot: below,
                    value,
                    learners,
                }];
                b.slots.push(SlotReport {
                    slot: Slot(s),
                    votes: vec![],
                    proposals,
                });
            }
            b.slots.sort_by_key(|r| r.slot);
            vec![Message::OneB(b)]
        }
        m => vec![m],
    });
    let safe = [0, 1, 2];
    w.give(1, "first");
    w.until(5 * SECOND, "first", |w| w.have(&safe, "alice", 1));
    holds(w.crash(0));
    holds(w.run_for(Duration::from_millis(10)));
    w.give(1, "second");
    holds(w.run_for(3 * SECOND));
    holds(w.start(0));
    w.give(1, "third");
    w.until(120 * SECOND, "three values", |w| w.have(&safe, "alice", 3));
}

/// a1 leads ballot 1, is up, and says nothing but its 1a. Kate trusts a1 alone; alice does not need it.
#[test]
fn a_silent_member_that_one_learner_trusts_holds_nobody_else_up() {
    let graph = r#"
        acceptors = ["a1", "a2", "a3", "a4"]
        [define]
        any3 = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }
        [learners]
        alice = "any3"
        kate = { threshold = 2, of = ["a1", { threshold = 1, of = ["a2", "a3", "a4"] }] }
        [[safe]]
        between = ["alice"]
        when = "any3"
        [[safe]]
        between = ["kate"]
        when = "a1"
    "#;
    let mut w = with_liar(graph, 1, 0, |m| match m {
        Message::OneA { .. } => vec![m],
        _ => vec![],
    });
    w.give(1, "first");
    w.until(120 * SECOND, "alice", |w| w.have(&[1, 2, 3], "alice", 1));
}

/// a4 alone is a quorum of the kiosk; its 1b are of ballots far ahead.
#[test]
fn a_member_that_is_a_quorum_alone_does_not_silence_leaders() {
    let graph = r#"
        acceptors = ["a1", "a2", "a3", "a4"]
        [learners]
        alice = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }
        kiosk = "a4"
        [[safe]]
        between = ["alice"]
        when = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }
    "#;
    for far in [20, 200] {
        let mut w = with_liar(graph, 1, 3, move |m| match m {
            Message::OneB(mut b) => {
                b.ballot = Ballot(far);
                vec![Message::OneB(b)]
            }
            _ => vec![],
        });
        w.give(1, "first");
        w.until(120 * SECOND, "alice", |w| w.have(&[0, 1, 2], "alice", 1));
    }
}

/// Two 1c for one slot, both to everybody.
#[test]
fn an_equivocating_proposer_costs_its_own_turns() {
    let mut w = with_liar(FOUR, 7, 0, |m| {
        let mut said = vec![m.clone()];
        if let Message::OneC(mut other) = m {
            for p in &mut other.proposals {
                p.value = Digest::of(b"another value");
            }
            said.push(Message::OneC(other));
        }
        said
    });
    for n in 0..10 {
        w.give(1 + n % 3, &format!("value {n}"));
    }
    w.until(60 * SECOND, "alice", |w| w.have(&[1, 2, 3], "alice", 10));
    for place in 1..4 {
        let caught = w.status(place).expect("up").caught;
        assert!(caught.is_empty(), "as an acceptor it does nothing wrong");
    }
}
