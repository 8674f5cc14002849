//! `POST /v1/values`.

use super::json::Json;
use super::problem::Problem;
use super::query::{Asked, Raw};
use super::{Api, json};
use crate::config::Mode;
use crate::engine::{Event, NotSent, Submitted};
use crate::telemetry::Submission;
use crate::view::Phase;
use crate::view::decisions::Delivered;
use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consensus::{ClientValue, MAX_VALUE_BYTES};
use crypto::Digest;
use futures::StreamExt;
use learner_graph::LearnerId;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;

/// How long a client may take to send its value.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the engine may take to store it.
const STORE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long `?wait=` waits by default, and at most.
const WAIT_MS: u64 = 30_000;
const MAX_WAIT_MS: u64 = 600_000;
/// A shorter value takes no room worth counting; a longer one takes it in such pieces as it comes.
const UNCOUNTED: usize = 64 << 10;
const PIECE: usize = 64 << 10;
/// A value as JSON: base64 takes four characters for three bytes.
const MAX_JSON_BYTES: usize = MAX_VALUE_BYTES / 3 * 4 + 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonBody {
    value: String,
}

/// Accepts a value; with `?wait=LEARNER` answers when that learner has delivered it.
pub(super) async fn submit(
    State(api): State<Arc<Api>>,
    query: Raw,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let start = SystemTime::now();
    let asked = Asked::read(query, &["wait", "timeout_ms"])?;
    let timeout_ms = asked.number("timeout_ms", "a time in milliseconds")?;
    match api.view.phase() {
        Phase::Ready => {}
        Phase::Starting => return Err(Problem::unavailable("the node is replaying its storage")),
        Phase::Stopping => return Err(Problem::unavailable("the node is ending")),
    }
    let learner = asked
        .text("wait")
        .map(|name| api.learner(name, StatusCode::BAD_REQUEST));
    let learner = learner.transpose()?;
    let (value, room) = read(&api, &headers, body).await?;
    let id = value.id();
    let mut span = span(&api, id, start, &headers);
    // Waiting begins before submitting, so that no decision is missed.
    let waiting = learner.map(|l| Waiting::begin(&api, l, id)).transpose();
    let waiting = match waiting {
        Ok(waiting) => waiting,
        Err(found) => return Ok(decided(&api, &id, &found, span.as_mut())),
    };
    if let Some(learner) = learner
        && let Some(found) = api.read_disk(move |view| view.find(learner, &id)).await?
    {
        return Ok(decided(&api, &id, &found, span.as_mut()));
    }
    store(&api, value).await?;
    // From now on it counts as one that waits.
    drop(room);
    if let Some(span) = &mut span {
        span.accepted();
    }
    let limit = Duration::from_millis(timeout_ms.unwrap_or(WAIT_MS).min(MAX_WAIT_MS));
    if let Some(mut waiting) = waiting {
        let mut stop = api.stop.clone();
        tokio::select! {
            found = timeout(limit, &mut waiting.receiver) => {
                if let Ok(Ok(found)) = found {
                    return Ok(decided(&api, &id, &found, span.as_mut()));
                }
            }
            // A node that ends waits for nothing: the value is kept, and decided by the others.
            _ = stop.changed() => {}
        }
    }
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({"id": id, "decided": false})),
    )
        .into_response())
}

/// The span of this submission, if its value is followed.
fn span(api: &Api, id: Digest, start: SystemTime, headers: &HeaderMap) -> Option<Submission> {
    let telemetry = api.view.telemetry.as_ref()?;
    let client = headers.get("traceparent").and_then(|v| v.to_str().ok());
    Submission::begin(telemetry, id, start, client)
}

fn decided(
    api: &Api,
    id: &Digest,
    delivered: &Delivered,
    span: Option<&mut Submission>,
) -> Response {
    if let Some(span) = span {
        span.decided(delivered.slot.0);
    }
    // The values of others in the batch are not repeated to everyone who waits.
    let mut object = json!({
        "id": id,
        "decided": true,
        "node": api.view.node.name,
        "learner": api.view.learner_name(delivered.learner),
        "slot": delivered.slot,
        "ballot": delivered.ballot,
        "digest": delivered.digest,
        "latency_ms": delivered.latency_ms,
        "acceptors": json::acceptors(&api.view, &delivered.acceptors),
    });
    if api.view.mode == Mode::Hpaxos {
        // Names of learners are the same in a path as elsewhere.
        let learner = api.view.learner_name(delivered.learner);
        let path = format!("/v1/decisions/{learner}/{}/certificate", delivered.slot);
        object["certificate"] = path.into();
    }
    Json(object).into_response()
}

