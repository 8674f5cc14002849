//! The loop of a run: everything that happens arrives here, one thing at a time.
//!
//! ```text
//!   submit tasks ──Posting, Accepted──►┐
//!   follow tasks ──events─────────────►├─► Run ──► Intake (observer, tracker) ──► show
//!   processes ─────exits──────────────►│     └───► faults, submit
//!   the page ──────commands───────────►│
//!   clock, signals ───────────────────►┘
//! ```

use super::Played;
use super::intake::{Intake, Taken};
use super::play::Script;
use super::prepare::{self, Prepared};
use super::schedule::Schedule;
use super::signals::Signals;
use super::standstill::Standstill;
use super::tasks::{QUEUE, Report, Tasks};
use crate::failure::Failure;
use crate::fault::{Fault, Names};
use crate::launch::fleet::KILLED;
use crate::launch::layout::{Layout, Victim};
use crate::launch::nodes::{Ended, Nodes, Stands};
use crate::launch::{Running, Site, command};
use crate::observe::Node;
use crate::page::Command;
use crate::show::{Show, words};
use crate::submit::Progress;
use hpaxos_client::Followed;
use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Receiver;

/// How often lines that wait are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long a finished run waits for evidence against acceptors that misbehave on purpose.
const EVIDENCE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a run that has diverged goes on, to show more of it.
const DIVERGED_PATIENCE: Duration = Duration::from_secs(2);
/// How long a living node's stream may be lost before that is worth a word.
const LOST_PATIENCE: Duration = Duration::from_secs(2);

/// The state of a stream of events.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    opened: bool,
    pub(super) lost: Option<(Instant, String)>,
}

/// A run in progress.
pub(super) struct Run<'a> {
    pub(super) nodes: Nodes<'a>,
    pub(super) site: &'a Site,
    pub(super) urls: &'a [String],
    pub(super) layout: Layout,
    pub(super) show: &'a mut dyn Show,
    pub(super) intake: Intake,
    schedule: Schedule,
    pub(super) streams: Vec<Stream>,
    /// The node that keeps each value, as far as known.
    pub(super) keepers: Vec<Option<Node>>,
    /// What is played, if it is a scenario.
    pub(super) script: Option<Script>,
    /// Values that are for one node and no other.
    pub(super) directed: BTreeSet<usize>,
    submitted: usize,
    reports: Receiver<Report>,
    commands: Receiver<Command>,
    pub(super) tasks: Tasks,
    pub(super) start: Instant,
    /// Since when everything was decided.
    finished: Option<Instant>,
    standstill: Standstill,
    patience: Option<Duration>,
}

