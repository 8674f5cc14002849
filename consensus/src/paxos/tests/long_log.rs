//! A log that is long: what is in memory does not grow with it, and nothing is delivered twice.

use super::net::{Net, value};
use super::{Body, Input, Message, Output, Paxos, Record, Vote};
use crate::{Ballot, Batch, ClientValue, Protocol, Slot};
use crypto::MemberId;

const RECENT: u64 = 16;

fn net_of(slots: u64) -> Net {
    let mut net = Net::new(RECENT, 1);
    for n in 0..slots {
        net.submit((n % 3) as usize, value(n));
        net.settle();
    }
    assert!(
        net.nodes
            .iter()
            .all(|node| node.delivered.len() as u64 == slots)
    );
    net
}

/// What there is of anything whose number could grow.
fn in_memory(paxos: &Paxos) -> Vec<usize> {
    let acceptor = paxos.acceptor.as_ref().expect("it plays one");
    let proposer = paxos.proposer.as_ref().expect("it plays one");
    vec![
        paxos.decided.len(),
        paxos.received.slots().count(),
        acceptor.voted().count(),
        proposer.proposed().count(),
        proposer.carried(),
        paxos.batches.kept().count(),
        paxos.batches.wanted().len(),
        paxos.waiting.len(),
        paxos.waiting.known(),
    ]
}

#[test]
fn memory_does_not_grow_with_the_log() {
    let mut net = net_of(2000);
    for node in &net.nodes {
        let sizes = in_memory(&node.machine);
        assert!(sizes.iter().all(|n| *n <= 2 * RECENT as usize), "{sizes:?}");
        assert!(node.machine.remembered() > Slot(2000 - 2 * RECENT));
    }
    // Nor does a checkpoint, or what is in memory after a restart with everything ever stored.
    for i in 0..3 {
        assert!(net.nodes[i].machine.checkpoint().len() < 10);
        let stored = net.nodes[i].stored.clone();
        let sizes = in_memory(&net.restored(i, &stored));
        assert!(sizes.iter().all(|n| *n <= 2 * RECENT as usize), "{sizes:?}");
        assert_eq!(
            net.nodes[i].delivered.len(),
            2000,
            "nothing is delivered again"
        );
    }
}

#[test]
fn few_large_slots_leave_memory_as_well() {
    let mut net = Net::new(1000, 1);
    for n in 0..40u8 {
        let large = ClientValue {
            key: vec![n],
            bytes: vec![n; 512 << 10],
        };
        net.submit(0, large);
        net.settle();
    }
    for node in &net.nodes {
        assert_eq!(node.delivered.len(), 40);
        let kept = node.machine.batches.kept().count();
        assert!(kept <= 8, "{kept} of 512 KiB");
        assert!(node.machine.low_water() >= Slot(32));
    }
}

#[test]
fn a_value_of_long_ago_is_delivered_once_for_ever() {
    let mut net = net_of(200);
    let ids = |net: &Net| net.nodes[0].machine.waiting.len();
    net.submit(0, value(3));
    net.nodes[1].inbox.push(Input::Value(value(4)));
    net.settle();
    assert_eq!(ids(&net), 0);
    // Decided a second time: by a leader that had not heard that it was.
    let batch = Batch {
        values: vec![value(5), value(1000)].into(),
    };
    let vote = Vote {
        slot: Slot(200),
        ballot: Ballot(1),
        value: batch.digest(),
    };
    for i in 0..3 {
        let told = Message {
            from: MemberId(1),
            body: Body::Decided { votes: vec![vote] },
        };
        net.nodes[i].inbox.push(Input::Message(told));
        net.nodes[i].inbox.push(Input::Batch(batch.clone()));
    }
    net.settle();
    for node in &net.nodes {
        assert_eq!(node.delivered.len(), 201);
        assert_eq!(node.delivered[200].values[..], [value(1000)]);
    }
}

#[test]
fn a_node_that_was_away_for_long_gets_everything_from_the_histories_of_others() {
    let mut net = Net::new(RECENT, 1);
    for n in 0..300 {
        net.submit(0, value(n));
        while !(net.nodes[0].inbox.is_empty() && net.nodes[1].inbox.is_empty()) {
            net.step(0);
            net.step(1);
            net.now += std::time::Duration::from_millis(1);
        }
        net.nodes[2].inbox.clear();
    }
    assert_eq!(net.nodes[1].delivered.len(), 300);
    net.restart(2, Vec::new());
    for _ in 0..20 {
        net.ask(2, 1);
        net.step(2);
        let sizes = in_memory(&net.nodes[2].machine);
        assert!(sizes.iter().all(|n| *n <= 150), "{sizes:?}");
    }
    let slots = |i: usize| -> Vec<_> {
        let delivered = net.nodes[i].delivered.iter();
        delivered
            .map(|d| (d.slot, d.value, d.values.clone()))
            .collect()
    };
    assert_eq!(slots(2), slots(1));
}

