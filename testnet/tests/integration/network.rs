//! Networks of real nodes: decisions, deaths, a double-voting acceptor, and nothing left behind.

use crate::support::{self, Launcher, kill, pid, up};
use hpaxos_client::{Client, Evidence};
use rustix::process::Signal;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Runs a request against a node.
fn ask<T>(node: &Json, request: impl AsyncFnOnce(Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let url = node["http"].as_str().unwrap();
        request(Client::connect(url).unwrap()).await
    })
}

fn decision_of<'a>(learner: &'a str, text: &'a str) -> impl Fn(&Json) -> bool + 'a {
    move |event| {
        let values = event["values"].as_array();
        let has = values.is_some_and(|values| values.iter().any(|v| v["text"] == text));
        event["event"] == "decision" && event["learner"] == learner && has
    }
}

#[test]
fn all_learners_decide_everything_and_agree() {
    let outcome = up(&["--json"], None);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let summary = outcome.summary();
    assert_eq!(summary["agreed"], true, "{outcome}");
    for learner in summary["learners"].as_array().unwrap() {
        assert_eq!(
            (&learner["must_decide"], &learner["values"]),
            (&true.into(), &5.into())
        );
    }
    let events = outcome.events();
    let decisions = events.iter().filter(|e| e["event"] == "decision");
    let who: BTreeSet<_> = decisions
        .map(|e| (e["node"].to_string(), e["learner"].to_string()))
        .collect();
    assert_eq!(who.len(), 4 * 3, "every learner on every node: {who:?}");
}

#[test]
fn other_sizes_and_pure_learners_work() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("graph.toml");
    std::fs::write(&file, learner_graph::builtin(3)).unwrap();
    let outcome = up(
        &["--json", "--graph", file.to_str().unwrap(), "--nodes", "5"],
        None,
    );
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let nodes = outcome.events();
    assert_eq!(nodes[4]["roles"], serde_json::json!(["learner"]));
    let alone = up(&["--nodes", "1"], None);
    assert_eq!(alone.code(), Some(0), "{alone}");
}

#[test]
fn a_killed_acceptor_stops_only_learners_without_quorum() {
    let mut run = Launcher::start(&["--keep"], None);
    let nodes = run.nodes(4);
    run.until(decision_of("carol", "last call"));
    kill(pid(&nodes[3]), Signal::KILL);
    // Only once it is dead does the next value show that the others do without it.
    support::eventually("n4 is dead", || !support::runs(pid(&nodes[3])));
    ask(&nodes[0], async |node| {
        node.submit(b"after the death", "after").await.unwrap()
    });
    let waiting = ["n1", "n2", "n3"]
        .into_iter()
        .flat_map(|n| [(n, "alice"), (n, "bob")]);
    let mut waiting: BTreeSet<_> = waiting.map(|(n, l)| (n.to_owned(), l.to_owned())).collect();
    while !waiting.is_empty() {
        let decision = run.until(|event| {
            ["alice", "bob", "carol"]
                .iter()
                .any(|l| decision_of(l, "after the death")(event))
        });
        assert_ne!(
            decision["learner"], "carol",
            "carol needs all four acceptors"
        );
        let text = |field: &str| decision[field].as_str().unwrap().to_owned();
        waiting.remove(&(text("node"), text("learner")));
    }
    run.signal(Signal::TERM);
    let (status, last) = run.end();
    let summary = last.unwrap();
    assert_eq!(status.code(), Some(0), "{summary}");
    assert_eq!(
        summary["dead"],
        serde_json::json!([{"node": "n4", "how": "killed"}])
    );
    let must: Vec<_> = (0..3)
        .map(|l| summary["learners"][l]["must_decide"].clone())
        .collect();
    assert_eq!(must, [true, true, false]);
}

#[test]
fn values_after_a_planned_kill_of_the_leader_are_decided() {
    // n1 owns the first ballot; alice alone has quorums without it.
    let args = ["--json", "--kill", "n1@2values", "--patience-ms", "200"];
    let outcome = up(&args, None);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let summary = outcome.summary();
    assert_eq!(summary["learners"][0]["values"], 5, "{outcome}");
    let must: Vec<_> = (0..3)
        .map(|l| summary["learners"][l]["must_decide"].clone())
        .collect();
    assert_eq!(must, [true, false, false]);
    let ballots: BTreeSet<_> = outcome
        .events()
        .iter()
        .filter(|e| e["event"] == "decision")
        .map(|e| e["ballot"].as_u64().unwrap())
        .collect();
    assert!(
        ballots.last() > Some(&1),
        "a later ballot decided: {ballots:?}"
    );
}

