//! Verification of frames and answers, without a network.

use super::super::frame::{Frame, FrameOf};
use super::super::request::{RequestKind, ResponseOf};
use super::super::seen::Seen;
use super::MAX_PARTS;
use super::{Job, PIECE, Pool, Report, Source, Verifier};
use crate::engine::{NodeIndex, Queued};
use crate::testing;
use crate::view::View;
use consensus::hpaxos::{HPaxos, Message};
use consensus::paxos::{self, Paxos};
use consensus::{
    Ballot, Batch, ClientValue, Input, InputOf, MAX_VALUE_BYTES, Protocol, SyncAnswer,
};
use crypto::codec;
use crypto::{MemberId, Signed, Signer};
use libp2p::gossipsub::MessageId;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use tokio::sync::mpsc;

const DEADLINE: Duration = Duration::from_secs(30);

struct Fixture<P: Protocol> {
    pool: Pool,
    reports: mpsc::Receiver<Report>,
    inputs: Receiver<Queued<InputOf<P>>>,
    view: Arc<View>,
    network: Arc<consensus::Network>,
}

fn fixture(max_bytes: usize) -> Fixture<HPaxos> {
    fixture_of(1, max_bytes)
}

fn fixture_of<P: Protocol>(threads: usize, max_bytes: usize) -> Fixture<P> {
    let config = testing::config("");
    let view = Arc::new(testing::view(&config));
    let (engine, inputs) = sync_channel(16);
    let (reporter, reports) = mpsc::channel(16);
    let verifier = Verifier::<P> {
        network: Arc::clone(&config.network),
        seen: Arc::new(Seen::default()),
        view: Arc::clone(&view),
        engine: engine.into(),
        reports: reporter,
    };
    let (pool, _) = Pool::start(threads, 16, max_bytes, verifier).unwrap();
    Fixture {
        pool,
        reports,
        inputs,
        view,
        network: config.network,
    }
}

impl Fixture<HPaxos> {
    /// What node `signer` says, signed with the key of node `key`.
    fn said(&self, signer: u16, key: u8, ballot: u64) -> Signed<Message> {
        let signer = Signer::new(testing::keypair(key), MemberId(signer), self.network.id());
        let message = Message::OneA {
            ballot: Ballot(ballot),
        };
        signer.sign(message).unwrap().signed().clone()
    }
}

impl<P: Protocol> Fixture<P> {
    fn frame(&mut self, frame: &FrameOf<P>) -> Result<usize, &'static str> {
        self.bytes(frame.encode(1))
    }

    fn bytes(&mut self, bytes: Vec<u8>) -> Result<usize, &'static str> {
        let source = Source::Gossip(MessageId::from(vec![1]));
        self.job(source, 1, bytes)
    }

    fn answer(
        &mut self,
        kind: RequestKind,
        response: &ResponseOf<P>,
    ) -> Result<usize, &'static str> {
        self.job(Source::Answer(kind), 2, codec::encode(response))
    }

    fn job(
        &mut self,
        source: Source,
        from: NodeIndex,
        bytes: Vec<u8>,
    ) -> Result<usize, &'static str> {
        let job = Job {
            source: source.clone(),
            from,
            bytes,
        };
        assert!(self.pool.submit(job));
        let report = self.reports.blocking_recv().unwrap();
        assert_eq!((report.source, report.from), (source, from));
        report.outcome
    }

    fn next_inputs(&self) -> Vec<InputOf<P>> {
        match self.inputs.recv_timeout(DEADLINE).unwrap() {
            Queued::Verified { inputs, .. } => inputs,
            Queued::Event(other) => panic!("{other:?}"),
        }
    }
}

fn value(bytes: usize) -> ClientValue {
    ClientValue {
        key: Vec::new(),
        bytes: vec![7; bytes],
    }
}

#[test]
fn a_good_frame_becomes_inputs_in_order() {
    let mut f = fixture(1 << 24);
    let frame = Frame {
        messages: vec![f.said(0, 1, 1)],
        values: vec![value(3)],
        batches: vec![Batch {
            values: [value(4)].into(),
        }],
        ..Frame::default()
    };
    assert_eq!(f.frame(&frame), Ok(3));
    let inputs = f.next_inputs();
    assert!(matches!(
        inputs[..],
        [Input::Batch(_), Input::Value(_), Input::Message(_)]
    ));
}

