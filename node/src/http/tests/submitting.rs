//! Submitting a value, and waiting for it.

use super::*;

#[tokio::test]
async fn a_value_is_accepted_as_bytes_and_as_json() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, false);
    let value = ClientValue::new(b"k1".to_vec(), b"\xff\x00".to_vec()).unwrap();
    let expected = json!({"id": value.id(), "decided": false});
    let request = f.post("").header("idempotency-key", "k1");
    assert_eq!(
        answer(request.body(vec![0xff, 0x00])).await,
        (202, expected.clone())
    );
    let request = f.post("").header("idempotency-key", "k1");
    assert_eq!(
        answer(request.json(&json!({"value": "/wA="}))).await,
        (202, expected)
    );
    let empty = ClientValue::new(Vec::new(), Vec::new()).unwrap();
    assert_eq!(answer(f.post("").body("")).await.1["id"], json!(empty.id()));
}

#[tokio::test]
async fn what_cannot_be_a_value_is_refused() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, false);
    for body in [
        json!({"value": "%"}),
        json!({"value": 1}),
        json!({"values": ""}),
        json!([]),
    ] {
        assert_eq!(answer(f.post("").json(&body)).await.0, 400, "{body}");
    }
    let key = "k".repeat(MAX_KEY_BYTES + 1);
    assert_eq!(
        answer(f.post("").header("idempotency-key", key).body("v"))
            .await
            .0,
        400
    );
    assert_eq!(
        answer(f.post("").body(vec![0; MAX_VALUE_BYTES])).await.0,
        202
    );
    assert_eq!(
        answer(f.post("").body(vec![0; MAX_VALUE_BYTES + 1]))
            .await
            .0,
        413
    );
    let announced = f.post("").header("content-length", "1073741824");
    assert_eq!(answer(announced.body("v")).await.0, 413, "not waited for");
    let (status, problem) = answer(f.post("?wait=bob").body("v")).await;
    assert_eq!(status, 400, "bob is not played here");
    assert!(problem["detail"].as_str().unwrap().contains("alice"));
    assert_eq!(answer(f.post("?wiat=alice").body("v")).await.0, 400);
}

#[tokio::test]
async fn a_full_node_says_try_later() {
    let mut f = fixture("").await;
    f.engine(Submitted::Full, false);
    let response: Response = f.post("").body("v").send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "1");
}

#[tokio::test]
async fn a_busy_engine_makes_nobody_wait() {
    let f = fixture_with_queue("", 2).await;
    f.view.set_ready();
    // Nobody takes events out of the queue, which has room for two.
    let waiting: Vec<_> = (0..2)
        .map(|i| tokio::spawn(f.post("").body(i.to_string()).send()))
        .collect();
    let full = async {
        // Until both have arrived, a third one may take their place and wait.
        loop {
            let third = f
                .post("")
                .body("v")
                .timeout(Duration::from_millis(500))
                .send()
                .await;
            if third.is_ok_and(|r| r.status() == 429) {
                break;
            }
        }
    };
    tokio::time::timeout(DEADLINE, full).await.unwrap();
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn wait_answers_with_the_decision() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, true);
    let (status, first) = answer(f.post("?wait=alice").body("v")).await;
    assert_eq!(status, 200);
    let id = ClientValue::new(Vec::new(), b"v".to_vec()).unwrap().id();
    let expected = json!({
        "id": id, "decided": true, "node": "n1", "learner": "alice", "slot": 0, "ballot": 3,
        "digest": Digest::of(b"batch"), "latency_ms": 20, "acceptors": ["a2"],
        "certificate": "/v1/decisions/alice/0/certificate",
    });
    assert_eq!(first, expected);
    let (_, again) = answer(f.post("?wait=alice").body("v")).await;
    assert_eq!(again, expected, "the same submission, the same decision");
}

#[tokio::test]
async fn a_new_value_waits_for_no_turn_at_the_disk() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, true);
    let mut turns = Vec::new();
    for _ in 0..crate::http::READS {
        turns.push(f.api.reads.wait().await);
    }
    let request = f.post("?wait=alice").body("v").timeout(DEADLINE);
    assert_eq!(answer(request).await.0, 200);
}

#[tokio::test]
async fn wait_is_bounded() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, false);
    let (status, answered) = answer(f.post("?wait=alice&timeout_ms=1").body("v")).await;
    assert_eq!((status, &answered["decided"]), (202, &json!(false)));
}

#[tokio::test]
async fn whoever_waits_is_answered_when_the_node_ends() {
    let mut f = fixture("").await;
    f.view.set_ready();
    let events = f.events.take().unwrap();
    let waiting = tokio::spawn(answer(f.post("?wait=alice&timeout_ms=600000").body("v")));
    let accepted = tokio::task::spawn_blocking(move || match events.recv_timeout(DEADLINE) {
        Ok(Event::Submit { answer, .. }) => answer.send((0, Submitted::Accepted)).unwrap(),
        other => panic!("{other:?}"),
    });
    accepted.await.unwrap();
    f.stop.send_replace(true);
    let (status, answered) = waiting.await.unwrap();
    assert_eq!((status, &answered["decided"]), (202, &json!(false)));
}
