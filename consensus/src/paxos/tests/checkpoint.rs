//! A checkpoint stands for everything: whoever restarts from it is where it was.

use super::net::{Net, value};
use super::{Body, Input, Message, Paxos, Record};
use crate::{Ballot, ClientValue, Slot};
use crypto::{Digest, MemberId};
use std::time::Duration;

/// Everything that a node must never forget.
#[derive(Debug, PartialEq)]
struct Memory {
    max_bal: Ballot,
    low_water: Slot,
    said: Vec<Body>,
    started: Vec<Body>,
    decided: Vec<(Slot, (Ballot, Digest))>,
    bytes: Vec<Digest>,
    own: Vec<ClientValue>,
}

fn memory(paxos: &Paxos) -> Memory {
    let acceptor = paxos.acceptor.as_ref().expect("it plays one");
    let proposer = paxos.proposer.as_ref().expect("it plays one");
    let mut started = proposer.said();
    for body in &mut started {
        if let Body::TwoA { values, .. } = body {
            // Delivered slots are never proposed in again.
            values.retain(|(slot, _)| *slot >= paxos.next);
        }
    }
    started.retain(|b| !matches!(b, Body::TwoA { values, .. } if values.is_empty()));
    let decided = paxos.decided.range(paxos.next..);
    // What others have said this node need not know again, nor the bytes that they alone name.
    let said = acceptor.voted().chain(proposer.proposed());
    let said = said.filter(|(slot, _)| *slot >= paxos.next);
    let said = said.map(|(_, value)| value);
    let named: Vec<Digest> = said.chain(decided.clone().map(|(_, (_, v))| *v)).collect();
    let kept = paxos.batches.kept().map(|kept| kept.digest);
    Memory {
        max_bal: acceptor.max_bal,
        low_water: acceptor.low_water,
        said: acceptor.said(),
        started,
        decided: decided.map(|(slot, d)| (*slot, *d)).collect(),
        bytes: kept.filter(|digest| named.contains(digest)).collect(),
        own: paxos.waiting.own().cloned().collect(),
    }
}

/// Messages are lost, time leaps, leaders change, nodes start again: from checkpoints, or from all records.
#[test]
fn whoever_restarts_from_a_checkpoint_has_forgotten_nothing() {
    let (mut votes, mut promises, mut proposals, mut ahead) = (0, 0, 0, 0);
    for seed in 0..60 {
        let mut net = Net::new(1 + seed % 7, seed);
        let mut n = 0;
        for _ in 0..250 {
            net.loss = net.below(4) * 20;
            let i = net.below(3) as usize;
            match net.below(12) {
                0..3 => {
                    net.submit(i, value(seed * 1000 + n));
                    n += 1;
                }
                3..9 => net.step(i),
                9 => {
                    let asked = (i + 1) % 3;
                    net.ask(i, asked);
                }
                10 => {
                    let pause = net.below(800);
                    net.now += Duration::from_millis(pause);
                }
                _ => {
                    net.step(i);
                    let heard_itself = net.nodes[i].inbox.is_empty();
                    let records = match heard_itself {
                        true => net.nodes[i].machine.checkpoint(),
                        false => net.nodes[i].stored.clone(),
                    };
                    let before = memory(&net.nodes[i].machine);
                    let restored = net.restored(i, &records);
                    let after = memory(&restored);
                    votes += before
                        .said
                        .iter()
                        .filter(|b| matches!(b, Body::TwoB { values, .. } if !values.is_empty()))
                        .count();
                    promises += before
                        .said
                        .iter()
                        .filter(|b| matches!(b, Body::OneB { .. }))
                        .count();
                    proposals += before.started.len();
                    ahead += before.decided.len();
                    assert_eq!(after, before, "seed {seed}");
                    net.restart(i, records);
                }
            }
        }
        for nodes in [(0, 1), (1, 2)] {
            let (a, b) = (&net.nodes[nodes.0].delivered, &net.nodes[nodes.1].delivered);
            let slots = a.iter().zip(b);
            for (a, b) in slots {
                assert_eq!((a.slot, a.value), (b.slot, b.value), "seed {seed}");
            }
        }
    }
    let seen = [votes, promises, proposals, ahead];
    assert!(seen.iter().all(|n| *n > 50), "{seen:?}");
}

/// An acceptor votes without a 1a, and then the slot is delivered: nothing but `max_bal` tells of it.
#[test]
fn a_ballot_that_was_joined_by_a_vote_is_remembered_when_the_vote_is_forgotten() {
    let mut net = Net::new(1, 1);
    let batch = crate::Batch {
        values: vec![value(1)].into(),
    };
    let digest = batch.digest();
    let leader = |body| {
        Input::Message(Message {
            from: MemberId(1),
            body,
        })
    };
    let values = vec![(Slot(0), digest)];
    let ballot = Ballot(5);
    let two_a = Body::TwoA {
        ballot,
        values: values.clone(),
    };
    net.nodes[0].inbox = vec![Input::Batch(batch), leader(two_a)];
    net.step(0);
    net.step(0);
    net.nodes[0].inbox = vec![leader(Body::TwoB { ballot, values })];
    net.step(0);
    let machine = &net.nodes[0].machine;
    assert_eq!((machine.next, machine.low_water()), (Slot(1), Slot(1)));
    let records = machine.checkpoint();
    let restored = net.restored(0, &records);
    assert_eq!(restored.max_bal(), ballot);
    let empty = |r: &Record| matches!(r, Record::Message(Message { body: Body::TwoB { values, .. }, .. }) if values.is_empty());
    assert_eq!(records.iter().filter(|r| empty(r)).count(), 1);
}
