//! Single requests: what is asked, what is made of answers, and when a request is made again.

use crate::stub::{self, FULL, LONG, Stub, asked};
use hpaxos_client::{Client, Error, Nodes};
use std::time::Duration;

#[tokio::test]
async fn a_value_is_submitted_under_its_key() {
    let stub = Stub::default();
    let node = stub.serve().await;
    let submitted = node.submit(b"hello", "k1").await.unwrap();
    assert_eq!(
        (submitted.id.as_str(), submitted.receipt),
        ("id of hello", None)
    );
    node.submit(b"", "").await.unwrap();
    assert_eq!(asked(&stub), ["k1: hello", ": "]);
    // The node would see another key than this.
    for bad in ["two\nlines", " k1", "k1 ", "k1\t", " "] {
        let refused = node.submit(b"x", bad).await.unwrap_err();
        assert!(matches!(refused, Error::Key(_)), "{refused}");
    }
    node.submit(b"x", "in between").await.unwrap();
    assert_eq!(asked(&stub)[2..], ["in between: x"]);
}

#[tokio::test]
async fn the_decision_of_a_value_is_found_with_its_place() {
    let stub = Stub::default();
    let node = stub.serve().await;
    stub.decide("first");
    stub.decide("second");
    let placed = node
        .submit_and_wait(b"second", "", "alice", LONG)
        .await
        .unwrap();
    assert_eq!(
        (placed.position, placed.decision),
        (0, stub::decision(1, "second"))
    );
    let late = node
        .submit_and_wait(b"third", "", "alice", LONG)
        .await
        .unwrap_err();
    let words = late.to_string();
    assert!(matches!(late, Error::Undecided { .. }), "{late}");
    assert!(
        words.starts_with("alice has not decided value id of third within 60000 ms"),
        "{words}"
    );
}

#[tokio::test]
async fn a_busy_node_is_asked_again_only_if_that_is_wanted() {
    let stub = Stub::default();
    let node = stub.serve().await;
    stub.answer(429, &[("retry-after", "7")], FULL);
    let busy = node.submit(b"v", "k").await.unwrap_err();
    let Error::Busy {
        problem,
        retry_after,
        ..
    } = &busy
    else {
        panic!("{busy}")
    };
    assert_eq!(
        (problem.status, problem.detail.as_str()),
        (429, "the node is busy")
    );
    assert_eq!(*retry_after, Some(Duration::from_secs(7)));
    assert!(busy.passes());

    stub.answer(429, &[("retry-after", "0")], FULL);
    stub.answer(503, &[], "");
    // A proxy that does not reach the node.
    stub.answer(502, &[], "<h1>Bad gateway</h1>");
    stub.answer(504, &[], "");
    let patient = node.clone().retrying(LONG);
    patient.submit(b"v", "k").await.unwrap();
    assert_eq!(asked(&stub), ["k: v"; 6]);

    // Seven seconds are more than it has.
    stub.answer(429, &[("retry-after", "7")], FULL);
    let hasty = node.retrying(Duration::from_secs(1));
    assert_eq!(hasty.submit(b"v", "k").await.unwrap_err(), busy);
}

#[tokio::test]
async fn what_is_refused_is_not_asked_again() {
    let stub = Stub::default();
    let node = stub.serve().await.retrying(LONG);
    stub.answer(
        413,
        &[],
        r#"{"type":"urn:hpaxos:problem:too-large","detail":"too large"}"#,
    );
    let refused = node.submit(b"v", "k").await.unwrap_err();
    let Error::Refused { problem, .. } = &refused else {
        panic!("{refused}")
    };
    assert_eq!(problem.kind, "urn:hpaxos:problem:too-large");
    assert!(
        refused.to_string().ends_with(" answers 413: too large"),
        "{refused}"
    );
    stub.answer(200, &[], "{\"id\": 7}");
    let unreadable = node.submit(b"v", "k").await.unwrap_err();
    assert!(
        matches!(&unreadable, Error::Unreadable { path, .. } if path == "/v1/values"),
        "{unreadable}"
    );
    assert!(!unreadable.passes());
    assert_eq!(asked(&stub).len(), 2);
}

