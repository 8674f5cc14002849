//! The command line: exit codes, what goes where, signals.

use crate::fixture::{DEADLINE, GRAPH, free_ports};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) fn hpaxos() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hpaxos"))
}

pub(crate) fn run(args: &[&str], dir: &Path) -> Output {
    hpaxos()
        .args(args)
        .current_dir(dir)
        // Nothing here needs certificates, which a small machine does not have.
        .envs(["SSL_CERT_FILE", "SSL_CERT_DIR"].map(|of| (of, "/none")))
        .output()
        .expect("it runs")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What was said to standard error.
fn text_of(output: &Output) -> String {
    text(&output.stderr)
}

pub(crate) fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// Ends its process when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn keygen_makes_a_key_and_never_overwrites_one() {
    let dir = directory();
    let made = run(&["keygen", "--out", "k", "--json"], dir.path());
    assert_eq!(made.status.code(), Some(0));
    let json: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    let key = crypto::Keypair::load(dir.path().join("k"))
        .expect("a key")
        .public();
    assert_eq!(json["public_key"], key.to_string());
    let again = run(&["keygen", "--out", "k"], dir.path());
    assert_eq!(
        (again.status.code(), text(&again.stdout)),
        (Some(3), String::new())
    );
    assert!(text(&again.stderr).contains("not overwritten"));
}

/// The exit code and what is said with this standard output.
fn printing_to(out: impl Into<Stdio>, args: &[&str], dir: &Path) -> (Option<i32>, String) {
    let mut command = hpaxos();
    command.args(args).current_dir(dir).stdout(out);
    let output = command.stderr(Stdio::piped()).output().expect("it runs");
    (output.status.code(), text_of(&output))
}

#[test]
fn results_that_cannot_be_written_are_no_success() {
    let dir = directory();
    let graph = GRAPH.split("[limits]").next().expect("a graph");
    std::fs::write(dir.path().join("g.toml"), graph).expect("written");
    for args in [
        &["graph", "check", "g.toml"][..],
        &["graph", "analyze", "g.toml", "--json"],
        &["graph", "export", "g.toml", "--to", "svg"],
        &["keygen", "--out", "k"],
        &["completions", "bash"],
        &["man", "--out", "pages"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let (code, said) = printing_to(full.expect("it is there"), args, dir.path());
        assert_eq!(code, Some(3), "{args:?}");
        let why = "error: cannot write to standard output: ";
        assert!(said.starts_with(why), "{args:?}: {said}");
    }
}

#[test]
fn whoever_reads_may_have_seen_enough() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let dir = directory();
    let seen = printing_to(writer, &["completions", "bash"], dir.path());
    assert_eq!(seen, (Some(0), String::new()));
}

#[test]
fn graph_check_tells_good_from_bad() {
    let dir = directory();
    let graph = GRAPH
        .split("[limits]")
        .next()
        .expect("a graph")
        .replace("network = \"test\"", "");
    std::fs::write(dir.path().join("good.toml"), &graph).expect("written");
    let bad = graph.replace("threshold = 2", "threshold = 9");
    std::fs::write(dir.path().join("bad.toml"), bad).expect("written");
    let good = run(
        &["graph", "check", "good.toml", "--safe", "a1,a2,a3"],
        dir.path(),
    );
    assert_eq!(
        (good.status.code(), text(&good.stderr)),
        (Some(0), String::new())
    );
    assert!(text(&good.stdout).contains("alice"));
    let json = run(&["graph", "check", "good.toml", "--json"], dir.path());
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(
        (&json["valid"], &json["uniform"]),
        (&true.into(), &true.into())
    );
    let bad = run(&["graph", "check", "bad.toml"], dir.path());
    assert_eq!(
        (bad.status.code(), text(&bad.stdout)),
        (Some(1), String::new())
    );
    assert!(text(&bad.stderr).starts_with("bad.toml:"), "{bad:?}");
    assert_eq!(
        run(&["graph", "check", "none.toml"], dir.path())
            .status
            .code(),
        Some(3)
    );
    assert_eq!(run(&["graph", "chekc"], dir.path()).status.code(), Some(2));
}

