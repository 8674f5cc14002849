//! What a node says about itself: status, graph, evidence, health, metrics.

use super::json::Json;
use super::problem::Problem;
use super::{Api, json};
use crate::view::{Phase, View};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consensus::{DiskStatus, Status};
use learner_graph::{Id, LearnerId, LearnerSet};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// `GET /v1/status`.
pub(super) async fn status(State(api): State<Arc<Api>>) -> Json {
    let view = &api.view;
    let phase = match view.phase() {
        Phase::Starting => "starting",
        Phase::Ready => "ready",
        Phase::Stopping => "stopping",
    };
    let peers = view.connected_peers();
    let now = Instant::now();
    let silent = view.silent(now);
    let silent_s: BTreeMap<_, _> = view
        .silent_for(now)
        .into_iter()
        .map(|(peer, since)| (peer, since.map(|s| s.as_secs())))
        .collect();
    let up = peers.values().filter(|c| **c).count();
    let mut object = json!({
        "node": view.node.name,
        "roles": view.node.roles(),
        "acceptor": view.node.acceptor.map(|a| view.network.graph().acceptor_name(a)),
        "mode": view.mode.name(),
        "network": view.network_name,
        "network_id": view.network.id().to_string(),
        "phase": phase,
        "plays": view.played_names(),
        "peers": {
            "connected": up, "heard": up.saturating_sub(silent.len()), "expected": peers.len(),
            "by_name": peers, "silent": silent, "silent_s": silent_s,
        },
        "refusals": view.metrics.refusals_by_reason(&view.peers),
        "foreign_connections": view.metrics.foreign.get(),
        "storage": storage(view),
    });
    // Until the protocol has started there is nothing to say about it.
    if let (Some(status), Value::Object(fields)) = (view.status(), &mut object) {
        protocol(view, &status, fields);
    }
    Json(object)
}

fn storage(view: &View) -> Value {
    let m = &view.metrics;
    json!({
        "replayed_records": m.replayed.get(),
        "records": m.records.get(),
        "bytes": m.record_bytes.get(),
        "syncs": m.syncs.get(),
        "checkpoints": m.checkpoints.get(),
    })
}

