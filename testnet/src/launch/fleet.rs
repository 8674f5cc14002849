//! The node processes: started, watched, killed and stopped.

use crate::failure::Failure;
use futures::future::select_all;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// How long nodes have to end after SIGTERM before they are killed.
const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// How a process ended that was killed.
pub const KILLED: &str = "killed";

/// A command that starts a node, and where its log goes.
#[derive(Debug)]
pub struct NodeCommand {
    /// The node's name.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<std::ffi::OsString>,
    /// The file for its standard error.
    pub log: PathBuf,
}

/// A node process.
#[derive(Debug)]
pub struct NodeProcess {
    name: String,
    pid: u32,
    log: PathBuf,
    child: Child,
    ready: Option<Ready>,
    status: Option<ExitStatus>,
}

/// What a node prints when it is ready. The addresses are those it is really bound to.
#[derive(Debug, Deserialize)]
struct ReadyLine {
    event: String,
    http: String,
}

/// The standard output of a node that is not ready yet.
#[derive(Debug)]
pub struct Ready(Lines<BufReader<ChildStdout>>);

impl Ready {
    /// Waits for the ready line and returns the URL of the HTTP API; `None` if the process ends, or closes
    /// its output, before.
    pub async fn url(mut self) -> Option<String> {
        while let Ok(Some(line)) = self.0.next_line().await {
            let parsed = serde_json::from_str::<ReadyLine>(&line);
            if let Some(ready) = parsed.ok().filter(|ready| ready.event == "ready") {
                // Whatever it prints later must neither block nor kill it.
                tokio::spawn(async move { while let Ok(Some(_)) = self.0.next_line().await {} });
                return Some(url(&ready.http));
            }
        }
        None
    }
}

impl NodeProcess {
    /// Starts a node. Call it on a thread that lives as long as the program: see
    /// [`die_with`](super::child::die_with).
    ///
    /// What it writes to its log comes after what is there from an earlier start.
    ///
    /// # Errors
    /// If the log cannot be made or the program cannot be started.
    pub fn start(command: &NodeCommand) -> Result<NodeProcess, Failure> {
        let name = &command.name;
        NodeProcess::spawn(command)
            .map_err(|e| Failure::could_not_run(format!("cannot start node {name}: {e}")))
    }

    fn spawn(command: &NodeCommand) -> io::Result<NodeProcess> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&command.log)?;
        let mut child = Command::new(&command.program)
            .args(&command.args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            // A group of its own: a Ctrl-C in the terminal is for the launcher alone.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let ready = child
            .stdout
            .take()
            .map(|stdout| Ready(BufReader::new(stdout).lines()));
        let pid = child.id().unwrap_or_default();
        Ok(NodeProcess {
            name: command.name.clone(),
            pid,
            log: command.log.clone(),
            child,
            ready,
            status: None,
        })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether the process has not been seen to end.
    #[must_use]
    pub fn alive(&self) -> bool {
        self.status.is_none()
    }

    /// Waits for the ready line and returns the URL of the HTTP API.
    ///
    /// # Errors
    /// If the process ends, or closes its output, before it is ready: with the end of its log.
    pub async fn ready(&mut self) -> Result<String, Failure> {
        if let Some(ready) = self.take_ready()
            && let Some(url) = ready.url().await
        {
            return Ok(url);
        }
        let status = self.wait().await.map_or_else(|e| e.to_string(), describe);
        Err(Failure::could_not_run(format!(
            "node {} ended before it was ready ({status}); the end of its log:\n{}",
            self.name,
            self.log_tail()
        )))
    }

    /// What it will say when it is ready, to be waited for apart from the process. Only once.
    pub fn take_ready(&mut self) -> Option<Ready> {
        self.ready.take()
    }

    /// The last lines of its log, indented.
    #[must_use]
    pub fn log_tail(&self) -> String {
        log_tail(&self.log)
    }

    /// Waits until the process has ended. Cancel safe.
    async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.status = Some(status);
        Ok(status)
    }

    /// Sends a signal to the process and whatever it may have started. A dead one is left alone.
    pub fn signal(&self, signal: Signal) {
        // Not reaped yet, so the id still belongs to it.
        let pid = self
            .child
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        if let Some(pid) = pid {
            // It may have ended this very moment.
            let _ = kill_process_group(pid, signal);
        }
    }
}

/// All node processes of a network. Dropping it kills and reaps those that still run.
#[derive(Debug, Default)]
pub struct Fleet {
    /// The processes, in the order of the nodes.
    pub nodes: Vec<NodeProcess>,
}

impl Fleet {
    /// Waits for the next process to end, however it ends; forever if none is left. Cancel safe.
    pub async fn next_exit(&mut self) -> (usize, String) {
        let living = self
            .nodes
            .iter_mut()
            .enumerate()
            .filter(|(_, node)| node.alive());
        let waits: Vec<_> = living
            .map(|(at, node)| Box::pin(async move { (at, node.wait().await) }))
            .collect();
        if waits.is_empty() {
            return std::future::pending().await;
        }
        let ((at, status), ..) = select_all(waits).await;
        (at, status.map_or_else(|e| e.to_string(), describe))
    }

    /// The places of the processes that have not been seen to end.
    #[must_use]
    pub fn living(&self) -> Vec<usize> {
        (0..self.nodes.len())
            .filter(|at| self.nodes[*at].alive())
            .collect()
    }

    /// Stops everything: politely first, then not.
    pub async fn stop(&mut self) {
        for signal in [Signal::TERM, Signal::KILL] {
            for node in &self.nodes {
                node.signal(signal);
                // Who is paused hears nothing else.
                node.signal(Signal::CONT);
            }
            let all = async {
                while !self.living().is_empty() {
                    self.next_exit().await;
                }
            };
            if tokio::time::timeout(STOP_PATIENCE, all).await.is_ok() {
                return;
            }
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for node in &self.nodes {
            node.signal(Signal::KILL);
        }
        // Reaped, so that nothing writes to the network's directory any more when this returns.
        let start = Instant::now();
        for node in &mut self.nodes {
            while matches!(node.child.try_wait(), Ok(None)) && start.elapsed() < STOP_PATIENCE {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

fn url(http: &str) -> String {
    match http.strip_suffix('/').unwrap_or(http) {
        url if url.starts_with("http://") => url.to_owned(),
        address => format!("http://{address}"),
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(9), _) => KILLED.to_owned(),
        (Some(signal), _) => format!("ended by signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "ended".to_owned(),
    }
}

/// The last lines of a log, indented.
fn log_tail(log: &std::path::Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(8)..];
    if tail.is_empty() {
        return "  (empty)".to_owned();
    }
    tail.iter()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests;
