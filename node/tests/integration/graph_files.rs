//! Files with learner graphs as people have them: warnings, mistakes, other encodings, groups, no time.

use crate::command_line::{directory, text};
use crate::graphs::{graph, one_object};
use serde_json::{Value, json};
use tempfile::TempDir;

const GRAPH: &str = r#"acceptors = ["a1", "a2", "a3", "a4"]
[learners]
alice = { threshold = 2, of = ["a1", "a2", "a3"] }
bob = { threshold = 2, of = ["a1", "a2", "a3"] }
[[safe]]
between = ["alice", "bob"]
when = { threshold = 3, of = ["a1", "a2", "a3"] }
[groups.owner]
zoo = ["a1", "a2"]
"#;

fn with(name: &str, bytes: impl AsRef<[u8]>) -> TempDir {
    let dir = directory();
    std::fs::write(dir.path().join(name), bytes).expect("written");
    dir
}

#[test]
fn warnings_are_no_results() {
    let dir = with("g.toml", GRAPH);
    let found = graph(&["check", "g.toml"], dir.path());
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    let warning = "g.toml:1:32: warning: acceptor 'a4' is in no learner's expressions";
    assert!(text(&found.stderr).starts_with(warning), "{found:?}");
    assert!(!text(&found.stdout).contains("warning"), "{found:?}");
}

#[test]
fn a_group_stands_for_its_members() {
    let dir = with("g.toml", GRAPH);
    let args = [
        "analyze",
        "g.toml",
        "--by",
        "owner",
        "--byzantine",
        "zoo",
        "--json",
    ];
    let found = graph(&args, dir.path());
    assert_eq!(found.status.code(), Some(0), "{found:?}");
    assert_eq!(one_object(&found)["byzantine"], json!(["a1", "a2"]));
    let nodes =
        r#"[{"publicKey": "A", "isp": "net", "quorumSet": {"threshold": 1, "validators": ["A"]}}]"#;
    let dir = with("nodes.json", nodes);
    let found = graph(
        &["analyze", "nodes.json", "--crashed", "net", "--json"],
        dir.path(),
    );
    assert_eq!(one_object(&found)["crashed"], json!(["A"]), "{found:?}");
}

#[test]
fn what_is_no_text_says_where_and_what_to_do() {
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(GRAPH.bytes().flat_map(|b| [b, 0]))
        .collect();
    let dir = with("g.toml", utf16);
    for command in ["check", "analyze"] {
        let found = graph(&[command, "g.toml"], dir.path());
        assert_eq!(found.status.code(), Some(1), "{found:?}");
        let why = "g.toml:1:1: error: this is UTF-16; save it as UTF-8\n";
        assert_eq!(text(&found.stderr), why);
    }
    let mut bytes = GRAPH.as_bytes().to_vec();
    bytes[GRAPH.find("alice").expect("a learner")] = 0xe9;
    let dir = with("g.toml", bytes);
    let found = graph(&["check", "g.toml", "--json"], dir.path());
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let said = one_object(&found);
    assert_eq!(said["valid"], false);
    assert_eq!(said["problems"][0]["at"], json!({"line": 3, "column": 1}));
    let gone = graph(&["check", "none.toml", "--json"], dir.path());
    assert_eq!(gone.status.code(), Some(3), "{gone:?}");
    assert_eq!(one_object(&gone)["valid"], Value::Null);
}

#[test]
fn a_promise_that_nobody_wrote_is_explained() {
    let ring = |l: usize| {
        format!(
            "[[safe]]\nbetween = [\"l{l}\", \"l{}\"]\nwhen = \"a1\"\n",
            l + 1
        )
    };
    let graph_of = |n: usize| {
        let learners = "l0 = \"a1\"\nl1 = \"a1\"\nl2 = \"a1\"\nl3 = \"a2\"\n";
        let entries: String = (0..n).map(ring).collect();
        format!("acceptors = [\"a1\", \"a2\"]\n[learners]\n{learners}{entries}")
    };
    let dir = with("g.toml", graph_of(3));
    let through = "(through [[safe]] 1 (line 7), [[safe]] 2 (line 10) and [[safe]] 3 (line 13): l0 – l1 – l2 – l3)";
    let found = graph(&["check", "g.toml"], dir.path());
    assert!(text(&found.stderr).contains(through), "{found:?}");
    let found = graph(&["analyze", "g.toml"], dir.path());
    assert!(text(&found.stdout).contains(through), "{found:?}");
    assert!(
        text(&found.stdout).contains("4 pairs are not valid."),
        "{found:?}"
    );
}

#[test]
fn a_picture_says_what_was_not_decided() {
    let dir = with("g.toml", GRAPH);
    let open = "3 of 3 promises: whether quorums keep them";
    for to in ["svg", "dot"] {
        let found = graph(
            &["export", "g.toml", "--to", to, "--seconds", "0"],
            dir.path(),
        );
        assert_eq!(found.status.code(), Some(0), "{found:?}");
        assert!(text(&found.stderr).contains(open), "{found:?}");
        assert!(text(&found.stdout).contains("not decided:"), "{found:?}");
        let found = graph(&["export", "g.toml", "--to", to], dir.path());
        assert_eq!(text(&found.stderr), "");
        assert!(!text(&found.stdout).contains("not decided:"), "{found:?}");
    }
}

#[test]
fn an_import_is_one_object_for_programs() {
    let set = r#"{"threshold": 1, "validators": ["A"]}"#;
    let nodes = format!(r#"[{{"publicKey": "A", "quorumSet": {set}}}, {{"publicKey": "B"}}]"#);
    let dir = with("nodes.json", nodes);
    let text_of_it = text(&graph(&["import", "nodes.json"], dir.path()).stdout);
    let made = one_object(&graph(&["import", "nodes.json", "--json"], dir.path()));
    assert_eq!(
        made["graph"].as_str().expect("text").trim_end(),
        text_of_it.trim_end()
    );
    assert_eq!((&made["nodes"], &made["learners"]), (&json!(2), &json!(1)));
    assert_eq!(
        (&made["silent"], &made["intersect"]),
        (&json!(["B"]), &json!(true))
    );
}

#[test]
fn times_below_zero_are_said_to_be_out_of_range() {
    let dir = with("g.toml", GRAPH);
    let refused = graph(&["analyze", "g.toml", "--seconds", "-1"], dir.path());
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(
        said.contains("whole seconds, from 0 to 1000000") && !said.contains("tip"),
        "{said}"
    );
}

#[test]
fn a_list_of_nobody_is_not_good() {
    let dir = with("nodes.json", "[]");
    let found = graph(&["analyze", "nodes.json"], dir.path());
    assert_eq!(found.status.code(), Some(1), "{found:?}");
}