#[test]
fn graph_check_looks_at_the_nodes_of_a_configuration_too() {
    let dir = directory();
    std::fs::write(
        dir.path().join("net.toml"),
        format!("{GRAPH}[nodes.n1]\nkey = \"x\"\naddress = \"y\"\n"),
    )
    .expect("written");
    let checked = run(&["graph", "check", "net.toml"], dir.path());
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked.stderr).contains("node 'n1'"), "{checked:?}");
}

#[test]
fn graph_check_looks_at_all_of_a_file() {
    let dir = directory();
    let graph = GRAPH.replace("threshold = 2", "threshold = 9");
    let text = graph.replace("patience_ms = 300", "patience_ms = 1");
    std::fs::write(dir.path().join("net.toml"), text).expect("written");
    let checked = run(&["graph", "check", "net.toml"], dir.path());
    assert_eq!(checked.status.code(), Some(1));
    for part in ["threshold 9 of 3", "patience_ms = 1 is out of range"] {
        assert!(text_of(&checked).contains(part), "no '{part}': {checked:?}");
    }
    let once = |part: &str| text_of(&checked).matches(part).count() == 1;
    assert!(once("learner 'bob'"), "said once: {checked:?}");
    std::fs::write(dir.path().join("net.toml"), GRAPH).expect("written");
    let args = ["graph", "check", "net.toml", "--safe", "a1,a9"];
    let strange = run(&args, dir.path());
    assert_eq!(strange.status.code(), Some(2));
    assert!(
        text_of(&strange).contains("'a9' is not an acceptor"),
        "{strange:?}"
    );
}

#[test]
fn graph_check_says_whether_quorums_meet() {
    let dir = directory();
    let write = |quorums: &str| {
        let text = format!("mode = \"paxos\"\nacceptors = [\"a\", \"b\", \"c\"]\n{quorums}\n");
        std::fs::write(dir.path().join("net.toml"), text).expect("written");
    };
    let check = |args: &[&str]| {
        run(
            &[&["graph", "check", "net.toml"], args].concat(),
            dir.path(),
        )
    };
    write("[quorums]\nread = \"a\"\nwrite = { sets = [[\"a\", \"b\"]] }");
    let good = check(&[]);
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    for part in [
        "Minimal read quorums (phase 1): {a}",
        "Every read quorum meets every write quorum.",
    ] {
        assert!(text(&good.stdout).contains(part), "no '{part}': {good:?}");
    }
    let json: Value = serde_json::from_slice(&check(&["--json"]).stdout).expect("JSON");
    assert_eq!(json["write"]["sets"], serde_json::json!([["a", "b"]]));
    assert_eq!(
        check(&["--safe", "a"]).status.code(),
        Some(2),
        "nobody lies"
    );
    std::fs::write(
        dir.path().join("net.toml"),
        "mode = \"paxo\"\nacceptors = [\"a\"]\n",
    )
    .expect("written");
    assert!(
        text_of(&check(&[])).ends_with("the modes are \"hpaxos\", \"paxos\" and \"disk-paxos\"\n")
    );
    write("");
    assert!(text(&check(&[]).stdout).contains("Any two quorums meet."));
    write("[quorums]\nread = \"a\"\nwrite = \"b\"");
    let bad = check(&[]);
    assert_eq!(
        (bad.status.code(), text(&bad.stdout)),
        (Some(1), String::new())
    );
    assert!(
        text_of(&bad).contains("net.toml:4:8: error: the read quorum {a} and"),
        "{bad:?}"
    );
}

