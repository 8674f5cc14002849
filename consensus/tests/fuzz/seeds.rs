//! Valid encodings of everything that is decoded, from which the corpus of `decode` is made.

use crate::{FOUR, network, signer};
use consensus::disk_paxos::{self, Block, Decided, LogRecord};
use consensus::hpaxos::evidence::{Certificate, Evidence};
use consensus::hpaxos::{
    Entry, Message, OneB, OneC, Proposal, Scope, SlotReport, SlotVotes, Votes,
};
use consensus::{
    Ballot, Batch, ClientValue, Network, Record, Slot, SyncAnswer, SyncRequest, paxos,
};
use crypto::{Digest, MemberId, Signed, codec};
use learner_graph::{LearnerId, LearnerSet};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// The samples with their names; the first byte of each is its place in `decode::KINDS`.
pub(crate) fn samples() -> Vec<(String, Vec<u8>)> {
    let network = network("hpaxos", FOUR);
    let mut samples = Samples(Vec::new());
    let messages = messages();
    let signed: Vec<_> = messages
        .iter()
        .map(|m| sign(&network, 0, m.clone()))
        .collect();
    for (message, signed) in messages.iter().zip(&signed) {
        samples.add("hpaxos message", message);
        samples.add("hpaxos signed message", signed);
    }
    for evidence in evidence(&network) {
        samples.add("evidence", &evidence);
        samples.add(
            "hpaxos record",
            &Record::<Signed<Message>, _>::Evidence(evidence),
        );
    }
    samples.add("certificate", &certificate(&network, "x"));
    let have = vec![3, 5, 8];
    let next = vec![Slot(0), Slot(7), Slot(7)];
    samples.add("sync request", &SyncRequest { next, have });
    samples.add(
        "hpaxos sync answer",
        &SyncAnswer {
            messages: signed.clone(),
            evidence: evidence(&network),
        },
    );
    samples.add(
        "hpaxos record",
        &Record::<_, Evidence>::Message(signed[0].clone()),
    );
    samples.records::<Signed<Message>, Evidence>("hpaxos record");
    for n in [0, 1, 3] {
        samples.add("batch", &batch(n));
    }
    samples.add("client value", &value(2));
    samples.paxos();
    samples.disk_paxos();
    samples.0
}

struct Samples(Vec<(String, Vec<u8>)>);

impl Samples {
    fn add<T: Serialize>(&mut self, kind: &str, value: &T) {
        let at = crate::decode::KINDS
            .iter()
            .position(|(name, _)| *name == kind);
        let mut bytes = vec![at.expect("a kind") as u8];
        bytes.extend(codec::encode(value));
        let name = format!("{:02}-{}", self.0.len(), kind.replace(' ', "-"));
        self.0.push((name, bytes));
    }

    /// The records that hold no message.
    fn records<W: Serialize, E: Serialize>(&mut self, kind: &str) {
        self.add(kind, &Record::<W, E>::Batch(batch(2)));
        self.add(kind, &Record::<W, E>::Value(value(1)));
        self.add(kind, &Record::<W, E>::LowWater(Slot(256)));
    }

    fn paxos(&mut self) {
        let ballot = Ballot(3);
        let vote = vote(4, "x");
        let values = vec![(Slot(4), digest("x")), (Slot(5), digest("y"))];
        let votes = vec![vote];
        let low_water = Slot(2);
        let bodies = [
            paxos::Body::OneA { ballot },
            paxos::Body::OneB {
                ballot,
                low_water,
                votes: votes.clone(),
            },
            paxos::Body::TwoA {
                ballot,
                values: values.clone(),
            },
            paxos::Body::TwoB { ballot, values },
            paxos::Body::Decided { votes },
            paxos::Body::Wish { ballot },
        ];
        let from = MemberId(2);
        let messages = bodies.map(|body| paxos::Message { from, body });
        for message in &messages {
            self.add("paxos message", message);
        }
        let record = paxos::Record::Message(messages[1].clone());
        self.add("paxos record", &record);
        self.records::<paxos::Message, consensus::NoEvidence>("paxos record");
        let answer = SyncAnswer::<_, consensus::NoEvidence> {
            messages: messages.to_vec(),
            evidence: Vec::new(),
        };
        self.add("paxos sync answer", &answer);
    }

