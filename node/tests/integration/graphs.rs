//! Questions about learner graphs on the command line: exit codes, what goes where, JSON.

use crate::command_line::{directory, hpaxos, run, text};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Output, Stdio};
use tempfile::TempDir;

const THREE: &str = r#"acceptors = ["a1", "a2", "a3"]
[learners]
alice = { threshold = 2, of = ["a1", "a2", "a3"] }
bob = { threshold = 2, of = ["a1", "a2", "a3"] }
[[safe]]
between = ["alice", "bob"]
when = { threshold = 3, of = ["a1", "a2", "a3"] }
[groups.owner]
zoo = ["a1", "a2"]
"#;

/// A directory with a valid graph, one that is not, and a list of nodes.
fn files() -> TempDir {
    let dir = directory();
    let write = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).expect("written");
    };
    write("good.toml", THREE);
    let promise = "when = { threshold = 3";
    write(
        "bad.toml",
        &THREE.replace(promise, "when = { threshold = 2"),
    );
    let set = r#"{"threshold": 2, "validators": ["A", "B", "C"], "innerQuorumSets": []}"#;
    let node = |key: &str| {
        format!(r#"{{"publicKey": "{key}", "organizationId": "org-{key}", "quorumSet": {set}}}"#)
    };
    let nodes = ["A", "B", "C"].map(node).join(",");
    write("nodes.json", &format!("[{nodes}]"));
    dir
}

pub(crate) fn graph(args: &[&str], dir: &Path) -> Output {
    run(&[&["graph"], args].concat(), dir)
}