#[test]
fn decisions_without_bytes_do_not_pile_up() {
    let mut net = Net::new(RECENT, 1);
    let votes = (0..100_000).map(|slot| Vote {
        slot: Slot(slot),
        ballot: Ballot(1),
        value: value(slot).id(),
    });
    let votes: Vec<Vote> = votes.collect();
    for votes in votes.chunks(1000) {
        let told = Message {
            from: MemberId(1),
            body: Body::Decided {
                votes: votes.to_vec(),
            },
        };
        net.nodes[0].inbox.push(Input::Message(told));
        net.step(0);
    }
    let sizes = in_memory(&net.nodes[0].machine);
    assert!(sizes.iter().all(|n| *n < 5000), "{sizes:?}");
}

#[test]
fn what_the_history_has_is_known_after_a_restart_and_nothing_else_is_asked_for() {
    let mut net = net_of(40);
    net.restart(1, Vec::new());
    let machine = &mut net.nodes[1].machine;
    assert_eq!(machine.sync_request().next, [Slot(40)]);
    let late = Message {
        from: MemberId(0),
        body: Body::Decided {
            votes: vec![Vote {
                slot: Slot(7),
                ballot: Ballot(1),
                value: value(0).id(),
            }],
        },
    };
    let out = machine.step(net.now, vec![Input::Message(late)]);
    assert!(
        out.iter().all(|o| matches!(o, Output::SetTimer(_))),
        "{out:?}"
    );
}

fn one(n: u64) -> Batch {
    Batch {
        values: vec![value(n)].into(),
    }
}

fn vote(slot: u64, n: u64) -> Vote {
    Vote {
        slot: Slot(slot),
        ballot: Ballot(1),
        value: one(n).digest(),
    }
}

fn decided(votes: Vec<Vote>) -> Message {
    Message {
        from: MemberId(0),
        body: Body::Decided { votes },
    }
}

#[test]
fn bytes_that_were_stored_long_before_they_were_decided_are_there_after_a_restart() {
    let mut net = Net::new(1, 1);
    let mut records = vec![Record::Batch(one(99))];
    for n in 0..10 {
        records.push(Record::Batch(one(n)));
        records.push(Record::Message(decided(vec![vote(n, n)])));
    }
    records.push(Record::Message(decided(vec![vote(10, 99)])));
    net.restart(0, records);
    assert_eq!(net.nodes[0].delivered.len(), 11);
}

#[test]
fn the_low_water_mark_waits_for_the_bytes() {
    let mut net = Net::new(1, 1);
    let told = |votes| Input::Message(decided(votes));
    let later = (1..20).map(|n| vote(n, n)).collect();
    let bytes = (1..20).map(|n| Input::Batch(one(n)));
    net.nodes[0].inbox = vec![told(vec![vote(0, 0)]), told(later)];
    net.nodes[0].inbox.extend(bytes);
    net.step(0);
    assert_eq!(net.nodes[0].machine.sync_request().next, [Slot(20)]);
    assert_eq!(net.nodes[0].machine.low_water(), Slot(0));
    net.nodes[0].inbox.push(Input::Batch(one(0)));
    net.step(0);
    assert_eq!(net.nodes[0].machine.low_water(), Slot(20));
}

#[test]
fn a_slot_that_is_never_decided_does_not_collect_votes_for_ever() {
    let mut net = Net::new(1, 1);
    for ballot in 1..200 {
        let two_b = Body::TwoB {
            ballot: Ballot(ballot),
            values: vec![(Slot(0), one(ballot).digest())],
        };
        let from = MemberId(1);
        let message = Message { from, body: two_b };
        net.nodes[0].inbox.push(Input::Message(message));
    }
    net.step(0);
    let (_, votes) = net.nodes[0].machine.received.votes_in(Slot(0));
    assert!(votes.len() <= 32, "{}", votes.len());
    assert_eq!(votes.last().map(|(_, v)| v.ballot), Some(Ballot(199)));
}