fn protocol(view: &View, status: &Status, fields: &mut Map<String, Value>) {
    let graph = view.network.graph();
    let name = |index: usize| {
        let id = u16::try_from(index).map(learner_graph::LearnerId::from_index);
        id.map_or("?", |id| graph.learner_name(id)).to_owned()
    };
    let ahead = view.ahead();
    let mut learners = Map::new();
    let mut connected = Map::new();
    for (i, row) in status.connected.iter().enumerate() {
        let row: Vec<&str> = row.iter().map(|l| graph.learner_name(l)).collect();
        connected.insert(name(i), row.into());
    }
    for (learner, next) in (0..).map(LearnerId).zip(&status.next) {
        let i = usize::from(learner.0);
        let log = view.log(learner);
        let delivered = log.map(|log| json!({"next": log.next(), "decisions": log.delivered()}));
        let forks = view.metrics.forks_of(learner);
        let ahead = ahead.get(i).copied().unwrap_or_default().max(*next);
        learners.insert(
            name(i),
            json!({"next": next, "ahead": ahead, "delivered": delivered, "forks": forks}),
        );
    }
    let groups: Vec<Vec<&str>> = groups(&status.connected)
        .iter()
        .map(|group| group.iter().map(|l| graph.learner_name(l)).collect())
        .collect();
    let caught = json::acceptors(view, &status.caught);
    let patience = status.patience.iter().enumerate();
    let patience: BTreeMap<String, u64> = patience
        .map(|(i, wait)| (name(i), u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
        .collect();
    let timeouts = view.timeouts();
    let last = timeouts.last.as_ref().map(|(at_ms, timeout)| {
        let mut last = json::given_up(timeout);
        last["at_ms"] = (*at_ms).into();
        last
    });
    let more = json!({
        "ballot": status.ballot,
        "leader": status.leader.map(|m| view.member_name(m)),
        "patience_ms": patience,
        "given_up": {"times": timeouts.times, "last": last},
        "max_bal": status.max_bal,
        "low_water": status.low_water,
        "frozen": status.frozen,
        "waiting": status.waiting,
        "learners": learners,
        "connected": connected,
        "groups": groups,
        "caught": caught,
        "refused_by_protocol": status.refused,
    });
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    // Only one protocol has any.
    if !status.disks.is_empty() {
        let named = graph.acceptors();
        let disks = named.iter().zip(&status.disks);
        let disks = disks.map(|(disk, status)| disk_json(graph.acceptor_name(disk), status));
        fields.insert("disks".into(), disks.collect());
    }
}

fn disk_json(name: &str, status: &DiskStatus) -> Value {
    json!({
        "name": name,
        "up": status.up,
        "busy": status.busy,
        "problem": status.problem,
        "mbal": status.mbal,
        "logged": status.logged,
        "operations": status.operations,
    })
}

/// The components of the transitive closure of `connected`. A learner that is not connected even
/// with itself is a group of its own.
fn groups(connected: &[LearnerSet]) -> Vec<LearnerSet> {
    let mut groups: Vec<LearnerSet> = Vec::new();
    for (i, row) in connected.iter().enumerate() {
        let mut group = *row;
        if let Ok(index) = u16::try_from(i) {
            group.insert(learner_graph::LearnerId::from_index(index));
        }
        groups.retain(|other| {
            let same = other.intersects(&group);
            if same {
                group |= *other;
            }
            !same
        });
        groups.push(group);
    }
    groups
}

/// `GET /v1/graph`.
pub(super) async fn graph(State(api): State<Arc<Api>>) -> Json {
    let network = &api.view.network;
    let graph = network.graph();
    let acceptors: Vec<Value> = graph
        .acceptors()
        .iter()
        .map(|a| {
            let node = network.player(a).map(|m| api.view.member_name(m));
            json!({"acceptor": graph.acceptor_name(a), "node": node})
        })
        .collect();
    let learners: Vec<&str> = graph
        .learners()
        .iter()
        .map(|l| graph.learner_name(l))
        .collect();
    let proposers: Vec<&str> = network
        .proposers()
        .iter()
        .map(|m| api.view.member_name(*m))
        .collect();
    Json(json!({
        "network": api.view.network_name,
        "network_id": network.id().to_string(),
        "acceptors": acceptors,
        "learners": learners,
        "proposers": proposers,
        "canonical": graph.canonical(),
    }))
}

/// `GET /v1/evidence`.
pub(super) async fn evidence(State(api): State<Arc<Api>>) -> Json {
    let proofs = api.view.proofs();
    let list: Vec<Value> = proofs
        .iter()
        .map(|p| {
            json!({
                "digest": p.digest,
                "acceptor": p.acceptor,
                "words": p.words,
                "sides": p.sides.iter().map(|side| json::statements(side)).collect::<Vec<_>>(),
                "evidence": STANDARD.encode(p.encoded.as_slice()),
            })
        })
        .collect();
    Json(json!({"node": api.view.node.name, "evidence": list}))
}

/// `GET /healthz`: the process answers.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the node takes part.
pub(super) async fn ready(State(api): State<Arc<Api>>) -> Result<&'static str, Problem> {
    match api.view.phase() {
        Phase::Ready => Ok("ready\n"),
        Phase::Starting => Err(Problem::unavailable("the node is replaying its storage")),
        Phase::Stopping => Err(Problem::unavailable("the node is ending")),
    }
}

/// `GET /metrics`.
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Result<impl IntoResponse, Problem> {
    api.measure();
    let look = |view: &View| {
        view.measure_disk();
        Ok(view.metrics.text())
    };
    let text = api.read_disk(look).await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_components() {
        let set = |ids: &[u16]| {
            ids.iter()
                .map(|i| learner_graph::LearnerId(*i))
                .fold(LearnerSet::EMPTY, |mut s, l| {
                    s.insert(l);
                    s
                })
        };
        let connected = [set(&[0, 1]), set(&[0, 1, 3]), set(&[]), set(&[1, 3])];
        assert_eq!(groups(&connected), [set(&[2]), set(&[0, 1, 3])]);
    }
}
