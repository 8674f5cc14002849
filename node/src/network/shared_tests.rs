//! What threads do together, one after the other.

use super::super::budget::Budget;
use super::super::frame::Frame;
use super::super::request::RequestKind;
use super::super::seen::Seen;
use super::*;
use crate::testing;
use async_channel::{Receiver, Sender, bounded};
use consensus::hpaxos::{HPaxos, Message};
use consensus::{Ballot, Input, InputOf};
use crypto::{MemberId, Signed, Signer};
use libp2p::gossipsub::MessageId;
use std::sync::mpsc;

struct Fixture {
    verifier: Arc<Verifier<HPaxos>>,
    offers: (Sender<Work>, Receiver<Work>),
    inputs: mpsc::Receiver<Queued<InputOf<HPaxos>>>,
    reports: tokio::sync::mpsc::Receiver<Report>,
    budget: Budget,
}

fn fixture() -> Fixture {
    let config = testing::config("");
    let (engine, inputs) = mpsc::sync_channel(16);
    let (reporter, reports) = tokio::sync::mpsc::channel(16);
    Fixture {
        verifier: Arc::new(Verifier {
            network: Arc::clone(&config.network),
            seen: Arc::new(Seen::default()),
            view: Arc::new(testing::view(&config)),
            engine: engine.into(),
            reports: reporter,
        }),
        offers: bounded(1),
        inputs,
        reports,
        budget: Budget::new(1000),
    }
}

const ANSWER: Source = Source::Answer(RequestKind::Sync);

fn gossip() -> Source {
    Source::Gossip(MessageId::from(vec![1]))
}

impl Fixture {
    /// Messages with the ballots from 1 on, those signed with a wrong key in such a place.
    fn messages(&self, n: usize, wrong: &[usize]) -> Vec<Signed<Message>> {
        let said = |at: usize| {
            let key = if wrong.contains(&at) { 2 } else { 1 };
            let id = self.verifier.network.id();
            let signer = Signer::new(testing::keypair(key), MemberId(0), id);
            let ballot = Ballot(at as u64 + 1);
            let message = signer.sign(Message::OneA { ballot });
            message.unwrap().signed().clone()
        };
        (0..n).map(said).collect()
    }

    fn shared(&self, source: Source, messages: Vec<Signed<Message>>) -> Arc<Shared<HPaxos>> {
        let frame = Frame {
            messages,
            ..Frame::default()
        };
        Shared::new(
            Arc::clone(&self.verifier),
            self.offers.0.downgrade(),
            (source, 3),
            Ok(frame),
            self.budget.take(3, 100).unwrap(),
        )
    }

    /// Another thread takes the next thing out of the queue.
    fn helps(&self) {
        match self.offers.1.try_recv() {
            Ok(Work::Offer(offer)) => assert!(offer.upgrade().unwrap().help()),
            _ => panic!("nobody offers anything"),
        }
    }

    /// The ballots of what the engine was given.
    fn given(&self) -> Vec<u64> {
        let events = self.inputs.try_iter();
        let inputs = events.flat_map(|event| match event {
            Queued::Verified { inputs, .. } => inputs,
            Queued::Event(other) => panic!("{other:?}"),
        });
        let ballot = |input: InputOf<HPaxos>| match input {
            Input::Message(message) => message.ballot().0,
            other => panic!("{other:?}"),
        };
        inputs.map(ballot).collect()
    }

    fn verified(&self) -> u64 {
        self.verifier.view.metrics.verified.get()
    }

    fn outcome(&mut self) -> Option<Result<usize, &'static str>> {
        let report = self.reports.try_recv().ok()?;
        assert_eq!(report.from, 3);
        Some(report.outcome)
    }
}

fn ballots(n: usize) -> Vec<u64> {
    (1..=n as u64).collect()
}

#[test]
fn threads_share_an_answer_which_reaches_the_engine_in_order() {
    let mut f = fixture();
    let all = 3 * PIECE + 1;
    let own = f.shared(ANSWER, f.messages(all, &[]));
    let first = own.next().unwrap();
    own.offer();
    f.helps();
    f.helps();
    assert_eq!(f.verified(), 2 * PIECE as u64, "two pieces by others");
    assert_eq!(f.given(), [0; 0], "nothing before the beginning");
    assert!(own.check(first));
    assert_eq!(f.given(), ballots(3 * PIECE), "as much as is there");
    f.helps();
    assert_eq!(f.given(), [all as u64]);
    assert!(f.offers.1.is_empty(), "nothing is left to be offered");
    assert_eq!((f.outcome(), f.budget.taken()), (None, 100), "not done yet");
    assert!(own.verify());
    assert_eq!((f.outcome(), f.budget.taken()), (Some(Ok(all)), 0));
    assert_eq!(f.outcome(), None, "one report");
    assert_eq!(f.verified(), all as u64, "nothing is verified twice");
}