impl<'a> Run<'a> {
    /// Begins to follow all nodes. Nothing is submitted yet. Without `patience` the run goes on until
    /// it is told to stop.
    pub(super) fn new(
        prepared: Prepared,
        running: &'a mut Running,
        show: &'a mut dyn Show,
        commands: Receiver<Command>,
        patience: Option<Duration>,
    ) -> Result<Run<'a>, Failure> {
        let (layout, programs) = (&prepared.layout, &prepared.programs);
        let (tasks, reports) = Tasks::start(layout, &running.urls, &prepared.values)?;
        let start = Instant::now();
        let again = |plan| command(layout, programs, &running.site.workspace, plan);
        let again = layout.nodes.iter().map(again).collect();
        Ok(Run {
            streams: vec![Stream::default(); running.urls.len()],
            nodes: Nodes::new(&mut running.fleet, again),
            site: &running.site,
            urls: &running.urls,
            show,
            keepers: vec![None; prepared.values.len()],
            intake: Intake::new(prepared.expect, &prepared.layout, &prepared.values, start),
            schedule: prepared.schedule,
            script: prepared.steps.map(Script::new),
            directed: BTreeSet::new(),
            layout: prepared.layout,
            submitted: 0,
            reports,
            commands,
            tasks,
            start,
            finished: None,
            standstill: Standstill::default(),
            patience,
        })
    }

    /// Goes on until everything is decided, the scenario is over, time is up, or it is told to stop.
    /// Shows the summary, if it is no scenario.
    pub(super) async fn drive(mut self, signals: &mut Signals) -> Result<Played, Failure> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        let mut told_to_stop = false;
        loop {
            let shown = tokio::select! {
                biased;
                () = signals.next() => {
                    told_to_stop = true;
                    break
                }
                (node, ended) = self.nodes.next_exit() => self.died(node, &ended),
                Some(command) = self.commands.recv() => self.command(command),
                _ = tick.tick() => {
                    self.start_due()?;
                    self.tick()
                }
                _ = self.reports.recv_many(&mut batch, QUEUE) => {
                    let reports = std::mem::take(&mut batch);
                    self.take_in(reports)?
                }
            };
            let over = shown.and_then(|()| self.proceed());
            match over {
                Ok(false) => {}
                Ok(true) => break,
                Err(_) => return Err(Failure::Unread),
            }
        }
        // With --keep this is how a run ends.
        let interrupted = told_to_stop && self.patience.is_some();
        let summary = self.intake.summary(self.start.elapsed(), interrupted);
        let mut shown = self.show.tick(self.intake.state(Duration::MAX));
        let code = match &self.script {
            None => {
                shown = shown.and_then(|()| self.show.summary(&summary));
                summary.code()
            }
            Some(script) if script.failed || !summary.agreed() => 1,
            Some(script) if script.done < script.of() => 3,
            Some(_) => 0,
        };
        shown.map_err(|_| Failure::Unread)?;
        let script = self.script.as_ref();
        Ok(Played {
            code,
            interrupted: told_to_stop,
            steps: script.map_or(0, |script| script.done),
            of: script.map_or(0, Script::of),
            elapsed: self.start.elapsed(),
        })
    }

    /// Does what the state of things asks for; true if the run is over.
    fn proceed(&mut self) -> io::Result<bool> {
        let mut nodes = 0..self.nodes.len();
        let ready = nodes.all(|node| !self.nodes.runs(node) || self.streams[node].opened);
        if !ready {
            return Ok(self.late());
        }
        if self.script.is_some() {
            return Ok(self.play()? && self.patience.is_some());
        }
        for victim in self.schedule.due(self.start.elapsed(), self.intake.done()) {
            let name = self.layout.name(victim).to_owned();
            let kill = Fault::Kill(Names(vec![name]));
            if let Err(why) = self.inflict(&kill)? {
                self.show.notice(&format!("cannot {kill}: {why}"))?;
            }
        }
        while self.submitted < self.schedule.released() {
            self.tasks.submit(self.submitted);
            self.submitted += 1;
        }
        if self.patience.is_none() {
            return Ok(false);
        }
        if self
            .intake
            .broken_since()
            .is_some_and(|since| since.elapsed() > DIVERGED_PATIENCE)
        {
            return Ok(true);
        }
        let hopeless = self.intake.hopeless();
        if self.schedule.is_pending() || !(hopeless || self.intake.complete()) {
            self.finished = None;
            return Ok(self.late());
        }
        let finished = *self.finished.get_or_insert_with(Instant::now);
        let enough = !self.intake.awaits_evidence() || finished.elapsed() > EVIDENCE_PATIENCE;
        Ok(hopeless || enough || self.late())
    }

    fn command(&mut self, command: Command) -> io::Result<()> {
        match command {
            Command::Inflict(fault, answer) => {
                let outcome = self.inflict(&fault)?;
                // Whoever asked may be gone.
                let _ = answer.send(outcome);
            }
            Command::Look(answer) => {
                let _ = answer.send(self.picture());
            }
        }
        Ok(())
    }

    fn late(&self) -> bool {
        self.patience
            .is_some_and(|patience| self.start.elapsed() > patience)
    }

    fn tick(&mut self) -> io::Result<()> {
        for node in 0..self.nodes.len() {
            if self.nodes.stands(node) != Stands::Up || self.nodes.paused(node) {
                continue;
            }
            let stream = &mut self.streams[node];
            if let Some((_, why)) = stream
                .lost
                .take_if(|(since, _)| since.elapsed() > LOST_PATIENCE)
            {
                let name = self.intake.node_name(node);
                self.show.notice(&format!(
                    "{name} lives, but its events cannot be had: {why}"
                ))?;
            }
        }
        let now = self.start.elapsed();
        let (total, ballot) = self.intake.progress();
        let done = self.intake.done();
        if !self.intake.hopeless() && self.standstill.lasts(now, done, self.submitted.min(total)) {
            self.show.notice(&format!(
                "waiting: {done} of {} decided everywhere, ballot {ballot}",
                words::count(total, "value")
            ))?;
        }
        self.show.tick(self.intake.state(now))
    }

    fn take_in(&mut self, reports: Vec<Report>) -> Result<io::Result<()>, Failure> {
        for report in reports {
            let shown = match report {
                Report::Stream(node, Followed::Connected, _) => {
                    self.streams[node] = Stream {
                        opened: true,
                        lost: None,
                    };
                    Ok(())
                }
                Report::Stream(node, Followed::Lost(why), at) => {
                    self.streams[node].lost.get_or_insert((at, why.to_string()));
                    Ok(())
                }
                Report::Stream(node, Followed::Event(event), at) => {
                    let taken = self.intake.event(node, &event.data, at, self.show);
                    if let Ok(Taken::Gap) = taken {
                        self.tasks.catch_up(node, self.intake.missing_from(node));
                    }
                    taken.map(drop)
                }
                Report::Ready(node, life, true) => self.is_ready(node, life),
                // Its end is told by the process.
                Report::Ready(_, _, false) => Ok(()),
                Report::Missed(node, why) => {
                    let name = self.intake.node_name(node);
                    let text = format!("events of {name} were missed for good: {why}");
                    self.show.notice(&text)
                }
                Report::Submit(Progress::Posting { value }, at) => {
                    self.intake.posted(value, at);
                    Ok(())
                }
                Report::Submit(Progress::Accepted { value, node }, _) => {
                    self.keepers[value] = Some(node);
                    // It may have died after it answered and before this was heard.
                    if !self.nodes.runs(node) {
                        self.submit_again(node);
                    }
                    Ok(())
                }
                Report::Submit(Progress::Refused { value, error }, _) => {
                    let key = self.intake.key(value);
                    return Err(Failure::could_not_run(format!(
                        "value {key} was refused: {error}"
                    )));
                }
            };
            if shown.is_err() {
                return Ok(shown);
            }
        }
        Ok(Ok(()))
    }

    fn died(&mut self, node: Node, ended: &Ended) -> io::Result<()> {
        let how = match ended {
            Ended::AsPlanned => KILLED,
            Ended::ByItself { how, log } => {
                if let Some(script) = &mut self.script {
                    let name = self.intake.node_name(node);
                    let words =
                        format!("{name} ended by itself ({how}); the end of its log:\n{log}");
                    script.crashed.get_or_insert(words);
                }
                how
            }
        };
        self.schedule.died(Victim::Node(node));
        self.tasks.targets.remove(node);
        let before = prepare::starved(self.intake.expect());
        self.intake.died(node, how);
        self.submit_again(node);
        let name = self.intake.node_name(node);
        self.show.notice(&format!("{name} died: {how}"))?;
        self.tell_who_starves(before)
    }

    pub(super) fn tell_who_starves(&mut self, before: Option<String>) -> io::Result<()> {
        match prepare::starved(self.intake.expect()) {
            Some(now) if before.as_ref() != Some(&now) => self.show.notice(&now),
            _ => Ok(()),
        }
    }

    /// Submits what only a dead node may have known to others, under the same keys.
    fn submit_again(&mut self, dead: Node) {
        for value in 0..self.keepers.len() {
            let lost = self.keepers[value] == Some(dead) && !self.directed.contains(&value);
            if lost && !self.intake.decided_somewhere(value) {
                self.keepers[value] = None;
                self.tasks.submit(value);
            }
        }
    }
}
