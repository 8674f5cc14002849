//! `testnet soak`: networks of real nodes hold, nodes that misbehave are found, and nothing is left behind.

use crate::support::{Launcher, Outcome, children, run};
use rustix::process::Signal;
use serde_json::Value as Json;
use std::collections::BTreeSet;

const FINE: Option<&str> = Some("");

/// A soak of real nodes, of so many minutes, whose nodes are killed every second and a half.
fn real(mode: &str, minutes: &str, seed: &str) -> Outcome {
    let args = [
        "--mode",
        mode,
        "--minutes",
        minutes,
        "--kill-every",
        "1.5",
        "--every",
        "2",
        "--clients",
        "6",
        "--seed",
        seed,
        "--json",
    ];
    run("soak", &args, None)
}

/// A short soak of stand-ins, so few values that everybody reads along.
fn fake(args: &[&str], misbehaviour: &str) -> Outcome {
    fake_with("3", args, misbehaviour)
}

/// The same with so many clients.
fn fake_with(clients: &str, args: &[&str], misbehaviour: &str) -> Outcome {
    let short = [
        "--minutes",
        "0.06",
        "--rate",
        "20",
        "--clients",
        clients,
        "--every",
        "0.5",
        "--patience",
        "4",
        "--seed",
        "3",
    ];
    run("soak", &[&short, args].concat(), Some(misbehaviour))
}

