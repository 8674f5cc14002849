//! A key-value store on a network of real nodes is linearizable for each learner while nodes are killed and come back,
//! or hang and go on.
//!
//! ```text
//!   clients ─► replicas (client crate) ─► nodes, of which one is killed or hangs, and comes back ─► …
//!      └─► invoked, returned ─► history of each key ─► stateright's LinearizabilityTester
//! ```

mod broken;
mod history;
#[path = "../../../../client/examples/kv/machine.rs"]
#[allow(dead_code, unreachable_pub)]
mod machine;

use crate::support::{self, Launcher, pid};
use history::{Call, History};
use hpaxos_client::{Client, Nodes, Replica, ReplicaError};
use machine::{Command, Outcome, Store};
use rustix::process::Signal;
use serde_json::Value as Json;
use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(50);
/// What becomes of one node after the other. The first and the last are leaders.
const FAULTS: [Fault; 3] = [Fault::Kill, Fault::Kill, Fault::Hang];
/// How long a client asks one node: shorter than a hang.
const EACH: Duration = Duration::from_millis(500);
/// Operations of each client while one node fails.
const OPERATIONS: usize = 6;
/// The keys of each learner's clients.
const KEYS: [&str; 2] = ["x", "y"];
/// Clients of each learner.
const CLIENTS: usize = 3;

#[derive(Clone, Copy)]
enum Fault {
    /// SIGKILL, and a new start.
    Kill,
    /// SIGSTOP, and SIGCONT when another one leads.
    Hang,
}

/// A network whose nodes the test kills and starts again.
struct Network {
    launcher: Launcher,
    dir: PathBuf,
    _dirs: tempfile::TempDir,
    nodes: Vec<Json>,
    /// Those that the test has started.
    again: Vec<Option<Child>>,
}

impl Network {
    fn start() -> Network {
        let dirs = tempfile::tempdir().unwrap();
        let dir = dirs.path().join("net");
        let args = [
            "--keep",
            "--dir",
            dir.to_str().unwrap(),
            "--patience-ms",
            "200",
        ];
        let mut launcher = Launcher::start(&args, None);
        let nodes = launcher.nodes(4);
        launcher.drain();
        Network {
            launcher,
            dir,
            _dirs: dirs,
            nodes,
            again: (0..4).map(|_| None).collect(),
        }
    }

    fn client(&self, node: usize) -> Client {
        Client::connect(self.nodes[node]["http"].as_str().unwrap()).unwrap()
    }

    /// All nodes, this one first.
    fn from(&self, node: usize) -> Nodes {
        Nodes::new((0..4).map(|at| self.client((node + at) % 4))).asking_each(EACH)
    }

    fn pid(&self, node: usize) -> u32 {
        let again = self.again[node].as_ref();
        again.map_or_else(|| pid(&self.nodes[node]), Child::id)
    }

    /// Stops the leader until another node leads. Nothing of its state is lost, its connections stay open, and when it
    /// goes on it takes itself for the leader.
    async fn hang(&self, leader: usize) {
        support::kill(self.pid(leader), Signal::STOP);
        let others = Nodes::new((1..4).map(|at| self.client((leader + at) % 4)));
        let succeeded = async {
            while others
                .leader()
                .await
                .is_none_or(|name| name == self.name(leader))
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LONG, succeeded).await.unwrap();
        support::kill(self.pid(leader), Signal::CONT);
    }

    fn name(&self, node: usize) -> String {
        self.nodes[node]["node"].as_str().unwrap().to_owned()
    }

    async fn leader(&self) -> usize {
        let name = self.from(0).leader().await.unwrap();
        (0..4).find(|node| self.name(*node) == name).unwrap()
    }

    /// SIGKILLs a node, and returns when it is dead.
    fn kill(&mut self, node: usize) {
        match self.again[node].take() {
            Some(mut child) => {
                child.kill().unwrap();
                child.wait().unwrap();
            }
            None => {
                let pid = pid(&self.nodes[node]);
                support::kill(pid, Signal::KILL);
                support::eventually("the node is dead", || !support::runs(pid));
            }
        }
    }

    /// Starts a node again, and returns when it is ready.
    fn start_again(&mut self, node: usize) {
        let name = self.name(node);
        self.again[node] = Some(support::start_again(&self.dir, &name, &[]));
    }

    fn end(mut self) {
        // It may have ended before, when the last node of its own was dead.
        self.launcher.signal(Signal::TERM);
        self.launcher.child.wait().unwrap();
        for mut child in self.again.into_iter().flatten() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        self.launcher.nothing_left();
    }
}

/// A client of one learner, with a replica of its own.
struct Caller {
    id: usize,
    learner: &'static str,
    replica: Replica<Store>,
    history: Arc<History>,
    asked: usize,
    /// What it saw last of each key.
    seen: [Option<String>; KEYS.len()],
}

impl Caller {
    /// The next command: each client does everything, to all keys.
    fn command(&self) -> (usize, Command) {
        let at = (self.id + self.asked) % KEYS.len();
        let key = format!("{} {}", self.learner, KEYS[at]);
        let fresh = format!("{}.{}", self.id, self.asked);
        let command = match (self.id * 3 + self.asked * 5) % 8 {
            0..3 => Command::Put { key, value: fresh },
            3..5 => Command::Get { key },
            5..7 => Command::Cas {
                key,
                old: self.seen[at].clone(),
                new: fresh,
            },
            _ => Command::Delete { key },
        };
        (at, command)
    }

