//! The API over a real socket, with a view and an engine that the test plays.

mod analysis;
mod certificates;
mod connections;
mod decisions;
mod many;
mod modes;
mod openapi;
mod problems;
mod streams;
mod submitting;

use super::{Api, serve};
use crate::Config;
use crate::engine::{EngineHandle, Event, Submitted};
use crate::history::Shown;
use crate::testing;
use crate::view::View;
use crate::view::events::Happening;
use consensus::{
    Ballot, ClientValue, Decision, GivenUp, MAX_KEY_BYTES, MAX_VALUE_BYTES, Slot, Status, Time, Why,
};
use crypto::Digest;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use learner_graph::{AcceptorId, AcceptorSet, LearnerId, LearnerSet};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(30);

struct Fixture {
    view: Arc<View>,
    events: Option<Receiver<Event>>,
    url: String,
    client: Client,
    stop: watch::Sender<bool>,
    api: Arc<Api>,
}

async fn fixture(limits: &str) -> Fixture {
    fixture_with_queue(limits, 64).await
}

async fn fixture_with_queue(limits: &str, queue: usize) -> Fixture {
    fixture_of(&testing::config(limits), queue).await
}

async fn fixture_of(config: &Config, queue: usize) -> Fixture {
    fixture_with(config, testing::Books::default(), queue).await
}

async fn fixture_with(config: &Config, history: testing::Books, queue: usize) -> Fixture {
    let node = config.node("n1").unwrap();
    let view = Arc::new(View::new(config, node, 7, Arc::new(history)));
    let (sender, events) = sync_channel(queue);
    let (stop, stopped) = watch::channel(false);
    let api = Api::new(
        Arc::clone(&view),
        EngineHandle::new(sender),
        &config.limits,
        stopped,
    );
    // What waits to be read waits in the node, and not in the system.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(64 << 10).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1024).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let api = Arc::new(api);
    tokio::spawn(serve(listener, Arc::clone(&api)));
    let client = hpaxos_client::http_client()
        .timeout(DEADLINE)
        .build()
        .unwrap();
    Fixture {
        view,
        events: Some(events),
        url,
        client,
        stop,
        api,
    }
}

impl Fixture {
    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    fn post(&self, query: &str) -> RequestBuilder {
        self.client.post(format!("{}/v1/values{query}", self.url))
    }

    /// An engine that gives every submission the same answer, and decides what it accepts.
    fn engine(&mut self, answer_all: Submitted, decide: bool) {
        let events = self.events.take().unwrap();
        let view = Arc::clone(&self.view);
        self.view.set_ready();
        std::thread::spawn(move || {
            for (slot, event) in (0..).zip(events) {
                match event {
                    Event::Submit { values, answer } => {
                        for (number, _) in &values {
                            answer.send((*number, answer_all)).unwrap();
                        }
                        if decide {
                            let values = values.into_iter().map(|(_, value)| value);
                            let decision = decision(slot, values.collect());
                            view.decided(decision, Some(Time::from_millis(30)));
                        }
                    }
                    Event::Certificate { answer, .. } => answer.send(Ok(None)).unwrap(),
                    other => panic!("not from HTTP: {other:?}"),
                }
            }
        });
    }

    fn decide(&self, slot: u64, bytes: &[u8]) {
        let value = ClientValue::new(Vec::new(), bytes.to_vec()).unwrap();
        self.view
            .decided(decision(slot, vec![value]), Some(Time::from_millis(30)));
    }
}

fn decision(slot: u64, values: Vec<ClientValue>) -> Decision {
    let mut quorum = AcceptorSet::EMPTY;
    quorum.insert(AcceptorId(1));
    Decision {
        learners: LearnerSet::just(LearnerId(0)),
        slot: Slot(slot),
        ballot: Ballot(3),
        value: Digest::of(b"batch"),
        values: values.into_iter().collect(),
        heard: Some(Time::from_millis(10)),
        quorum,
    }
}

/// The text of an answer.
async fn text(request: RequestBuilder) -> String {
    request.send().await.unwrap().text().await.unwrap()
}

/// The status and the JSON of an answer; errors must be problem documents of the same status.
async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    if status >= 400 {
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
    }
    let text = response.text().await.unwrap();
    assert_eq!(text.find('\n'), Some(text.len() - 1), "one line: {text}");
    let json: Value = serde_json::from_str(&text).unwrap();
    if status >= 400 {
        assert_eq!(json["status"], status);
        assert!(!json["detail"].as_str().unwrap().is_empty());
    }
    (status, json)
}

#[tokio::test]
async fn a_node_that_is_not_ready_says_so() {
    let f = fixture("").await;
    assert_eq!(answer(f.post("").body("v")).await.0, 503);
    assert_eq!(answer(f.get("/readyz")).await.0, 503);
    assert_eq!(f.get("/healthz").send().await.unwrap().status(), 200);
    f.view.set_ready();
    assert_eq!(f.get("/readyz").send().await.unwrap().status(), 200);
    f.view.set_stopping();
    assert_eq!(answer(f.post("").body("v")).await.0, 503);
}

fn shown(slot: u64, value: &[u8]) -> Shown {
    let value = ClientValue::new(Vec::new(), value.to_vec()).unwrap();
    Shown {
        slot: Slot(slot),
        ballot: Ballot(1),
        digest: Digest::of(b"batch"),
        quorum: AcceptorSet::EMPTY,
        values: [value].into_iter().collect(),
    }
}

