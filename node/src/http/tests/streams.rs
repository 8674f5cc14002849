//! Streams of events.

use super::*;

/// Reads a stream until it has shown so many events, as (id, event, data).
async fn events(response: Response, n: usize) -> Vec<(String, String, Value)> {
    let mut stream = response.bytes_stream();
    let mut text = String::new();
    while text.matches("\n\n").count() < n {
        let more = tokio::time::timeout(DEADLINE, stream.next()).await.unwrap();
        text.push_str(std::str::from_utf8(&more.unwrap().unwrap()).unwrap());
    }
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|l| l.strip_prefix(name));
        line.unwrap_or("").trim().to_owned()
    };
    let blocks = text
        .split("\n\n")
        .filter(|b| !b.is_empty() && !b.starts_with(':'));
    blocks
        .map(|b| {
            let data = serde_json::from_str(&field(b, "data:")).unwrap();
            (field(b, "id:"), field(b, "event:"), data)
        })
        .collect()
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event() {
    let f = fixture("").await;
    let live = f.get("/v1/events").send().await.unwrap();
    f.decide(0, b"v0");
    f.view.set_peer("n2", true);
    f.decide(1, b"v1");
    let seen = events(live, 3).await;
    let kinds: Vec<&str> = seen.iter().map(|(_, kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["decision", "peer", "decision"]);
    let at = seen[1].2["at_ms"].as_u64().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!(u128::from(at) + 3_600_000 > now.as_millis() && u128::from(at) <= now.as_millis());
    let expected =
        json!({"at_ms": at, "event": "peer", "node": "n1", "peer": "n2", "connected": true});
    assert_eq!(seen[1].2, expected);
    let data = &seen[0].2;
    assert_eq!(
        (&data["learner"], &data["slot"]),
        (&json!("alice"), &json!(0))
    );
    assert_eq!(
        (&data["latency_ms"], &data["values"][0]["text"]),
        (&json!(20), &json!("v0"))
    );
    let resumed = f.get("/v1/events").header("last-event-id", &seen[0].0);
    assert_eq!(events(resumed.send().await.unwrap(), 2).await, seen[1..]);
    let all = f.get("/v1/events?last_event_id=0").send().await.unwrap();
    assert_eq!(events(all, 3).await, seen);
    assert_eq!(
        answer(f.get("/v1/events").header("last-event-id", "x"))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn a_ballot_that_is_given_up_is_told_with_the_reason() {
    let f = fixture("").await;
    f.view.set_status(Status {
        patience: vec![Duration::from_secs(2), Duration::from_secs(1)],
        ..Status::default()
    });
    let status = answer(f.get("/v1/status")).await.1;
    assert_eq!(status["patience_ms"]["alice"], 2000);
    assert_eq!(status["given_up"], json!({"times": 0, "last": null}));
    let mut learners = LearnerSet::EMPTY;
    learners.insert(LearnerId(0));
    let patience = Duration::from_secs(1);
    for (ballot, why) in [(1, Why::Others), (2, Why::Patience { learners, patience })] {
        f.view.given_up(&GivenUp {
            ballot: Ballot(ballot),
            next: Ballot(ballot + 1),
            why,
        });
    }
    let stream = f.get("/v1/events?last=1").send().await.unwrap();
    let (_, kind, told) = events(stream, 1).await.remove(0);
    let words = "patience of 1000 ms ran out for alice";
    assert_eq!((kind.as_str(), &told["words"]), ("timeout", &json!(words)));
    let given_up = &answer(f.get("/v1/status")).await.1["given_up"];
    assert_eq!(given_up["times"], 2);
    for field in ["ballot", "next", "reason", "words"] {
        assert_eq!(given_up["last"][field], told[field], "{field}");
    }
    let metrics = text(f.get("/metrics")).await;
    for line in [
        "hpaxos_timeouts_total{reason=\"patience\"} 1",
        "hpaxos_timeouts_total{reason=\"equivocated\"} 0",
        "hpaxos_patience_seconds{learner=\"alice\"} 2.0",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_stream_says_what_it_missed() {
    let f = fixture("[limits]\nevents_kept = 16\n").await;
    for ballot in 0..20 {
        f.view.events.push(Happening::Ballot {
            ballot,
            leader: "n1".into(),
        });
    }
    for id in ["7-1", "6-19"] {
        let stream = f
            .get("/v1/events")
            .header("last-event-id", id)
            .send()
            .await
            .unwrap();
        let seen = events(stream, 2).await;
        assert_eq!(seen[0].1, "gap", "{id}");
        assert_eq!(
            seen[1].2["ballot"], 4,
            "{id}: goes on with the oldest that is kept"
        );
    }
}

#[tokio::test]
async fn streams_are_bounded_and_end_with_the_node() {
    let f = fixture("[limits]\nhttp_streams = 1\n").await;
    let mut first = f.get("/v1/events").send().await.unwrap();
    assert_eq!(answer(f.get("/v1/events")).await.0, 429);
    f.stop.send_replace(true);
    assert_eq!(first.chunk().await.unwrap(), None);
}
