//! The nodes of a network under faults: which of them live, which are down until when, and which are on their way back.
//!
//! ```text
//!        kill ┌─────────────────────────────┐
//!             ▼                             │
//!   Up ──► Dying ──exit──► Down ──start──► Starting ──ready──► Up
//!             ▲                                                │
//!             └──────────────────── kill ──────────────────────┘
//! ```

use super::fleet::{Fleet, KILLED, NodeCommand, NodeProcess, Ready};
use crate::failure::Failure;
use crate::observe::Node;
use rustix::process::Signal;
use std::time::Duration;

/// Where a node stands. Times are counted from the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It takes part.
    Up,
    /// It has been killed, and must come back at this time.
    Dying(Duration),
    /// Its process has ended, and is started again at this time.
    Down(Duration),
    /// It was started at this time, and is not ready yet.
    Starting(Duration),
}

/// What the end of a process means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was killed.
    AsPlanned,
    /// It ended by itself, in this way and with these last lines in its log.
    ByItself {
        /// How it ended.
        how: String,
        /// The end of its log.
        log: String,
    },
}

/// The processes and where they stand.
#[derive(Debug)]
pub struct Nodes<'a> {
    fleet: &'a mut Fleet,
    commands: Vec<NodeCommand>,
    stands: Vec<Stands>,
    paused: Vec<bool>,
    /// How often each was started: what an earlier process says does not count for a later one.
    lives: Vec<u64>,
}