/// The kinds of everything that a soak with `--json` has found.
fn kinds(outcome: &Outcome) -> BTreeSet<String> {
    let findings = outcome.summary()["findings"].clone();
    let kinds = findings.as_array().unwrap().iter();
    kinds
        .map(|f| f["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// Checks a soak that held, in which nodes died, came back and went on deciding.
fn held(outcome: &Outcome) -> Json {
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let summary = outcome.summary();
    assert_eq!(
        (&summary["held"], &summary["findings"]),
        (&true.into(), &serde_json::json!([]))
    );
    let acknowledged = summary["acknowledged"].as_u64().unwrap();
    assert!(acknowledged > 20, "{outcome}");
    let logs = summary["logs"].as_array().unwrap();
    for log in logs {
        assert_eq!(
            log["values"], acknowledged,
            "all that was acknowledged, once: {outcome}"
        );
        assert_eq!(log["hash"], logs[0]["hash"], "{outcome}");
    }
    let events = outcome.events();
    let of = |kind: &str| {
        events
            .iter()
            .filter(|e| e["event"] == kind)
            .cloned()
            .collect::<Vec<Json>>()
    };
    let (kills, backs) = (of("kill"), of("back"));
    assert!(kills.len() >= 3, "several kills: {outcome}");
    assert_eq!(Json::from(kills.len()), summary["kills"], "{outcome}");
    assert!(!backs.is_empty() && backs.len() <= kills.len(), "{outcome}");
    let last = of("interval").pop().unwrap();
    for node in last["nodes"].as_array().unwrap() {
        assert!(node["rss_bytes"].as_u64() > Some(1 << 20), "{outcome}");
        assert!(node["log_bytes"].as_u64() > Some(0), "{outcome}");
    }
    // Values are decided after the first kill as well.
    let late = of("interval")
        .into_iter()
        .filter(|i| i["at_s"].as_f64() > kills[0]["at_s"].as_f64());
    assert!(
        late.map(|i| i["acknowledged"].as_u64().unwrap())
            .sum::<u64>()
            > 0,
        "{outcome}"
    );
    summary
}

#[test]
fn hpaxos_holds_while_its_nodes_are_killed() {
    let summary = held(&real("hpaxos", "0.3", "11"));
    assert_eq!(summary["logs"].as_array().unwrap().len(), 4 * 3);
    assert_eq!(summary["asked"]["seed"], 11);
}

#[test]
fn paxos_holds_while_its_nodes_are_killed() {
    let summary = held(&real("paxos", "0.25", "2"));
    assert_eq!(summary["logs"].as_array().unwrap().len(), 3);
}

#[test]
fn disk_paxos_holds_while_its_nodes_are_killed() {
    let outcome = real("disk-paxos", "0.25", "2");
    held(&outcome);
    let events = outcome.events();
    let interval = events.iter().rfind(|e| e["event"] == "interval").unwrap();
    assert!(interval["disks_bytes"].as_u64() > Some(0), "{outcome}");
}

#[test]
fn a_person_gets_tables_and_a_verdict_and_a_file_has_the_history() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("report.json");
    let args = ["--kill-every", "0", "--out", out.to_str().unwrap()];
    let outcome = fake(&args, "");
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    for words in [
        "learner       node ",
        "\nalice         n1 ",
        "per minute",
        "0 kills, 0 of the leader; 0 times all at once",
        "\nheld: every value was decided once by alice, bob and carol, everywhere in the same order\n",
    ] {
        assert!(outcome.stdout.contains(words), "no '{words}' in {outcome}");
    }
    assert!(
        outcome.stderr.contains("values/s; decided: alice "),
        "{outcome}"
    );
    let report: Json = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(
        (&report["event"], &report["held"]),
        (&"summary".into(), &true.into())
    );
    let intervals = report["intervals"].as_array().unwrap();
    assert!(intervals.len() >= 3, "{report}");
    let sum: u64 = intervals
        .iter()
        .map(|i| i["acknowledged"].as_u64().unwrap())
        .sum();
    assert_eq!(Json::from(sum), report["acknowledged"]);
    assert!(
        report["nodes"][0]["rss_mib"]["slope"].is_number(),
        "{report}"
    );
}

#[test]
fn nodes_that_lose_repeat_swap_or_invent_are_found() {
    for (misbehaviour, found) in [
        // All of them in the same way, so that they agree.
        ("empty=*:*:2", "reordered"),
        ("again=*:*:5", "duplicate"),
        ("swap=*:*:3", "reordered"),
        // One unlike the others.
        ("empty=n2:bob:4", "diverged"),
        ("swap=n3:carol:4", "diverged"),
        ("lie=n1:alice:2:strange", "foreign"),
    ] {
        // The order of values is known where one client submits them all.
        let outcome = fake_with("1", &["--kill-every", "0", "--json"], misbehaviour);
        assert_eq!(outcome.code(), Some(1), "{misbehaviour}: {outcome}");
        assert_eq!(outcome.summary()["held"], false);
        assert!(kinds(&outcome).contains(found), "{misbehaviour}: {outcome}");
    }
}

#[test]
fn what_is_not_decided_somewhere_is_lost_there() {
    let outcome = fake(&["--kill-every", "0"], "mute=n3:bob");
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    let words = "FAILED: slot 0: bob at n3 lacks ";
    assert!(outcome.stdout.contains(words), "{outcome}");
    assert_eq!(outcome.stdout.matches("FAILED").count(), 1, "{outcome}");
    assert!(outcome.stdout.ends_with("\nfailed\n"), "{outcome}");
}

#[test]
fn a_promise_that_is_not_kept_is_found_everywhere() {
    let outcome = fake(&["--kill-every", "0", "--json"], "promise=n2");
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    let findings = outcome.summary()["findings"].clone();
    let findings = findings.as_array().unwrap();
    assert_eq!(
        findings.len(),
        4 * 3,
        "every learner at every node: {outcome}"
    );
    for finding in findings {
        assert_eq!(finding["kind"], "lost");
        let words = finding["words"].as_str().unwrap();
        assert!(
            words.ends_with("the first of them value 0 of client 1"),
            "{outcome}"
        );
    }
}

#[test]
fn values_that_one_node_loses_go_to_another_and_those_that_all_lose_are_stuck() {
    let outcome = fake(&["--kill-every", "0", "--json"], "lose=n1");
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let outcome = fake(&["--kill-every", "0", "--json"], "lose=*");
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    assert_eq!(kinds(&outcome), BTreeSet::from(["stuck".to_owned()]));
    assert_eq!(
        outcome.summary()["findings"].as_array().unwrap().len(),
        3,
        "each client: {outcome}"
    );
}

#[test]
fn a_node_that_forgets_or_does_not_come_back_is_found() {
    let kills = ["--kill-every", "1", "--json"];
    for (misbehaviour, found, words) in [
        ("forget=*", "changed", "otherwise than before"),
        ("stay=*", "exited", "this node stays away"),
        ("hang=*", "not-back", "is not ready after 4 s"),
    ] {
        let outcome = fake(&kills, misbehaviour);
        assert_eq!(outcome.code(), Some(1), "{misbehaviour}: {outcome}");
        assert!(kinds(&outcome).contains(found), "{misbehaviour}: {outcome}");
        assert!(outcome.stdout.contains(words), "{misbehaviour}: {outcome}");
    }
}

#[test]
fn a_node_that_ends_by_itself_is_found() {
    let outcome = fake(&["--kill-every", "0"], "die=n2");
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    let words = "FAILED: n2 ended by itself (exit code 1); the end of its log:\n  (empty)\n";
    assert!(outcome.stdout.contains(words), "{outcome}");
}

#[test]
fn nodes_that_refuse_values_cannot_be_soaked() {
    let outcome = fake(&["--kill-every", "0"], "refuse");
    assert_eq!(outcome.code(), Some(3), "{outcome}");
    assert!(
        outcome.stderr.contains("was refused") && outcome.stderr.contains("413"),
        "{outcome}"
    );
}

#[test]
fn a_signal_ends_it_with_what_is_known_and_leaves_nothing() {
    let args = [
        "--minutes",
        "60",
        "--rate",
        "20",
        "--every",
        "1",
        "--seed",
        "1",
    ];
    let mut soak = Launcher::start_command("soak", &args, FINE);
    soak.until(|event| event["event"] == "interval" && event["acknowledged"].as_u64() > Some(0));
    soak.pids.extend(children(soak.child.id()));
    soak.signal(Signal::INT);
    let (status, last) = soak.end();
    let last = last.unwrap();
    assert_eq!(status.code(), Some(3), "{last}");
    assert_eq!(
        (&last["stopped"], &last["held"]),
        (&true.into(), &false.into())
    );
}

#[test]
fn wrong_usage_is_exit_2_before_anything_starts() {
    let cases: [(&[&str], &str); 8] = [
        (&["--minutes", "0"], "0.02 to 10080"),
        (&["--minutes", "10081"], "0.02 to 10080"),
        (&["--minutes", "10080", "--every", "1"], "--every"),
        (&["--clients", "0"], "--clients"),
        (&["--value-bytes", "11"], "--value-bytes"),
        (&["--rate", "0"], "--rate"),
        (&["--kill-every", "3601"], "at most 3600"),
        (&["--disks", "3"], "mode hpaxos has no --disks"),
    ];
    for (args, words) in cases {
        let outcome = run("soak", args, None);
        assert_eq!(outcome.code(), Some(2), "{args:?}: {outcome}");
        assert_eq!(outcome.stdout, "", "{args:?}: {outcome}");
        assert!(outcome.stderr.contains(words), "{args:?}: {outcome}");
    }
    let outcome = run("soak", &["--out", "/no/such/report"], None);
    assert_eq!(outcome.code(), Some(3), "{outcome}");
    assert!(
        outcome.stderr.contains("--out '/no/such/report'"),
        "{outcome}"
    );
}
