//! The loop of a soak: everything that happens arrives here, one thing at a time.
//!
//! ```text
//!   Loaded ──time is up, or a signal──► Draining ──clients have ended, all nodes up──► Settling ──► the end
//!      └──────────────── something is wrong ──────┴────────────────────────────────────────────────► the end
//! ```

use super::chaos::Chaos;
use super::check::Checker;
use super::check::finding::Kind;
use super::clients::{Shared, client};
use super::probe;
use super::series::{Sample, Series, Standing};
use super::show::{Show, Verdict};
use super::{Report, SoakArgs};
use crate::expect::Expectation;
use crate::failure::Failure;
use crate::feed::clients;
use crate::launch::layout::Layout;
use crate::launch::nodes::Nodes;
use crate::launch::workspace::{DISKS, Workspace};
use crate::launch::{Programs, Running, command};
use crate::observe::{Learner, Node};
use crate::up::signals::Signals;
use hpaxos_client::{Client, Error};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::{AbortHandle, JoinSet};

mod steps;

/// Reports that wait to be taken in; beyond, the tasks wait. A part of a log can have some 8 MiB of values.
const QUEUE: usize = 32;
/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(20);
/// Decisions that a node tells again after it has started again.
const AGAIN: u64 = 256;
/// Old slots that are asked for again at the end, all logs together.
const OLD: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Loaded,
    /// Nothing new is submitted, nobody is killed, and everybody comes back.
    Draining,
    /// All is submitted; logs may not have everything yet. Since then.
    Settling(Duration),
}

/// A soak in progress.
pub(super) struct Drive<'a> {
    args: &'a SoakArgs,
    layout: Layout,
    expect: Expectation,
    workspace: &'a Workspace,
    nodes: Nodes<'a>,
    clients: Vec<Client>,
    shared: Arc<Shared>,
    checker: Checker,
    chaos: Chaos,
    series: Series,
    show: Show,
    /// How many of each client's values are acknowledged.
    acknowledged: Vec<u64>,
    /// Clients that may still submit.
    active: BTreeSet<u32>,
    leader: Option<(u64, String)>,
    phase: Phase,
    /// When Draining began.
    over: Duration,
    told_to_stop: bool,
    start: Instant,
    next_line: Duration,
    reports: Receiver<Report>,
    send: Sender<Report>,
    tasks: JoinSet<()>,
    /// The tasks that read from each node while it is up.
    of_node: Vec<Vec<AbortHandle>>,
}