pub(crate) fn one_object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn analyze_tells_what_faults_do() {
    let dir = files();
    let good = graph(&["analyze", "good.toml"], dir.path());
    assert_eq!(
        (good.status.code(), text(&good.stderr)),
        (Some(0), String::new())
    );
    for part in [
        "Valid: ",
        "alice, bob  1                 3: any 2 of {a1, a2, a3}",
        "alice, bob  0         0           3: any 1 of {a1, a2, a3}",
    ] {
        assert!(text(&good.stdout).contains(part), "no '{part}': {good:?}");
    }
    let json = one_object(&graph(&["analyze", "good.toml", "--json"], dir.path()));
    assert_eq!(json["event"], "analysis");
    assert_eq!(
        (&json["valid"], &json["complete"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(json["learners"][0]["stopped_by"]["tolerated"], 1);
}

#[test]
fn analyze_explains_a_graph_that_is_not_valid() {
    let dir = files();
    let bad = graph(&["analyze", "bad.toml"], dir.path());
    assert_eq!(bad.status.code(), Some(1), "{bad:?}");
    assert!(text(&bad.stdout).starts_with("NOT VALID: "), "{bad:?}");
    let mend =
        "raise the threshold of [[safe]] 1, when (line 7) from 2 to 3; then all 3 pairs are valid";
    assert!(text(&bad.stdout).contains(mend), "{bad:?}");
    // Once is enough.
    assert_eq!(text(&bad.stderr), "", "{bad:?}");
    let json = graph(&["analyze", "bad.toml", "--json"], dir.path());
    assert_eq!(json.status.code(), Some(1));
    assert_eq!(one_object(&json)["valid"], false);
}

#[test]
fn analyze_supposes_what_it_is_told() {
    let dir = files();
    let args = ["analyze", "good.toml", "--crashed", "a3", "--json"];
    let json = one_object(&graph(&args, dir.path()));
    assert_eq!(json["crashed"], json!(["a3"]));
    assert_eq!(json["learners"][0]["stopped_by"]["tolerated"], 0);
    assert_eq!(json["pairs"][1]["declared"]["verdict"], "exact");
    let args = ["analyze", "good.toml", "--byzantine", "a3", "--json"];
    let json = one_object(&graph(&args, dir.path()));
    assert_eq!(json["pairs"][1]["declared"]["verdict"], "broken");
    let args = ["analyze", "good.toml", "--by", "owner", "--json"];
    let json = one_object(&graph(&args, dir.path()));
    assert_eq!(json["units"], json!(["zoo", "a3"]));
    assert_eq!(
        json["learners"][0]["stopped_by"]["smallest"],
        json!(["zoo"])
    );
}

#[test]
fn analyze_says_what_it_knows_when_the_time_is_over() {
    let dir = files();
    let stopped = graph(
        &["analyze", "good.toml", "--seconds", "0", "--json"],
        dir.path(),
    );
    assert_eq!(
        stopped.status.code(),
        Some(1),
        "nobody can rely on what is not decided: {stopped:?}"
    );
    let object = one_object(&stopped);
    assert_eq!(object["complete"], false);
    assert_eq!(object["valid"], Value::Null);
    let stopped = graph(&["analyze", "bad.toml", "--seconds", "0"], dir.path());
    assert_eq!(stopped.status.code(), Some(1), "{stopped:?}");
    assert!(
        text(&stopped.stdout).contains("\nNot decided, "),
        "{stopped:?}"
    );
}

#[test]
fn check_says_what_it_knows_when_the_time_is_over() {
    let dir = files();
    let args = ["check", "good.toml", "--seconds", "0", "--json"];
    let stopped = graph(&args, dir.path());
    assert_eq!(stopped.status.code(), Some(1), "{stopped:?}");
    assert_eq!(one_object(&stopped)["valid"], Value::Null);
    let words = "error: not decided whether the graph is valid, for the time ran out";
    assert!(text(&stopped.stderr).contains(words), "{stopped:?}");
    let good = graph(&["check", "good.toml", "--seconds", "60"], dir.path());
    let plain = graph(&["check", "good.toml"], dir.path());
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    assert_eq!((good.stdout, good.stderr), (plain.stdout, plain.stderr));
    // What is wrong elsewhere is known in any case.
    let worse = format!("colour = \"red\"\n{THREE}");
    std::fs::write(dir.path().join("worse.toml"), worse).expect("written");
    let args = ["check", "worse.toml", "--seconds", "0", "--json"];
    let worse = graph(&args, dir.path());
    assert_eq!(one_object(&worse)["valid"], false);
    assert!(text(&worse.stderr).contains("unknown field"), "{worse:?}");
}

#[test]
fn check_names_who_says_what_would_mend_a_graph() {
    let dir = files();
    let bad = graph(&["check", "bad.toml"], dir.path());
    assert_eq!(bad.status.code(), Some(1), "{bad:?}");
    let note = "note: hpaxos graph analyze bad.toml says what would mend it\n";
    assert!(text(&bad.stderr).ends_with(note), "{bad:?}");
    let good = graph(&["check", "good.toml"], dir.path());
    assert!(!text(&good.stderr).contains("analyze"), "{good:?}");
}

#[test]
fn an_import_without_time_is_no_graph() {
    let dir = files();
    let stopped = graph(&["import", "nodes.json", "--seconds", "0"], dir.path());
    let found = (stopped.status.code(), text(&stopped.stdout));
    assert_eq!(found, (Some(1), String::new()), "{stopped:?}");
    for words in [
        "3 not decided, since the time ran out",
        "no node has become a learner",
    ] {
        assert!(text(&stopped.stderr).contains(words), "{stopped:?}");
    }
}

#[test]
fn all_that_is_wrong_with_a_question_is_said_at_once() {
    let dir = files();
    let args = [
        "analyze",
        "good.toml",
        "--crashed",
        "a9,a1",
        "--byzantine",
        "a1,b",
    ];
    let refused = graph(&[&args[..], &["--by", "colour"]].concat(), dir.path());
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    for words in [
        "error: --crashed: 'a9' is not an acceptor",
        "error: --byzantine: 'b' is not an acceptor",
        "error: --by colour: no such groups in good.toml",
    ] {
        assert!(text(&refused.stderr).contains(words), "{refused:?}");
    }
    let args = ["diff", "good.toml", "nodes.json", "--by", "colour"];
    let refused = graph(&args, dir.path());
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    for words in [
        "no such groups in good.toml",
        "nodes.json is a list of nodes",
    ] {
        assert!(text(&refused.stderr).contains(words), "{refused:?}");
    }
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let dir = files();
    let paxos = "mode = \"paxos\"\nacceptors = [\"a\"]\n";
    std::fs::write(dir.path().join("paxos.toml"), paxos).expect("written");
    std::fs::write(dir.path().join("graph.json"), "{}").expect("written");
    for (args, code, words) in [
        (
            &["analyze", "good.toml", "--by", "colour"][..],
            2,
            "it has groups by owner",
        ),
        (
            &["analyze", "good.toml", "--crashed", "a9"],
            2,
            "--crashed: 'a9' is not an acceptor",
        ),
        (
            &["analyze", "good.toml", "--crashed", "a1,,a2"],
            2,
            "--crashed: there is a name missing in 'a1,,a2'",
        ),
        (
            &[
                "analyze",
                "good.toml",
                "--crashed",
                "a1,a2",
                "--byzantine",
                "a2,a3",
            ],
            2,
            "--crashed and --byzantine both name a2",
        ),
        (&["analyze", "good.toml", "--sets", "0"], 2, "--sets"),
        (
            &["analyze", "nodes.json", "--by", "colour"],
            2,
            "nodes say of what organisation they are",
        ),
        (
            &["check", "nodes.json"],
            2,
            "hpaxos graph import nodes.json makes a learner graph of it",
        ),
        (
            &["check", "graph.json"],
            1,
            "graph.json:1:1: error: not a list of nodes with quorum sets, but a JSON object; learner graphs are read in TOML",
        ),
        (
            &["analyze", "graph.json"],
            1,
            "graph.json:1:1: error: not a list of nodes with quorum sets, but a JSON object; learner graphs are read in TOML",
        ),
        (
            &["analyze", "good.toml", "--node", "https://n1"],
            2,
            "--node",
        ),
        (&["analyze", "none.toml"], 3, "cannot read none.toml"),
        (
            &["analyze", "paxos.toml"],
            2,
            "there is no learner graph in it",
        ),
        (
            &["analyze", "nodes.json", "--byzantine", "D"],
            2,
            "--byzantine: 'D' is not a node",
        ),
        (&["diff", "good.toml"], 2, "<NEW>"),
        (
            &["diff", "good.toml", "nodes.json"],
            2,
            "hpaxos graph import nodes.json",
        ),
        (&["export", "good.toml", "--to", "png"], 2, "png"),
        (&["import", "good.toml"], 2, "it is a learner graph already"),
    ] {
        let refused = graph(args, dir.path());
        let found = (refused.status.code(), text(&refused.stdout));
        assert_eq!(found, (Some(code), String::new()), "{refused:?}");
        assert!(
            text(&refused.stderr).contains(words),
            "no '{words}': {refused:?}"
        );
    }
    let broken = THREE.replace("\"a1\", \"a2\"]", "\"a9\"]");
    std::fs::write(dir.path().join("broken.toml"), broken).expect("written");
    let refused = graph(&["analyze", "broken.toml"], dir.path());
    assert_eq!(refused.status.code(), Some(1));
    let words = "broken.toml:9:8: error: 'a9' is not an acceptor";
    assert!(text(&refused.stderr).contains(words), "{refused:?}");
}

#[test]
fn diff_tells_what_a_change_costs() {
    let dir = files();
    let same = graph(&["diff", "good.toml", "good.toml"], dir.path());
    assert_eq!(same.status.code(), Some(0));
    assert!(
        text(&same.stdout).ends_with("Both mean the same.\n"),
        "{same:?}"
    );
    let strict = THREE.replace("bob = { threshold = 2", "bob = { threshold = 3");
    std::fs::write(dir.path().join("strict.toml"), strict).expect("written");
    let worse = graph(&["diff", "good.toml", "strict.toml", "--json"], dir.path());
    assert_eq!(worse.status.code(), Some(0), "{worse:?}");
    let json = one_object(&worse);
    assert_eq!(
        (&json["event"], &json["complete"]),
        (&json!("graph-diff"), &json!(true))
    );
    let bob = &json["progress"][0];
    assert_eq!(bob["name"], "bob");
    assert_eq!(bob["crashes"][0]["tolerated"], 1);
    assert_eq!(bob["crashes"][1]["tolerated"], 0);
    assert_eq!(bob["no_quorum_now"].as_array().map(Vec::len), Some(2));
    let bad = graph(&["diff", "good.toml", "bad.toml"], dir.path());
    assert_eq!(bad.status.code(), Some(1), "{bad:?}");
    let said = "The new graph is NOT VALID; the old one is valid.\n  3 pairs are not valid.\n  \
                alice shall agree with itself while";
    assert!(text(&bad.stdout).starts_with(said), "{bad:?}");
}

#[test]
fn export_is_for_other_programs() {
    let dir = files();
    let export = |to: &str| {
        let printed = graph(&["export", "good.toml", "--to", to], dir.path());
        assert_eq!(printed.status.code(), Some(0), "{printed:?}");
        text(&printed.stdout)
    };
    let dot = export("dot");
    assert!(
        dot.contains("\"learner alice\" -- \"learner bob\" [label=\"0\""),
        "{dot}"
    );
    assert!(dot.contains("label=\"alice\\n2(a1,a2,a3)\""), "{dot}");
    let svg = export("svg");
    assert!(
        svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
        "{svg}"
    );
    assert_eq!(
        svg.matches("class=\"edge t0\" d=\"M").count(),
        2,
        "an edge, and the legend"
    );
    assert_eq!(svg.matches("<circle class=\"learner t0\"").count(), 2);
    // What quorums do not keep is not drawn as strong.
    let bad = text(&graph(&["export", "bad.toml", "--to", "svg"], dir.path()).stdout);
    assert_eq!(
        bad.matches("class=\"edge broken\" d=\"M").count(),
        2,
        "{bad}"
    );
    assert_eq!(bad.matches("<circle class=\"learner broken\"").count(), 2);
    assert_eq!(bad.matches("class=\"edge t").count(), 0, "{bad}");
    for why in [
        "<title>alice and bob: NOT KEPT, promised to stand 1 lie: ",
        "with itself: NOT KEPT, promised to stand 1 lie: while {",
    ] {
        assert!(bad.contains(why), "no '{why}': {bad}");
    }
    let bad = text(&graph(&["export", "bad.toml", "--to", "dot"], dir.path()).stdout);
    let edge = "\"learner alice\" -- \"learner bob\" [label=\"NOT KEPT\", color=red, style=dashed]";
    assert!(bad.contains(edge), "{bad}");
    let json: Value = serde_json::from_str(&export("json")).expect("JSON");
    let expected = json!({
        "acceptors": ["a1", "a2", "a3"],
        "learners": [
            {"name": "alice", "quorums": {"threshold": 2, "of": ["a1", "a2", "a3"]}},
            {"name": "bob", "quorums": {"threshold": 2, "of": ["a1", "a2", "a3"]}},
        ],
        "safe": [{"between": ["alice", "bob"], "when": {"threshold": 3, "of": ["a1", "a2", "a3"]}}],
        "groups": {"owner": {"zoo": ["a1", "a2"]}},
    });
    assert_eq!(json, expected);
}

#[test]
fn lists_of_nodes_are_analysed_and_become_graphs() {
    let dir = files();
    let found = graph(&["analyze", "nodes.json", "--json"], dir.path());
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    let json = one_object(&found);
    assert_eq!(
        (&json["intersect"], &json["n_quorums"]),
        (&json!(true), &json!(3))
    );
    let made = graph(&["import", "nodes.json"], dir.path());
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    assert_eq!(text(&made.stderr), "", "all nodes are in the graph");
    // One says nothing, one relies on nobody who is there.
    let alone = r#"{"publicKey": "D"}, {"publicKey": "E", "quorumSet": {"threshold": 1, "validators": ["D"]}}"#;
    let nodes = std::fs::read_to_string(dir.path().join("nodes.json")).expect("a list");
    let more = nodes.replace("}]", &format!("}}, {alone}]"));
    std::fs::write(dir.path().join("more.json"), more).expect("written");
    let lost = graph(&["import", "more.json"], dir.path());
    assert_eq!(lost.stdout, made.stdout);
    for words in [
        "3 of 5 nodes have become learners, 2 have not:",
        "1 without a quorum set: neither acceptors nor learners (D)",
        "1 in no quorum, since what they rely on is not there: neither acceptors nor learners (E)",
    ] {
        assert!(text(&lost.stderr).contains(words), "no '{words}': {lost:?}");
    }
    std::fs::write(dir.path().join("made.toml"), &made.stdout).expect("written");
    let args = ["analyze", "made.toml", "--by", "organisation", "--json"];
    let found = graph(&args, dir.path());
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    assert_eq!(
        one_object(&found)["units"],
        json!(["org-A", "org-B", "org-C"])
    );
}

#[test]
fn a_list_without_a_quorum_is_not_good() {
    let dir = files();
    let alone = r#"[{"publicKey": "A", "quorumSet": {"threshold": 1, "validators": ["B"]}}, {"publicKey": "B"}]"#;
    std::fs::write(dir.path().join("alone.json"), alone).expect("written");
    let found = graph(&["analyze", "alone.json"], dir.path());
    assert!(
        text(&found.stdout).contains("NOBODY CAN DECIDE"),
        "{found:?}"
    );
    assert_eq!(found.status.code(), Some(1), "{found:?}");
}

#[test]
fn a_graph_can_come_from_standard_input() {
    use std::io::Write;
    let mut child = hpaxos()
        .args(["graph", "analyze", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(THREE.as_bytes()).expect("read");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(one_object(&output)["valid"], true);
}
