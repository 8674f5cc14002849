//! The launcher with stand-in nodes: what it shows, how it exits, and that nothing is left behind.

use crate::support::{self, Launcher, kill, pid, up};
use rustix::process::Signal;
use std::io::Read;

const FINE: Option<&str> = Some("");

#[test]
fn everything_decided_is_exit_0_for_a_person() {
    let outcome = up(&[], FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    for line in [
        "slot 0 ",
        "slot 4 ",
        "alice, bob and carol must agree, and do",
        "all 4 nodes report the same",
        "agreed: every learner decided 5 values everywhere, in ",
    ] {
        assert!(outcome.stdout.contains(line), "no '{line}' in {outcome}");
    }
    assert!(
        outcome
            .stdout
            .lines()
            .all(|line| line.chars().count() <= 120),
        "{outcome}"
    );
    assert!(
        !outcome.stdout.contains('\x1b'),
        "no colours without a terminal"
    );
    assert_eq!(
        outcome
            .stdout
            .lines()
            .filter(|line| line.starts_with("slot "))
            .count(),
        5,
        "{outcome}"
    );
}

#[test]
fn everything_decided_is_exit_0_for_a_program() {
    let outcome = up(&["--json"], FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let events = outcome.events();
    let nodes: Vec<_> = events.iter().take_while(|e| e["event"] == "node").collect();
    assert_eq!(nodes.len(), 4);
    assert_eq!(nodes[0]["node"], "n1");
    assert!(
        nodes[0]["http"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    assert_eq!(
        nodes[0]["roles"],
        serde_json::json!(["acceptor", "proposer", "learner"])
    );
    let decisions = events.iter().filter(|e| e["event"] == "decision").count();
    assert_eq!(decisions, 5 * 4 * 3);
    let summary = outcome.summary();
    assert_eq!(
        (&summary["agreed"], &summary["decided"]),
        (&true.into(), &true.into())
    );
    assert!(
        summary["learners"][0]["latency_ms"]["median"]
            .as_f64()
            .unwrap()
            > 0.0
    );
}

#[test]
fn a_node_that_differs_about_a_learner_is_exit_1_and_loud() {
    let outcome = up(&[], Some("lie=n2:bob:1:forged"));
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    for line in [
        "!! VIOLATION in slot 1",
        "\"forged\"",
        "the nodes differ about bob",
        "VIOLATION, after",
    ] {
        assert!(outcome.stdout.contains(line), "no '{line}' in {outcome}");
    }
}

#[test]
fn busy_nodes_and_cut_streams_lose_nothing() {
    let outcome = up(&["--json"], Some("busy=2;cut=4"));
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let events = outcome.events();
    let mut seen = std::collections::BTreeSet::new();
    for event in events.iter().filter(|e| e["event"] == "decision") {
        let what = (
            event["node"].to_string(),
            event["learner"].to_string(),
            event["slot"].as_u64(),
        );
        assert!(seen.insert(what), "twice: {event}");
    }
    assert_eq!(seen.len(), 5 * 4 * 3);
}

#[test]
fn what_a_stream_leaves_out_is_read_afterwards() {
    let outcome = up(&["--json"], Some("gap=14"));
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let decisions: Vec<_> = outcome
        .events()
        .iter()
        .filter(|e| e["event"] == "decision")
        .map(|e| {
            (
                e["node"].to_string(),
                e["learner"].to_string(),
                e["slot"].as_u64(),
            )
        })
        .collect();
    assert_eq!(decisions.len(), 5 * 4 * 3, "each once");
    assert!(outcome.events().iter().all(|e| e["event"] != "gap"));
}

#[test]
fn two_double_voters_may_divide_learners_and_are_awaited() {
    let outcome = up(
        &[
            "--byzantine",
            "n3=double-vote",
            "--byzantine",
            "n4=double-vote",
        ],
        FINE,
    );
    // The stand-ins decide all the same, but give no evidence.
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    for line in [
        "alice need not agree with",
        "every learner that could decided 5 values",
    ] {
        assert!(outcome.stdout.contains(line), "no '{line}' in {outcome}");
    }
}

#[test]
fn a_refused_value_is_exit_3() {
    let outcome = up(&[], Some("refuse"));
    assert_eq!(outcome.code(), Some(3), "{outcome}");
    assert!(
        outcome.stderr.contains("line-") && outcome.stderr.contains("413"),
        "{outcome}"
    );
}

#[test]
fn running_out_of_time_says_who_lacks_what() {
    let outcome = up(&["--timeout", "2"], Some("mute=n3:carol"));
    assert_eq!(outcome.code(), Some(3), "{outcome}");
    assert!(
        outcome.stdout.contains("carol on n3 lacks 5 values"),
        "{outcome}"
    );
    assert!(!outcome.stdout.contains("alice on"), "{outcome}");
}

#[test]
fn equal_lines_and_any_bytes_are_decided_separately() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("values");
    std::fs::write(&file, b"same\n\nsame\n\xff\xfe\n").unwrap();
    let outcome = up(&["--json", "--values", file.to_str().unwrap()], FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    assert_eq!(outcome.summary()["values"], 3);
    assert_eq!(outcome.summary()["learners"][0]["slots"], 3);
}

#[test]
fn a_planned_kill_leaves_the_learners_with_quorums() {
    // Without a1, bob and carol have no quorum; alice must go on.
    let outcome = up(&["--json", "--kill", "n1@2values"], FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let summary = outcome.summary();
    assert_eq!(
        summary["dead"],
        serde_json::json!([{"node": "n1", "how": "killed"}])
    );
    let must: Vec<_> = (0..3)
        .map(|l| summary["learners"][l]["must_decide"].as_bool().unwrap())
        .collect();
    assert_eq!(must, [true, false, false]);
    assert_eq!(summary["learners"][0]["values"], 5);
    assert!(
        outcome.stderr.contains("bob and carol have no quorum"),
        "{outcome}"
    );
}

#[test]
fn values_that_died_with_a_node_are_submitted_again() {
    let outcome = up(&["--json", "--kill", "n2@0.2"], Some("lose=n2"));
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    assert_eq!(outcome.summary()["learners"][0]["values"], 5);
    let waiting = up(&["--json", "--timeout", "1"], Some("lose=n2"));
    assert_eq!(waiting.code(), Some(3), "only death makes it so: {waiting}");
}

#[test]
fn without_any_quorum_it_says_so() {
    let outcome = up(&["--kill", "n1", "--kill", "n2"], FINE);
    assert_eq!(outcome.code(), Some(3), "{outcome}");
    assert!(
        outcome.stdout.contains("no learner has a quorum"),
        "{outcome}"
    );
}

#[test]
fn a_node_killed_by_a_stranger_is_noticed_and_does_not_fail_the_run() {
    let mut run = Launcher::start(&["--keep"], FINE);
    let nodes = run.nodes(4);
    kill(pid(&nodes[3]), Signal::KILL);
    run.until(|e| e["event"] == "decision" && e["slot"] == 4);
    run.signal(Signal::INT);
    let (status, last) = run.end();
    let summary = last.unwrap();
    assert_eq!(summary["dead"][0]["node"], "n4", "{summary}");
    assert_eq!(summary["interrupted"], false, "that is how --keep ends");
    assert_eq!(summary["agreed"], true, "{summary}");
    assert!(
        status.code() == Some(0) || summary["decided"] == false,
        "{status}: {summary}"
    );
}

#[test]
fn an_interrupted_run_says_so() {
    let mut run = Launcher::start(&[], Some("mute=n3:carol"));
    run.nodes(4);
    run.until(|e| e["event"] == "decision" && e["slot"] == 4);
    run.signal(Signal::INT);
    let (status, last) = run.end();
    assert_eq!(status.code(), Some(3));
    let summary = last.unwrap();
    assert_eq!(
        (&summary["interrupted"], &summary["decided_ms"]),
        (&true.into(), &serde_json::Value::Null)
    );
}

#[test]
fn paxos_shows_one_learner_per_node_and_stands_the_death_of_one() {
    let outcome = up(&["--mode", "paxos", "--kill", "n3@2values"], FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    for line in [
        "slot 4 ",
        "n1, n2 and n3 must agree, and do",
        "its node died",
        "agreed: every living node decided 5 values, in ",
    ] {
        assert!(outcome.stdout.contains(line), "no '{line}' in {outcome}");
    }
    assert!(!outcome.stdout.contains("report the same log"), "{outcome}");
}

#[test]
fn paxos_diverges_if_two_nodes_differ() {
    let outcome = up(&["--mode", "paxos"], Some("lie=n2:n2:1:forged"));
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    for line in [
        "!! VIOLATION in slot 1",
        "nobody lies in this mode",
        "VIOLATION, after",
    ] {
        assert!(outcome.stdout.contains(line), "no '{line}' in {outcome}");
    }
}

#[test]
fn paxos_takes_acceptors_and_quorums_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("quorums.toml");
    let text = "acceptors = [\"x\", \"y\"]\n[quorums]\nread = { sets = [[\"x\", \"y\"]] }\n\
                write = { threshold = 1, of = [\"x\", \"y\"] }\n";
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let args = ["--json", "--mode", "paxos", "--nodes", "3", "--graph", file];
    let outcome = up(&args, FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let events = outcome.events();
    assert_eq!(events[1]["acceptor"], "y");
    assert_eq!(
        (&events[2]["roles"], &events[2]["learners"]),
        (&serde_json::json!(["learner"]), &serde_json::json!(["n3"]))
    );
    // Both acceptors are needed for a read quorum.
    let dead = up(&[&args[1..], &["--kill", "n1"]].concat(), FINE);
    assert_eq!(dead.code(), Some(3), "{dead}");
    assert!(
        dead.stdout.contains("no quorum of living acceptors"),
        "{dead}"
    );
}

#[test]
fn a_disk_and_a_processor_may_die() {
    let args = [
        "--mode",
        "disk-paxos",
        "--json",
        "--kill",
        "d1@1value",
        "--kill",
        "n1@2values",
    ];
    let outcome = up(&args, FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let events = outcome.events();
    assert_eq!(
        events[0]["roles"],
        serde_json::json!(["processor", "learner"])
    );
    for (event, disk) in events[2..5].iter().zip(["d1", "d2", "d3"]) {
        assert_eq!(
            (&event["event"], &event["disk"]),
            (&"disk".into(), &disk.into())
        );
        assert!(
            event["path"]
                .as_str()
                .unwrap()
                .ends_with(&format!("/disks/{disk}"))
        );
    }
    assert!(outcome.stderr.contains("kill d1"), "{outcome}");
    let summary = outcome.summary();
    assert_eq!(summary["dead_disks"], serde_json::json!(["d1"]));
    assert_eq!(summary["learners"][1]["values"], 5);
}

#[test]
fn without_a_majority_of_disks_nothing_more_is_expected() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("net");
    let mut args = vec!["--mode", "disk-paxos", "--dir", kept.to_str().unwrap()];
    args.extend(["--kill", "d1", "--kill", "d3"]);
    let outcome = up(&args, FINE);
    assert_eq!(outcome.code(), Some(3), "{outcome}");
    for line in [
        "disk d3 was killed",
        "no quorum is left",
        "no quorum of disks is left",
    ] {
        assert!(outcome.stdout.contains(line), "no '{line}' in {outcome}");
    }
    let files = ["d1.killed", "d2", "d3.killed"];
    assert!(
        files
            .iter()
            .all(|file| kept.join("disks").join(file).exists())
    );
}

#[test]
fn interrupt_and_terminate_leave_nothing() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut run = Launcher::start(&["--keep"], FINE);
        run.nodes(4);
        run.until(|e| e["event"] == "decision" && e["slot"] == 4 && e["learner"] == "carol");
        run.signal(signal);
        let (status, last) = run.end();
        assert!(status.code().is_some(), "{signal:?} is caught");
        assert_eq!(last.unwrap()["event"], "summary");
    }
}

#[test]
fn interrupt_before_ready_leaves_nothing() {
    let mut run = Launcher::start(&["--keep"], FINE);
    support::eventually("a first process", || {
        !support::children(run.child.id()).is_empty()
    });
    run.pids.extend(support::children(run.child.id()));
    run.signal(Signal::INT);
    let (status, _) = run.end();
    assert!(matches!(status.code(), Some(0 | 3)), "{status}");
}

#[test]
fn sigkill_of_the_launcher_leaves_nothing() {
    let mut run = Launcher::start(&["--keep"], FINE);
    run.nodes(4);
    assert_eq!(
        run.pids.len(),
        1 + 4 + 5,
        "launcher, nodes, and its children: nodes and guard"
    );
    run.signal(Signal::KILL);
    run.child.wait().unwrap();
    run.nothing_left();
}

#[test]
fn a_reader_that_goes_away_leaves_nothing() {
    let mut run = Launcher::start(&["--keep"], FINE);
    run.nodes(4);
    run.stop_reading();
    // The next decision has nobody to go to.
    assert_eq!(run.child.wait().unwrap().code(), Some(3));
    let mut said = String::new();
    run.child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "", "whoever closed it knows");
    run.nothing_left();
}

#[test]
fn a_kept_directory_is_complete_and_not_mixed_up() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("net");
    let kept = kept.to_str().unwrap();
    let outcome = up(&["--dir", kept], FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    for part in ["network.toml", "keys/n4.key", "logs/n1.log"] {
        assert!(std::path::Path::new(kept).join(part).exists(), "{part}");
    }
    let again = up(&["--dir", kept], FINE);
    assert_eq!(again.code(), Some(3), "{again}");
    assert!(again.stderr.contains("is not empty"), "{again}");
}

#[test]
fn nodes_that_do_not_start_show_their_log() {
    let outcome = up(&[], Some("broken=n3"));
    assert_eq!(outcome.code(), Some(3), "{outcome}");
    assert!(
        outcome.stderr.contains("n3 ended before it was ready"),
        "{outcome}"
    );
    assert!(outcome.stderr.contains("this node is broken"), "{outcome}");
}
