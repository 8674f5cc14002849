//! `POST /v1/values`.

use super::json::Json;
use super::problem::Problem;
use super::query::Raw;
use super::submission::{self, Came, Fate};
use super::{Api, SMALL, json};
use crate::config::Mode;
use crate::view::decisions::Receipt;
use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consensus::{Ballot, ClientValue, MAX_VALUE_BYTES, Slot, ValueError};
use crypto::Digest;
use futures::StreamExt;
use learner_graph::LearnerId;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// A value that is not short takes room in such pieces as it comes.
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
    let came = Came::now(&api, query, &headers)?;
    let (value, room) = read(&api, &headers, body).await?;
    let fates = submission::submit(&api, came, vec![value], room).await?;
    // One value has one fate.
    let (id, fate) = fates.into_iter().next().ok_or_else(Fate::full)?;
    match fate {
        Fate::Decided(found) => {
            let mut object = receipt(&api, &found);
            object["id"] = json!(id);
            object["decided"] = true.into();
            Ok(Json(object).into_response())
        }
        Fate::Kept => {
            let kept = Json(json!({"id": id, "decided": false}));
            Ok((StatusCode::ACCEPTED, kept).into_response())
        }
        Fate::Full => Err(Fate::full()),
    }
}

/// The bytes of the longest receipt of a learner.
pub(super) fn longest_receipt(api: &Api, learner: LearnerId) -> usize {
    let longest = Receipt {
        learner,
        slot: Slot(u64::MAX),
        ballot: Ballot(u64::MAX),
        digest: Digest([0; 32]),
        latency_ms: Some(u64::MAX),
        acceptors: api.view.network.graph().acceptors(),
    };
    receipt(api, &longest).to_string().len()
}

/// Where and by whom a value was decided. The values of others in the batch are not repeated to everyone who waits.
pub(super) fn receipt(api: &Api, found: &Receipt) -> serde_json::Value {
    let mut object = json!({
        "node": api.view.node.name,
        "learner": api.view.learner_name(found.learner),
        "slot": found.slot,
        "ballot": found.ballot,
        "digest": found.digest,
        "latency_ms": found.latency_ms,
        "acceptors": json::acceptors(&api.view, &found.acceptors),
    });
    if api.view.mode == Mode::Hpaxos {
        // Names of learners are the same in a path as elsewhere.
        let learner = api.view.learner_name(found.learner);
        let path = format!("/v1/decisions/{learner}/{}/certificate", found.slot);
        object["certificate"] = path.into();
    }
    object
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
    let (bytes, room) = read_body(api, body, limit, &format!(
        "a value has at most {MAX_VALUE_BYTES} bytes; split it, or store it elsewhere and submit its digest"
    )).await?;
    let bytes = if is_json { from_json(&bytes)? } else { bytes };
    let key = headers
        .get("idempotency-key")
        .map_or(Vec::new(), |k| k.as_bytes().to_vec());
    let value = ClientValue::new(key, bytes).map_err(|error| no_value(&error, ""))?;
    Ok((value, room))
}

/// What cannot be a value is refused; `which` says which of several it is.
pub(super) fn no_value(error: &ValueError, which: &str) -> Problem {
    let words = format!("{which}{error}");
    match error {
        ValueError::ValueTooLarge(_) => Problem::too_large(words),
        ValueError::KeyTooLarge(_) => Problem::bad_request(words),
    }
}

/// The body of a request, of at most so many bytes, and its room in memory; `bound` says what is larger than that.
pub(super) async fn read_body(
    api: &Api,
    body: Body,
    limit: usize,
    bound: &str,
) -> Result<(Vec<u8>, Vec<OwnedSemaphorePermit>), Problem> {
    let read = timeout(BODY_TIMEOUT, read_pieces(api, body, limit, bound)).await;
    read.map_err(|_| Problem::timeout("the body did not arrive in time"))?
}

async fn read_pieces(
    api: &Api,
    body: Body,
    limit: usize,
    bound: &str,
) -> Result<(Vec<u8>, Vec<OwnedSemaphorePermit>), Problem> {
    let too_large = || Problem::too_large(bound);
    // Not read at all if its length is announced.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let (mut bytes, mut room) = (Vec::new(), Vec::new());
    let mut taken = SMALL;
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