#[test]
fn a_trace_needs_mode_hpaxos_and_a_file_of_its_own() {
    let dir = directory();
    let key = text(&run(&["keygen", "--out", "k"], dir.path()).stdout);
    let node = format!(
        "[nodes.n]\nkey = \"{}\"\nacceptor = \"a\"\nproposer = true\naddress = \"/ip4/127.0.0.1/tcp/1\"\n",
        key.trim()
    );
    let paxos = "network = \"one\"\nmode = \"paxos\"\nacceptors = [\"a\"]\n";
    let hpaxos = "network = \"one\"\nacceptors = [\"a\"]\n[learners]\nl = { sets = [[\"a\"]] }\n\
                  [[safe]]\nbetween = [\"l\"]\nwhen = \"a\"\n";
    std::fs::write(dir.path().join("other"), "something else\n").expect("written");
    for (mode, data, file, code, words) in [
        (paxos, "d1", "t", 2, "--trace is for mode hpaxos"),
        (
            hpaxos,
            "d2",
            "no/such/t",
            3,
            "cannot write the trace: 'no/such/t'",
        ),
        (hpaxos, "d3", "other", 3, "other:1: "),
    ] {
        std::fs::write(dir.path().join("net.toml"), format!("{mode}{node}")).expect("written");
        let arguments = [
            "node", "--config", "net.toml", "--name", "n", "--key", "k", "--init", "--data", data,
        ];
        let refused = run(&[&arguments[..], &["--trace", file]].concat(), dir.path());
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        assert!(text_of(&refused).contains(words), "{refused:?}");
    }
}

#[test]
fn a_node_runs_until_it_is_told_to_stop() {
    let dir = directory();
    let key = text(&run(&["keygen", "--out", "k"], dir.path()).stdout);
    let port = free_ports(1)[0];
    let config = format!(
        "network = \"one\"\nacceptors = [\"a\"]\n[learners]\nl = {{ sets = [[\"a\"]] }}\n\
         [[safe]]\nbetween = [\"l\"]\nwhen = \"a\"\n[nodes.n]\nkey = \"{}\"\nacceptor = \"a\"\n\
         proposer = true\nlearners = [\"l\"]\naddress = \"/ip4/127.0.0.1/tcp/{port}\"\nhttp = \"127.0.0.1:0\"\n",
        key.trim()
    );
    std::fs::write(dir.path().join("net.toml"), config).expect("written");
    let arguments = [
        "node", "--config", "net.toml", "--name", "n", "--key", "k", "--data", "data",
    ];
    let refused = run(&arguments, dir.path());
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(text_of(&refused).contains("has never run, add --init"));
    assert!(!dir.path().join("data").exists(), "nothing was made");
    let init = || {
        run(
            &[&["storage", "init"], &arguments[1..]].concat(),
            dir.path(),
        )
    };
    // The second one finishes what the first may have been interrupted in.
    for _ in 0..2 {
        let made = init();
        assert_eq!(made.status.code(), Some(0), "{made:?}");
    }
    let node = hpaxos()
        .args(arguments)
        .args(["--ready-json", "--log", "json"])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut node = Running(node.expect("it runs"));
    let mut line = String::new();
    let stdout = node.0.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(
        (&ready["event"], &ready["node"]),
        (&"ready".into(), &"n".into())
    );
    let again = init();
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    assert!(text_of(&again).contains("leave out --init"), "{again:?}");
    let url = ready["http"].as_str().expect("an address");
    let submitted = run(
        &["submit", "--node", url, "x", "y", "--wait", "l", "--json"],
        dir.path(),
    );
    assert_eq!(submitted.status.code(), Some(0), "{submitted:?}");
    let lines: Vec<Value> = text(&submitted.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    assert_eq!((lines.len(), &lines[1]["decided"]), (2, &true.into()));
    let mut lines = vec![b'x'; 3];
    lines.extend([b"\n".as_slice(), &[b'y'; node::MAX_VALUE_BYTES + 1], b"\n"].concat());
    std::fs::write(dir.path().join("lines"), lines).expect("written");
    let input = std::fs::File::open(dir.path().join("lines")).expect("a file");
    let mut long = hpaxos();
    let long = long
        .args(["submit", "--node", url, "-"])
        .stdin(input)
        .output();
    let long = long.expect("it runs");
    assert_eq!(long.status.code(), Some(1), "{long:?}");
    assert!(
        text(&long.stderr).contains("line 2 of the input"),
        "{long:?}"
    );
    assert_eq!(
        text(&long.stdout).lines().count(),
        1,
        "line 1 was submitted"
    );
    std::fs::write(dir.path().join("two"), "v1\nv2\n").expect("written");
    let input = std::fs::File::open(dir.path().join("two")).expect("a file");
    let mut file = hpaxos();
    let file = file
        .args(["submit", "--node", url, "--file", "-"])
        .stdin(input)
        .output()
        .expect("it runs");
    assert_eq!(file.status.code(), Some(0), "{file:?}");
    assert_eq!(text(&file.stdout).lines().count(), 2, "{file:?}");
    let unknown = run(&["submit", "--node", url, "x", "--wait", "m"], dir.path());
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        text(&unknown.stderr).contains("does not play"),
        "{unknown:?}"
    );
    let pid = i32::try_from(node.0.id()).expect("a process id");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signalled");
    let start = Instant::now();
    let status = loop {
        if let Some(status) = node.0.try_wait().expect("a child") {
            break status;
        }
        assert!(start.elapsed() < DEADLINE, "it does not stop");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
    let mut log = String::new();
    std::io::Read::read_to_string(&mut node.0.stderr.take().expect("piped"), &mut log)
        .expect("text");
    assert!(
        log.lines()
            .all(|l| serde_json::from_str::<Value>(l).is_ok()),
        "{log}"
    );
    let refused = run(&[&arguments[..], &["--init"]].concat(), dir.path());
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(
        text_of(&refused).contains("leave out --init"),
        "{refused:?}"
    );
    let shown = run(&["storage", "show", "--data", "data"], dir.path());
    let owner = format!("node 'n' with the key {}", key.trim());
    assert!(text(&shown.stdout).contains(&owner), "{shown:?}");
    let gone = run(&["submit", "--node", url, "x"], dir.path());
    assert_eq!(gone.status.code(), Some(3), "{gone:?}");
}

#[test]
fn waiting_in_vain_is_told_from_a_bad_value() {
    // A node that takes every value and decides none.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = listener.local_addr().expect("bound").to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).expect("a request");
        }
        let body = r#"{"id":"00","decided":false}"#;
        let head = format!(
            "HTTP/1.1 202 Accepted\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .expect("answered");
    });
    let args = [
        "submit",
        "--node",
        &url,
        "v",
        "--wait",
        "bob",
        "--timeout-ms",
        "7",
    ];
    let waited = run(&args, directory().path());
    assert_eq!(waited.status.code(), Some(3), "{waited:?}");
    assert!(
        text(&waited.stderr).contains("bob has not decided it within 7 ms"),
        "{waited:?}"
    );
    server.join().expect("served");
}

