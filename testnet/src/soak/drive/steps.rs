//! What the time asks for: lines, kills, starts, and the end.

use super::{AGAIN, Drive, Phase};
use crate::expect::Expectation;
use crate::failure::Failure;
use crate::launch::layout::Layout;
use crate::launch::nodes::{Ended, Stands};
use crate::observe::Node;
use crate::soak::Report;
use crate::soak::chaos::Victim;
use crate::soak::check::finding::{Finding, Kind};
use crate::soak::readers::{self, read};
use crate::soak::series::Kill;
use crate::soak::stamp::Stamp;
use crate::soak::watch::watch;
use std::time::Duration;

impl Drive<'_> {
    /// Does what the time asks for; true if it is all over.
    pub(super) fn tick(&mut self) -> Result<bool, Failure> {
        self.tidy()?;
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

    /// Forgets tasks that have ended; none of them may panic.
    fn tidy(&mut self) -> Result<(), Failure> {
        while let Some(ended) = self.tasks.try_join_next() {
            if let Some(panic) = ended.err().filter(|error| error.is_panic()) {
                return Err(Failure::could_not_run(format!(
                    "a task of the soak: {panic}"
                )));
            }
        }
        Ok(())
    }

    /// Kills whoever it is time to kill.
    fn strike(&mut self, now: Duration) -> Result<(), Failure> {
        let Some(strike) = self.chaos.due(now) else {
            return Ok(());
        };
        let spare = |node: Node| {
            let is_up = |other: &Node| self.nodes.stands(*other) == Stands::Up;
            let left = (0..self.nodes.len()).filter(|other| is_up(other) && *other != node);
            someone_decides(&self.expect, &self.layout, &left.collect::<Vec<Node>>())
        };
        let hits = strike.hits(|node| self.nodes.runs(node), spare);
        let leader = self.leader.as_ref().map(|(_, name)| name.as_str());
        let kill = |victim: &Victim| Kill {
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

    pub(super) fn ended(&mut self, node: Node, ended: Ended) {
        self.leave(node);
        if let Ended::ByItself { how, log } = ended {
            let why = format!("ended by itself ({how}); the end of its log:\n{log}");
            self.found(Kind::Exited, node, &why);
        }
    }

    pub(super) fn found(&mut self, kind: Kind, node: Node, why: &str) {
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
        for client in &self.active {
            let number = self.acknowledged[*client as usize];
            let client = *client;
            let stamp = Stamp { client, number };
            let words =
                format!("{stamp} was not decided within {seconds} s in which nobody was killed");
            self.checker.found(Finding {
                kind: Kind::Stuck,
                node: None,
                learner: None,
                slot: None,
                words,
            });
        }
    }

    /// Nothing is asked of this node any more.
    fn leave(&mut self, node: Node) {
        self.shared.targets.remove(node);
        self.of_node[node].drain(..).for_each(|task| task.abort());
    }

    /// Reads all logs of a node, and asks it who leads.
    pub(super) fn read_from(&mut self, node: Node) {
        let places = self.checker.places().iter().enumerate();
        let logs = places
            .filter(|(_, place)| place.node == node)
            .map(|(at, place)| {
                // Some decisions are told again.
                let from = self.checker.log(at).next.saturating_sub(AGAIN);
                readers::Log {
                    at,
                    learner: place.learner_name.clone(),
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
}

/// Whether some learner can decide while only these nodes live.
fn someone_decides(expect: &Expectation, layout: &Layout, living: &[Node]) -> bool {
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
