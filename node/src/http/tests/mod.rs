//! The API over a real socket, with a view and an engine that the test plays.

mod analysis;
mod certificates;
mod connections;
mod modes;
mod openapi;
mod problems;

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
        learner: LearnerId(0),
        slot: Slot(slot),
        ballot: Ballot(3),
        value: Digest::of(b"batch"),
        values: values.into_iter().collect(),
        heard: Some(Time::from_millis(10)),
        quorum,
    }
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
async fn a_value_is_accepted_as_bytes_and_as_json() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, false);
    let value = ClientValue::new(b"k1".to_vec(), b"\xff\x00".to_vec()).unwrap();
    let expected = json!({"id": value.id(), "decided": false});
    let request = f.post("").header("idempotency-key", "k1");
    assert_eq!(
        answer(request.body(vec![0xff, 0x00])).await,
        (202, expected.clone())
    );
    let request = f.post("").header("idempotency-key", "k1");
    assert_eq!(
        answer(request.json(&json!({"value": "/wA="}))).await,
        (202, expected)
    );
    let empty = ClientValue::new(Vec::new(), Vec::new()).unwrap();
    assert_eq!(answer(f.post("").body("")).await.1["id"], json!(empty.id()));
}

#[tokio::test]
async fn what_cannot_be_a_value_is_refused() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, false);
    for body in [
        json!({"value": "%"}),
        json!({"value": 1}),
        json!({"values": ""}),
        json!([]),
    ] {
        assert_eq!(answer(f.post("").json(&body)).await.0, 400, "{body}");
    }
    let key = "k".repeat(MAX_KEY_BYTES + 1);
    assert_eq!(
        answer(f.post("").header("idempotency-key", key).body("v"))
            .await
            .0,
        400
    );
    assert_eq!(
        answer(f.post("").body(vec![0; MAX_VALUE_BYTES])).await.0,
        202
    );
    assert_eq!(
        answer(f.post("").body(vec![0; MAX_VALUE_BYTES + 1]))
            .await
            .0,
        413
    );
    let announced = f.post("").header("content-length", "1073741824");
    assert_eq!(answer(announced.body("v")).await.0, 413, "not waited for");
    let (status, problem) = answer(f.post("?wait=bob").body("v")).await;
    assert_eq!(status, 400, "bob is not played here");
    assert!(problem["detail"].as_str().unwrap().contains("alice"));
    assert_eq!(answer(f.post("?wiat=alice").body("v")).await.0, 400);
}

#[tokio::test]
async fn a_full_node_says_try_later() {
    let mut f = fixture("").await;
    f.engine(Submitted::Full, false);
    let response: Response = f.post("").body("v").send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "1");
}

#[tokio::test]
async fn a_busy_engine_makes_nobody_wait() {
    let f = fixture_with_queue("", 2).await;
    f.view.set_ready();
    // Nobody takes events out of the queue, which has room for two.
    let waiting: Vec<_> = (0..2)
        .map(|i| tokio::spawn(f.post("").body(i.to_string()).send()))
        .collect();
    let full = async {
        // Until both have arrived, a third one may take their place and wait.
        loop {
            let third = f
                .post("")
                .body("v")
                .timeout(Duration::from_millis(500))
                .send()
                .await;
            if third.is_ok_and(|r| r.status() == 429) {
                break;
            }
        }
    };
    tokio::time::timeout(DEADLINE, full).await.unwrap();
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
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

#[tokio::test]
async fn wait_answers_with_the_decision() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, true);
    let (status, first) = answer(f.post("?wait=alice").body("v")).await;
    assert_eq!(status, 200);
    let id = ClientValue::new(Vec::new(), b"v".to_vec()).unwrap().id();
    let expected = json!({
        "id": id, "decided": true, "node": "n1", "learner": "alice", "slot": 0, "ballot": 3,
        "digest": Digest::of(b"batch"), "latency_ms": 20, "acceptors": ["a2"],
        "certificate": "/v1/decisions/alice/0/certificate",
    });
    assert_eq!(first, expected);
    let (_, again) = answer(f.post("?wait=alice").body("v")).await;
    assert_eq!(again, expected, "the same submission, the same decision");
}

