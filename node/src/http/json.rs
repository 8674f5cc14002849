//! The JSON shapes that several routes share.
//!
//! A value is the same object everywhere: `{"id":…,"base64":…,"text":…,"key":…}`. `base64` is always
//! there; `text` only if the bytes are printable UTF-8; `key` (base64) only if the client gave one.

use crate::view::View;
use crate::view::decisions::Delivered;
use crate::view::events::Happening;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consensus::ClientValue;
use crypto::Digest;
use learner_graph::AcceptorSet;
use serde::Serialize;
use serde_json::{Value, json};

/// An answer in JSON: one line, with its end.
pub(super) struct Json(pub(super) Value);

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        let mut response = format!("{}\n", self.0).into_response();
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

/// A client's value.
#[derive(Serialize)]
pub(super) struct ValueJson {
    id: Digest,
    base64: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl ValueJson {
    fn new(id: &Digest, value: &ClientValue) -> Self {
        ValueJson {
            id: *id,
            base64: STANDARD.encode(&value.bytes),
            text: text(&value.bytes),
            key: (!value.key.is_empty()).then(|| STANDARD.encode(&value.key)),
        }
    }
}

/// The bytes as text, if a person could read it.
fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let readable = |c: char| !c.is_control() || "\t\n\r".contains(c);
    text.chars().all(readable).then(|| text.to_owned())
}

/// The names of acceptors.
pub(super) fn acceptors(view: &View, set: &AcceptorSet) -> Vec<String> {
    let graph = view.network.graph();
    set.iter()
        .map(|a| graph.acceptor_name(a).to_owned())
        .collect()
}

/// A decision in a list.
pub(super) fn decision(view: &View, delivered: &Delivered) -> Value {
    let values = delivered
        .values
        .iter()
        .map(|(id, v)| ValueJson::new(id, v))
        .collect::<Vec<_>>();
    json!({
        "slot": delivered.slot,
        "ballot": delivered.ballot,
        "digest": delivered.digest,
        "values": values,
        "latency_ms": delivered.latency_ms,
        "acceptors": acceptors(view, &delivered.acceptors),
    })
}

/// An event: its kind, and the object that every stream and every command shows.
pub(super) fn event(view: &View, happening: &Happening) -> (&'static str, Value) {
    let node = &view.node.name;
    match happening {
        Happening::Decision(delivered) => {
            let mut object = decision(view, delivered);
            object["event"] = "decision".into();
            object["node"] = node.as_str().into();
            object["learner"] = view.learner_name(delivered.learner).into();
            ("decision", object)
        }
        Happening::Ballot { ballot, leader } => (
            "ballot",
            json!({"event": "ballot", "node": node, "ballot": ballot, "leader": leader}),
        ),
        Happening::Evidence { acceptor, words } => (
            "evidence",
            json!({"event": "evidence", "node": node, "acceptor": acceptor, "words": words}),
        ),
        Happening::Disconnected(learners) => (
            "disconnected",
            json!({"event": "disconnected", "node": node, "learners": learners}),
        ),
        Happening::Peer { peer, connected } => (
            "peer",
            json!({"event": "peer", "node": node, "peer": peer, "connected": connected}),
        ),
        Happening::Fork {
            learner,
            slot,
            digests,
        } => (
            "fork",
            json!({"event": "fork", "node": node, "learner": learner, "slot": slot, "digests": digests}),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_only_if_readable() {
        assert_eq!(text("grüß\n".as_bytes()).as_deref(), Some("grüß\n"));
        assert_eq!(text(b""), Some(String::new()));
        assert_eq!(text(b"\x00"), None);
        assert_eq!(text(b"\xff"), None);
        assert_eq!(text(b"\x1b[31m"), None);
    }
}
