//! Streams: events resume after lost connections, and decisions come once and in order whatever happens to events.

use crate::stub::{self, Stub};
use futures::StreamExt;
use hpaxos_client::{Client, Decisions, Error, Event, Followed, Nodes, Since};
use std::time::Duration;

fn frame(id: &str, data: &str) -> String {
    format!("id: {id}\ndata: {data}\n\n")
}

async fn next(decisions: &mut Decisions) -> String {
    let decision = decisions.next().await.unwrap().unwrap();
    let text = decision.values[0].text().unwrap();
    format!("{} {text}", decision.slot)
}

#[tokio::test]
async fn events_resume_after_the_last_one() {
    let stub = Stub::default();
    let (first, second) = (stub.stream(), stub.stream());
    let node = stub.serve().await;
    let mut events = node.events(Since::Oldest);
    assert_eq!(events.next().await, Some(Followed::Connected));
    let ballot = r#"{"event":"ballot","ballot":2,"leader":"n2"}"#;
    first.send(frame("a-1", ballot)).unwrap();
    let Some(Followed::Event(event)) = events.next().await else {
        panic!("an event was sent")
    };
    let leader = Some("n2".to_owned());
    assert_eq!(event.read().unwrap(), Event::Ballot { ballot: 2, leader });
    drop(first);
    assert!(matches!(events.next().await, Some(Followed::Lost(_))));
    assert_eq!(events.next().await, Some(Followed::Connected));
    // Without an id: the place stays.
    second.send("data: {\"event\":\"gap\"}\n\n".into()).unwrap();
    assert!(matches!(events.next().await, Some(Followed::Event(_))));
    drop(second);
    assert!(matches!(events.next().await, Some(Followed::Lost(_))));
    // No stream is left: it is busy until there is one.
    assert!(matches!(
        events.next().await,
        Some(Followed::Lost(Error::Busy { .. }))
    ));
    let _third = stub.stream();
    while events.next().await != Some(Followed::Connected) {}
    let since = |id: &str| Some(id.to_owned());
    assert_eq!(
        *stub.opened.lock().unwrap(),
        [since("0"), since("a-1"), since("a-1")]
    );
}

#[tokio::test]
async fn decisions_are_pages_and_then_events() {
    let stub = Stub::default();
    let told: Vec<String> = ["a", "b", "c"]
        .iter()
        .map(|text| stub.decide(text))
        .collect();
    let stream = stub.stream();
    // Told while the pages were read, and read already.
    stream.send(frame("r-1", &told[2])).unwrap();
    let node = stub.serve().await;
    let mut decisions = node.decisions("alice", 1);
    assert_eq!(next(&mut decisions).await, "1 b");
    assert_eq!(next(&mut decisions).await, "2 c");
    stream.send(frame("r-2", &stub.decide("d"))).unwrap();
    assert_eq!(next(&mut decisions).await, "3 d");
    // Another learner's is passed over.
    let other = stub.decide("e");
    stream
        .send(frame("r-3", &other.replace("alice", "bob")))
        .unwrap();
    stream.send(frame("r-4", &other)).unwrap();
    assert_eq!(next(&mut decisions).await, "4 e");
}

#[tokio::test]
async fn what_events_leave_out_is_read_from_pages() {
    let stub = Stub::default();
    let stream = stub.stream();
    let node = stub.serve().await;
    let mut decisions = node.decisions("alice", 0);
    stream.send(frame("r-1", &stub.decide("a"))).unwrap();
    assert_eq!(next(&mut decisions).await, "0 a");
    // Two are decided, and the second one only is told.
    let _ = stub.decide("b");
    stream.send(frame("r-3", &stub.decide("c"))).unwrap();
    assert_eq!(next(&mut decisions).await, "1 b");
    assert_eq!(next(&mut decisions).await, "2 c");
    let _ = stub.decide("d");
    stream
        .send("data: {\"event\":\"gap\",\"node\":\"n1\"}\n\n".into())
        .unwrap();
    assert_eq!(next(&mut decisions).await, "3 d");
}

#[tokio::test]
async fn a_lost_connection_loses_no_decision() {
    let stub = Stub::default();
    let (first, second) = (stub.stream(), stub.stream());
    let node = stub.serve().await;
    let mut decisions = node.decisions("alice", 0);
    first.send(frame("r-1", &stub.decide("a"))).unwrap();
    assert_eq!(next(&mut decisions).await, "0 a");
    // Half an event, and then nothing.
    let lost = stub.decide("b");
    first.send(format!("data: {}", &lost[..9])).unwrap();
    drop(first);
    assert_eq!(next(&mut decisions).await, "1 b");
    second.send(frame("q-1", &lost)).unwrap();
    second.send(frame("q-2", &stub.decide("c"))).unwrap();
    assert_eq!(next(&mut decisions).await, "2 c");
}

#[tokio::test]
async fn another_node_goes_on_where_one_has_died() {
    let (dies, stays) = (Stub::default(), Stub::default());
    let (first, _second) = (dies.stream(), stays.stream());
    let nodes = Nodes::new([dies.serve().await, stays.serve().await]);
    let mut decisions = nodes.decisions("alice", 0);
    for text in ["a", "b"] {
        stays.decide(text);
    }
    first.send(frame("r-1", &dies.decide("a"))).unwrap();
    assert_eq!(next(&mut decisions).await, "0 a");
    drop(first);
    assert_eq!(next(&mut decisions).await, "1 b");
}

#[tokio::test]
async fn the_node_that_refuses_is_blamed_and_no_other() {
    let (refuses, stays) = (Stub::default(), Stub::default());
    let (first, _again, _second) = (refuses.stream(), refuses.stream(), stays.stream());
    let client = refuses.serve().await;
    let nodes = Nodes::new([client.clone(), stays.serve().await]);
    let mut decisions = nodes.decisions("alice", 0);
    first.send(frame("r-1", &refuses.decide("a"))).unwrap();
    assert_eq!(next(&mut decisions).await, "0 a");
    for text in ["a", "b"] {
        stays.decide(text);
    }
    // It comes last now: its turn is the other's.
    nodes.insert(0, client);
    for _ in 0..2 {
        refuses.answer(404, &[], "{\"detail\": \"it plays alice no longer\"}");
    }
    first
        .send("data: {\"event\":\"gap\",\"node\":\"n1\"}\n\n".into())
        .unwrap();
    assert_eq!(next(&mut decisions).await, "1 b");
}

#[tokio::test]
async fn what_does_not_pass_ends_the_stream() {
    let stub = Stub::default();
    let _stream = stub.stream();
    stub.answer(404, &[], "{\"detail\": \"no learner\"}");
    let node = stub.serve().await;
    let mut decisions = node.decisions("alice", 0);
    let refused = decisions.next().await.unwrap();
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    assert!(decisions.next().await.is_none());
}

#[tokio::test]
async fn patience_ends() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let node = Client::connect(&url).unwrap();
    let mut decisions = node.decisions("alice", 0).within(Duration::ZERO);
    let late = decisions.next().await.unwrap();
    assert!(matches!(late, Err(Error::NoAnswer { .. })), "{late:?}");
    assert!(decisions.next().await.is_none());
}

#[tokio::test]
async fn a_log_with_a_hole_is_not_believed() {
    let stub = Stub::default();
    let _stream = stub.stream();
    stub.log.lock().unwrap().push(stub::decision(1, "b"));
    let node = stub.serve().await;
    let hole = node.decisions("alice", 0).next().await.unwrap();
    assert!(
        matches!(&hole, Err(Error::Unreadable { why, .. }) if why == "slot 0 is left out"),
        "{hole:?}"
    );
}