/// Whoever has the last piece reports, whether it is the thread that read the answer or not.
#[test]
fn an_answer_is_taken_in_with_its_last_piece() {
    let mut f = fixture();
    let own = f.shared(ANSWER, f.messages(PIECE + 1, &[]));
    let other = Arc::clone(&own);
    let second = (other.next().unwrap(), other.next().unwrap()).1;
    assert!(own.verify());
    assert_eq!(f.outcome(), None, "somebody has a piece");
    assert!(other.check(second));
    assert!(other.leave());
    assert!(f.outcome().is_some());
}

#[test]
fn an_answer_is_refused_once_and_what_stands_before_the_bad_piece_is_good() {
    let mut f = fixture();
    let wrong = [PIECE, 2 * PIECE];
    let own = f.shared(ANSWER, f.messages(5 * PIECE, &wrong));
    let first = own.next().unwrap();
    own.offer();
    f.helps();
    assert!(own.next().is_none(), "the rest is not looked at");
    assert!(own.check(first));
    assert_eq!(f.given(), ballots(PIECE));
    assert!(own.verify());
    assert_eq!(f.outcome(), Some(Err("bad_signature")));
    assert_eq!((f.outcome(), f.given()), (None, vec![]));
}

#[test]
fn two_bad_pieces_are_refused_once() {
    let mut f = fixture();
    let wrong = [PIECE, 2 * PIECE];
    let own = f.shared(ANSWER, f.messages(4 * PIECE, &wrong));
    let begun = [(); 3].map(|()| own.next().unwrap());
    for piece in begun.into_iter().rev() {
        assert!(own.check(piece));
    }
    assert_eq!(f.given(), ballots(PIECE));
    assert!(own.verify());
    assert_eq!(f.outcome(), Some(Err("bad_signature")));
    assert_eq!((f.outcome(), f.given()), (None, vec![]));
}

#[test]
fn of_a_frame_everything_reaches_the_engine_or_nothing() {
    for source in [gossip(), Source::Stream] {
        let mut f = fixture();
        let all = 2 * PIECE + 1;
        let own = f.shared(source, f.messages(all, &[2 * PIECE]));
        let first = own.next().unwrap();
        own.offer();
        assert!(own.check(first));
        f.helps();
        assert_eq!(f.given(), [0; 0], "the last is not verified yet");
        assert!(own.verify());
        assert_eq!(f.outcome(), Some(Err("bad_signature")));
        assert_eq!(f.given(), [0; 0]);
        // Nor is any of it known, so it is new with a good end.
        let own = f.shared(gossip(), f.messages(all, &[]));
        assert!(own.verify());
        assert_eq!(f.outcome(), Some(Ok(all)));
        assert_eq!(f.given(), ballots(all));
    }
}

/// Small frames, which are most, cost no place in the queue and wake nobody.
#[test]
fn what_has_one_piece_is_not_offered() {
    let mut f = fixture();
    for source in [gossip(), ANSWER] {
        let own = f.shared(source, f.messages(PIECE, &[]));
        assert!(own.verify());
        assert!(f.outcome().is_some() && f.offers.1.is_empty());
    }
}

/// An offer that nobody takes up keeps nothing; one for which there is no place is not needed.
#[test]
fn a_thread_that_is_not_helped_does_all_of_it() {
    let mut f = fixture();
    for _ in 0..2 {
        let own = f.shared(ANSWER, f.messages(2 * PIECE, &[]));
        assert!(own.verify());
        assert!(f.outcome().is_some());
        assert_eq!(f.given(), ballots(2 * PIECE));
        assert_eq!(f.budget.taken(), 0);
    }
    assert!(matches!(f.offers.1.try_recv(), Ok(Work::Offer(offer)) if offer.upgrade().is_none()));
    assert!(f.offers.1.is_empty());
}

#[test]
fn nobody_goes_on_when_the_engine_has_ended() {
    let mut f = fixture();
    let own = f.shared(ANSWER, f.messages(3 * PIECE, &[]));
    let first = own.next().unwrap();
    f.inputs = mpsc::sync_channel(1).1;
    assert!(!own.check(first));
    assert!(own.next().is_none());
}
