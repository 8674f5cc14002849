//! The task with peers that the test plays; nothing is connected.

use super::super::behaviour::BehaviourEvent;
use super::super::request::ResponseOf;
use super::super::streams::tests::open_to;
use super::*;
use crate::testing;
use consensus::hpaxos::HPaxos;
use crypto::{Digest, codec};
use futures::io::Cursor;
use libp2p::request_response::{Event as RequestEvent, Message, OutboundFailure};
use libp2p::swarm::{ConnectionId, SwarmEvent};
use std::sync::mpsc::{Receiver, sync_channel};

const DEADLINE: Duration = Duration::from_secs(30);
const BOTH: [RequestKind; 2] = [RequestKind::Sync, RequestKind::Batches];

struct Fixture {
    network: Network,
    events: Receiver<Queued<InputOf<HPaxos>>>,
    view: Arc<View>,
    _commands: mpsc::Sender<Command>,
    _stop: watch::Sender<bool>,
}

fn fixture() -> Fixture {
    let config = testing::config("");
    let mut node = config.nodes[0].clone();
    node.listen = "/ip4/127.0.0.1/tcp/0".parse().expect("an address");
    let view = Arc::new(testing::view(&config));
    let (queue, events) = sync_channel(64);
    let (commands, received) = mpsc::channel(1);
    let (stop, stopped) = watch::channel(false);
    let setup = Setup::<HPaxos> {
        config: &config,
        node: &node,
        keypair: &testing::keypair(1),
        queue: queue.into(),
        commands: received,
        view: Arc::clone(&view),
        seen: Arc::default(),
        stop: stopped,
    };
    Fixture {
        network: Network::start(setup).expect("a network"),
        events,
        view,
        _commands: commands,
        _stop: stop,
    }
}

impl Fixture {
    fn up(&mut self, peer: NodeIndex) {
        self.network.peers.get_mut(peer).expect("a peer").up();
    }

    fn asks(&mut self, peer: Option<NodeIndex>) {
        let request = Request::Batches(vec![Digest::of(b"x")]);
        self.network.command(Command::Ask(peer, request));
    }

    /// Which questions the engine has been told to ask since this was looked at.
    fn told(&self) -> Vec<(NodeIndex, RequestKind)> {
        let asks = |event| match event {
            Queued::Event(Event::AskPeer { peer, kind }) => Some((peer, kind)),
            _ => None,
        };
        self.events.try_iter().filter_map(asks).collect()
    }

    /// Which questions a peer may be asked.
    fn free(&mut self, peer: NodeIndex) -> Vec<RequestKind> {
        self.told();
        self.network.sync(peer);
        self.told().into_iter().map(|(_, kind)| kind).collect()
    }

    /// Whom a question was sent to that is not answered.
    fn asked(&self) -> Vec<NodeIndex> {
        let mut asked: Vec<_> = self.network.asked.values().map(|(peer, _)| *peer).collect();
        asked.sort_unstable();
        asked
    }

    fn counts(&self, metric: &str) {
        let text = self.view.metrics.text();
        assert!(text.contains(metric), "{text}");
    }

    /// What becomes of the one question that was sent.
    fn event(
        &mut self,
        event: impl FnOnce(PeerId, OutboundRequestId) -> RequestEvent<Request, Vec<u8>>,
    ) {
        let asked = self.network.asked.iter().next();
        let (id, (peer, _)) = asked.expect("a question");
        let (id, peer) = (*id, self.network.peers.get(*peer).expect("a peer").id);
        let event = BehaviourEvent::Requests(event(peer, id));
        self.network.swarm_event(SwarmEvent::Behaviour(event));
    }
}

