//! `testnet simulate` as a user calls it.

use serde_json::Value as Json;
use std::path::Path;
use std::process::{Command, Output};

fn testnet(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testnet"));
    command.args(args).output().unwrap()
}

fn simulate(args: &[&str]) -> Output {
    testnet(&[&["simulate"], args].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn example(name: &str) -> String {
    format!("{}/../examples/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

fn lines(output: &Output) -> Vec<Json> {
    let lines = text(&output.stdout);
    lines
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

#[test]
fn the_same_seed_is_the_same_run_byte_for_byte() {
    for mode in ["hpaxos", "paxos", "disk-paxos"] {
        let run = || simulate(&["--mode", mode, "--seed", "5", "--history"]);
        let (one, other) = (run(), run());
        assert_eq!(one.status.code(), Some(0), "{}", text(&one.stderr));
        let history = |output: &Output| -> Vec<String> {
            let lines = text(&output.stdout);
            // How long it took is not part of it.
            let lines = lines.lines().filter(|l| !l.contains("simulated  "));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(history(&one), history(&other));
        assert!(history(&one).len() > 100, "{mode}: a run has a history");
        let another = simulate(&["--mode", mode, "--seed", "6", "--history"]);
        assert_ne!(history(&one), history(&another));
    }
}

#[test]
fn every_seed_has_a_line_and_the_summary_adds_them_up() {
    let output = simulate(&["--mode", "paxos", "--seeds", "3..9", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines = lines(&output);
    let seeds: Vec<u64> = lines.iter().filter_map(|l| l["seed"].as_u64()).collect();
    assert_eq!(seeds, [3, 4, 5, 6, 7, 8], "in order");
    assert!(lines[..6].iter().all(|l| l["held"] == true));
    let summary = &lines[6];
    assert_eq!(summary["event"], "summary");
    assert_eq!(
        (&summary["seeds"], &summary["failed"]),
        (&6.into(), &0.into())
    );
    let decisions: u64 = lines[..6]
        .iter()
        .filter_map(|l| l["decisions"].as_u64())
        .sum();
    assert_eq!(summary["decisions"].as_u64(), Some(decisions));
    assert!(summary["faults"]["crash"].as_u64().unwrap() > 0);
}

fn trace(dir: &Path, name: &str, args: &[&str]) -> Vec<u8> {
    let file = dir.join(name);
    let path = file.to_str().unwrap();
    let output = simulate(&[args, &["--trace", path]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let checked = testnet(&["trace", path]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
    std::fs::read(file).unwrap()
}

#[test]
fn traces_of_runs_are_accepted_and_repeat() {
    let dir = tempfile::tempdir().unwrap();
    let plain = trace(dir.path(), "plain", &["--seed", "3"]);
    assert_eq!(plain, trace(dir.path(), "again", &["--seed", "3"]));
    let mixed = example("mixed");
    for how in ["two-votes", "invent", "two-values", "twins"] {
        let liar = format!("n4={how}");
        let args = ["--graph", &mixed, "--byzantine", &liar, "--seed", "3"];
        let lies = trace(dir.path(), how, &args);
        assert!(text(&lies).contains(r#"{"action":"FakeSend""#), "{how}");
    }
    let path = dir.path().join("plain");
    let again = simulate(&["--seed", "3", "--trace", path.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(3));
    assert!(text(&again.stderr).contains("name a new file"));
    assert_eq!(std::fs::read(path).unwrap(), plain, "nothing is lost");
}

#[test]
fn wrong_usage_is_told() {
    let refused = [
        (vec!["--seeds", "9..3"], "range of seeds"),
        (
            vec!["--seed", "1", "--seeds", "0..3"],
            "cannot be used with",
        ),
        (vec!["--seed", "1", "--faults", "x"], "list of numbers"),
        (vec!["--faults", "1"], "--seed"),
        (vec!["--mode", "paxos", "--adversaries"], "nobody who lies"),
        (
            vec!["--mode", "paxos", "--seed", "1", "--trace", "t"],
            "words of hpaxos",
        ),
        (vec!["--byzantine", "n9=twins"], "no node 'n9'"),
        (vec!["--byzantine", "n1=sleep"], "the behaviours are"),
        (vec!["--disks", "3"], "--disks"),
    ];
    for (args, words) in refused {
        let output = simulate(&args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
    let output = simulate(&["--graph", "/no/graph"]);
    assert_eq!(output.status.code(), Some(3));
}
