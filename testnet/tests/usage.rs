//! Wrong arguments and missing files: what is said, and the exit code.

#![allow(clippy::unwrap_used)]

mod support;

use support::up;

/// Runs and checks code and words.
fn refused(args: &[&str], code: i32, words: &[&str]) {
    let outcome = up(args, None);
    assert_eq!(outcome.code(), Some(code), "{args:?}: {outcome}");
    assert_eq!(outcome.stdout, "", "{args:?}: {outcome}");
    for word in words {
        assert!(
            outcome.stderr.contains(word),
            "{args:?}: no '{word}' in {outcome}"
        );
    }
}

#[test]
fn a_missing_node_program_is_named() {
    refused(
        &["--hpaxos", "/no/such/hpaxos"],
        3,
        &["/no/such/hpaxos", "No such file"],
    );
    refused(
        &["--hpaxos", "/etc/passwd"],
        3,
        &["/etc/passwd", "not a program"],
    );
}

#[test]
fn missing_files_are_named() {
    refused(
        &["--values", "/no/values"],
        3,
        &["values file '/no/values'"],
    );
    refused(&["--graph", "/no/graph"], 3, &["graph file '/no/graph'"]);
}

#[test]
fn an_invalid_graph_shows_all_its_problems() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("graph.toml");
    let text = "acceptors = [\"a1\"]\n[learners]\nx = \"a2\"\ny = \"a3\"\n";
    std::fs::write(&file, text).unwrap();
    refused(
        &["--graph", file.to_str().unwrap()],
        1,
        &["graph.toml:3:", "a2", "graph.toml:4:", "a3"],
    );
}

#[test]
fn node_numbers_must_fit_the_graph() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("graph.toml");
    std::fs::write(&file, learner_graph::builtin(4)).unwrap();
    refused(
        &["--graph", file.to_str().unwrap(), "--nodes", "3"],
        2,
        &["4 acceptors", "--nodes 3"],
    );
    refused(&["--nodes", "0"], 2, &["--nodes 0"]);
}

#[test]
fn strange_nodes_are_named() {
    refused(&["--kill", "n9"], 2, &["no node 'n9'", "n1 to n4"]);
    refused(&["--byzantine", "n9=double-vote"], 2, &["no node 'n9'"]);
    refused(&["--byzantine", "n4=sleep"], 2, &["n4=sleep"]);
    refused(
        &["--kill", "n4@5values"],
        2,
        &["5 values", "one must be left"],
    );
    refused(&["--timeout", "soon"], 2, &["soon"]);
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    refused(
        &["--base-port", &port.to_string()],
        3,
        &[&format!("port {port} ")],
    );
    refused(&["--base-port", "65535"], 2, &["--base-port 65535"]);
}
