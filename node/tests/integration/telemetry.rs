//! A value's spans, from all nodes, at a collector that the test plays.

use crate::fixture::{DEADLINE, TestNet, until};
use crate::{disks, paxos};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use node::Otlp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// A span, and the node that sent it.
type Received = (String, Value);

/// A collector, and what it has received.
struct Collector {
    url: String,
    spans: Arc<Mutex<Vec<Received>>>,
}

impl Collector {
    async fn start() -> Collector {
        let spans: Arc<Mutex<Vec<Received>>> = Arc::default();
        let routes = Router::new()
            .route("/v1/traces", post(receive))
            .with_state(Arc::clone(&spans));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Collector { url, spans }
    }

    fn spans(&self) -> Vec<Received> {
        self.spans.lock().expect("nobody panicked").clone()
    }
}

async fn receive(State(spans): State<Arc<Mutex<Vec<Received>>>>, body: Bytes) -> Json<Value> {
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    for resource in body["resourceSpans"].as_array().expect("resources") {
        let node = attribute(&resource["resource"], "service.instance.id");
        let node = node["stringValue"].as_str().expect("a node").to_owned();
        for scope in resource["scopeSpans"].as_array().expect("scopes") {
            let received = scope["spans"].as_array().expect("spans").iter();
            let mut spans = spans.lock().expect("nobody panicked");
            spans.extend(received.map(|span| (node.clone(), span.clone())));
        }
    }
    Json(json!({}))
}

/// The value of an attribute.
fn attribute(of: &Value, key: &str) -> Value {
    let attributes = of["attributes"].as_array().expect("attributes");
    let found = attributes.iter().find(|a| a["key"] == key);
    found.unwrap_or_else(|| panic!("no {key}: {of}"))["value"].clone()
}

fn number(of: &Value, field: &str) -> u128 {
    let text = of[field].as_str().expect("a number as text");
    text.parse().expect("a number")
}

