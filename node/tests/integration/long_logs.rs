//! Logs that outgrow memory and the log file.

use crate::fixture::{TestNet, until};
use futures::future::join_all;
use serde_json::Value;

/// A log file is replaced after one MiB, and few slots and decisions stay in memory.
fn small() -> TestNet {
    let net = TestNet::new(|_| String::new());
    let limits = "sync_ms = 50\nlog_mib = 1\ndecisions_kept = 16\nslots_in_memory = 16";
    let text = net.text.replace("sync_ms = 50", limits);
    TestNet::of(net.dir, text)
}

/// 16 KiB that differ.
fn value(i: usize) -> String {
    format!("{i:08}").repeat(2048)
}

/// Submits values a few at a time, each decided for alice.
async fn submit(net: &TestNet, node: &str, values: std::ops::Range<usize>) {
    let all: Vec<usize> = values.collect();
    for some in all.chunks(8) {
        join_all(
            some.iter()
                .map(|i| async move { net.submit(node, &value(*i), "alice").await }),
        )
        .await;
    }
}

/// Everything that a learner has delivered at a node, by the number of each value, as (slot, value).
async fn log(net: &TestNet, node: &str, learner: &str) -> Vec<(u64, usize)> {
    let (mut log, mut from) = (Vec::new(), 0);
    loop {
        let path = format!("/v1/learners/{learner}/decisions?from={from}&limit=50");
        let page = net.get(node, &path).await;
        let decisions = page["decisions"]
            .as_array()
            .unwrap_or_else(|| panic!("{page}"));
        if decisions.is_empty() {
            return log;
        }
        for decision in decisions {
            assert_eq!(decision["slot"].as_u64(), Some(from), "no slot is missing");
            from += 1;
            for value in decision["values"].as_array().expect("values") {
                let text = value["text"].as_str().expect("text");
                log.push((from - 1, text[..8].parse().expect("a number")));
            }
        }
    }
}

async fn checkpoints(net: &TestNet, node: &str) -> u64 {
    let status: Value = net.get(node, "/v1/status").await;
    status["storage"]["checkpoints"].as_u64().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_away_and_whoever_starts_again_has_the_whole_log() {
    let mut net = small();
    net.start_all().await;
    submit(&net, "n1", 0..16).await;
    net.stop("n4").await;
    submit(&net, "n1", 16..240).await;
    for node in ["n1", "n2", "n3"] {
        assert!(
            checkpoints(&net, node).await > 0,
            "{node} has replaced its log"
        );
    }
    net.start("n4").await;
    until("n4 has caught up", || async {
        (log(&net, "n4", "bob").await.len() == 240).then_some(())
    })
    .await;
    let expected = log(&net, "n1", "alice").await;
    let mut values: Vec<usize> = expected.iter().map(|(_, value)| *value).collect();
    values.sort_unstable();
    assert_eq!(
        values,
        (0..240).collect::<Vec<_>>(),
        "every value exactly once"
    );
    for node in ["n1", "n2", "n3", "n4"] {
        net.stop(node).await;
    }
    net.start_all().await;
    for (node, learner) in [("n1", "alice"), ("n2", "bob"), ("n4", "bob")] {
        assert_eq!(
            log(&net, node, learner).await,
            expected,
            "{learner} at {node}"
        );
    }
    // What was decided long ago is not decided again, and is still proved.
    let again = net.submit("n3", &value(3), "alice").await;
    let slot = expected
        .iter()
        .find(|(_, value)| *value == 3)
        .expect("there")
        .0;
    assert_eq!(again["slot"].as_u64(), Some(slot));
    let path = format!("/v1/decisions/bob/{slot}/certificate");
    let proof = net.get("n2", &path).await;
    assert!(
        proof["signers"].as_array().expect("signers").len() >= 3,
        "{proof}"
    );
    submit(&net, "n2", 240..248).await;
    until("n1 has the new values", || async {
        (log(&net, "n1", "bob").await.len() == 248).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_its_history_is_refused() {
    let mut net = small();
    net.start_all().await;
    // One after the other, so that each has a slot of its own and most are settled at the second checkpoint.
    for i in 0..150 {
        net.submit("n1", &value(i), "alice").await;
    }
    until("n2 has replaced its log twice", || async {
        (checkpoints(&net, "n2").await >= 2).then_some(())
    })
    .await;
    net.stop("n2").await;
    let history = net.path("n2").join("history.redb");
    let aside = net.path("history.aside");
    std::fs::rename(&history, &aside).expect("moved");
    let node = net.try_start("n2").await.expect("it begins to start");
    assert!(!node.ready().await);
    let error = node.ended().await.expect_err("it ends");
    assert!(error.to_string().contains("history.redb"), "{error}");
    node.shut().await;
    std::fs::rename(&aside, &history).expect("moved back");
    net.start("n2").await;
    assert_eq!(log(&net, "n2", "alice").await.len(), 150);
}

/// The same, and carol wants all four acceptors.
fn with_carol() -> TestNet {
    let net = small();
    let text = net
        .text
        .replace(
            "[[safe]]\nbetween = [\"alice\", \"bob\"]",
            "carol = { threshold = 4, of = [\"a1\", \"a2\", \"a3\", \"a4\"] }\n\
             [[safe]]\nbetween = [\"alice\", \"bob\", \"carol\"]",
        )
        .replace(
            "learners = [\"alice\", \"bob\"]",
            "learners = [\"alice\", \"bob\", \"carol\"]",
        );
    let mut net = TestNet::of(net.dir, text);
    net.config.page_slots = 8;
    net
}

async fn frozen(net: &TestNet, node: &str) -> u64 {
    let status: Value = net.get(node, "/v1/status").await;
    status["frozen"].as_u64().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_learner_cannot_decide_leaves_memory_and_is_decided_once_its_acceptors_are_back() {
    let mut net = with_carol();
    net.start_all().await;
    net.submit("n1", &value(0), "carol").await;
    net.stop("n4").await;
    // One after the other, so that each has a slot of its own.
    for i in 1..120 {
        net.submit("n1", &value(i), "alice").await;
    }
    for node in ["n1", "n2", "n3"] {
        assert!(frozen(&net, node).await >= 64, "{node}");
        assert!(checkpoints(&net, node).await > 0, "{node}");
    }
    // The log relies on the history for them: a node that restarts has not forgotten its votes.
    net.stop("n1").await;
    net.start("n1").await;
    assert!(frozen(&net, "n1").await >= 64);
    net.submit("n2", &value(120), "alice").await;
    net.start("n4").await;
    let expected = log(&net, "n2", "alice").await;
    assert_eq!(expected.len(), 121);
    for node in ["n1", "n2", "n3", "n4"] {
        until("carol has everything", || async {
            (log(&net, node, "carol").await.len() == 121).then_some(())
        })
        .await;
        assert_eq!(log(&net, node, "carol").await, expected, "{node}");
        until("nothing is frozen", || async {
            (frozen(&net, node).await == 0).then_some(())
        })
        .await;
        let status: Value = net.get(node, "/v1/status").await;
        assert_eq!(status["caught"], serde_json::json!([]), "{node}");
    }
}
