//! `GET /v1/learners/{learner}/decisions` and `GET /v1/decisions/{learner}/{slot}/certificate`.

use super::json::Json;
use super::problem::Problem;
use super::query::{Asked, Raw};
use super::{Api, json};
use crate::config::{Limits, Mode};
use crate::decision;
use crate::engine::{Event, NotSent, Unproved};
use crate::view::View;
use crate::view::decisions::Page;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use consensus::Slot;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Decisions in one answer by default, and at most.
const LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;
/// About how many bytes of values one answer holds.
const MAX_PAGE_BYTES: usize = 2 << 20;
/// How long the engine may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Decisions in slot order.
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    path: Result<Path<String>, PathRejection>,
    query: Raw,
) -> Result<Json, Problem> {
    let Path(name) = path.map_err(|e| Problem::bad_request(e.body_text()))?;
    let asked = Asked::read(query, &["from", "limit"])?;
    let from = Slot(asked.number("from", "a slot number")?.unwrap_or(0));
    let limit = asked.number("limit", "a number of decisions")?;
    let learner = api.learner(&name, StatusCode::NOT_FOUND)?;
    let limit = limit.map_or(LIMIT, Limits::count).clamp(1, MAX_LIMIT);
    let page = api
        .view
        .log(learner)
        .map(|log| log.page(from, limit, MAX_PAGE_BYTES));
    // What was read has its turn until the answer is made of it: as much may be in memory that `http_mib` does not
    // count yet.
    let (found, next, _turn) = match page {
        Some(Page::Decisions(found, next)) => (found, next, None),
        Some(Page::Old) => {
            let read = move |view: &View| view.old(learner, from, limit, MAX_PAGE_BYTES);
            let (found, turn) = api.read_and_hold(read).await?;
            let next = found.last().map_or(from, |d| d.slot.next());
            (found, next, turn)
        }
        None => return Err(Problem::not_found("no such learner")),
    };
    let decisions: Vec<Value> = found.iter().map(|d| json::decision(&api.view, d)).collect();
    let node = &api.view.node.name;
    Ok(Json(
        json!({"node": node, "learner": name, "decisions": decisions, "next": next}),
    ))
}

/// A decision with its certificate, so that others can check it: a line of a decision file.
pub(super) async fn certificate(
    State(api): State<Arc<Api>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<String>, Problem> {
    let Path((name, slot)) = path.map_err(|e| Problem::bad_request(e.body_text()))?;
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
    let found = answer.map_err(|_| Problem::unavailable("the node is busy, or ending"))?;
    let found = found.map_err(|error| match error {
        Unproved::Unreadable(error) => Problem::unreadable(error.to_string()),
        Unproved::Full => Problem::too_many("too many certificates wait to be read from the disk"),
    })?;
    let found = found.ok_or_else(|| {
        Problem::not_found(format!(
            "no certificate of slot {slot} for '{name}' is kept here"
        ))
    })?;
    let batch = found.batch.ok_or_else(|| {
        Problem::unavailable(format!(
            "slot {slot} is decided for '{name}', but its values have not arrived here yet"
        ))
    })?;
    let view = &api.view;
    let line = decision::write(
        &view.network_name,
        &view.network,
        &found.certificate,
        &batch,
    );
    Ok(Json(line))
}