fn observed(url: &str, ratio: f64) -> Option<Otlp> {
    Some(Otlp {
        endpoint: url.to_owned(),
        ratio,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_one_tree_from_its_submission_to_every_decision() {
    let collector = Collector::start().await;
    let mut net = TestNet::new(|_| String::new());
    net.observers.otlp = observed(&collector.url, 1.0);
    net.start_all().await;
    let names = ["n1", "n2", "n3", "n4"];
    let decided = net.submit("n2", "followed", "alice").await;
    for node in names {
        for learner in ["alice", "bob"] {
            net.delivered_all(node, learner, 1).await;
        }
    }
    // Nodes that end have sent everything.
    for node in names {
        net.stop(node).await;
    }
    let id = decided["id"].as_str().expect("an id");
    let (trace, root_id) = (&id[..32], &id[32..48]);
    let spans = collector.spans();
    assert!(spans.iter().all(|(_, span)| span["traceId"] == trace));
    let ids: BTreeSet<&str> = spans
        .iter()
        .filter_map(|(_, s)| s["spanId"].as_str())
        .collect();
    assert_eq!(ids.len(), spans.len(), "each has an id of its own");
    let named = |name: &str| -> Vec<&Received> {
        let found = spans.iter().filter(|(_, span)| span["name"] == name);
        found.collect()
    };
    let [(node, root)] = named("submit")[..] else {
        panic!("{spans:?}");
    };
    assert_eq!((node.as_str(), &root["spanId"]), ("n2", &json!(root_id)));
    assert_eq!(root.get("parentSpanId"), None);
    assert_eq!(
        attribute(root, "hpaxos.slot")["intValue"],
        decided["slot"].to_string()
    );
    assert_eq!(root["events"][0]["name"], "accepted");
    for (_, span) in &spans {
        assert!(number(span, "startTimeUnixNano") <= number(span, "endTimeUnixNano"));
        let under_root = span["parentSpanId"] == root_id;
        assert!(under_root || span["name"] == "submit", "{span}");
    }
    let proposed = named("propose");
    assert!(!proposed.is_empty(), "{spans:?}");
    for learner in ["alice", "bob"] {
        let decisions = named(&format!("decide {learner}"));
        let nodes: Vec<&str> = decisions.iter().map(|(node, _)| node.as_str()).collect();
        let different: BTreeSet<&str> = nodes.iter().copied().collect();
        assert_eq!(
            different.into_iter().collect::<Vec<_>>(),
            names,
            "{nodes:?}"
        );
        assert_eq!(nodes.len(), names.len());
        for (_, span) in decisions {
            let slot = attribute(span, "hpaxos.slot");
            assert_eq!(slot["intValue"], decided["slot"].to_string());
            let link = &span["links"][0];
            assert_eq!(link["traceId"], trace);
            let proposal = proposed.iter().find(|(_, p)| p["spanId"] == link["spanId"]);
            let (_, proposal) = proposal.expect("what was decided was proposed");
            let ballots = [proposal, span].map(|s| attribute(s, "hpaxos.ballot"));
            assert_eq!(ballots[0], ballots[1]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_modes_for_crashes_have_the_same_spans() {
    for mut net in [paxos::net(), disks::net(true)] {
        let collector = Collector::start().await;
        net.observers.otlp = observed(&collector.url, 1.0);
        net.start_all().await;
        let names: Vec<String> = net.nodes.keys().cloned().collect();
        let decided = net.submit("n2", "followed", "n2").await;
        let again = net.submit("n2", "followed", "n2").await;
        assert_eq!(again["slot"], decided["slot"]);
        for node in &names {
            net.delivered_all(node, node, 1).await;
        }
        for node in &names {
            net.stop(node).await;
        }
        let spans = collector.spans();
        let named = |name: &str| -> Vec<&Value> {
            let found = spans.iter().filter(|(_, span)| span["name"] == name);
            found.map(|(_, span)| span).collect()
        };
        let counts = ["submit", "submit again"].map(|name| named(name).len());
        assert_eq!(counts, [1, 1], "{spans:?}");
        let root = &named("submit")[0]["spanId"];
        assert_eq!(named("submit again")[0]["parentSpanId"], *root);
        let proposed = named("propose");
        for node in &names {
            // Every node is the learner of its own name.
            let [decision] = named(&format!("decide {node}"))[..] else {
                panic!("{node}: {spans:?}");
            };
            assert_eq!(decision["parentSpanId"], *root);
            let link = &decision["links"][0]["spanId"];
            assert!(proposed.iter().any(|p| p["spanId"] == *link), "{spans:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_holds_nobody_up() {
    let gone = Router::new().fallback(|| async { StatusCode::INTERNAL_SERVER_ERROR });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, gone).await });
    let mut net = TestNet::new(|_| String::new());
    net.observers.otlp = observed(&url, 1.0);
    net.start_all().await;
    net.submit("n1", "not followed", "alice").await;
    until("the loss is counted", || async {
        let address = format!("{}/metrics", net.address("n1"));
        let text = net
            .client
            .get(address)
            .send()
            .await
            .ok()?
            .text()
            .await
            .ok()?;
        let failed = "hpaxos_otlp_spans_total{outcome=\"failed\"} ";
        let failed = text.lines().find_map(|line| line.strip_prefix(failed))?;
        (failed != "0").then_some(())
    })
    .await;
    net.stop("n1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sampled_is_followed_nowhere() {
    let collector = Collector::start().await;
    let mut net = TestNet::new(|_| String::new());
    net.observers.otlp = observed(&collector.url, 0.0);
    net.start_all().await;
    net.submit("n1", "unseen", "alice").await;
    let stopped = async {
        for node in ["n1", "n2", "n3", "n4"] {
            net.stop(node).await;
        }
    };
    tokio::time::timeout(DEADLINE, stopped)
        .await
        .expect("they end");
    assert!(collector.spans().is_empty());
    net.observers.otlp = observed("collector:4318", 1.0);
    let error = net.try_start("n1").await.err().expect("no URL");
    assert!(error.to_string().contains("--otlp"), "{error}");
}
