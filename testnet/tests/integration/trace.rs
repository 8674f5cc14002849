//! Traces of networks of real nodes are behaviours of the specification.

use crate::support::{self, Launcher, Outcome, kill, pid, run, up};
use hpaxos_client::Client;
use rustix::process::Signal;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::process::Child;

/// Runs a network that writes traces into `dir`.
fn traced(dir: &Path, args: &[&str]) -> Outcome {
    let mut all = vec!["--json", "--trace", dir.to_str().unwrap()];
    all.extend(args);
    up(&all, None)
}

fn file(dir: &Path, node: &str) -> PathBuf {
    dir.join(format!("{node}.ndjson"))
}

/// Checks the traces of these nodes.
fn check(dir: &Path, nodes: &[&str], args: &[&str]) -> Outcome {
    let files: Vec<PathBuf> = nodes.iter().map(|node| file(dir, node)).collect();
    let files = files.iter().map(|path| path.to_str().unwrap());
    run(
        "trace",
        &files.chain(args.iter().copied()).collect::<Vec<_>>(),
        None,
    )
}

const ALL: [&str; 4] = ["n1", "n2", "n3", "n4"];

#[test]
fn a_network_without_faults() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = traced(dir.path(), &[]);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let checked = check(dir.path(), &ALL, &["--json"]);
    assert_eq!(checked.code(), Some(0), "{checked}");
    let summary = checked.summary();
    assert_eq!(summary["untold"], 0, "{checked}");
    for learner in ["alice", "bob", "carol"] {
        let decided = summary["decided"][learner].as_u64();
        assert!(decided > Some(0), "{checked}");
    }
    for action in [
        "Phase1a",
        "Phase1b",
        "Phase1c",
        "Phase2av",
        "Phase2b",
        "Recv",
        "LearnerRecv",
    ] {
        assert!(
            summary["lines"][action].as_u64() > Some(0),
            "{action}: {checked}"
        );
    }
    let words = check(dir.path(), &ALL, &[]);
    assert!(words.stdout.starts_with("accepted: "), "{words}");
    // One slot, as lines that have the form of a trace.
    let slot = check(dir.path(), &ALL, &["--slot", "0", "--json"]);
    let lines = slot.events();
    assert!(lines.len() > 20, "{slot}");
    assert!(
        lines.iter().all(|l| l["slot"].is_null() || l["slot"] == 0),
        "{slot}"
    );
    assert!(
        lines.iter().any(|l| l["action"] == "LearnerDecide"),
        "{slot}"
    );
}

#[test]
fn a_killed_leader() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = traced(
        dir.path(),
        &["--kill", "n1@2values", "--patience-ms", "200"],
    );
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let checked = check(dir.path(), &ALL, &["--json"]);
    assert_eq!(checked.code(), Some(0), "{checked}");
    let summary = checked.summary();
    assert!(summary["ballots"].as_u64() > Some(1), "{checked}");
    assert_eq!(summary["untold"], 0, "{checked}");
}

#[test]
fn a_double_voter() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = traced(dir.path(), &["--byzantine", "n4=double-vote"]);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let checked = check(dir.path(), &ALL, &["--json"]);
    assert_eq!(checked.code(), Some(0), "{checked}");
    let lines = &checked.summary()["lines"];
    assert!(lines["FakeSend"].as_u64() > Some(0), "{checked}");
    assert!(
        lines["Disconnect"].as_u64() > Some(0),
        "it is caught: {checked}"
    );
    assert_eq!(checked.summary()["untold"], 0, "{checked}");
    let without = check(dir.path(), &ALL[..3], &["--json", "--faulty", "a4"]);
    assert_eq!(without.code(), Some(0), "{without}");
    assert!(without.summary()["untold"].as_u64() > Some(0), "{without}");
    let unsaid = check(dir.path(), &ALL[..3], &[]);
    assert_eq!(unsaid.code(), Some(1), "{unsaid}");
    assert!(unsaid.stdout.contains("--faulty"), "{unsaid}");
}

fn submit(node: &Json, text: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let node = Client::connect(node["http"].as_str().unwrap()).unwrap();
        node.submit(text.as_bytes(), text).await.unwrap()
    });
}