/// The name of a message leaves its signature out. A forged signature under a known name must not be
/// passed on: whoever does not know the message would refuse it, and blame the forwarder.
#[test]
fn a_forged_signature_of_a_known_message_is_refused() {
    let mut f = fixture(1 << 24);
    let good = f.said(0, 1, 1);
    let frame = |message| Frame {
        messages: vec![message],
        ..Frame::default()
    };
    assert_eq!(f.frame(&frame(good.clone())), Ok(1));
    assert_eq!(f.frame(&frame(good.clone())), Ok(0));
    let mut bytes = codec::encode(&good);
    *bytes.last_mut().unwrap() ^= 1;
    let forged: Signed<Message> = codec::decode(&bytes, 1 << 20).unwrap();
    assert_eq!(forged.id(), good.id());
    assert_eq!(f.frame(&frame(forged)), Err("bad_signature"));
}

#[test]
fn what_came_lately_is_no_news_unless_its_frame_was_refused() {
    let mut f = fixture(1 << 24);
    let frame = |messages| Frame {
        values: vec![value(3)],
        batches: vec![Batch {
            values: [value(4)].into(),
        }],
        messages,
        ..Frame::default()
    };
    let bad = f.said(0, 2, 7);
    assert_eq!(f.frame(&frame(vec![bad])), Err("bad_signature"));
    assert_eq!(f.frame(&frame(vec![])), Ok(2));
    assert_eq!(f.frame(&frame(vec![])), Ok(0), "wrapped anew or not");
}

#[test]
fn a_frame_has_a_bounded_number_of_parts() {
    let mut f = fixture(1 << 24);
    let values = vec![value(0); MAX_PARTS + 1];
    let frame = Frame {
        values,
        ..Frame::default()
    };
    assert_eq!(f.frame(&frame), Err("too_many_parts"));
}

#[test]
fn a_bad_part_condemns_the_frame() {
    let mut f = fixture(1 << 24);
    let good = f.said(0, 1, 1);
    let bad_signature = f.said(0, 2, 7);
    let unknown = f.said(9, 1, 1);
    for (bad, reason) in [
        (bad_signature, "bad_signature"),
        (unknown, "unknown_signer"),
    ] {
        let frame = Frame {
            messages: vec![good.clone(), bad],
            ..Frame::default()
        };
        assert_eq!(f.frame(&frame), Err(reason));
    }
    let frame = Frame {
        values: vec![value(MAX_VALUE_BYTES + 1)],
        ..Frame::default()
    };
    assert_eq!(f.frame(&frame), Err("value_out_of_bounds"));
    let batches = vec![Batch {
        values: [value(MAX_VALUE_BYTES), value(MAX_VALUE_BYTES)].into(),
    }];
    assert_eq!(
        f.frame(&Frame {
            batches,
            ..Frame::default()
        }),
        Err("batch_out_of_bounds")
    );
    assert_eq!(f.bytes(b"nonsense".to_vec()), Err("frame"));
    assert!(
        f.inputs.try_recv().is_err(),
        "nothing of it reaches the engine"
    );
}

#[test]
fn a_message_is_verified_once() {
    let mut f = fixture(1 << 24);
    let message = f.said(0, 1, 1);
    let frame = Frame {
        messages: vec![message.clone()],
        ..Frame::default()
    };
    assert_eq!(f.frame(&frame), Ok(1));
    assert_eq!(f.next_inputs().len(), 1);
    assert_eq!(f.frame(&frame), Ok(0));
    // An answer brings it to the engine again, because the engine has asked for it.
    let answer = SyncAnswer {
        messages: vec![message],
        evidence: Vec::new(),
    };
    let answer = ResponseOf::<HPaxos>::Sync(answer);
    assert_eq!(f.answer(RequestKind::Sync, &answer), Ok(0));
    assert_eq!(f.next_inputs().len(), 1);
    assert_eq!(
        (f.view.metrics.verified.get(), f.view.metrics.known.get()),
        (1, 2)
    );
}

