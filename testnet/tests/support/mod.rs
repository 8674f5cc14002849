//! Starts `testnet` as a process and sees what it leaves behind.

// Each test program uses a part of this.
#![allow(dead_code)]

use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest that anything may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A run of the launcher with a temporary directory of its own.
pub(crate) struct Launcher {
    pub(crate) child: Child,
    pub(crate) tmp: TempDir,
    lines: Option<std::io::Lines<BufReader<ChildStdout>>>,
    /// All processes seen to belong to it.
    pub(crate) pids: Vec<u32>,
}

/// What a run that has ended left.
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The JSON lines of standard output; every line must be one.
    pub(crate) fn events(&self) -> Vec<Json> {
        let read = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.stdout.lines().map(read).collect()
    }

    pub(crate) fn summary(&self) -> Json {
        let last = self.events().pop();
        last.filter(|e| e["event"] == "summary")
            .unwrap_or_else(|| panic!("no summary:\n{self}"))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}\nstdout:\n{}\nstderr:\n{}",
            self.status, self.stdout, self.stderr
        )
    }
}

/// The stand-in node, which is built along with the tests.
pub(crate) fn fake_node() -> PathBuf {
    let testnet = Path::new(env!("CARGO_BIN_EXE_testnet"));
    let path = testnet.with_file_name("examples").join("fake_node");
    assert!(
        path.exists(),
        "{} is built by `cargo test -p testnet`",
        path.display()
    );
    path
}

fn command(name: &str, args: &[&str], tmp: &Path, fake: Option<&str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testnet"));
    command
        .arg(name)
        .args(args)
        .env("TMPDIR", tmp)
        .env_remove("NO_COLOR");
    if let Some(misbehaviour) = fake {
        command
            .arg("--hpaxos")
            .arg(fake_node())
            .env("FAKE_NODE", misbehaviour);
    }
    command
}

/// Runs `testnet up` to the end. Checks that no temporary file is left.
pub(crate) fn up(args: &[&str], fake: Option<&str>) -> Outcome {
    run("up", args, fake)
}

/// The same for another command.
pub(crate) fn run(name: &str, args: &[&str], fake: Option<&str>) -> Outcome {
    let tmp = tempfile::tempdir().unwrap();
    let output = command(name, args, tmp.path(), fake)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let outcome = Outcome {
        status: output.status,
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert_eq!(
        entries(tmp.path()),
        Vec::<String>::new(),
        "left behind by\n{outcome}"
    );
    outcome
}

pub(crate) fn entries(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

impl Launcher {
    /// Starts a run of `testnet up` with `--json`.
    pub(crate) fn start(args: &[&str], fake: Option<&str>) -> Launcher {
        Launcher::start_command("up", args, fake)
    }

    /// The same for another command.
    pub(crate) fn start_command(name: &str, args: &[&str], fake: Option<&str>) -> Launcher {
        let tmp = tempfile::tempdir().unwrap();
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let mut child = command(name, &args, tmp.path(), fake)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Some(BufReader::new(child.stdout.take().unwrap()).lines());
        let pids = vec![child.id()];
        Launcher {
            child,
            tmp,
            lines,
            pids,
        }
    }

    /// The next event, or none at the end.
    pub(crate) fn next(&mut self) -> Option<Json> {
        let line = self.lines.as_mut().unwrap().next()?;
        Some(serde_json::from_str(&line.unwrap()).unwrap())
    }

    /// Reads whatever comes, beside the test.
    pub(crate) fn drain(&mut self) {
        let lines = self.lines.take().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// Closes the output of the run.
    pub(crate) fn stop_reading(&mut self) {
        self.lines = None;
    }

    /// Reads on until an event fits, and returns it.
    pub(crate) fn until(&mut self, fits: impl Fn(&Json) -> bool) -> Json {
        loop {
            match self.next() {
                Some(event) if fits(&event) => return event,
                Some(_) => {}
                None => {
                    let mut stderr = String::new();
                    let _ = self
                        .child
                        .stderr
                        .take()
                        .unwrap()
                        .read_to_string(&mut stderr);
                    panic!("the run ended too early: {stderr}");
                }
            }
        }
    }

    /// Reads the announcements of so many nodes.
    pub(crate) fn nodes(&mut self, n: usize) -> Vec<Json> {
        let nodes: Vec<Json> = (0..n).map(|_| self.until(|_| true)).collect();
        assert!(
            nodes.iter().all(|node| node["event"] == "node"),
            "{nodes:?}"
        );
        self.pids.extend(nodes.iter().map(pid));
        // The guard is a child as well.
        self.pids.extend(children(self.child.id()));
        nodes
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        kill(self.child.id(), signal);
    }

    /// Waits for the end and returns the exit status with the last event.
    pub(crate) fn end(mut self) -> (ExitStatus, Option<Json>) {
        let mut last = None;
        while let Some(event) = self.next() {
            last = Some(event);
        }
        let status = self.child.wait().unwrap();
        self.nothing_left();
        (status, last)
    }

    /// Waits until no process of the run and no temporary file is left.
    pub(crate) fn nothing_left(&self) {
        eventually("all processes are gone", || {
            self.pids.iter().all(|pid| !runs(*pid))
        });
        eventually("the temporary directory is gone", || {
            entries(self.tmp.path()).is_empty()
        });
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        // A failed test must not leave a network behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let left: Vec<u32> = self.pids.iter().copied().filter(|pid| runs(*pid)).collect();
            left.into_iter()
                .for_each(|pid| kill(pid, rustix::process::Signal::KILL));
        }
    }
}

/// Starts a node of a launcher's directory again with what it has stored, and waits until it is ready.
pub(crate) fn start_again(dir: &Path, node: &str, more: &[(&str, PathBuf)]) -> Child {
    let arguments = [
        ("--config", dir.join("network.toml")),
        ("--name", node.into()),
        ("--key", dir.join("keys").join(format!("{node}.key"))),
        ("--data", dir.join("data").join(node)),
    ];
    let arguments = arguments.iter().chain(more);
    let arguments = arguments.flat_map(|(flag, value)| [flag.as_ref(), value.as_os_str()]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_testnet"))
        .args(["node", "--parent", &std::process::id().to_string(), "--"])
        .args(arguments)
        .arg("--ready-json")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let output = child.stdout.as_mut().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    assert!(line.contains("\"ready\""), "{node}: {line}");
    child
}

pub(crate) fn pid(node: &Json) -> u32 {
    u32::try_from(node["pid"].as_u64().unwrap()).unwrap()
}

pub(crate) fn kill(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Whether a process runs; one that waits to be reaped does not. While one of its threads ends, it has
/// its files, and their locks.
pub(crate) fn runs(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
    let mut threads = threads.into_iter().flatten().flatten();
    threads.any(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        let state = stat
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next());
        state.is_some_and(|state| state != 'Z' && state != 'X')
    })
}

pub(crate) fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap();
    text.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Polls until something holds, within the deadline.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
