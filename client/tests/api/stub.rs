//! A node that says what a test wants it to say.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hpaxos_client::{Client, Decision, Value};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Far longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// The problem of a node that is full.
pub(crate) const FULL: &str =
    r#"{"type":"urn:hpaxos:problem:full","title":"t","status":429,"detail":"the node is busy"}"#;

/// What a node was asked so far.
pub(crate) fn asked(stub: &Stub) -> Vec<String> {
    stub.asked.lock().unwrap().clone()
}

/// What the node does, and what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Stub {
    /// The decisions of learner `alice`; some of them may be left out of `told`.
    pub(crate) log: Arc<Mutex<Vec<Decision>>>,
    /// Answers to requests, in their order; then what is natural.
    pub(crate) answers: Arc<Mutex<VecDeque<Answer>>>,
    /// Requests as `key: body`, of many values joined by commas, and as `learner from slot`.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    /// How long each request of many values was to wait.
    pub(crate) waits: Arc<Mutex<Vec<u64>>>,
    /// The streams, in the order in which they will be opened.
    pub(crate) streams: Arc<Mutex<VecDeque<UnboundedReceiver<String>>>>,
    /// Where each stream that was opened began.
    pub(crate) opened: Arc<Mutex<Vec<Option<String>>>>,
}

/// An answer that is prescribed.
pub(crate) type Answer = (u16, Vec<(&'static str, &'static str)>, String);

impl Stub {
    /// Serves, until the runtime ends. Returns a client.
    pub(crate) async fn serve(&self) -> Client {
        let router = Router::new()
            .route("/v1/values", post(submit))
            .route("/v1/values/many", post(submit_many))
            .route("/v1/learners/{learner}/decisions", get(decisions))
            .route("/v1/events", get(events))
            .route("/v1/status", get(status))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Client::connect(&url).expect("an address")
    }

    /// Prescribes an answer.
    pub(crate) fn answer(&self, status: u16, headers: &[(&'static str, &'static str)], body: &str) {
        let answer = (status, headers.to_vec(), body.to_owned());
        self.answers.lock().expect("whole").push_back(answer);
    }

    /// A stream of events, which ends when this is dropped. Streams are opened in the order of these calls.
    pub(crate) fn stream(&self) -> UnboundedSender<String> {
        let (send, receive) = unbounded_channel();
        self.streams.lock().expect("whole").push_back(receive);
        send
    }

    /// Decides a slot with one value, and returns the event.
    pub(crate) fn decide(&self, text: &str) -> String {
        let mut log = self.log.lock().expect("whole");
        let decision = decision(log.len() as u64, text);
        log.push(decision.clone());
        let mut event = serde_json::to_value(decision).expect("JSON");
        event["event"] = json!("decision");
        event["node"] = json!("n1");
        event.to_string()
    }

    fn prescribed(&self) -> Option<Response> {
        let (status, headers, body) = self.answers.lock().expect("whole").pop_front()?;
        let status = StatusCode::from_u16(status).expect("a status");
        let mut response = (status, body).into_response();
        for (name, value) in headers {
            response
                .headers_mut()
                .insert(name, value.parse().expect("a header"));
        }
        Some(response)
    }
}

/// A decision of alice.
pub(crate) fn decision(slot: u64, text: &str) -> Decision {
    Decision {
        learner: "alice".to_owned(),
        slot,
        ballot: 1,
        values: vec![Value {
            id: format!("id of {text}"),
            key: Vec::new(),
            bytes: text.as_bytes().to_vec(),
        }],
        ..Decision::default()
    }
}

async fn submit(
    State(stub): State<Stub>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let key = headers
        .get("idempotency-key")
        .map_or("", |key| key.to_str().expect("text"));
    stub.asked
        .lock()
        .expect("whole")
        .push(format!("{key}: {body}"));
    if let Some(prescribed) = stub.prescribed() {
        return prescribed;
    }
    let id = format!("id of {body}");
    let log = stub.log.lock().expect("whole");
    let at = log.iter().position(|d| d.values.iter().any(|v| v.id == id));
    match (query.get("wait"), at) {
        (Some(learner), Some(slot)) => axum::Json(json!({
            "id": id, "decided": true, "node": "n1", "learner": learner, "slot": slot, "ballot": 1, "digest": "00",
            "latency_ms": null, "acceptors": ["a1"],
        }))
        .into_response(),
        _ => (StatusCode::ACCEPTED, axum::Json(json!({"id": id, "decided": false}))).into_response(),
    }
}

/// Decides all values in one slot.
async fn submit_many(
    State(stub): State<Stub>,
    Query(query): Query<BTreeMap<String, String>>,
    body: axum::body::Bytes,
) -> Response {
    let wait = query["timeout_ms"].parse().expect("milliseconds");
    stub.waits.lock().expect("whole").push(wait);
    let mut rest = &body[..];
    let mut values = Vec::new();
    while let [key, more @ ..] = rest {
        let (key, more) = more.split_at(usize::from(*key));
        let (length, more) = more.split_first_chunk::<4>().expect("a length");
        let (value, more) = more.split_at(u32::from_le_bytes(*length) as usize);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        values.push(format!("{}: {}", text(key), text(value)));
        rest = more;
    }
    stub.asked.lock().expect("whole").push(values.join(", "));
    if let Some(prescribed) = stub.prescribed() {
        return prescribed;
    }
    let places: Vec<usize> = (0..values.len()).collect();
    let slot = json!({
        "node": "n1", "learner": "alice", "slot": 7, "ballot": 1, "digest": "00", "latency_ms": null,
        "acceptors": ["a1"], "values": places,
    });
    axum::Json(json!({"decided": [slot], "kept": [], "full": []})).into_response()
}

async fn decisions(
    State(stub): State<Stub>,
    Path(learner): Path<String>,
    Query(query): Query<BTreeMap<String, u64>>,
) -> Response {
    let (from, limit) = (query["from"], query["limit"]);
    stub.asked
        .lock()
        .expect("whole")
        .push(format!("{learner} from {from}"));
    if let Some(prescribed) = stub.prescribed() {
        return prescribed;
    }
    let log = stub.log.lock().expect("whole");
    // Pages are small, so that there are several.
    let page = log
        .iter()
        .filter(|d| d.slot >= from)
        .take(limit.min(2) as usize);
    let page: Vec<Json> = page
        .map(|d| serde_json::to_value(d).expect("JSON"))
        .collect();
    let next = page
        .last()
        .map_or(from, |d| d["slot"].as_u64().expect("a slot") + 1);
    axum::Json(json!({"node": "n1", "learner": learner, "decisions": page, "next": next}))
        .into_response()
}

async fn events(State(stub): State<Stub>, headers: HeaderMap) -> Response {
    let since = headers
        .get("last-event-id")
        .map(|id| id.to_str().expect("text").to_owned());
    let Some(receiver) = stub.streams.lock().expect("whole").pop_front() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    stub.opened.lock().expect("whole").push(since);
    let lines = futures::stream::unfold(receiver, |mut receiver| async move {
        let line = receiver.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(line), receiver))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, axum::body::Body::from_stream(lines)).into_response()
}

async fn status(State(stub): State<Stub>) -> Response {
    stub.prescribed()
        .unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}
