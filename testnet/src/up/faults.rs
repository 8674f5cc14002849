//! What is done to the network while it runs.

use super::prepare;
use super::run::Run;
use super::tasks::Report;
use crate::fault::{Delay, Fault, Misbehaves, Undone};
use crate::launch::layout::Victim;
use crate::launch::nodes::Stands;
use crate::observe::Node;
use crate::plan::behaviour;
use crate::summary::PAUSED;
use std::time::Duration;

impl Run<'_> {
    /// Does something to the network, and says so.
    ///
    /// # Errors
    /// If it is no fault of this network, or makes no sense as things stand: nothing is changed then. The outer error
    /// means that nobody is looking any more.
    pub(super) fn inflict(&mut self, fault: &Fault) -> std::io::Result<Result<(), Undone>> {
        let before = prepare::starved(self.intake.expect());
        let checked = fault.check(&self.layout).map_err(Undone::Never);
        if let Err(why) = checked.and_then(|()| self.apply(fault).map_err(Undone::NotNow)) {
            return Ok(Err(why));
        }
        self.show.notice(&fault.to_string())?;
        self.tell_who_starves(before)?;
        Ok(Ok(()))
    }

    /// Does it to the network, if it makes sense as things stand; it has been [checked](Fault::check).
    pub(super) fn apply(&mut self, fault: &Fault) -> Result<(), String> {
        match fault {
            Fault::Kill(names) => {
                let victims = self.each(&names.0, |run, victim| match victim {
                    Victim::Node(node) if !run.nodes.runs(node) => Err("does not run"),
                    Victim::Disk(disk) if run.is_gone(disk) => Err("is gone already"),
                    _ => Ok(()),
                })?;
                victims.into_iter().try_for_each(|victim| self.kill(victim))
            }
            Fault::Start(names) => {
                let victims = self.each(&names.0, |run, victim| match victim {
                    Victim::Node(node) if run.nodes.runs(node) => Err("runs already"),
                    Victim::Disk(disk) if !run.is_gone(disk) => Err("is there already"),
                    _ => Ok(()),
                })?;
                victims.into_iter().try_for_each(|victim| match victim {
                    Victim::Node(node) => {
                        self.nodes.back(node, self.start.elapsed());
                        Ok(())
                    }
                    Victim::Disk(_) => self.return_disk(victim),
                })
            }
            Fault::Pause(names) | Fault::Resume(names) => {
                let pause = matches!(fault, Fault::Pause(_));
                let victims = self.each(&names.0, |run, victim| match victim {
                    Victim::Disk(_) => Err("is a disk, which cannot be paused; kill it"),
                    Victim::Node(node) if run.nodes.stands(node) != Stands::Up => {
                        Err(run.why_not_up(node))
                    }
                    Victim::Node(node) if run.nodes.paused(node) == pause => match pause {
                        true => Err("is paused already"),
                        false => Err("is not paused"),
                    },
                    Victim::Node(_) => Ok(()),
                })?;
                for victim in victims {
                    if let Victim::Node(node) = victim {
                        self.pause(node, pause);
                    }
                }
                Ok(())
            }
            Fault::Partition(groups) => self.partition(groups),
            Fault::Delay(delay) => self.delay(delay),
            Fault::Heal(_) => {
                self.site
                    .links
                    .change(|_, condition| *condition = Default::default());
                Ok(())
            }
            Fault::Byzantine(who) => self.corrupt(who),
        }
    }

    /// The nodes and disks of these names, if what is to be done to each makes sense.
    fn each(
        &self,
        names: &[String],
        check: impl Fn(&Self, Victim) -> Result<(), &'static str>,
    ) -> Result<Vec<Victim>, String> {
        let of = |name: &String| {
            let victim = self.layout.victim(name).map_err(|e| e.to_string())?;
            check(self, victim).map_err(|why| format!("{name} {why}"))?;
            Ok(victim)
        };
        names.iter().map(of).collect()
    }

    fn place(&self, name: &str) -> Result<Node, String> {
        self.layout.place(name).map_err(|e| e.to_string())
    }

    fn why_not_up(&self, node: Node) -> &'static str {
        match self.nodes.stands(node) {
            Stands::Dying(Duration::MAX) | Stands::Down(Duration::MAX) => {
                "does not run; start it first"
            }
            // Or will be: it comes back by itself.
            _ => "is starting; ask again when it is up",
        }
    }

    fn is_gone(&self, disk: usize) -> bool {
        let name = self.layout.name(Victim::Disk(disk));
        self.intake.dead_disks().iter().any(|dead| dead == name)
    }

    /// Kills a node, or takes a disk away.
    pub(super) fn kill(&mut self, victim: Victim) -> Result<(), String> {
        match victim {
            Victim::Node(node) => {
                self.tasks.targets.remove(node);
                self.nodes.kill(node, Duration::MAX);
            }
            Victim::Disk(_) => {
                let name = self.layout.name(victim);
                let taken = self.site.workspace.kill_disk(name);
                taken.map_err(|why| why.to_string())?;
                self.intake.disk_died(name);
            }
        }
        Ok(())
    }

    fn return_disk(&mut self, disk: Victim) -> Result<(), String> {
        let name = self.layout.name(disk);
        let given = self.site.workspace.return_disk(name);
        given.map_err(|why| why.to_string())?;
        self.intake.disk_returned(name);
        Ok(())
    }

    fn pause(&mut self, node: Node, pause: bool) {
        self.nodes.pause(node, pause);
        if pause {
            self.tasks.targets.remove(node);
            self.intake.died(node, PAUSED);
        } else {
            self.is_back(node);
        }
    }

    fn partition(&mut self, groups: &[Vec<String>]) -> Result<(), String> {
        let mut side = vec![0; self.nodes.len()];
        for (at, group) in (1..).zip(groups) {
            for name in group {
                side[self.place(name)?] = at;
            }
        }
        let apart = |(a, b): (Node, Node)| side[a] != side[b];
        self.site
            .links
            .change(|pair, condition| condition.cut = apart(pair));
        Ok(())
    }

    fn delay(&mut self, delay: &Delay) -> Result<(), String> {
        let ends: Vec<Node> = delay
            .named()
            .into_iter()
            .map(|name| self.place(name))
            .collect::<Result<_, _>>()?;
        let time = Duration::from_millis(delay.ms);
        self.site.links.change(|(a, b), condition| {
            if ends.iter().all(|end| [a, b].contains(end)) {
                condition.delay = time;
            }
        });
        Ok(())
    }

    /// A node starts again and misbehaves from then on.
    fn corrupt(&mut self, who: &Misbehaves) -> Result<(), String> {
        let node = self.place(&who.node)?;
        let how = behaviour(&who.how)?;
        if self.nodes.stands(node) != Stands::Up {
            return Err(format!("{} {}", who.node, self.why_not_up(node)));
        }
        let before = self.layout.nodes[node].byzantine.replace(how);
        let written = self.site.write_view(&self.layout, node);
        if let Err(why) = written {
            self.layout.nodes[node].byzantine = before;
            return Err(why.to_string());
        }
        if before.is_none() {
            self.intake.misbehaves(node);
        }
        self.tasks.targets.remove(node);
        self.nodes.kill(node, self.start.elapsed());
        Ok(())
    }

    /// Starts the processes whose time has come.
    pub(super) fn start_due(&mut self) -> Result<(), crate::failure::Failure> {
        for (node, life, ready) in self.nodes.start_due(self.start.elapsed())? {
            let report = move |url: Option<String>| Report::Ready(node, life, url.is_some());
            self.tasks.wait(async move { report(ready.url().await) });
        }
        Ok(())
    }

    /// A process that was started says that it is ready.
    pub(super) fn is_ready(&mut self, node: Node, life: u64) -> std::io::Result<()> {
        let now = self.start.elapsed();
        let Some(took) = self.nodes.ready(node, life, now) else {
            return Ok(());
        };
        self.is_back(node);
        if self.script.is_some() {
            // What it told in an earlier life proves nothing about what it has kept.
            self.intake.forget(node);
            self.tasks.catch_up(node, self.intake.missing_from(node));
        }
        let name = self.intake.node_name(node);
        let took = crate::show::words::time(took);
        self.show
            .notice(&format!("{name} is back, ready after {took}"))
    }

    fn is_back(&mut self, node: Node) {
        self.streams[node].lost = None;
        self.intake.returned(node);
        if self.layout.nodes[node].byzantine.is_none() && self.layout.nodes[node].proposes() {
            self.tasks.return_target(node);
        }
    }
}
