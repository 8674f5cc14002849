//! Whole networks of state machines: agreement, progress, crashes, lies.

mod support;

use consensus::Protocol as _;
use consensus::hpaxos::evidence::Finding;
use consensus::hpaxos::{Contradiction, HPaxos, Message, Votes};
use crypto::Digest;
use std::time::Duration;
use support::{Cluster, check_convictions, network, signer};

const FOUR: &str = include_str!("../../examples/four.toml");
const MIXED: &str = include_str!("../../examples/mixed.toml");
const UNI0: &str = include_str!("../../examples/uni0.toml");
const LG2: &str = include_str!("../../examples/lg2.toml");
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_learner_decides_everything_in_one_order() {
    let mut c = Cluster::<HPaxos>::new(network(FOUR), 1);
    for i in 0..20 {
        c.submit(i % 4, &format!("value {i}"));
    }
    c.run_until(5 * SECOND, "all learners everywhere", |c| {
        ["alice", "bob", "carol"]
            .iter()
            .all(|l| c.all_delivered(l, 20))
    });
    c.check_agreement(&[0, 1, 2, 3]);
    let log = c.texts(0, "alice");
    for i in 0..4 {
        for l in ["alice", "bob", "carol"] {
            assert_eq!(c.texts(i, l), log);
        }
    }
    assert!(
        c.nodes[0].engine.as_ref().expect("up").status().ballot.0 == 1,
        "nobody complained"
    );
}

#[test]
fn a_dead_acceptor_stops_only_learners_without_quorum_and_they_catch_up() {
    let mut c = Cluster::<HPaxos>::new(network(FOUR), 2);
    c.submit(0, "first");
    c.run_until(5 * SECOND, "first value", |c| c.all_delivered("carol", 1));
    c.kill(3);
    for i in 0..10 {
        c.submit(i % 3, &format!("without a4: {i}"));
    }
    c.run_until(5 * SECOND, "alice and bob go on", |c| {
        c.all_delivered("alice", 11) && c.all_delivered("bob", 11)
    });
    assert_eq!(
        c.texts(0, "carol").len(),
        1,
        "carol needs all four acceptors"
    );
    c.restart(3);
    c.run_until(10 * SECOND, "carol is completed", |c| {
        c.all_delivered("carol", 11)
    });
    c.check_agreement(&[0, 1, 2, 3]);
}

#[test]
fn when_the_leader_dies_the_next_one_takes_over() {
    let mut c = Cluster::<HPaxos>::new(network(FOUR), 3);
    c.submit(1, "first");
    c.run_until(5 * SECOND, "first value", |c| c.all_delivered("alice", 1));
    // Ballot 1 belongs to the first node.
    c.kill(0);
    c.submit(1, "second");
    c.submit(2, "third");
    c.run_until(10 * SECOND, "alice goes on", |c| {
        c.all_delivered("alice", 3)
    });
    assert!(c.nodes[1].engine.as_ref().expect("up").status().ballot.0 >= 2);
    c.restart(0);
    c.submit(0, "fourth");
    c.run_until(10 * SECOND, "all", |c| {
        c.all_delivered("carol", 4) && c.all_delivered("bob", 4)
    });
    c.check_agreement(&[0, 1, 2, 3]);
}

/// Loss, duplication, reordering, crashes with lost writes, partitions: then everything heals, and
/// everything that was accepted is decided, once, in one order.
#[test]
fn random_faults_never_break_agreement_and_everything_is_decided_afterwards() {
    for seed in 0..60 {
        let graph = [FOUR, UNI0, LG2][seed as usize % 3];
        let mut c = Cluster::<HPaxos>::new(network(graph), seed);
        let all: Vec<usize> = (0..c.nodes.len()).collect();
        c.shake(&format!("seed {seed}"));
        check_convictions(&c, &all);
    }
}

/// Sends every vote a second time for another value.
fn vote_twice(cluster: &mut Cluster<HPaxos>, node: usize) {
    let signer = signer(&cluster.network, node);
    cluster.twists.insert(
        node,
        Box::new(move |message| {
            let mut said = vec![message.signed().clone()];
            if let Message::Votes(votes) = &**message {
                let mut lie: Votes = votes.clone();
                for s in &mut lie.slots {
                    for (value, _) in s.two_av.iter_mut().chain(s.two_b.iter_mut()) {
                        *value = Digest::of(b"another value");
                    }
                }
                let lie = signer.sign(Message::Votes(lie)).expect("small");
                said.push(lie.signed().clone());
            }
            said
        }),
    );
}

#[test]
fn an_acceptor_that_votes_twice_is_caught_and_entangled_learners_go_on() {
    for liar in 0..4 {
        let mut c = Cluster::<HPaxos>::new(network(MIXED), 5);
        vote_twice(&mut c, liar);
        for i in 0..10 {
            c.submit(i % 4, &format!("value {i}"));
        }
        let safe: Vec<usize> = (0..4).filter(|i| *i != liar).collect();
        c.run_until(10 * SECOND, "caught by everyone, and decided", |c| {
            safe.iter().all(|i| {
                c.nodes[*i].findings.iter().any(|f| {
                    matches!(f, Finding::Caught(a, Contradiction::TwoAv { .. } | Contradiction::TwoB { .. })
                        if usize::from(a.0) == liar)
                })
            }) && c.all_delivered("alice", 10)
                && c.all_delivered("bob", 10)
        });
        c.check_agreement(&safe);
        check_convictions(&c, &safe);
        // kiosk's agreement rests on a1, a2 and a3: the graph says when it is lost.
        let kiosk = c.learner("kiosk");
        let lost = c.nodes[safe[0]].disconnected.contains(&(kiosk, kiosk));
        assert_eq!(lost, liar != 3);
        let alice = c.learner("alice");
        assert!(!c.nodes[safe[0]].disconnected.contains(&(alice, alice)));
    }
}

/// A learner whose quorum falls silent in the middle of a ballot costs the others nothing: the
/// leader goes on in the same ballot, far beyond its window of slots in flight.
#[test]
fn a_learner_without_quorum_does_not_hold_the_window() {
    let mut c = Cluster::<HPaxos>::new(network(FOUR), 6);
    c.submit(0, "first");
    c.run_until(5 * SECOND, "first value", |c| c.all_delivered("carol", 1));
    c.kill(3);
    for i in 0..40 {
        c.submit(0, &format!("value {i}"));
        c.run_until(SECOND, "the next value", |c| {
            c.all_delivered("alice", 2 + i)
        });
    }
    let status = c.nodes[0].engine.as_ref().expect("up").status();
    assert_eq!(status.ballot.0, 1, "nobody lost patience");
    assert!(
        status.next[0].0 > 8 + 1,
        "more slots than the window were used"
    );
}
