//! Wrong arguments and missing files: what is said, and the exit code.

use crate::support::up;

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
fn numbers_out_of_range_are_refused_before_anything_starts() {
    refused(&["--timeout", "0"], 2, &["--timeout", "in no time"]);
    for ms in ["99", "3600001", "soon"] {
        refused(&["--patience-ms", ms], 2, &["--patience-ms", ms]);
    }
    refused(&["--mode", "raft"], 2, &["hpaxos, paxos and disk-paxos"]);
    refused(&["--mode", "paxos", "--nodes", "257"], 2, &["1 to 256"]);
    refused(
        &["--mode", "disk-paxos", "--nodes", "256"],
        2,
        &["1 to 255"],
    );
    refused(&["--mode", "disk-paxos", "--disks", "0"], 2, &["--disks 0"]);
}

#[test]
fn options_of_other_modes_are_refused() {
    refused(&["--disks", "3"], 2, &["mode hpaxos has no --disks"]);
    refused(&["--mode", "paxos", "--disks", "3"], 2, &["--disks"]);
    let liar = ["--byzantine", "n1=double-vote"];
    for mode in ["paxos", "disk-paxos"] {
        refused(
            &[&["--mode", mode], liar.as_slice()].concat(),
            2,
            &["nobody who lies"],
        );
    }
    refused(
        &["--mode", "disk-paxos", "--graph", "g"],
        2,
        &["no --graph"],
    );
    refused(
        &["--mode", "disk-paxos", "--kill", "d4"],
        2,
        &["the disks d1 to d3"],
    );
    refused(&["--kill", "d1"], 2, &["no node 'd1'"]);
}

#[test]
fn quorums_that_do_not_meet_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("quorums.toml");
    let file_name = file.to_str().unwrap();
    let text =
        "mode = \"paxos\"\nacceptors = [\"a\", \"b\"]\n[quorums]\nread = \"a\"\nwrite = \"b\"\n";
    std::fs::write(&file, text).unwrap();
    let words = [
        "quorums.toml:4:8:",
        "{a} and the write quorum {b} share nobody",
    ];
    refused(&["--mode", "paxos", "--graph", file_name], 1, &words);
    std::fs::write(&file, text.replace("\"paxos\"", "\"disk-paxos\"")).unwrap();
    let words = ["is for mode disk-paxos: add --mode disk-paxos"];
    refused(&["--mode", "paxos", "--graph", file_name], 2, &words);
    refused(&["--graph", file_name], 2, &words);
}

#[test]
fn a_value_that_no_node_takes_is_named_by_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("values");
    let text = [b"short\n".as_slice(), &vec![b'x'; (1 << 20) + 1]].concat();
    std::fs::write(&file, text).unwrap();
    let words = ["values': line 2 has 1048577 bytes"];
    refused(&["--values", file.to_str().unwrap()], 2, &words);
}

#[test]
fn a_closed_standard_error_changes_no_exit_code() {
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_testnet"));
    let command = command.args(["up", "--values", "/no/values"]).stderr(write);
    assert_eq!(command.status().unwrap().code(), Some(3));
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