impl<'a> Drive<'a> {
    /// Begins to read, and lets the clients loose.
    pub(super) fn new(
        args: &'a SoakArgs,
        programs: &Programs,
        layout: Layout,
        expect: Expectation,
        running: &'a mut Running,
        show: Show,
    ) -> Result<Drive<'a>, Failure> {
        let clients = clients(&running.urls)?;
        let workspace = &running.site.workspace;
        let again = |plan| command(&layout, programs, workspace, plan);
        let commands = layout.nodes.iter().map(again).collect();
        let nodes = layout.nodes.len();
        let wait_for = waited_for(&expect, args.clients);
        let targets = hpaxos_client::Nodes::new(clients.iter().cloned());
        let own = layout
            .nodes
            .iter()
            .map(|plan| plan.learners[0].clone())
            .collect();
        let (send, reports) = mpsc::channel(QUEUE);
        let mut drive = Drive {
            checker: Checker::new(&expect, &layout, &wait_for),
            chaos: Chaos::new(args.seed, args.kill_every, nodes),
            series: Series::new(nodes),
            nodes: Nodes::new(&mut running.fleet, commands),
            shared: Arc::new(Shared::new(
                targets,
                own,
                args.value_bytes as usize,
                args.rate,
            )),
            acknowledged: vec![0; wait_for.len()],
            active: (0..).zip(&wait_for).map(|(id, _)| id).collect(),
            leader: None,
            phase: Phase::Loaded,
            over: Duration::ZERO,
            told_to_stop: false,
            start: Instant::now(),
            next_line: args.every,
            tasks: JoinSet::new(),
            of_node: vec![Vec::new(); nodes],
            args,
            workspace,
            layout,
            expect,
            clients,
            show,
            reports,
            send,
        };
        (0..nodes).for_each(|node| drive.read_from(node));
        let graph = drive.expect.graph();
        let names: Vec<&str> = graph
            .learners()
            .iter()
            .map(|l| graph.learner_name(l))
            .collect();
        for (id, learner) in (0..).zip(&wait_for) {
            let learner = learner.map(|l| names[l].to_owned());
            let (shared, send) = (drive.shared.clone(), drive.send.clone());
            drive.tasks.spawn(client(id, learner, shared, send));
        }
        Ok(drive)
    }

    /// Goes on to the end. Shows everything, and returns the report and the exit code.
    pub(super) async fn run(mut self, signals: &mut Signals) -> Result<(Json, u8), Failure> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        self.show.begin()?;
        while self.checker.findings().0.is_empty() {
            let over = tokio::select! {
                biased;
                () = signals.next() => {
                    self.told_to_stop = true;
                    break
                }
                (node, ended) = self.nodes.next_exit() => {
                    self.ended(node, ended);
                    false
                }
                _ = tick.tick() => self.tick()?,
                _ = self.reports.recv_many(&mut batch, QUEUE) => {
                    batch.drain(..).try_for_each(|report| self.take_in(report))?;
                    false
                }
            };
            if over {
                break;
            }
        }
        let mut reread = 0;
        if !self.told_to_stop && self.checker.findings().0.is_empty() {
            reread = self.read_again().await?;
            self.checker
                .finish(&self.expect.deciders(), &self.acknowledged);
        }
        self.close_interval()?;
        let verdict = Verdict {
            checker: &self.checker,
            series: &self.series,
            expect: &self.expect,
            elapsed: self.now(),
            told_to_stop: self.told_to_stop,
            reread,
            ballot: self.leader.as_ref().map(|(ballot, _)| *ballot),
        };
        self.show.end(&verdict)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn take_in(&mut self, report: Report) -> Result<(), Failure> {
        match report {
            Report::Acknowledged { stamp, latency } => {
                self.series.acknowledged(self.now(), latency);
                self.acknowledged[stamp.client as usize] = stamp.number + 1;
            }
            Report::Ended { client } => {
                self.active.remove(&client);
            }
            Report::Refused { stamp, error } => {
                return Err(Failure::could_not_run(format!(
                    "{stamp} was refused: {error}"
                )));
            }
            Report::Told { at, decisions } => decisions
                .iter()
                .for_each(|told| self.checker.take(at, told)),
            Report::Unread { at, error } => return Err(self.unread(at, &error)),
            Report::Leader { ballot, leader } => {
                self.leader = self.leader.take().max(Some((ballot, leader)));
            }
            Report::Ready { node, life, url } => {
                let now = self.now();
                if let Some(time) = self.nodes.ready(node, life, now) {
                    if url != self.clients[node].url() {
                        let before = self.clients[node].url().to_owned();
                        self.found(
                            Kind::NotBack,
                            node,
                            &format!("is at {url} now, and was at {before}"),
                        );
                    }
                    self.shared.targets.insert(node, self.clients[node].clone());
                    self.read_from(node);
                    self.show.back(node, now, time)?;
                }
            }
        }
        Ok(())
    }

    fn unread(&self, at: usize, error: &Error) -> Failure {
        let (place, next) = (&self.checker.places()[at], self.checker.log(at).next);
        let (learner, node) = (&place.learner_name, &place.node_name);
        Failure::could_not_run(format!(
            "the decisions of {learner} at {node} cannot be read on from slot {next}: {error}"
        ))
    }

    /// Asks for some old slots again, which must be as they were. Returns how many.
    async fn read_again(&mut self) -> Result<u64, Failure> {
        let mut reread = 0;
        for (at, slot) in self.checker.old_slots(OLD) {
            let place = &self.checker.places()[at];
            let node = &self.clients[place.node];
            match node.page(&place.learner_name, slot, 1).await {
                Ok(page) => {
                    reread += 1;
                    self.checker.again(at, slot, page.decisions.first());
                }
                Err(error) => return Err(self.unread(at, &error)),
            }
        }
        Ok(reread)
    }

    fn close_interval(&mut self) -> Result<(), Failure> {
        let space = |dir: PathBuf| {
            let failed = |e| Failure::could_not_run(format!("'{}': {e}", dir.display()));
            probe::space(&dir).map_err(failed)
        };
        let sample = |node: Node| {
            let space = space(self.workspace.data(&self.layout.nodes[node].name))?;
            let resident = self.nodes.pid(node).and_then(probe::resident);
            Ok(Sample { resident, space })
        };
        let samples = (0..self.nodes.len()).map(sample);
        let learners = 0..self.expect.graph().n_learners();
        let standing = Standing {
            nodes: samples.collect::<Result<_, Failure>>()?,
            disks: space(self.workspace.root().join(DISKS))?.log,
            decided: learners.map(|l| self.checker.decided(l)).collect(),
            own: probe::resident(std::process::id()),
        };
        let now = self.now();
        self.series.close(now, standing);
        self.show.interval(&self.series)
    }
}

/// Whom each client waits for: in turn for each learner that can decide, or for whichever its node has.
fn waited_for(expect: &Expectation, clients: u16) -> Vec<Option<Learner>> {
    let deciders = expect.deciders();
    let learner = |client: usize| match expect.one_each() {
        true => None,
        false => deciders.get(client % deciders.len()).copied(),
    };
    (0..usize::from(clients)).map(learner).collect()
}