#[test]
fn a_double_voter_is_caught_everywhere_and_divides_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let net = dir.path().join("net");
    let arguments = ["--byzantine", "n4=double-vote", "--keep", "--dir"];
    let arguments = [&arguments[..], &[net.to_str().unwrap()]].concat();
    let mut run = Launcher::start(&arguments, None);
    let nodes = run.nodes(4);
    let mut convicted = BTreeSet::new();
    // The one that it is about hears of it, too.
    while convicted.len() < 4 {
        let evidence = run.until(|e| e["event"] == "evidence");
        assert_eq!(evidence["acceptor"], "a4", "nobody else misbehaves");
        convicted.insert(evidence["node"].as_str().unwrap().to_owned());
    }
    for node in &nodes[..3] {
        let answer = ask(node, async |node| node.evidence().await.unwrap());
        let convicts = |piece: &Evidence| piece.acceptor.as_deref() == Some("a4");
        assert!(answer.evidence.iter().any(convicts), "{answer:?}");
    }
    for node in ["n1", "n2", "n3", "n4"] {
        let log = net.join("logs").join(format!("{node}.log"));
        let log = std::fs::read_to_string(log).unwrap();
        let told = log.contains("this is evidence against this very node");
        assert_eq!(told, node == "n4", "{node}: {log}");
    }
    run.signal(Signal::INT);
    let (_, last) = run.end();
    let summary = last.unwrap();
    assert_eq!(summary["agreed"], true, "{summary}");
    assert_eq!(summary["caught"], serde_json::json!(["a4"]));
    assert_eq!(
        summary["entangled"],
        serde_json::json!([["alice", "bob", "carol"]])
    );
}

/// What convicts a proposer names no acceptor.
#[test]
fn a_proposer_that_lies_is_in_the_verdict() {
    let arguments = ["--byzantine", "n1=double-announce", "--keep"];
    let mut run = Launcher::start(&arguments, None);
    run.until(|e| e["event"] == "evidence" && e["node"] != "n1");
    run.signal(Signal::INT);
    let (_, last) = run.end();
    let summary = last.unwrap();
    let words = summary["evidence"][0].as_str().unwrap_or_default();
    assert!(words.starts_with("proposer n1 equivocated"), "{summary}");
}

#[test]
fn a_double_voter_does_not_stop_the_others() {
    let outcome = up(&["--byzantine", "n4=double-vote"], None);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    assert!(outcome.stdout.contains("evidence against a4"), "{outcome}");
    assert!(
        outcome
            .stdout
            .contains("the Byzantine acceptors notwithstanding, and do"),
        "{outcome}"
    );
}

#[test]
fn sigkill_of_the_launcher_ends_real_nodes_too() {
    let mut run = Launcher::start(&["--keep"], None);
    run.nodes(4);
    run.until(|e| e["event"] == "decision");
    run.signal(Signal::KILL);
    run.child.wait().unwrap();
    run.nothing_left();
}

#[test]
fn a_few_hundred_values_are_decided() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("values");
    let lines: String = (0..300).map(|i| format!("value {}\n", i % 100)).collect();
    std::fs::write(&file, lines).unwrap();
    let outcome = up(&["--values", file.to_str().unwrap()], None);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    assert!(outcome.stdout.contains("300 of 300"), "{outcome}");
    assert!(
        !outcome.stdout.contains("slot 0 "),
        "many decisions are not printed: {outcome}"
    );
}

/// What everybody who must decide has decided, in a run that went well.
fn decided_by(arguments: &[&str]) -> Vec<(String, Json)> {
    let outcome = up(arguments, None);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let summary = outcome.summary();
    assert_eq!(summary["agreed"], true, "{outcome}");
    let learners = summary["learners"].as_array().unwrap();
    learners
        .iter()
        .filter(|l| l["must_decide"] == true)
        .map(|l| {
            (
                l["learner"].as_str().unwrap().to_owned(),
                l["values"].clone(),
            )
        })
        .collect()
}

#[test]
fn paxos_goes_on_without_its_leader() {
    let run = [
        "--json",
        "--mode",
        "paxos",
        "--patience-ms",
        "300",
        "--kill",
        "n1@2values",
    ];
    let five = |name: &str| (name.to_owned(), Json::from(5));
    assert_eq!(decided_by(&run), [five("n2"), five("n3")]);
}

#[test]
fn paxos_goes_on_while_read_and_write_quorums_are_left() {
    let graph = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/flexible.toml");
    let run = ["--json", "--mode", "paxos", "--graph", graph];
    assert_eq!(decided_by(&run).len(), 5);
}

#[test]
fn disk_paxos_goes_on_without_one_processor_and_one_disk() {
    let run = [
        "--json",
        "--mode",
        "disk-paxos",
        "--patience-ms",
        "300",
        "--kill",
        "d1@1value",
        "--kill",
        "n1@2values",
    ];
    assert_eq!(decided_by(&run), [("n2".to_owned(), Json::from(5))]);
}

#[test]
fn disk_paxos_stops_without_a_majority_of_disks() {
    let run = [
        "--json",
        "--mode",
        "disk-paxos",
        "--kill",
        "d1",
        "--kill",
        "d2",
    ];
    let outcome = up(&run, None);
    assert_eq!(outcome.code(), Some(3), "{outcome}");
    let events = outcome.events();
    assert!(events.iter().all(|e| e["event"] != "decision"), "{outcome}");
}