    fn disk_paxos(&mut self) {
        let votes = vec![vote(0, "x"), vote(1, "y")];
        self.add("decided", &Decided { votes });
        self.records::<Decided, consensus::NoEvidence>("disk paxos record");
        self.add("block", &Block::default());
        let entry = |n: u64| disk_paxos::Entry {
            bal: Ballot(256 + n),
            inp: Arc::new(batch(n as u8)),
        };
        let block = Block {
            mbal: Ballot(513),
            floor: Slot(3),
            entries: (3..6).map(|n| (Slot(n), entry(n))).collect(),
        };
        self.add("block", &block);
        let record = LogRecord {
            slot: Slot(2),
            ballot: Ballot(257),
            value: Arc::new(batch(2)),
        };
        self.add("log record", &record);
    }
}

fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

fn vote(slot: u64, value: &str) -> paxos::Vote {
    paxos::Vote {
        slot: Slot(slot),
        ballot: Ballot(2),
        value: digest(value),
    }
}

fn value(n: u8) -> ClientValue {
    ClientValue::new(vec![n; usize::from(n)], vec![b'v', n]).expect("small")
}

fn batch(n: u8) -> Batch {
    Batch {
        values: (0..n).map(value).collect(),
    }
}

fn sign(network: &Network, from: u16, message: Message) -> Signed<Message> {
    let signed = signer(network, from).sign(message);
    signed.expect("small").signed().clone()
}

fn messages() -> Vec<Message> {
    let ballot = Ballot(5);
    let learners = LearnerSet::first(3);
    let alone: LearnerSet = [LearnerId(1)].into_iter().collect();
    let entry = |ballot, value, learners| Entry {
        ballot: Ballot(ballot),
        value: digest(value),
        learners,
    };
    let report = SlotReport {
        slot: Slot(2),
        votes: vec![entry(3, "x", learners)],
        proposals: vec![entry(3, "x", learners), entry(4, "y", alone)],
    };
    let proposal = |slot, value| Proposal {
        slot: Slot(slot),
        value: digest(value),
        learners,
    };
    vec![
        Message::OneA { ballot },
        Message::OneB(OneB {
            ballot,
            low_water: Slot(1),
            scope: Scope::ALL,
            slots: vec![report],
        }),
        Message::OneC(OneC {
            ballot,
            proposals: vec![proposal(2, "x"), proposal(3, "y")],
        }),
        two_b("x", alone),
        Message::Votes(Votes {
            ballot,
            slots: vec![SlotVotes {
                slot: Slot(2),
                two_av: Some((digest("x"), learners)),
                two_b: None,
            }],
        }),
        Message::Wish { ballot },
    ]
}

fn two_b(value: &str, learners: LearnerSet) -> Message {
    let slots = vec![SlotVotes {
        slot: Slot(2),
        two_av: None,
        two_b: Some((digest(value), learners)),
    }];
    let ballot = Ballot(5);
    Message::Votes(Votes { ballot, slots })
}

fn certificate(network: &Network, value: &str) -> Certificate {
    let all = LearnerSet::first(3);
    let certificate = Certificate {
        learner: LearnerId(0),
        slot: Slot(2),
        ballot: Ballot(5),
        value: digest(value),
        two_b: (0..3)
            .map(|i| sign(network, i, two_b(value, all)))
            .collect(),
    };
    certificate.verify(network).expect("a quorum of alice");
    certificate
}

fn evidence(network: &Network) -> Vec<Evidence> {
    let all = LearnerSet::first(3);
    let evidence = vec![
        Evidence::Contradiction {
            first: sign(network, 1, two_b("x", all)),
            second: sign(network, 1, two_b("y", all)),
        },
        Evidence::Disagreement {
            first: certificate(network, "x"),
            second: certificate(network, "y"),
        },
    ];
    for e in &evidence {
        e.verify(network).expect("it proves something");
    }
    evidence
}

/// Writes the samples into the corpus of `decode`: `cargo test -p consensus --test fuzz -- --ignored`.
#[test]
#[ignore = "writes files"]
fn write_corpus() {
    let corpus =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/__fuzz__/decode__any_bytes/corpus");
    std::fs::create_dir_all(&corpus).expect("a directory");
    for (name, bytes) in samples() {
        std::fs::write(corpus.join(name), bytes).expect("a file");
    }
}
