//! The page of a network that does not exist: three nodes and two learners that must agree, which decide what a test says.

use axum::extract::Query;
use axum::routing::get;
use axum::{Json as Answer, Router};
use hpaxos_client::Connections;
use learner_graph::{Options, acceptor_list, outline, parse_unchecked};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use testnet::page::board::Board;
use testnet::page::{Command, Page, serve};

const NODES: [&str; 3] = ["n1", "n2", "n3"];
const GRAPH: &str = "learner graph 1\nacceptors a1 a2 a3\nlearner alice 2(a1,a2,a3)\nlearner bob 2(a1,a2,a3)\n\
                     safe alice,bob 2(a1,a2,a3)\n";
/// The same as a file.
const FILE: &str = r#"
acceptors = ["a1", "a2", "a3"]
[define]
any2 = { threshold = 2, of = ["a1", "a2", "a3"] }
[learners]
alice = "any2"
bob = "any2"
[[safe]]
between = ["alice", "bob"]
when = "any2"
"#;

pub(crate) struct Fixture {
    page: Page,
    board: Arc<Board>,
    /// Nodes that misbehave.
    liars: Arc<Mutex<Vec<String>>>,
}

impl Fixture {
    pub(crate) async fn serve() -> Fixture {
        let connections = Connections::new().unwrap();
        let mut nodes = Vec::new();
        for name in NODES {
            let url = node(name).await;
            nodes.push((name.to_owned(), connections.node(&url).unwrap()));
        }
        let board = Arc::new(Board::default());
        let (page, mut commands) = serve(nodes, Arc::clone(&board)).await.unwrap();
        let liars = Arc::new(Mutex::new(Vec::new()));
        let lying = Arc::clone(&liars);
        tokio::spawn(async move {
            while let Some(command) = commands.recv().await {
                if let Command::Look(answer) = command {
                    let _ = answer.send(picture(&lying.lock().unwrap()));
                }
            }
        });
        Fixture { page, board, liars }
    }

    pub(crate) fn url(&self) -> &str {
        &self.page.url
    }

    /// From now on these nodes are known to misbehave.
    pub(crate) fn lie(&self, nodes: &[&str]) {
        *self.liars.lock().unwrap() = nodes.iter().map(|node| (*node).to_owned()).collect();
    }

    /// A learner has decided a value in slot 0.
    pub(crate) fn decided(&self, learner: &str, value: &str) {
        self.decided_in(0, learner, value);
    }

    pub(crate) fn decided_in(&self, slot: u64, learner: &str, value: &str) {
        let digest = crypto::Digest::of(value.as_bytes()).to_string();
        let event = json!({
            "event": "decision", "node": "n3", "learner": learner, "slot": slot, "ballot": 1, "digest": digest,
            "values": [{"id": digest, "text": value}], "latency_ms": 7, "at_ms": 1_700_000_000_000_u64,
        });
        self.board.tell("decision", event.to_string());
    }

    /// A node has given a ballot up.
    pub(crate) fn gave_up(&self, node: &str, ballot: u64) {
        let event = json!({
            "event": "timeout", "node": node, "ballot": ballot, "next": ballot + 1, "reason": "patience",
            "words": "bob waited", "at_ms": 1_700_000_000_000_u64,
        });
        self.board.tell("timeout", event.to_string());
    }

    /// The launcher has seen alice and bob differ in these slots.
    pub(crate) fn differed(&self, slots: &[u64]) {
        let state = json!({
            "event": "divergence", "between": ["alice", "bob"], "slots": slots, "count": slots.len(), "allowed": false,
            "why": "the launcher says so", "at_ms": 1_700_000_000_000_u64,
        });
        self.board
            .state("alice bob", "divergence", state.to_string());
    }
}

/// A node that tells how it is, and no more.
async fn node(name: &str) -> String {
    let all = ["alice", "bob"];
    let status = json!({
        "node": name, "mode": "hpaxos", "network": "fixture", "network_id": "00", "phase": "ready", "plays": all,
        "roles": ["acceptor", "learner"], "peers": {"connected": 2, "expected": 2, "by_name": {"n1": true, "n2": true, "n3": true}, "silent": []}, "ballot": 1,
        "leader": "n1", "waiting": 0, "patience_ms": {"alice": 1000, "bob": 2000},
        "given_up": {"times": 3, "last": {"ballot": 1, "next": 2, "reason": "patience", "words": "alice waited", "at_ms": 1}},
        "learners": {"alice": {"next": 1}, "bob": {"next": 1}},
        "connected": {"alice": all, "bob": all},
    });
    let player = |n: u8| json!({"acceptor": format!("a{n}"), "node": format!("n{n}")});
    let graph = json!({
        "network": "fixture", "network_id": "00", "learners": all, "acceptors": [player(1), player(2), player(3)],
        "proposers": NODES, "canonical": GRAPH,
    });
    let evidence = json!({"node": name, "evidence": []});
    let answer = |body: Json| get(async move || Answer(body));
    let analysis = async |Query(asked): Query<HashMap<String, String>>| Answer(analysis(&asked));
    let router = Router::new()
        .route("/v1/graph/analysis", get(analysis))
        .route("/v1/status", answer(status))
        .route("/v1/graph", answer(graph))
        .route("/v1/evidence", answer(evidence));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// What the graph bears after these faults.
fn analysis(asked: &HashMap<String, String>) -> Json {
    let graph = parse_unchecked(FILE).unwrap();
    let named =
        |name: &str| acceptor_list(&graph, asked.get(name).map_or("", String::as_str)).unwrap();
    let mut options = Options {
        crashed: named("crashed"),
        ..Options::default()
    };
    options.suspicion.caught = named("byzantine");
    json!(outline(&graph, &graph.units(None).unwrap(), &options))
}

fn picture(liars: &[String]) -> Json {
    let node = |(at, name): (usize, &&str)| {
        let lies = liars.iter().any(|liar| liar == name);
        json!({
            "name": name, "http": "http://127.0.0.1:1", "pid": 1, "state": "up", "acceptor": format!("a{}", at + 1),
            "roles": ["acceptor", "learner"], "byzantine": lies.then_some("double-vote"),
        })
    };
    let link = |(a, b): (&str, &str)| json!({"between": [a, b], "cut": false, "delay_ms": 0});
    let links = [("n1", "n2"), ("n1", "n3"), ("n2", "n3")].map(link);
    json!({
        "mode": "hpaxos", "dir": "/nowhere", "disks": [], "behaviours": ["double-vote", "double-announce", "silent"],
        "nodes": NODES.iter().enumerate().map(node).collect::<Vec<_>>(),
        "links": links,
    })
}