#[test]
fn what_cannot_be_run_says_why() {
    let dir = directory();
    let node = |file: &str| {
        run(
            &[
                "node", "--config", file, "--name", "n", "--key", "k", "--data", "d",
            ],
            dir.path(),
        )
    };
    let missing = node("none.toml");
    assert_eq!(missing.status.code(), Some(3));
    assert!(
        text(&missing.stderr).starts_with("none.toml: error:"),
        "{missing:?}"
    );
    std::fs::write(dir.path().join("net.toml"), "network = 1\n").expect("written");
    let wrong = node("net.toml");
    assert_eq!(wrong.status.code(), Some(3));
    assert!(
        text(&wrong.stderr).starts_with("net.toml:1:11: error:"),
        "{wrong:?}"
    );
    assert_eq!(run(&["node"], dir.path()).status.code(), Some(2));
    for url in [
        "ftp://x",
        "http:/127.0.0.1:1",
        "http://",
        "x:y",
        "http://127.0.0.1:1/v1/values",
    ] {
        let refused = run(&["submit", "--node", url, "v"], dir.path());
        assert_eq!(refused.status.code(), Some(2), "{url}: {refused:?}");
        assert!(text(&refused.stderr).contains(url), "{refused:?}");
    }
    assert_eq!(
        run(
            &["submit", "--node", "x", "v", "w", "--key", "k"],
            dir.path()
        )
        .status
        .code(),
        Some(2)
    );
}