    /// Does as many operations, one after the other. Says so after the first.
    async fn work(mut self, begun: mpsc::Sender<()>) -> Caller {
        for number in 0..OPERATIONS {
            let (at, command) = self.command();
            let once = format!("{} {} {}", self.learner, self.id, self.asked);
            let call = self.history.invoked(self.id, &command);
            let line = command.line();
            let ask = |timeout| self.replica.execute(&line, &once, timeout, self.id);
            // One of them is not waited for, so that nobody knows what becomes of it, and asked for again.
            let early = match self.id == 0 && number == 1 {
                true => match ask(Duration::from_millis(1)).await {
                    Ok(outcome) => Some(outcome),
                    Err(ReplicaError::Submit(_) | ReplicaError::Behind { .. }) => None,
                    Err(error) => panic!("{once}: {error}"),
                },
                false => None,
            };
            let outcome = ask(LONG).await;
            let outcome = outcome.unwrap_or_else(|error| panic!("{once}: {error}"));
            assert!(early.is_none_or(|early| early == outcome), "{once}");
            self.returned(at, call, command, outcome);
            self.asked += 1;
            let _ = begun.try_send(());
        }
        self
    }

    fn returned(&mut self, at: usize, call: Call, command: Command, outcome: Outcome) {
        self.history.returned(call, outcome.clone());
        self.seen[at] = match (command, outcome) {
            (Command::Put { value, .. } | Command::Cas { new: value, .. }, Outcome::Done) => {
                Some(value)
            }
            (_, Outcome::Found(value) | Outcome::Differs(value)) => value,
            _ => None,
        };
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_linearizable_for_each_learner_while_nodes_die() {
    let mut network = Network::start();
    let learners = ["alice", "bob"];
    let histories = learners.map(|learner| (learner, Arc::new(History::default())));
    let mut callers = Vec::new();
    for (learner, history) in &histories {
        for id in 0..CLIENTS {
            callers.push(Caller {
                id,
                learner,
                replica: Replica::start(&network.from(id), learner, Store::default()),
                history: Arc::clone(history),
                asked: 0,
                seen: Default::default(),
            });
        }
    }
    for (round, fault) in FAULTS.into_iter().enumerate() {
        // The leader, and whoever comes after the leader.
        let victim = (network.leader().await + round % 2) % 4;
        let (begun, mut first) = mpsc::channel(1);
        let work = callers
            .drain(..)
            .map(|caller| tokio::spawn(caller.work(begun.clone())));
        let work: Vec<_> = work.collect();
        first.recv().await.unwrap();
        match fault {
            // What blocks this thread does not block the clients.
            Fault::Kill => tokio::task::block_in_place(|| {
                network.kill(victim);
                network.start_again(victim);
            }),
            Fault::Hang => network.hang(victim).await,
        }
        for caller in futures::future::join_all(work).await {
            callers.push(caller.unwrap());
        }
    }
    let asked = callers.iter().map(|caller| caller.asked).sum::<usize>();
    assert_eq!(asked, learners.len() * CLIENTS * FAULTS.len() * OPERATIONS);
    for (learner, history) in &histories {
        history.check(learner);
    }
    same_at_the_end(&callers).await;
    drop(callers);
    network.end();
}

/// These learners agree: all replicas have the same when they have applied the same slots.
async fn same_at_the_end(callers: &[Caller]) {
    loop {
        let most = callers.iter().map(|caller| caller.replica.applied()).max();
        let mut read = Vec::new();
        for caller in callers {
            let there = caller.replica.wait_until(most.unwrap(), LONG).await;
            there.unwrap();
            read.push(caller.replica.read(Store::clone));
        }
        let (store, slot) = &read[0];
        // Nobody asks for anything any more, so that there is a last slot; some have not heard of it yet.
        if read.iter().any(|(_, other)| other != slot) {
            continue;
        }
        for (caller, (other, _)) in callers.iter().zip(&read) {
            assert_eq!(other, store, "before slot {slot} of {}", caller.learner);
        }
        return;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stale_local_reads_are_refused_as_what_they_are_not() {
    let mut network = Network::start();
    let (honest, stale) = (History::default(), History::default());
    let both = [&honest, &stale];
    let key = || "k".to_owned();
    let writer = Replica::start(&network.from(0), "alice", Store::default());
    // This one knows n4 only.
    let n4 = Replica::start(&Nodes::new([network.client(3)]), "alice", Store::default());
    let put = async |value: &str| {
        let command = Command::Put {
            key: key(),
            value: value.to_owned(),
        };
        let calls = both.map(|history| history.invoked(0, &command));
        let done = writer
            .execute(&command.line(), value, LONG, 0)
            .await
            .unwrap();
        for (history, call) in both.into_iter().zip(calls) {
            history.returned(call, done.clone());
        }
    };
    let look = |history: &History, replica: &Replica<Store>| {
        let call = history.invoked(1, &Command::Get { key: key() });
        let (value, slot) = replica.read(|store| store.get("k").map(str::to_owned));
        history.returned(call, Outcome::Found(value.clone()));
        (value.unwrap(), slot)
    };
    put("old").await;
    n4.wait_until(writer.applied(), LONG).await.unwrap();
    for history in both {
        assert_eq!(look(history, &n4).0, "old");
        history.check("alice, before the death of n4");
    }
    tokio::task::block_in_place(|| network.kill(3));
    put("new").await;
    let (value, slot) = look(&stale, &n4);
    assert_eq!(value, "old", "n4 is dead");
    assert!(slot < writer.applied(), "it says that it is behind");
    assert!(!stale.holds("k"), "a stale read is not linearizable");
    // What it says is true of the slot that it names, and newer as soon as n4 is back.
    tokio::task::block_in_place(|| network.start_again(3));
    n4.wait_until(writer.applied(), LONG).await.unwrap();
    assert_eq!(look(&honest, &n4).0, "new");
    honest.check("alice, when n4 is back");
    drop((writer, n4));
    network.end();
}