/// carol needs all four acceptors, so that n2 takes part in whatever she decides.
#[test]
fn a_node_that_is_killed_and_starts_again() {
    let dirs = tempfile::tempdir().unwrap();
    let (dir, traces) = (dirs.path().join("net"), dirs.path().join("traces"));
    let [net, into] = [&dir, &traces].map(|path| path.to_str().unwrap());
    let args = [
        "--keep",
        "--dir",
        net,
        "--trace",
        into,
        "--patience-ms",
        "200",
    ];
    let mut launcher = Launcher::start(&args, None);
    let nodes = launcher.nodes(4);
    let mut n2: Option<Child> = None;
    for round in 0..4 {
        let text = format!("round {round}");
        submit(&nodes[0], &text);
        launcher.until(|e| {
            let has = e["values"]
                .as_array()
                .is_some_and(|v| v.iter().any(|v| v["text"] == text));
            e["event"] == "decision" && e["learner"] == "carol" && has
        });
        submit(&nodes[2], &format!("on its way in round {round}"));
        n2 = Some(start_after_kill(n2.take(), &nodes[1], &dir, &traces));
    }
    let mut n2 = n2.unwrap();
    launcher.signal(Signal::TERM);
    let (status, _) = launcher.end();
    assert_eq!(status.code(), Some(0));
    n2.kill().unwrap();
    n2.wait().unwrap();
    let starts = std::fs::read_to_string(file(&traces, "n2")).unwrap();
    assert_eq!(starts.matches("{\"action\":\"Init\"").count(), 5);
    let checked = check(&traces, &ALL, &["--json"]);
    assert_eq!(checked.code(), Some(0), "{checked}");
    assert_eq!(checked.summary()["untold"], 0, "{checked}");
}

/// SIGKILLs the node, which the launcher or this test has started, and starts it.
fn start_after_kill(running: Option<Child>, first: &Json, dir: &Path, traces: &Path) -> Child {
    match running {
        Some(mut child) => {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        None => {
            kill(pid(first), Signal::KILL);
            support::eventually("n2 is dead", || !support::runs(pid(first)));
        }
    }
    support::start_again(dir, "n2", &[("--trace", file(traces, "n2"))])
}

#[test]
fn a_changed_line_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = traced(dir.path(), &[]);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let n2 = file(dir.path(), "n2");
    let text = std::fs::read_to_string(&n2).unwrap();
    let is_vote = |line: &str| line.starts_with("{\"action\":\"Phase2b\"");
    let at = text.lines().position(is_vote).unwrap();
    let vote = text.lines().nth(at).unwrap();
    let other = vote.replace("\"bal\":1,", "\"bal\":7,");
    assert_ne!(vote, other);
    std::fs::write(&n2, text.replacen(vote, &other, 1)).unwrap();
    let refused = check(dir.path(), &ALL, &["--json"]);
    assert_eq!(refused.code(), Some(1), "{refused}");
    let event: Json = refused.events().pop().unwrap();
    assert_eq!(
        (&event["event"], &event["line"]),
        (&"refused".into(), &(at + 1).into())
    );
    assert_eq!(event["broken"], "joined: maxBal[L, a] = b", "{refused}");
    let file = n2.to_str().unwrap();
    assert_eq!(event["file"], file);
    std::fs::write(&n2, text.replacen(vote, "{}", 1)).unwrap();
    let nonsense = check(dir.path(), &ALL, &[]);
    assert_eq!(
        (nonsense.code(), nonsense.stdout.as_str()),
        (Some(1), ""),
        "{nonsense}"
    );
    let place = format!("{file}:{}: ", at + 1);
    assert!(nonsense.stderr.contains(&place), "{nonsense}");
}

#[test]
fn wrong_usage_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    for (args, code, words) in [
        (vec![], 2, "FILE"),
        (vec!["/no/such.ndjson"], 3, "/no/such.ndjson"),
        (vec![path], 2, "is a directory"),
    ] {
        let outcome = run("trace", &args, None);
        assert_eq!(outcome.code(), Some(code), "{outcome}");
        assert!(outcome.stderr.contains(words), "{outcome}");
    }
    let other = up(&["--mode", "paxos", "--trace", path], None);
    assert_eq!(other.code(), Some(2), "{other}");
    assert!(other.stderr.contains("--trace"), "{other}");
    std::fs::write(dir.path().join("n1.ndjson"), "").unwrap();
    let used = up(&["--trace", path], None);
    assert_eq!(used.code(), Some(3), "{used}");
    assert!(used.stderr.contains("not empty"), "{used}");
}
