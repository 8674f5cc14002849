//! The loop of a soak: everything that happens arrives here, one thing at a time.
//!
//! ```text
//!   Loaded ──time is up, or a signal──► Draining ──clients have ended, all nodes up──► Settling ──► the end
//!      └──────────────── something is wrong ──────┴────────────────────────────────────────────────► the end
//! ```

use super::chaos::Chaos;
use super::check::Checker;
use super::check::finding::{Finding, Kind};
use super::clients::{Shared, client};
use super::nodes::{Ended, Nodes};
use super::probe;
use super::readers::{self, read};
use super::series::{Kill, Sample, Series};
use super::show::{Reread, Show, Verdict};
use super::watch::watch;
use super::{Report, SoakArgs};
use crate::client::submit::Targets;
use crate::client::{ClientError, NodeClient, connections};
use crate::expect::Expectation;
use crate::failure::Failure;
use crate::launch::layout::Layout;
use crate::launch::workspace::Workspace;
use crate::launch::{Programs, Running, command};
use crate::observe::{Learner, Node};
use crate::up::signals::Signals;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::{AbortHandle, JoinSet};

/// Reports that wait to be taken in; beyond, the tasks wait.
const QUEUE: usize = 256;
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
    clients: Vec<NodeClient>,
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
        let http = connections().map_err(|e| Failure::could_not_run(format!("no sockets: {e}")))?;
        let url = |url: &String| NodeClient::new(http.clone(), url.clone());
        let clients: Vec<NodeClient> = running.urls.iter().map(url).collect();
        let workspace = &running.workspace;
        let again = |plan| command(&layout, programs, workspace, plan);
        let commands = layout.nodes.iter().map(again).collect();
        let nodes = layout.nodes.len();
        let wait_for = waited_for(&expect, args.clients);
        let targets = Targets::new(clients.iter().cloned().enumerate().collect());
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
        let mut reread = Reread::default();
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

    /// Does what the time asks for; true if it is all over.
    fn tick(&mut self) -> Result<bool, Failure> {
        let now = self.now();
        if now >= self.next_line {
            self.close_interval()?;
            self.next_line = now + self.args.every;
        }
        match self.phase {
            Phase::Loaded if now >= self.args.minutes => {
                self.phase = Phase::Draining;
                self.over = now;
                self.shared.end();
                self.nodes.all_back(now);
            }
            Phase::Loaded => self.strike(now)?,
            Phase::Draining if self.active.is_empty() && self.nodes.all_up() => {
                self.phase = Phase::Settling(now);
            }
            Phase::Draining if now > self.over + self.args.patience * 2 => self.stuck(),
            Phase::Draining => {}
            Phase::Settling(since) => {
                let deciders = self.expect.deciders();
                let done = self
                    .checker
                    .lacking(&deciders, &self.acknowledged)
                    .is_empty();
                if done || now > since + self.args.patience {
                    return Ok(true);
                }
            }
        }
        for (node, life, ready) in self.nodes.start_due(now)? {
            let send = self.send.clone();
            self.tasks.spawn(async move {
                // If it ends before, its process tells.
                if let Some(url) = ready.url().await {
                    let _ = send.send(Report::Ready { node, life, url }).await;
                }
            });
        }
        for node in self.nodes.late(now, self.args.patience) {
            let seconds = self.args.patience.as_secs_f64();
            let log = self.nodes.log_tail(node);
            let why = format!(
                "was started again, and is not ready after {seconds} s; the end of its log:\n{log}"
            );
            self.found(Kind::NotBack, node, &why);
        }
        Ok(false)
    }

    /// Kills whoever it is time to kill.
    fn strike(&mut self, now: Duration) -> Result<(), Failure> {
        let Some(strike) = self.chaos.due(now) else {
            return Ok(());
        };
        let spare = |node: Node| {
            let is_up = |other: &Node| self.nodes.stands(*other) == super::nodes::Stands::Up;
            let left = (0..self.nodes.len()).filter(|other| is_up(other) && *other != node);
            someone_decides(&self.expect, &self.layout, &left.collect())
        };
        let hits = strike.hits(|node| self.nodes.runs(node), spare);
        let leader = self.leader.as_ref().map(|(_, name)| name.as_str());
        let kill = |victim: &super::chaos::Victim| Kill {
            node: victim.node,
            at: now,
            down: victim.down,
            leader: leader == Some(&self.layout.nodes[victim.node].name),
            all: strike.all,
        };
        let kills: Vec<Kill> = hits.iter().map(kill).collect();
        for kill in &kills {
            self.leave(kill.node);
            self.nodes.kill(kill.node, now + kill.down);
        }
        self.show.killed(&kills)?;
        self.series.killed(kills);
        Ok(())
    }

    fn ended(&mut self, node: Node, ended: Ended) {
        self.leave(node);
        if let Ended::ByItself { how, log } = ended {
            let why = format!("ended by itself ({how}); the end of its log:\n{log}");
            self.found(Kind::Exited, node, &why);
        }
    }

    fn found(&mut self, kind: Kind, node: Node, why: &str) {
        let name = &self.layout.nodes[node].name;
        self.checker.found(Finding {
            kind,
            node: Some(name.clone()),
            learner: None,
            slot: None,
            words: format!("{name} {why}"),
        });
    }

    /// Values that are still not decided.
    fn stuck(&mut self) {
        let seconds = (self.args.patience * 2).as_secs_f64();
        let nodes =
            (0..self.nodes.len()).filter(|node| !self.nodes.all_up() && !self.nodes.runs(*node));
        let down: Vec<&str> = nodes
            .map(|node| self.layout.nodes[node].name.as_str())
            .collect();
        for client in self.active.iter().copied().collect::<Vec<u32>>() {
            let number = self.acknowledged[client as usize];
            let stamp = super::stamp::Stamp { client, number };
            self.checker.found(Finding {
                kind: Kind::Stuck,
                node: None,
                learner: None,
                slot: None,
                words: format!("{stamp} was not decided within {seconds} s in which nobody was killed; down: {}", crate::show::words::list(&down)),
            });
        }
    }

    /// Nothing is asked of this node any more.
    fn leave(&mut self, node: Node) {
        self.shared.targets.remove(node);
        self.of_node[node].drain(..).for_each(|task| task.abort());
    }

    /// Reads all logs of a node, and asks it who leads.
    fn read_from(&mut self, node: Node) {
        let places = self.checker.places().iter().enumerate();
        let logs = places
            .filter(|(_, place)| place.node == node)
            .map(|(at, place)| {
                let from = self.checker.log(at).next;
                readers::Log {
                    at,
                    learner: place.learner_name.clone(),
                    again: from.saturating_sub(AGAIN),
                    from,
                }
            });
        for log in logs.collect::<Vec<_>>() {
            let task = read(self.clients[node].clone(), log, self.send.clone());
            self.of_node[node].push(self.tasks.spawn(task));
        }
        let task = watch(self.clients[node].clone(), self.send.clone());
        self.of_node[node].push(self.tasks.spawn(task));
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

    fn unread(&self, at: usize, error: &ClientError) -> Failure {
        let (place, next) = (&self.checker.places()[at], self.checker.log(at).next);
        let (learner, node) = (&place.learner_name, &place.node_name);
        Failure::could_not_run(format!(
            "the decisions of {learner} at {node} cannot be read on from slot {next}: {error}"
        ))
    }

    /// Asks for some old slots again, which must be as they were.
    async fn read_again(&mut self) -> Result<Reread, Failure> {
        let mut reread = Reread::default();
        for (at, slot) in self.checker.old_slots(OLD) {
            let place = &self.checker.places()[at];
            let node = &self.clients[place.node];
            match readers::page(node, &place.learner_name, slot, 1).await {
                Ok(page) => {
                    reread.told += 1;
                    self.checker.again(at, slot, page.decisions.first());
                }
                Err(ClientError::Refused { status: 410, .. }) => reread.gone += 1,
                Err(error) => return Err(self.unread(at, &error)),
            }
        }
        Ok(reread)
    }

    fn close_interval(&mut self) -> Result<(), Failure> {
        let learners = 0..self.expect.graph().n_learners();
        let decided = learners
            .map(|learner| self.checker.decided(learner))
            .collect();
        let sample = |node: Node| {
            let dir = self.workspace.data(&self.layout.nodes[node].name);
            let space = probe::space(&dir)
                .map_err(|e| Failure::could_not_run(format!("'{}': {e}", dir.display())))?;
            let resident = self.nodes.pid(node).and_then(probe::resident);
            Ok(Sample { resident, space })
        };
        let samples = (0..self.nodes.len())
            .map(sample)
            .collect::<Result<_, Failure>>()?;
        let own = probe::resident(std::process::id());
        let now = self.now();
        self.series.close(now, decided, samples, own);
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

/// Whether some learner can decide while only these nodes live.
fn someone_decides(expect: &Expectation, layout: &Layout, living: &Vec<Node>) -> bool {
    let mut expect = expect.clone();
    for (node, plan) in layout.nodes.iter().enumerate() {
        if living.contains(&node) {
            continue;
        }
        expect.node_died(node);
        let acceptor = plan.acceptor.as_deref();
        if let Some(acceptor) = acceptor.and_then(|name| expect.graph().acceptor(name)) {
            expect.died(acceptor);
        }
    }
    !expect.deciders().is_empty()
}