#[tokio::test]
async fn a_dead_node_does_not_answer() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let refused = Client::connect(&url).unwrap().status().await.unwrap_err();
    assert!(matches!(refused, Error::NoAnswer { .. }), "{refused}");
}

#[tokio::test]
async fn another_node_takes_what_one_does_not() {
    let (busy, ready) = (Stub::default(), Stub::default());
    busy.answer(503, &[], "");
    busy.answer(
        404,
        &[],
        "{\"detail\": \"this node does not play a learner 'alice'\"}",
    );
    ready.decide("v");
    let nodes = Nodes::new([busy.serve().await, ready.serve().await]);
    let (node, _) = nodes.submit(b"v", "k", 0).await.unwrap();
    assert_eq!(node, 1);
    let placed = nodes
        .submit_and_wait(b"v", "k", "alice", LONG, 0)
        .await
        .unwrap();
    assert_eq!(placed.decision.slot, 0);
    // Both under the same key.
    assert_eq!(asked(&busy), ["k: v"; 2]);
    assert_eq!(asked(&ready), ["k: v", "k: v", "alice from 0"]);
}

#[tokio::test]
async fn a_node_that_hangs_is_left_for_the_next_one() {
    // It takes connections, and never answers.
    let hangs = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", hangs.local_addr().unwrap());
    let ready = Stub::default();
    ready.decide("v");
    let nodes = Nodes::new([Client::connect(&url).unwrap(), ready.serve().await]);
    let placed = nodes
        .asking_each(Duration::from_millis(10))
        .submit_and_wait(b"v", "k", "alice", LONG, 0)
        .await;
    assert_eq!(placed.unwrap().decision.slot, 0);
}

#[tokio::test]
async fn a_node_that_is_only_busy_is_waited_for_although_the_other_refuses() {
    let (refuses, busy) = (Stub::default(), Stub::default());
    for _ in 0..3 {
        refuses.answer(404, &[], "{\"detail\": \"it does not play alice\"}");
        busy.answer(503, &[], "");
    }
    busy.decide("v");
    let nodes = Nodes::new([refuses.serve().await, busy.serve().await]);
    let placed = nodes.submit_and_wait(b"v", "k", "alice", LONG, 0).await;
    assert_eq!(placed.unwrap().decision.slot, 0);
}

#[tokio::test]
async fn what_every_node_refuses_is_refused() {
    let stubs = [Stub::default(), Stub::default()];
    for stub in &stubs {
        stub.answer(404, &[], "{\"detail\": \"no\"}");
    }
    let nodes = Nodes::new([stubs[0].serve().await, stubs[1].serve().await]);
    let refused = nodes
        .submit_and_wait(b"v", "k", "alice", LONG, 0)
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
    let nobody = Nodes::default()
        .submit_and_wait(b"v", "k", "alice", Duration::ZERO, 0)
        .await;
    assert!(matches!(nobody, Err(Error::NoAnswer { .. })), "{nobody:?}");
}

#[tokio::test]
async fn whoever_owns_the_highest_ballot_leads() {
    let stubs = [Stub::default(), Stub::default(), Stub::default()];
    let status = |ballot: u64, leader: &str| {
        format!(
            r#"{{"node":"n1","mode":"paxos","network":"t","network_id":"00","phase":"ready","ballot":{ballot},"leader":{leader}}}"#
        )
    };
    stubs[0].answer(200, &[], &status(3, "\"n1\""));
    stubs[1].answer(200, &[], &status(4, "\"n2\""));
    let mut nodes = Vec::new();
    for stub in &stubs {
        nodes.push(stub.serve().await);
    }
    assert_eq!(
        Nodes::new(nodes.clone()).leader().await.as_deref(),
        Some("n2")
    );
    assert_eq!(Nodes::new(nodes).leader().await, None);
}