/// The engine goes on with the beginning while the rest is verified.
#[test]
fn an_answer_reaches_the_engine_in_pieces() {
    let mut f = fixture(1 << 24);
    let messages = (1..).take(2 * PIECE + 1).map(|ballot| f.said(0, 1, ballot));
    let mut messages: Vec<_> = messages.collect();
    let answer = |messages| {
        let evidence = Vec::new();
        ResponseOf::<HPaxos>::Sync(SyncAnswer { messages, evidence })
    };
    let bad = f.said(0, 2, 7);
    let whole = answer(messages.clone());
    assert_eq!(f.answer(RequestKind::Sync, &whole), Ok(2 * PIECE + 1));
    let pieces = [(); 3].map(|()| f.next_inputs().len());
    assert_eq!(pieces, [PIECE, PIECE, 1]);
    assert_eq!(f.pool.waiting().1, 0, "the engine has taken all of it");
    messages[PIECE] = bad;
    let condemned = f.answer(RequestKind::Sync, &answer(messages));
    assert_eq!(condemned, Err("bad_signature"));
    assert_eq!(
        f.next_inputs().len(),
        PIECE,
        "what stands before it is good"
    );
    assert!(f.inputs.try_recv().is_err(), "nothing else");
}

/// Whichever thread has which piece.
#[test]
fn an_answer_that_threads_share_is_whole_and_in_order() {
    let mut f: Fixture<HPaxos> = fixture_of(4, 1 << 24);
    for round in 0..4 {
        let ballots = round * 10_000..round * 10_000 + 8 * PIECE as u64 + 1;
        let messages: Vec<_> = ballots.clone().map(|b| f.said(0, 1, b)).collect();
        let n = messages.len();
        let evidence = Vec::new();
        let answer = ResponseOf::<HPaxos>::Sync(SyncAnswer { messages, evidence });
        assert_eq!(f.answer(RequestKind::Sync, &answer), Ok(n));
        let mut given = Vec::new();
        while given.len() < n {
            given.extend(f.next_inputs().into_iter().map(|input| match input {
                Input::Message(message) => message.ballot().0,
                other => panic!("{other:?}"),
            }));
        }
        assert!(given.into_iter().eq(ballots));
        assert_eq!(f.pool.waiting().1, 0, "nobody holds any of it");
        assert_eq!(f.view.metrics.verified.get(), (round + 1) * n as u64);
    }
}

#[test]
fn an_answer_to_another_question_is_refused() {
    let mut f = fixture(1 << 24);
    let answer = ResponseOf::<HPaxos>::Batches(Vec::new());
    assert_eq!(f.answer(RequestKind::Sync, &answer), Err("frame"));
    assert_eq!(f.answer(RequestKind::Batches, &answer), Ok(0));
}

/// Nobody signs in classic Paxos: a message is believed as it is, and is new once.
#[test]
fn a_message_of_paxos_is_believed_and_known_afterwards() {
    let mut f = fixture_of::<Paxos>(1, 1 << 24);
    let message = |ballot| paxos::Message {
        from: MemberId(2),
        body: paxos::Body::OneA {
            ballot: Ballot(ballot),
        },
    };
    let frame = |messages| Frame {
        messages,
        ..Frame::default()
    };
    assert_eq!(f.frame(&frame(vec![message(1)])), Ok(1));
    assert_eq!(f.frame(&frame(vec![message(1), message(2)])), Ok(1));
    for ballot in [1, 2] {
        let inputs = f.next_inputs();
        let expected = message(ballot);
        assert!(matches!(&inputs[..], [Input::Message(m)] if *m == expected));
    }
    let answer = ResponseOf::<Paxos>::Sync(SyncAnswer {
        messages: vec![message(1)],
        evidence: Vec::new(),
    });
    assert_eq!(f.answer(RequestKind::Sync, &answer), Ok(0));
    assert_eq!(f.next_inputs().len(), 1, "it was asked for");
    let mut cut = frame(vec![message(3)]).encode(1);
    cut.pop();
    assert_eq!(f.bytes(cut), Err("frame"));
}

#[test]
fn of_a_stream_nobody_hears_but_that_it_is_bad() {
    let mut f = fixture(1 << 24);
    let good: FrameOf<HPaxos> = Frame {
        messages: vec![f.said(0, 1, 1)],
        ..Frame::default()
    };
    let job = Job {
        source: Source::Stream,
        from: 1,
        bytes: good.encode(1),
    };
    assert!(f.pool.submit(job));
    assert_eq!(f.next_inputs().len(), 1);
    // The first report is that of the second frame.
    assert_eq!(f.job(Source::Stream, 2, vec![0]), Err("frame"));
}

#[test]
fn the_queue_is_bounded_in_bytes() {
    let f = fixture(1000);
    let job = |len| Job {
        source: Source::Stream,
        from: 1,
        bytes: vec![0; len],
    };
    assert!(!f.pool.submit(job(1001)));
    assert!(f.pool.submit(job(900)), "what was refused does not count");
}