#[tokio::test]
async fn the_fate_of_each_of_many_values_is_told_by_its_place() {
    let mut f = fixture("").await;
    f.view.set_ready();
    f.decide(0, b"old");
    let (events, view) = (f.events.take().unwrap(), Arc::clone(&f.view));
    // The first and the last of the new values are decided, in one slot.
    let engine = std::thread::spawn(move || {
        let Ok(Event::Submit { values, answer }) = events.recv_timeout(DEADLINE) else {
            panic!("nothing was submitted");
        };
        let submitted = values
            .iter()
            .map(|(number, value)| (*number, value.bytes.clone()));
        let submitted: Vec<_> = submitted.collect();
        let decided = values.into_iter().filter(|(_, v)| v.bytes[0] == b'd');
        let decided = decided.map(|(_, value)| value).collect();
        for (number, bytes) in &submitted {
            let full = bytes == b"full";
            let fate = if full {
                Submitted::Full
            } else {
                Submitted::Accepted
            };
            answer.send((*number, fate)).unwrap();
        }
        view.decided(decision(1, decided), Some(Time::from_millis(30)));
        submitted
    });
    let mut body = Vec::new();
    for value in [&b"d1"[..], b"full", b"old", b"kept", b"d2", b"d1"] {
        body.push(0);
        body.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
        body.extend_from_slice(value);
    }
    let request = f.post("/many?wait=alice&timeout_ms=50").body(body);
    let (status, told) = answer(request).await;
    let slots: Vec<_> = told["decided"].as_array().unwrap().iter().collect();
    let places: Vec<_> = slots.iter().map(|s| (&s["slot"], &s["values"])).collect();
    assert_eq!(
        places,
        [(&json!(0), &json!([2])), (&json!(1), &json!([0, 4, 5]))]
    );
    assert_eq!(slots[1]["certificate"], "/v1/decisions/alice/1/certificate");
    assert_eq!(
        (status, &told["kept"], &told["full"]),
        (202, &json!([3]), &json!([1]))
    );
    let submitted = engine.join().unwrap();
    let expected = [
        (0, &b"d1"[..]),
        (1, b"full"),
        (3, b"kept"),
        (4, b"d2"),
        (5, b"d1"),
    ];
    assert_eq!(submitted, expected.map(|(n, value)| (n, value.to_vec())));
}

#[tokio::test]
async fn many_values_of_which_none_has_room_are_refused() {
    let mut f = fixture("").await;
    f.engine(Submitted::Full, false);
    let (status, problem) = answer(f.post("/many").body(&b"\0\0\0\0\0"[..])).await;
    assert_eq!(status, 429, "{problem}");
}

#[tokio::test]
async fn wait_is_bounded() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, false);
    let (status, answered) = answer(f.post("?wait=alice&timeout_ms=1").body("v")).await;
    assert_eq!((status, &answered["decided"]), (202, &json!(false)));
}

#[tokio::test]
async fn whoever_waits_is_answered_when_the_node_ends() {
    let mut f = fixture("").await;
    f.view.set_ready();
    let events = f.events.take().unwrap();
    let waiting = tokio::spawn(answer(f.post("?wait=alice&timeout_ms=600000").body("v")));
    let accepted = tokio::task::spawn_blocking(move || match events.recv_timeout(DEADLINE) {
        Ok(Event::Submit { answer, .. }) => answer.send((0, Submitted::Accepted)).unwrap(),
        other => panic!("{other:?}"),
    });
    accepted.await.unwrap();
    f.stop.send_replace(true);
    let (status, answered) = waiting.await.unwrap();
    assert_eq!((status, &answered["decided"]), (202, &json!(false)));
}

