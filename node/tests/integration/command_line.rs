//! The command line: exit codes, what goes where, signals.

use crate::fixture::{DEADLINE, GRAPH, free_ports};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn hpaxos() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hpaxos"))
}

fn run(args: &[&str], dir: &Path) -> Output {
    hpaxos()
        .args(args)
        .current_dir(dir)
        .output()
        .expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn directory() -> TempDir {
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
    let node = hpaxos()
        .args([
            "node", "--config", "net.toml", "--name", "n", "--key", "k", "--data", "data",
        ])
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
    let gone = run(&["submit", "--node", url, "x"], dir.path());
    assert_eq!(gone.status.code(), Some(3), "{gone:?}");
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
    assert_eq!(
        run(&["submit", "--node", "ftp://x", "v"], dir.path())
            .status
            .code(),
        Some(2)
    );
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
