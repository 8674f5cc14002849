//! Single rules of classic Paxos, where whole networks would rarely show their loss.

mod checkpoint;
mod long_log;
mod net;

use super::acceptor::Acceptor;
use super::received::Received;
use super::{Body, Config, Input, Message, Output, Paxos, Record, Vote};
use crate::history::MemoryHistory;
use crate::{Ballot, Batch, ClientValue, Member, Network, Protocol, RECENT_BYTES, Slot};
use crypto::{Digest, Keypair, MemberId};
use learner_graph::{AcceptorId, LearnerGraph, LearnerId};
use std::sync::Arc;
use std::time::Duration;

const THREE: &str = r#"
acceptors = ["a1", "a2", "a3"]
[learners]
all = { threshold = 2, of = ["a1", "a2", "a3"] }
[[safe]]
between = ["all"]
when = { threshold = 3, of = ["a1", "a2", "a3"] }
"#;

/// A network of three nodes, any two of which are a quorum.
fn three() -> (Arc<Network>, LearnerGraph) {
    let graph = learner_graph::parse_graph(THREE).expect("valid").0;
    let member = |i: u16| Member {
        name: format!("n{i}"),
        key: Keypair::from_seed([i as u8 + 1; 32]).public(),
        acceptor: Some(AcceptorId(i)),
        proposer: true,
    };
    let network = Network::new("test", "paxos", graph.clone(), (0..3).map(member).collect());
    (Arc::new(network.expect("valid")), graph)
}

fn one_b(ballot: u64, votes: Vec<Vote>) -> Body {
    Body::OneB {
        ballot: Ballot(ballot),
        low_water: Slot(0),
        votes,
    }
}

#[test]
fn a_ballot_is_joined_once_and_never_a_lower_one() {
    let mut acceptor = Acceptor::new(AcceptorId(0));
    assert!(acceptor.phase_1b(Ballot(2)).is_some());
    assert_eq!(acceptor.phase_1b(Ballot(2)), None);
    assert_eq!(acceptor.phase_1b(Ballot(1)), None);
}

#[test]
fn the_vote_of_the_highest_ballot_counts() {
    let (old, new) = (Digest::of(b"old"), Digest::of(b"new"));
    let mut received = Received::default();
    for (i, ballot, value) in [(0, 3, new), (1, 1, old), (2, 2, old)] {
        let vote = Vote {
            slot: Slot(7),
            ballot: Ballot(ballot),
            value,
        };
        let message = Message {
            from: MemberId(i),
            body: one_b(5, vec![vote]),
        };
        received.one_b(AcceptorId(i), &message);
    }
    let one_bs = received.one_bs(Ballot(5)).expect("received");
    assert_eq!(one_bs.highest_vote(Slot(7)), Some((Ballot(3), new)));
    assert_eq!(one_bs.highest_vote(Slot(8)), None);
}

#[test]
fn a_leader_never_uses_a_slot_of_its_ballot_twice_after_a_crash() {
    let (network, graph) = three();
    let start = || {
        let config = Config {
            me: Some(MemberId(0)),
            learner: LearnerId(0),
            read: graph.clone(),
            patience: Duration::from_secs(1),
            window: 8,
            batching: Default::default(),
            recent: 8,
            recent_bytes: RECENT_BYTES,
            max_waiting: 100,
            max_waiting_bytes: usize::MAX,
        };
        Paxos::new(
            Arc::clone(&network),
            config,
            Arc::new(MemoryHistory::default()),
        )
    };
    let (mut stored, mut proposed): (Vec<Record>, Vec<(Slot, Digest)>) = (Vec::new(), Vec::new());
    for run in ["first", "second"] {
        let mut paxos = start();
        for record in &stored {
            paxos.restore(record.clone());
        }
        let value = ClientValue::new(vec![], run.as_bytes().to_vec()).expect("small");
        let joined = |i| {
            Input::Message(Message {
                from: MemberId(i),
                body: one_b(1, vec![]),
            })
        };
        let mut inputs = vec![joined(1), joined(2), Input::Submit(value)];
        while !inputs.is_empty() {
            for output in paxos.step(Duration::from_millis(1), std::mem::take(&mut inputs)) {
                match output {
                    Output::Persist(record) => stored.push(record),
                    Output::Send(message) => {
                        if let Body::TwoA { values, .. } = &message.body {
                            proposed.extend(values);
                        }
                        inputs.push(Input::Message(message));
                    }
                    _ => {}
                }
            }
        }
    }
    let slots: Vec<Slot> = proposed.iter().map(|(slot, _)| *slot).collect();
    assert_eq!(slots, [Slot(0), Slot(1)]);
}

#[test]
fn what_an_earlier_leader_proposed_is_wanted_no_more_unless_it_is_decided() {
    let value = |text: &str| Digest::of(text.as_bytes());
    let mut paxos = net::Net::new(8, 1).restored(0, &[]);
    let mut hear = |from, body, wanted: &[&str]| {
        let from = MemberId(from);
        paxos.step(
            Duration::from_millis(1),
            vec![Input::Message(Message { from, body })],
        );
        let wanted = wanted.iter().map(|text| value(text)).collect();
        assert_eq!(*paxos.wanted(), wanted);
    };
    let two_a = |ballot, values: &[(u64, &str)]| {
        let values = values.iter().map(|(slot, text)| (Slot(*slot), value(text)));
        let (ballot, values) = (Ballot(ballot), values.collect());
        Body::TwoA { ballot, values }
    };
    let two_b = |ballot, slot, text| Body::TwoB {
        ballot: Ballot(ballot),
        values: vec![(Slot(slot), value(text))],
    };
    let first = two_a(1, &[(0, "decided"), (1, "proposed")]);
    hear(0, first, &["decided", "proposed"]);
    for i in 1..3 {
        hear(i, two_b(1, 0, "decided"), &["decided", "proposed"]);
    }
    let all = ["decided", "proposed", "another"];
    hear(1, two_a(2, &[(1, "another")]), &all);
    hear(2, two_b(2, 1, "another"), &["decided", "another"]);
}

#[test]
fn the_bytes_of_a_vote_outlive_a_checkpoint_when_nothing_named_them() {
    let bytes = Batch {
        values: vec![net::value(0)].into(),
    };
    let (voted, other) = (bytes.digest(), Digest::of(b"other"));
    let mut net = net::Net::new(8, 1);
    let mut paxos = net.restored(2, &[]);
    let two_a = |from, ballot, value| {
        let body = Body::TwoA {
            ballot: Ballot(ballot),
            values: vec![(Slot(0), value)],
        };
        let from = MemberId(from);
        Input::Message(Message { from, body })
    };
    let now = Duration::from_millis(1);
    // A higher ballot's value takes the place of the one whose bytes come, before there is a vote.
    let first = [two_a(0, 1, voted), two_a(1, 2, other), Input::Batch(bytes)];
    paxos.step(now, first.into());
    let mut records = paxos.checkpoint();
    let second = paxos.step(now, vec![two_a(0, 4, voted)]);
    records.extend(second.into_iter().filter_map(|output| match output {
        Output::Persist(record) => Some(record),
        _ => None,
    }));
    let again = net.restored(2, &records);
    let acceptor = again.acceptor.as_ref().expect("it plays one");
    assert!(acceptor.voted().eq([(Slot(0), voted)]));
    assert!(again.batches.stored(&voted));
}