impl<'a> Nodes<'a> {
    /// All of them are up. The commands start each again.
    #[must_use]
    pub fn new(fleet: &'a mut Fleet, commands: Vec<NodeCommand>) -> Nodes<'a> {
        Nodes {
            stands: vec![Stands::Up; commands.len()],
            paused: vec![false; commands.len()],
            lives: vec![0; commands.len()],
            fleet,
            commands,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stands.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stands.is_empty()
    }

    /// Where a node stands.
    #[must_use]
    pub fn stands(&self, node: Node) -> Stands {
        self.stands[node]
    }

    /// Whether all are up.
    #[must_use]
    pub fn all_up(&self) -> bool {
        self.stands.iter().all(|stands| *stands == Stands::Up)
    }

    /// Whether a node's process runs, ready or not.
    #[must_use]
    pub fn runs(&self, node: Node) -> bool {
        matches!(self.stands[node], Stands::Up | Stands::Starting(_))
    }

    /// The process of a node that runs.
    #[must_use]
    pub fn pid(&self, node: Node) -> Option<u32> {
        self.runs(node).then(|| self.fleet.nodes[node].pid())
    }

    /// The last lines of a node's log.
    #[must_use]
    pub fn log_tail(&self, node: Node) -> String {
        self.fleet.nodes[node].log_tail()
    }

    /// Whether a node's process is stopped for a while.
    #[must_use]
    pub fn paused(&self, node: Node) -> bool {
        self.paused[node]
    }

    /// Stops a process that runs for a while, or lets it go on.
    pub fn pause(&mut self, node: Node, paused: bool) {
        if self.runs(node) && self.paused[node] != paused {
            self.paused[node] = paused;
            let signal = if paused { Signal::STOP } else { Signal::CONT };
            self.fleet.nodes[node].signal(signal);
        }
    }

    /// Kills a node that runs, until a time.
    pub fn kill(&mut self, node: Node, until: Duration) {
        if self.runs(node) {
            self.paused[node] = false;
            self.stands[node] = Stands::Dying(until);
            self.fleet.nodes[node].signal(Signal::KILL);
        }
    }

    /// Waits for the next process to end. Cancel safe.
    pub async fn next_exit(&mut self) -> (Node, Ended) {
        let (node, how) = self.fleet.next_exit().await;
        // Who ends otherwise has not waited to be killed.
        if let Stands::Dying(until) = self.stands[node]
            && how == KILLED
        {
            self.stands[node] = Stands::Down(until);
            return (node, Ended::AsPlanned);
        }
        let log = self.log_tail(node);
        self.stands[node] = Stands::Down(Duration::MAX);
        (node, Ended::ByItself { how, log })
    }

    /// Nobody stays down any longer.
    pub fn all_back(&mut self, now: Duration) {
        (0..self.len()).for_each(|node| self.back(node, now));
    }

    /// A node does not stay down any longer.
    pub fn back(&mut self, node: Node, now: Duration) {
        if let Stands::Dying(until) | Stands::Down(until) = &mut self.stands[node] {
            *until = now.min(*until);
        }
    }

    /// Starts whoever has been down for long enough. Each says when it is ready, and the number of its life.
    ///
    /// # Errors
    /// If a process cannot be started.
    pub fn start_due(&mut self, now: Duration) -> Result<Vec<(Node, u64, Ready)>, Failure> {
        let mut started = Vec::new();
        for node in 0..self.len() {
            if !matches!(self.stands[node], Stands::Down(until) if until <= now) {
                continue;
            }
            let mut process = NodeProcess::start(&self.commands[node])?;
            let ready = process.take_ready();
            self.fleet.nodes[node] = process;
            self.stands[node] = Stands::Starting(now);
            self.lives[node] += 1;
            started.extend(ready.map(|ready| (node, self.lives[node], ready)));
        }
        Ok(started)
    }

    /// A process has said that it is ready. The time since it was started, if this is news of a node's
    /// latest life.
    pub fn ready(&mut self, node: Node, life: u64, now: Duration) -> Option<Duration> {
        match self.stands[node] {
            Stands::Starting(since) if self.lives[node] == life => {
                self.stands[node] = Stands::Up;
                Some(now.saturating_sub(since))
            }
            _ => None,
        }
    }

    /// The nodes that were started so long ago that they must be ready.
    #[must_use]
    pub fn late(&self, now: Duration, patience: Duration) -> Vec<Node> {
        let late = |node: &Node| match self.stands[*node] {
            Stands::Starting(since) => now.saturating_sub(since) > patience,
            _ => false,
        };
        (0..self.len()).filter(late).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Says that it is ready, and sleeps.
    fn command(dir: &std::path::Path, script: &str) -> NodeCommand {
        NodeCommand {
            name: "n1".into(),
            program: "sh".into(),
            args: vec!["-c".into(), script.into()],
            log: dir.join("log"),
        }
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("runtime").block_on(future)
    }

    #[test]
    fn a_node_that_is_killed_comes_back_and_one_that_ends_is_told() {
        let dir = tempfile::tempdir().expect("dir");
        let script = r#"echo '{"event":"ready","http":"127.0.0.1:1"}'; exec sleep 1000"#;
        block_on(async {
            let lives = command(dir.path(), script);
            let mut fleet = Fleet::default();
            fleet
                .nodes
                .push(NodeProcess::start(&lives).expect("started"));
            let dies = command(dir.path(), "echo alas >&2; exit 4");
            let mut nodes = Nodes::new(&mut fleet, vec![dies]);
            nodes.kill(0, s(9));
            assert_eq!(nodes.next_exit().await, (0, Ended::AsPlanned));
            assert!(nodes.start_due(s(8)).expect("nothing to do").is_empty());
            nodes.commands[0] = lives;
            let mut started = nodes.start_due(s(9)).expect("started");
            let (node, life, ready) = started.pop().expect("one");
            assert_eq!(ready.url().await.as_deref(), Some("http://127.0.0.1:1"));
            assert!(!nodes.all_up() && nodes.late(s(19), s(9)) == [0]);
            assert_eq!(nodes.ready(node, life - 1, s(10)), None, "an earlier life");
            assert_eq!(nodes.ready(node, life, s(10)), Some(s(1)));
            assert!(nodes.all_up() && nodes.late(s(99), s(9)).is_empty());
            nodes.commands[0] = command(dir.path(), "echo alas >&2; exit 4");
            nodes.kill(0, s(1000));
            assert_eq!(nodes.next_exit().await, (0, Ended::AsPlanned));
            nodes.all_back(s(20));
            let mut started = nodes.start_due(s(20)).expect("started");
            let (_, _, ready) = started.pop().expect("one");
            // Its output is closed, so that the signal finds it at its end.
            assert_eq!(ready.url().await, None);
            nodes.kill(0, s(30));
            let (_, ended) = nodes.next_exit().await;
            let (how, log) = ("exit code 4".to_owned(), "  alas".to_owned());
            assert_eq!(ended, Ended::ByItself { how, log });
            nodes.all_back(s(30));
            assert!(nodes.pid(0).is_none());
        });
    }
}
