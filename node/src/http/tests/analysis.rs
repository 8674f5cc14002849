//! What the learner graph bears.

use super::*;
use crate::config::Mode;

const PATH: &str = "/v1/graph/analysis";

#[tokio::test]
async fn faults_are_told_apart_and_counted() {
    let f = fixture("").await;
    let (status, whole) = answer(f.get(PATH)).await;
    assert_eq!((status, &whole["complete"]), (200, &json!(true)));
    let alice = |found: &Value| {
        let mut all = found["learners"].as_array().unwrap().iter();
        let of = |o: &&Value| o["names"].as_array().unwrap().contains(&json!("alice"));
        all.find(of).unwrap()["stopped_by"].clone()
    };
    let itself = |found: &Value| {
        let mut all = found["pairs"].as_array().unwrap().iter();
        let pair = json!(["alice", "alice"]);
        let of = |o: &&Value| o["between"].as_array().unwrap().contains(&pair);
        all.find(of).unwrap()["declared"].clone()
    };
    // Two of three decide, and agree while all are safe.
    assert_eq!(alice(&whole)["tolerated"], 1);
    assert_eq!(itself(&whole)["tolerated"], 0);
    // Who is silent does not lie; who lies may be silent.
    let (_, crashed) = answer(f.get(&format!("{PATH}?crashed=a2"))).await;
    assert_eq!(crashed["crashed"], json!(["a2"]));
    assert_eq!(alice(&crashed)["tolerated"], 0);
    assert_eq!(itself(&crashed)["tolerated"], 0);
    let (_, lying) = answer(f.get(&format!("{PATH}?byzantine=a2,a3"))).await;
    assert_eq!(alice(&lying)["verdict"], "broken");
    assert_eq!(itself(&lying)["verdict"], "broken");
    // The same question in other words has the same answer.
    let (_, again) = answer(f.get(&format!("{PATH}?byzantine=a3,%20a2&crashed="))).await;
    assert_eq!(again, lying);
}

#[tokio::test]
async fn names_that_are_none_are_refused_with_what_may_be_meant() {
    let f = fixture("").await;
    for (query, words) in [
        (
            "?crashed=n1",
            "crashed: 'n1' is not an acceptor (did you mean 'a1'?); the acceptors are {a1, ",
        ),
        ("?byzantine=a1,zoe", "byzantine: 'zoe' is not an acceptor; "),
        (
            "?crashed=a1,,a2",
            "crashed: there is a name missing in 'a1,,a2'; put one comma between",
        ),
        (
            "?crashed=a1,a2&byzantine=a2",
            "a2 is in `crashed` and in `byzantine`: ",
        ),
        (
            "?crash=a1",
            "no parameter 'crash' here; there are: crashed, byzantine",
        ),
    ] {
        let (status, problem) = answer(f.get(&format!("{PATH}{query}"))).await;
        assert_eq!(
            (status, &problem["type"]),
            (400, &json!("urn:hpaxos:problem:bad-request"))
        );
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with(words), "{detail}");
    }
}

#[tokio::test]
async fn there_is_none_where_nobody_lies() {
    for mode in [Mode::Paxos, Mode::DiskPaxos] {
        let config = Config {
            mode,
            ..testing::config("")
        };
        let f = fixture_of(&config, 64).await;
        let (status, problem) = answer(f.get(PATH)).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(status == 404 && detail.contains(mode.name()), "{detail}");
    }
}

#[tokio::test]
async fn it_counts_as_any_request() {
    let f = fixture("[limits]\nhttp_rate = 1\nhttp_burst = 1\n").await;
    assert_eq!(answer(f.get(PATH)).await.0, 200);
    let (status, problem) = answer(f.get(PATH)).await;
    assert_eq!(
        (status, &problem["type"]),
        (429, &json!("urn:hpaxos:problem:rate"))
    );
}

#[tokio::test]
async fn many_questions_at_once_have_answers_of_their_own() {
    let f = fixture("").await;
    let queries = (0..8u8).map(|crashed| {
        let names = (0..3).filter(|bit| crashed >> bit & 1 == 1);
        let names: Vec<String> = names.map(|bit| format!("a{}", bit + 1)).collect();
        answer(f.get(&format!("{PATH}?crashed={}", names.join(","))))
    });
    let answers: Vec<(u16, Value)> = queries.collect::<FuturesUnordered<_>>().collect().await;
    let named = |(status, found): &(u16, Value)| {
        assert_eq!(*status, 200, "{found}");
        found["crashed"].to_string()
    };
    let different: std::collections::BTreeSet<String> = answers.iter().map(named).collect();
    assert_eq!(different.len(), 8);
}

#[tokio::test]
async fn no_more_than_some_questions_wait_and_none_for_a_node_that_ends() {
    let f = fixture("").await;
    let turn = f.api.analyses.turn.take().unwrap();
    let waiting = tokio::spawn(answer(f.get(PATH)));
    while f.api.analyses.waiting.taken() == 0 {
        tokio::task::yield_now().await;
    }
    let places: Vec<_> = std::iter::from_fn(|| f.api.analyses.waiting.take()).collect();
    let (status, problem) = answer(f.get(&format!("{PATH}?crashed=a1"))).await;
    assert_eq!(
        (status, &problem["type"]),
        (429, &json!("urn:hpaxos:problem:full"))
    );
    drop(places);
    f.stop.send(true).unwrap();
    assert_eq!(waiting.await.unwrap().0, 503);
    drop(turn);
}