/// A value, and its room in memory.
async fn read(
    api: &Api,
    headers: &HeaderMap,
    body: Body,
) -> Result<(ClientValue, Vec<OwnedSemaphorePermit>), Problem> {
    let content = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    let is_json = content
        .split(';')
        .next()
        .is_some_and(|t| t.trim() == "application/json");
    let limit = if is_json {
        MAX_JSON_BYTES
    } else {
        MAX_VALUE_BYTES
    };
    let read = timeout(BODY_TIMEOUT, read_body(api, body, limit)).await;
    let (bytes, room) =
        read.map_err(|_| Problem::timeout("the value did not arrive in time"))??;
    let bytes = if is_json { from_json(&bytes)? } else { bytes };
    let key = headers
        .get("idempotency-key")
        .map_or(Vec::new(), |k| k.as_bytes().to_vec());
    let value = ClientValue::new(key, bytes).map_err(|error| match error {
        consensus::ValueError::ValueTooLarge(_) => Problem::too_large(error.to_string()),
        consensus::ValueError::KeyTooLarge(_) => Problem::bad_request(error.to_string()),
    });
    Ok((value?, room))
}

async fn read_body(
    api: &Api,
    body: Body,
    limit: usize,
) -> Result<(Vec<u8>, Vec<OwnedSemaphorePermit>), Problem> {
    let too_large = || {
        Problem::too_large(format!(
            "a value has at most {MAX_VALUE_BYTES} bytes; split it, or store it elsewhere and submit its digest"
        ))
    };
    // Not read at all if its length is announced.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let (mut bytes, mut room) = (Vec::new(), Vec::new());
    let mut taken = UNCOUNTED;
    let mut stream = body.into_data_stream();
    while let Some(more) = stream.next().await {
        let more = more.map_err(|e| Problem::bad_request(format!("the body breaks off: {e}")))?;
        if bytes.len() + more.len() > limit {
            return Err(too_large());
        }
        while taken < bytes.len() + more.len() {
            room.push(api.room(PIECE)?);
            taken += PIECE;
        }
        bytes.extend_from_slice(&more);
    }
    Ok((bytes, room))
}

fn from_json(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let wanted =
        "send {\"value\": \"<base64>\"}, or the bytes themselves with another content type";
    let body: JsonBody = serde_json::from_slice(bytes)
        .map_err(|e| Problem::bad_request(format!("{e}; {wanted}")))?;
    STANDARD
        .decode(body.value)
        .map_err(|e| Problem::bad_request(format!("{e}; {wanted}")))
}

/// Returns when the value is durable here.
async fn store(api: &Api, value: ClientValue) -> Result<(), Problem> {
    let (answer, stored) = oneshot::channel();
    api.engine
        .try_send(Event::Submit { value, answer })
        .map_err(|error| match error {
            NotSent::Full => Problem::too_many("the node is busy"),
            NotSent::Stopped => Problem::unavailable("the node is ending"),
        })?;
    match timeout(STORE_TIMEOUT, stored).await {
        Ok(Ok(Submitted::Accepted)) => Ok(()),
        Ok(Ok(Submitted::Full)) => Err(Problem::too_many(
            "too many values wait to be decided (limits.max_waiting, limits.max_waiting_mib)",
        )),
        Ok(Err(_)) => Err(Problem::unavailable(
            "the node is ending; whether the value was kept is not known, submit it again",
        )),
        Err(_) => Err(Problem::unavailable(
            "the storage is slow; submit the value again, it counts once",
        )),
    }
}

/// A client's wait for a value; forgotten when dropped.
struct Waiting {
    api: Arc<Api>,
    learner: LearnerId,
    id: Digest,
    receiver: oneshot::Receiver<Arc<Delivered>>,
}

impl Waiting {
    /// The decision itself if there is one already.
    fn begin(api: &Arc<Api>, learner: LearnerId, id: Digest) -> Result<Self, Arc<Delivered>> {
        let receiver = match api.view.log(learner).map(|mut log| log.wait_for(id)) {
            Some(Ok(found)) => return Err(found),
            Some(Err(receiver)) => receiver,
            // Only learners that are played get here; without a log nobody would ever answer.
            None => oneshot::channel().1,
        };
        Ok(Waiting {
            api: Arc::clone(api),
            learner,
            id,
            receiver,
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.receiver.close();
        if let Some(mut log) = self.api.view.log(self.learner) {
            log.forget(&self.id);
        }
    }
}

#[cfg(test)]
mod fuzz {
    use super::*;

    /// A body is `{"value": base64}` and nothing else, or is refused.
    fn check(bytes: &[u8]) {
        let Ok(value) = from_json(bytes) else { return };
        let body: serde_json::Value = serde_json::from_slice(bytes).expect("it was read as JSON");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(1));
        assert_eq!(
            body["value"],
            STANDARD.encode(value),
            "another spelling was accepted"
        );
    }

    #[test]
    fn any_body() {
        bolero::check!()
            .with_iterations(10_000)
            .with_max_len(64)
            .for_each(check);
    }

    #[test]
    fn values_in_json() {
        assert!(from_json(b"{\"value\": \"dg==\"}").is_ok());
        bolero::check!()
            .with_iterations(10_000)
            .with_max_len(64)
            .for_each(|bytes: &[u8]| {
                check(format!("{{\"value\": {}}}", json!(STANDARD.encode(bytes))).as_bytes());
                let text = json!(String::from_utf8_lossy(bytes));
                check(format!("{{\"value\": {text}}}").as_bytes());
            });
    }
}
