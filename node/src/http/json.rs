//! The JSON shapes that several routes share. A value is the same object everywhere: [`ValueJson`].

use crate::decision::ValueJson;
use crate::view::View;
use crate::view::decisions::Delivered;
use crate::view::events::{Happening, Noted};
use crate::view::sides::Statement;
use crate::view::timeouts::Timeout;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use learner_graph::AcceptorSet;
use serde_json::{Value, json};
use std::fmt::Display;

/// An answer in JSON, as a value or written already: one line, with its end.
pub(super) struct Json<T = Value>(pub(super) T);

impl<T: Display> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut response = format!("{}\n", self.0).into_response();
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

/// The names of acceptors.
pub(super) fn acceptors(view: &View, set: &AcceptorSet) -> Vec<String> {
    view.network.graph().acceptor_names(set)
}

/// What one side of a contradiction says.
pub(super) fn statements(side: &[Statement]) -> Value {
    let one = |Statement { says, value }: &Statement| json!({"says": says, "value": value});
    side.iter().map(one).collect()
}

/// A decision in a list.
pub(super) fn decision(view: &View, delivered: &Delivered) -> Value {
    let values = delivered
        .values
        .named()
        .map(|(id, v)| ValueJson::with_id(id, v));
    let values = values.collect::<Vec<_>>();
    json!({
        "slot": delivered.slot,
        "ballot": delivered.ballot,
        "digest": delivered.digest,
        "values": values,
        "latency_ms": delivered.latency_ms,
        "acceptors": acceptors(view, &delivered.acceptors),
    })
}

/// A ballot that was given up.
pub(super) fn given_up(timeout: &Timeout) -> Value {
    json!({
        "ballot": timeout.ballot, "next": timeout.next, "reason": timeout.reason, "words": timeout.words,
    })
}

/// An event: its kind, and the object that every stream and every command shows.
pub(super) fn event(view: &View, noted: &Noted) -> (&'static str, Value) {
    let (kind, mut object) = happening(view, &noted.what);
    object["at_ms"] = noted.at_ms.into();
    (kind, object)
}

fn happening(view: &View, happening: &Happening) -> (&'static str, Value) {
    let node = &view.node.name;
    match happening {
        Happening::Decision(learner, delivered) => {
            let mut object = decision(view, delivered);
            object["event"] = "decision".into();
            object["node"] = node.as_str().into();
            object["learner"] = view.learner_name(*learner).into();
            ("decision", object)
        }
        Happening::Ballot { ballot, leader } => (
            "ballot",
            json!({"event": "ballot", "node": node, "ballot": ballot, "leader": leader}),
        ),
        Happening::Timeout(timeout) => {
            let mut object = given_up(timeout);
            object["event"] = "timeout".into();
            object["node"] = node.as_str().into();
            ("timeout", object)
        }
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
