//! `GET /v1/learners/{learner}/decisions` and `GET /v1/decisions/{learner}/{slot}/certificate`.

use super::json::Json;
use super::problem::Problem;
use super::{Api, json};
use crate::config::Mode;
use crate::engine::{Event, NotSent};
use crate::view::decisions::Page;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consensus::Slot;
use crypto::codec;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Decisions in one answer by default, and at most.
const LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;
/// About how many bytes of values one answer holds.
const MAX_PAGE_BYTES: usize = 8 << 20;
/// How long the engine may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    #[serde(default)]
    from: u64,
    limit: Option<usize>,
}

/// Decisions in slot order.
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Json, Problem> {
    let Query(params) = params.map_err(|e| Problem::bad_request(e.body_text()))?;
    let learner = api.learner(&name, StatusCode::NOT_FOUND)?;
    let limit = params.limit.unwrap_or(LIMIT).clamp(1, MAX_LIMIT);
    let page = api
        .view
        .log(learner)
        .map(|log| log.page(Slot(params.from), limit, MAX_PAGE_BYTES));
    match page {
        Some(Page::Decisions(found, next)) => {
            let decisions: Vec<Value> =
                found.iter().map(|d| json::decision(&api.view, d)).collect();
            let node = &api.view.node.name;
            Ok(Json(
                json!({"node": node, "learner": name, "decisions": decisions, "next": next}),
            ))
        }
        Some(Page::Gone(first)) => Err(Problem::gone(first.0)),
        None => Err(Problem::not_found("no such learner")),
    }
}

/// The certificate of a decision, so that others can check it.
pub(super) async fn certificate(
    State(api): State<Arc<Api>>,
    Path((name, slot)): Path<(String, String)>,
) -> Result<Json, Problem> {
    // Every node follows every learner, so this one does not have to play it.
    let learner = api.view.network.graph().learner(&name);
    let learner =
        learner.ok_or_else(|| Problem::not_found(format!("the graph has no learner '{name}'")))?;
    let slot: u64 = slot
        .parse()
        .map_err(|_| Problem::bad_request("a slot is a number from 0 on"))?;
    match api.view.mode {
        Mode::Hpaxos => {}
        mode @ (Mode::Paxos | Mode::DiskPaxos) => {
            return Err(Problem::not_found(format!(
                "mode '{}' has no signed certificates; ask several nodes for the decision instead",
                mode.name()
            )));
        }
    }
    let (answer, certificate) = oneshot::channel();
    let question = Event::Certificate {
        learner,
        slot: Slot(slot),
        answer,
    };
    api.engine.try_send(question).map_err(|error| match error {
        NotSent::Full => Problem::too_many("the node is busy"),
        NotSent::Stopped => Problem::unavailable("the node is ending"),
    })?;
    let answer = timeout(ANSWER_TIMEOUT, certificate).await;
    let answer = answer.map_err(|_| Problem::unavailable("the node is busy"))?;
    let found = answer.map_err(|_| Problem::unavailable("the node is ending"))?;
    let missing = || {
        Problem::not_found(format!(
            "no certificate of slot {slot} for '{name}' is kept here"
        ))
    };
    let found = found.ok_or_else(missing)?;
    let view = &api.view;
    let signers: Vec<&str> = found
        .two_b
        .iter()
        .map(|m| view.member_name(m.signer()))
        .collect();
    Ok(Json(json!({
        "node": view.node.name,
        "learner": name,
        "slot": found.slot,
        "ballot": found.ballot,
        "digest": found.value,
        "signers": signers,
        "certificate": STANDARD.encode(codec::encode(&found)),
    })))
}
