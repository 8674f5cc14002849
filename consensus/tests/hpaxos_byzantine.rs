//! Whole networks with one member that does not follow the protocol: the others go on.

mod support;

use consensus::hpaxos::{Entry, HPaxos, Message, SlotReport};
use consensus::{Ballot, Slot};
use crypto::{Digest, Signed};
use learner_graph::LearnerSet;
use std::collections::BTreeSet;
use std::time::Duration;
use support::{Cluster, check_convictions, network, signer};

const FOUR: &str = include_str!("../../examples/four.toml");
const SECOND: Duration = Duration::from_secs(1);

/// Makes a member say other things than it should.
fn twist(c: &mut Cluster<HPaxos>, node: usize, lie: impl Fn(Message) -> Option<Message> + 'static) {
    let signer = signer(&c.network, node);
    let twisted = move |m: &crypto::Verified<Message>| -> Vec<Signed<Message>> {
        let said = lie((**m).clone()).map(|m| signer.sign(m).expect("small"));
        said.iter().map(|m| m.signed().clone()).collect()
    };
    c.twists.insert(node, Box::new(twisted));
}

fn delivered(c: &Cluster<HPaxos>, nodes: &[usize], learner: &str, n: usize) -> bool {
    nodes.iter().all(|i| c.texts(*i, learner).len() >= n)
}

#[test]
fn an_acceptor_that_joins_and_never_votes_stops_only_who_needs_it() {
    let mut c = Cluster::new(network(FOUR), 1);
    twist(&mut c, 3, |m| {
        (!matches!(m, Message::Votes(_))).then_some(m)
    });
    for n in 0..20 {
        c.submit(n % 3, &format!("value {n}"));
        c.run_for(Duration::from_millis(10));
    }
    c.run_until(60 * SECOND, "alice and bob", |c| {
        delivered(c, &[0, 1, 2], "alice", 20) && delivered(c, &[0, 1, 2], "bob", 20)
    });
    c.check_agreement(&[0, 1, 2]);
}

/// Its 1b show 2av of values that nobody has, in slots where nothing was ever sent.
#[test]
fn invented_values_do_not_block_the_log() {
    let mut c = Cluster::new(network(FOUR), 1);
    twist(&mut c, 3, |m| match m {
        Message::OneA { .. } | Message::OneC(_) => None,
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
            Some(Message::OneB(b))
        }
        m => Some(m),
    });
    c.submit(1, "first");
    c.run_until(5 * SECOND, "first", |c| {
        delivered(c, &[0, 1, 2], "alice", 1)
    });
    c.kill(0);
    c.run_for(Duration::from_millis(10));
    c.submit(1, "second");
    c.run_for(3 * SECOND);
    c.restart(0);
    c.submit(1, "third");
    c.run_until(120 * SECOND, "three values", |c| {
        delivered(c, &[0, 1, 2], "alice", 3)
    });
    c.check_agreement(&[0, 1, 2]);
    check_convictions(&c, &[0, 1, 2]);
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
    let mut c = Cluster::new(network(graph), 1);
    twist(&mut c, 0, |m| {
        matches!(m, Message::OneA { .. }).then_some(m)
    });
    c.submit(1, "first");
    c.run_until(120 * SECOND, "alice", |c| {
        delivered(c, &[1, 2, 3], "alice", 1)
    });
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
        let mut c = Cluster::new(network(graph), 1);
        twist(&mut c, 3, move |m| match m {
            Message::OneB(mut b) => {
                b.ballot = Ballot(far);
                Some(Message::OneB(b))
            }
            _ => None,
        });
        c.submit(1, "first");
        c.run_until(120 * SECOND, "alice", |c| {
            delivered(c, &[0, 1, 2], "alice", 1)
        });
    }
}

/// Two 1c for one slot, one to each half of the others.
#[test]
fn an_equivocating_proposer_costs_its_own_turns() {
    let mut c = Cluster::new(network(FOUR), 7);
    let signer = signer(&c.network, 0);
    let twisted = move |m: &crypto::Verified<Message>| {
        let mut said = vec![m.signed().clone()];
        if let Message::OneC(one_c) = &**m {
            let mut other = one_c.clone();
            for p in &mut other.proposals {
                p.value = Digest::of(b"another value");
            }
            said.push(
                signer
                    .sign(Message::OneC(other))
                    .expect("small")
                    .signed()
                    .clone(),
            );
        }
        said
    };
    c.twists.insert(0, Box::new(twisted));
    for n in 0..10 {
        c.submit(1 + n % 3, &format!("value {n}"));
    }
    c.run_until(60 * SECOND, "alice", |c| {
        delivered(c, &[1, 2, 3], "alice", 10)
    });
    c.check_agreement(&[1, 2, 3]);
    check_convictions(&c, &[0, 1, 2, 3]);
}