#[tokio::test]
async fn decisions_come_in_pages() {
    let f = fixture("").await;
    for slot in 0..3 {
        f.decide(slot, format!("v{slot}").as_bytes());
    }
    f.decide(3, b"\x00");
    let (status, page) = answer(f.get("/v1/learners/alice/decisions?from=1&limit=2")).await;
    assert_eq!((status, &page["next"]), (200, &json!(3)));
    let slots: Vec<u64> = page["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["slot"].as_u64().unwrap())
        .collect();
    assert_eq!(slots, [1, 2]);
    let value = &page["decisions"][0]["values"][0];
    assert_eq!(
        (&value["text"], &value["base64"]),
        (&json!("v1"), &json!("djE="))
    );
    let (_, rest) = answer(f.get("/v1/learners/alice/decisions?from=3")).await;
    let value = &rest["decisions"][0]["values"][0];
    assert_eq!(
        (value.get("text"), &value["base64"]),
        (None, &json!("AA=="))
    );
    assert_eq!(rest["next"], 4);
    assert_eq!(answer(f.get("/v1/learners/bob/decisions")).await.0, 404);
    assert_eq!(
        answer(f.get("/v1/learners/alice/decisions?from=x")).await.0,
        400
    );
}

#[tokio::test]
async fn what_is_no_longer_in_memory_comes_from_the_history() {
    let config = testing::config("[limits]\ndecisions_kept = 16\n");
    // It was there when the node started.
    let old = (0..3).map(|slot| shown(slot, b"old"));
    let f = fixture_with(&config, testing::Books::of(old), 64).await;
    for slot in 3..23 {
        f.decide(slot, b"v");
    }
    let slots = |page: &Value| -> Vec<u64> {
        let decisions = page["decisions"].as_array().unwrap().iter();
        decisions.map(|d| d["slot"].as_u64().unwrap()).collect()
    };
    let (status, page) = answer(f.get("/v1/learners/alice/decisions?from=1")).await;
    assert_eq!((status, slots(&page)), (200, vec![1, 2]), "{page}");
    assert_eq!(page["decisions"][0]["values"][0]["text"], "old");
    assert_eq!(page["next"], 3);
    let (_, page) = answer(f.get("/v1/learners/alice/decisions?from=7&limit=2")).await;
    assert_eq!(slots(&page), [7, 8], "from memory");
}

#[tokio::test]
async fn a_history_shows_nothing_that_was_not_delivered() {
    let config = testing::config("");
    let mut books = testing::Books::of((0..3).map(|slot| shown(slot, b"old")));
    // It is kept already, and what led to it is not durable.
    books.shown.push(shown(3, b"early"));
    let early = books.shown[3].values.ids()[0];
    books.next = Some(3);
    let f = fixture_with(&config, books, 64).await;
    let (_, page) = answer(f.get("/v1/learners/alice/decisions?from=0")).await;
    assert_eq!(page["next"], 3, "{page}");
    let alice = LearnerId(0);
    let find = || f.view.find(alice, [(7, early)]).unwrap();
    assert_eq!(find(), []);
    f.decide(3, b"early");
    let found = find();
    assert_eq!((found[0].0, found[0].1.slot), (7, Slot(3)));
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

/// Reads a stream until it has shown so many events, as (id, event, data).
async fn events(response: Response, n: usize) -> Vec<(String, String, Value)> {
    let mut stream = response.bytes_stream();
    let mut text = String::new();
    while text.matches("\n\n").count() < n {
        let more = tokio::time::timeout(DEADLINE, stream.next()).await.unwrap();
        text.push_str(std::str::from_utf8(&more.unwrap().unwrap()).unwrap());
    }
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|l| l.strip_prefix(name));
        line.unwrap_or("").trim().to_owned()
    };
    let blocks = text
        .split("\n\n")
        .filter(|b| !b.is_empty() && !b.starts_with(':'));
    blocks
        .map(|b| {
            let data = serde_json::from_str(&field(b, "data:")).unwrap();
            (field(b, "id:"), field(b, "event:"), data)
        })
        .collect()
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event() {
    let f = fixture("").await;
    let live = f.get("/v1/events").send().await.unwrap();
    f.decide(0, b"v0");
    f.view.set_peer("n2", true);
    f.decide(1, b"v1");
    let seen = events(live, 3).await;
    let kinds: Vec<&str> = seen.iter().map(|(_, kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["decision", "peer", "decision"]);
    let at = seen[1].2["at_ms"].as_u64().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!(u128::from(at) + 3_600_000 > now.as_millis() && u128::from(at) <= now.as_millis());
    let expected =
        json!({"at_ms": at, "event": "peer", "node": "n1", "peer": "n2", "connected": true});
    assert_eq!(seen[1].2, expected);
    let data = &seen[0].2;
    assert_eq!(
        (&data["learner"], &data["slot"]),
        (&json!("alice"), &json!(0))
    );
    assert_eq!(
        (&data["latency_ms"], &data["values"][0]["text"]),
        (&json!(20), &json!("v0"))
    );
    let resumed = f.get("/v1/events").header("last-event-id", &seen[0].0);
    assert_eq!(events(resumed.send().await.unwrap(), 2).await, seen[1..]);
    let all = f.get("/v1/events?last_event_id=0").send().await.unwrap();
    assert_eq!(events(all, 3).await, seen);
    assert_eq!(
        answer(f.get("/v1/events").header("last-event-id", "x"))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn a_ballot_that_is_given_up_is_told_with_the_reason() {
    let f = fixture("").await;
    f.view.set_status(Status {
        patience: vec![Duration::from_secs(2), Duration::from_secs(1)],
        ..Status::default()
    });
    let status = answer(f.get("/v1/status")).await.1;
    assert_eq!(status["patience_ms"]["alice"], 2000);
    assert_eq!(status["given_up"], json!({"times": 0, "last": null}));
    let mut learners = LearnerSet::EMPTY;
    learners.insert(LearnerId(0));
    let patience = Duration::from_secs(1);
    for (ballot, why) in [(1, Why::Others), (2, Why::Patience { learners, patience })] {
        f.view.given_up(&GivenUp {
            ballot: Ballot(ballot),
            next: Ballot(ballot + 1),
            why,
        });
    }
    let stream = f.get("/v1/events?last=1").send().await.unwrap();
    let (_, kind, told) = events(stream, 1).await.remove(0);
    let words = "patience of 1000 ms ran out for alice";
    assert_eq!((kind.as_str(), &told["words"]), ("timeout", &json!(words)));
    let given_up = &answer(f.get("/v1/status")).await.1["given_up"];
    assert_eq!(given_up["times"], 2);
    for field in ["ballot", "next", "reason", "words"] {
        assert_eq!(given_up["last"][field], told[field], "{field}");
    }
    let metrics = f
        .get("/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for line in [
        "hpaxos_timeouts_total{reason=\"patience\"} 1",
        "hpaxos_timeouts_total{reason=\"equivocated\"} 0",
        "hpaxos_patience_seconds{learner=\"alice\"} 2.0",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_stream_says_what_it_missed() {
    let f = fixture("[limits]\nevents_kept = 16\n").await;
    for ballot in 0..20 {
        f.view.events.push(Happening::Ballot {
            ballot,
            leader: "n1".into(),
        });
    }
    for id in ["7-1", "6-19"] {
        let stream = f
            .get("/v1/events")
            .header("last-event-id", id)
            .send()
            .await
            .unwrap();
        let seen = events(stream, 2).await;
        assert_eq!(seen[0].1, "gap", "{id}");
        assert_eq!(
            seen[1].2["ballot"], 4,
            "{id}: goes on with the oldest that is kept"
        );
    }
}

#[tokio::test]
async fn streams_are_bounded_and_end_with_the_node() {
    let f = fixture("[limits]\nhttp_streams = 1\n").await;
    let mut first = f.get("/v1/events").send().await.unwrap();
    assert_eq!(answer(f.get("/v1/events")).await.0, 429);
    f.stop.send_replace(true);
    assert_eq!(first.chunk().await.unwrap(), None);
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
    let metrics = f
        .get("/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
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