#[tokio::test]
async fn a_peer_has_one_question_of_a_kind_until_the_answer_is_verified() {
    let mut f = fixture();
    f.up(1);
    assert_eq!(f.free(1), BOTH);
    f.asks(Some(1));
    f.asks(Some(1));
    assert_eq!(f.asked(), [1]);
    assert_eq!(f.free(1), [RequestKind::Sync]);
    let batches = vec![testing::batch(&[b"x"])];
    let response = codec::encode(&ResponseOf::<HPaxos>::Batches(batches));
    f.event(|peer, request_id| RequestEvent::Message {
        peer,
        connection_id: ConnectionId::new_unchecked(0),
        message: Message::Response {
            request_id,
            response,
        },
    });
    assert_eq!(f.free(1), [RequestKind::Sync], "it is verified");
    f.asks(Some(1));
    assert!(f.asked().is_empty());
    let report = f.network.reports.recv().await.expect("a report");
    f.network.report(report);
    let more = BOTH.map(|kind| (1, kind));
    assert_eq!(f.told(), more, "whoever had something may have more");
}

#[tokio::test]
async fn a_question_that_fails_is_in_flight_no_more() {
    let mut f = fixture();
    f.up(1);
    f.asks(Some(1));
    f.event(|peer, request_id| RequestEvent::OutboundFailure {
        peer,
        connection_id: ConnectionId::new_unchecked(0),
        request_id,
        error: OutboundFailure::Timeout,
    });
    assert_eq!(f.free(1), BOTH);
}

#[tokio::test]
async fn a_question_for_anybody_goes_to_somebody_connected_who_has_none() {
    let mut f = fixture();
    f.asks(None);
    assert!(f.asked().is_empty());
    f.up(1);
    f.up(2);
    f.asks(Some(2));
    f.asks(None);
    assert_eq!(f.asked(), [1, 2]);
    f.asks(None);
    assert_eq!(f.asked(), [1, 2]);
}

#[tokio::test]
async fn a_peer_is_heard_once_for_what_comes_on_its_stream() {
    let mut f = fixture();
    assert!(f.network.streams.heard().is_empty());
    let bytes = Cursor::new([3, 0, 0, 0, 1, 2, 3]);
    let pool = f.network.pool.clone();
    f.network.streams.read(1, bytes, pool);
    let report = f.network.reports.recv().await.expect("a report");
    assert_eq!(report.outcome, Err("frame"));
    assert_eq!(f.network.streams.heard(), [1]);
    assert!(f.network.streams.heard().is_empty(), "nothing came since");
}

#[tokio::test]
async fn frames_wait_for_somebody_and_go_straight_where_that_reaches_everybody() {
    let mut f = fixture();
    let publish = |f: &mut Fixture| {
        f.network.command(Command::Publish(vec![7]));
        f.network.outbox.waiting().0
    };
    assert_eq!(
        [publish(&mut f), publish(&mut f)],
        [1, 2],
        "nobody is there"
    );
    f.up(1);
    assert_eq!(publish(&mut f), 3, "nobody listens");
    f.network.peers.get_mut(1).expect("a peer").subscribed = true;
    f.network.flush();
    assert_eq!(f.network.outbox.waiting(), (0, 0));
    // Nobody is connected really, which is for gossipsub to find out.
    f.counts("dropped_total{reason=\"not_published\"} 3");
    f.up(2);
    let _to_1 = open_to(&mut f.network.streams, 1);
    assert_eq!(publish(&mut f), 0, "one of them has no stream");
    f.counts("dropped_total{reason=\"not_published\"} 4");
    let _to_2 = open_to(&mut f.network.streams, 2);
    assert_eq!(publish(&mut f), 0);
    f.counts("frames_sent_total{way=\"stream\"} 2");
    f.counts("dropped_total{reason=\"not_published\"} 4");
}

/// It had a question's answer in hand, perhaps.
#[tokio::test]
async fn the_task_panics_with_a_verification_thread() {
    let mut f = fixture();
    let thread = std::thread::spawn(|| panic!("as the test wants"));
    f.network.verifying.push(thread);
    let ended = tokio::spawn(f.network.run());
    let ended = tokio::time::timeout(DEADLINE, ended).await;
    assert!(ended.expect("it ends").is_err_and(|error| error.is_panic()));
}
