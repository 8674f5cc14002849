//! What whole nodes store, and what `hpaxos storage` says of it.

use crate::fixture::TestNet;
use crate::{disks, paxos};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// Asks about the data of a node: the exit code, and what was printed as JSON.
fn storage(net: &TestNet, command: &str, node: &str) -> (Option<i32>, Vec<Value>) {
    let mut hpaxos = Command::new(env!("CARGO_BIN_EXE_hpaxos"));
    hpaxos.args(["storage", command, "--json", "--config"]);
    hpaxos.arg(net.path("net.toml"));
    hpaxos.arg("--data").arg(net.path(node));
    let output = hpaxos.output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().map(|l| serde_json::from_str(l).expect("JSON"));
    (output.status.code(), lines.collect())
}

/// Runs a network for a value. What its nodes have stored is in order, and of these kinds among others.
async fn check(mut net: TestNet, learner: &str, expected: &[&str]) {
    net.start_all().await;
    net.submit("n1", "value", learner).await;
    assert_eq!(storage(&net, "check", "n1").0, Some(3), "it is in use");
    let nodes: Vec<String> = net.nodes.keys().cloned().collect();
    for node in &nodes {
        net.stop(node).await;
    }
    let mut kinds = BTreeSet::new();
    for node in &nodes {
        let (code, lines) = storage(&net, "check", node);
        assert_eq!(code, Some(0), "{node}: {lines:?}");
        let (code, lines) = storage(&net, "show", node);
        assert_eq!(code, Some(0), "{node}: {lines:?}");
        let found = lines.iter().filter(|line| line["event"] == "kind");
        kinds.extend(found.map(|line| line["kind"].as_str().expect("a kind").to_owned()));
    }
    // Some node has each, though not every node has all.
    for kind in expected {
        assert!(kinds.contains(*kind), "no {kind}: {kinds:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heterogeneous_paxos() {
    let kinds = ["1a", "1b", "1c", "votes", "batch", "value"];
    check(TestNet::new(|_| String::new()), "alice", &kinds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn classic_paxos() {
    check(paxos::net(), "n1", &["1b", "2b", "batch", "value"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_paxos() {
    // What is decided is on the disks.
    check(disks::net(true), "n1", &["value"]).await;
}