#[tokio::test]
async fn requests_are_bounded() {
    let mut f = fixture("[limits]\nhttp_requests = 8\n").await;
    f.engine(Submitted::Accepted, false);
    // Six, three quarters of eight, are accepted and wait for decisions that nobody makes; the rest is refused.
    let mut answers: FuturesUnordered<_> = (0..20u64)
        .map(|i| f.post("?wait=alice").body(i.to_string()).send())
        .collect();
    for _ in 0..14 {
        assert_eq!(answers.next().await.unwrap().unwrap().status(), 429);
    }
    assert_eq!(answer(f.get("/v1/status")).await.0, 429);
    let other = hpaxos_client::http_client().local_address(IpAddr::from([127, 0, 0, 9]));
    let other = other.build().unwrap();
    let theirs = other
        .get(format!("{}/v1/status", f.url))
        .send()
        .await
        .unwrap();
    assert_eq!(theirs.status(), 200, "others find a place");
    assert_eq!(
        f.get("/healthz").send().await.unwrap().status(),
        200,
        "health is always told"
    );
    for i in 0..20u64 {
        f.decide(i, i.to_string().as_bytes());
    }
    while let Some(answer) = answers.next().await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(
        answer(f.get("/v1/status")).await.0,
        200,
        "there is room again"
    );
}

/// Whoever asks and goes away does not let others begin to read while it is still read for.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_has_its_turn_until_it_ends() {
    let f = fixture("").await;
    let (end, gate) = std::sync::mpsc::channel::<()>();
    let gate = Arc::new(std::sync::Mutex::new(gate));
    for _ in 0..super::READS {
        let (api, gate) = (Arc::clone(&f.api), Arc::clone(&gate));
        let (begun, begins) = tokio::sync::oneshot::channel();
        let asking = tokio::spawn(async move {
            let read = api.read_disk(move |_| {
                let _ = begun.send(());
                let _ = gate.lock().map(|gate| gate.recv());
                Ok(())
            });
            read.await.is_ok()
        });
        begins.await.unwrap();
        asking.abort();
        assert!(asking.await.is_err(), "it has gone away");
    }
    assert_eq!(f.api.reads.taken(), super::READS as i64);
    drop(end);
    let over = async {
        while f.api.reads.taken() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, over).await.unwrap();
}

#[tokio::test]
async fn what_was_read_has_its_turn_until_an_answer_is_made_of_it() {
    let f = fixture("").await;
    let read = f.api.read_and_hold(|_| Ok(vec![0u8; 8])).await;
    let (_found, turn) = read.unwrap();
    assert_eq!(f.api.reads.taken(), 1);
    drop(turn);
    assert_eq!(f.api.reads.taken(), 0);
}

#[tokio::test]
async fn a_peer_that_is_connected_and_silent_is_shown() {
    let f = fixture("").await;
    f.view.set_peer("n2", true);
    let heard = Instant::now();
    let peers = || [("n2", Some(heard)), ("n3", None)].into_iter();
    let silence = testing::config("").limits.silence();
    f.view
        .set_heard(peers(), heard + silence - Duration::from_millis(1));
    assert_eq!(f.view.metrics.peers_heard.get(), 1);
    f.view.set_heard(peers(), heard + silence);
    assert_eq!(f.view.metrics.peers_heard.get(), 0);
    assert_eq!(f.view.silent(heard + silence), ["n2"]);
    let minute = heard + Duration::from_secs(60);
    f.view.set_heard(peers(), minute);
    assert_eq!(f.view.metrics.peers_heard.get(), 0);
    assert_eq!(f.view.metrics.peers_connected.get(), 1);
    let silent = f.view.silent_for(minute);
    assert_eq!(silent["n2"], Some(Duration::from_secs(60)));
    assert_eq!(silent["n3"], None);
    let (_, status) = answer(f.get("/v1/status")).await;
    assert!(status["peers"]["silent_s"]["n2"].is_u64(), "{status}");
    // It was heard a moment ago by the clock that this asks.
    assert_eq!(status["peers"]["heard"], 1);
    assert_eq!(status["peers"]["silent"], json!([]));
}

#[tokio::test]
async fn the_rest_of_the_api_answers() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, false);
    let (_, status) = answer(f.get("/v1/status")).await;
    assert_eq!(
        (&status["node"], &status["phase"]),
        (&json!("n1"), &json!("ready"))
    );
    assert_eq!(status["roles"], json!(["acceptor", "proposer", "learner"]));
    assert_eq!(status["peers"]["expected"], 2);
    let never = json!({"n2": null, "n3": null});
    assert_eq!(status["peers"]["silent_s"], never);
    let (_, graph) = answer(f.get("/v1/graph")).await;
    assert_eq!(graph["learners"], json!(["alice", "bob"]));
    assert_eq!(
        graph["acceptors"][1],
        json!({"acceptor": "a2", "node": "n2"})
    );
    assert_eq!(answer(f.get("/v1/evidence")).await.1["evidence"], json!([]));
    assert_eq!(
        answer(f.get("/v1/decisions/alice/0/certificate")).await.0,
        404
    );
    assert_eq!(
        answer(f.get("/v1/decisions/nobody/0/certificate")).await.0,
        404
    );
    assert_eq!(
        answer(f.get("/v1/decisions/alice/x/certificate")).await.0,
        400
    );
    assert_eq!(answer(f.get("/v2")).await.0, 404);
    let metrics = text(f.get("/metrics")).await;
    assert!(
        metrics.contains("hpaxos_http_responses_total{status=\"404\"} 3"),
        "{metrics}"
    );
    for path in crate::http::page::paths() {
        let page = f.get(path).send().await.unwrap();
        assert_eq!(page.status(), 200);
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
    }
}
