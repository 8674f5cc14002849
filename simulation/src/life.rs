//! Nodes start and die, faults begin and end.

use super::disks::Drive;
use super::faults::Fault;
use super::oracle::{Oracle as _, Place, Verdict, Violation};
use super::protocols::{Simulated, Start};
use super::setting::RECENT;
use super::stage::Stage;
use super::steps::is_record;
use super::world::{Event, World};
use consensus::history::History as _;
use consensus::history::MemoryHistory;
use consensus::{Output, Record, RecordOf};
use crypto::codec;
use std::sync::Arc;
use std::time::Duration;

/// What a record says to be in the history is there: a node does not start without it.
fn relies_on<P: Simulated>(
    stage: &Stage,
    history: &MemoryHistory<P::Wire>,
    record: &RecordOf<P>,
) -> Verdict {
    let learners = stage.network().graph().learners().into_iter();
    let mut nexts = learners.map(|learner| history.next(P::in_history(learner)));
    let there = match record {
        Record::LowWater(mark) => nexts.all(|next| next >= *mark),
        Record::Frozen(page) => history.has_page(*page) || nexts.all(|next| next >= page.end),
        _ => true,
    };
    if there {
        return Ok(());
    }
    let what = format!("the history lacks what a record relies on: {record:?}");
    Err(Violation::of("the log relies on the history", what))
}

impl<P: Simulated> World<P> {
    /// A node starts, with what its storage has kept.
    ///
    /// # Errors
    /// What does not hold.
    pub fn start(&mut self, place: Place) -> Verdict {
        if self.is_up(place) {
            return Ok(());
        }
        let honest = self.stage.honest(place);
        let history = self.nodes[place].history.clone();
        let next = |learner| history.next(P::in_history(learner));
        self.logs.restarts(place, next)?;
        if honest {
            self.oracle.started(place)?;
        }
        let recent = self.keeping.pick(&self.setting.recent).copied();
        let start = Start {
            setting: &self.setting,
            recent: recent.unwrap_or(RECENT),
        };
        let mut machine = P::machine(&self.stage, place, start, Arc::clone(&history) as _);
        let stored = self.nodes[place].storage.durable().to_vec();
        for bytes in &stored {
            let record = codec::decode::<RecordOf<P>>(bytes, codec::LARGEST)
                .map_err(|e| Violation::of("storage", format!("a record cannot be read: {e}")))?;
            if honest {
                self.oracle.restored(place, &record)?;
                // What a liar says in its name, and hears, it does not store.
                relies_on::<P>(&self.stage, &history, &record)?;
            }
            for output in machine.restore(record) {
                self.told(place, &output)?;
            }
        }
        let node = &mut self.nodes[place];
        node.life += 1;
        node.machine = Some(machine);
        let life = node.life;
        if !stored.is_empty() {
            self.tell_history(|w| {
                format!(
                    "{} starts again with {} records",
                    w.stage.name(place),
                    stored.len()
                )
            });
        }
        let beat = self.beat();
        let first = self.chance.time((Duration::ZERO, beat));
        self.agenda.add(self.now + first, Event::Beats(place, life));
        for disk in 0..self.disks.len() {
            self.plan_disk(place, disk);
        }
        self.step(place)
    }

    /// A node dies. Of what it was storing some prefix is kept, and of what it was doing on its disks some
    /// was done.
    ///
    /// # Errors
    /// What does not hold.
    pub fn crash(&mut self, place: Place) -> Verdict {
        if !self.is_up(place) {
            return Ok(());
        }
        self.tell_history(|w| format!("{} dies", w.stage.name(place)));
        for disk in 0..self.disks.len() {
            self.interrupted(place, disk)?;
            self.nodes[place].drives[disk] = Drive::Closed;
        }
        let node = &mut self.nodes[place];
        let syncing = node.syncing.take();
        let outputs = syncing.unwrap_or_else(|| std::mem::take(&mut node.unsynced));
        let records = outputs.iter().filter(|o| is_record(o)).count();
        let kept = self.chance.place(records + 1);
        if records > kept {
            self.tally.fault("records torn off");
        }
        self.nodes[place].storage.crash(kept);
        // What comes before the last record that is kept led to it.
        let mut left = kept;
        for output in &outputs {
            if left == 0 {
                break;
            }
            left -= usize::from(is_record(output));
            if !matches!(output, Output::Decided(_)) {
                self.told(place, output)?;
            }
        }
        self.nodes[place].forget();
        if self.stage.honest(place) {
            self.oracle.died(place);
        }
        self.oracle.changed(&self.disks)
    }

    pub(super) fn begins(&mut self, i: usize) -> Verdict {
        let fault = self.setting.faults[i].fault.clone();
        self.tally.fault(fault.kind());
        self.tell_history(|_| format!("FAULT: {fault}"));
        if let Fault::DiskLost { disk } = fault {
            for place in 0..self.nodes.len() {
                self.interrupted(place, disk)?;
            }
        }
        self.at_work.push(i);
        self.weather.faults.push(fault.clone());
        match fault {
            Fault::Crash { node } => self.crash(node),
            Fault::StorageFails { node } => {
                self.nodes[node].storage_fails = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn ends(&mut self, i: usize) -> Verdict {
        let Some(at) = self.at_work.iter().position(|j| *j == i) else {
            return Ok(());
        };
        self.at_work.remove(at);
        let fault = self.weather.faults.remove(at);
        self.tell_history(|_| format!("it is over that {fault}"));
        match fault {
            Fault::Crash { node } | Fault::StorageFails { node } => {
                let down = |f: &Fault| matches!(f, Fault::Crash { node: n } | Fault::StorageFails { node: n } if *n == node);
                if self.weather.faults.iter().any(down) {
                    return Ok(());
                }
                self.nodes[node].storage_fails = false;
                self.start(node)
            }
            Fault::Pause { node } => {
                self.wake(node, self.now);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// All faults end, but for nodes that never come back; messages are lost no more.
    ///
    /// # Errors
    /// What does not hold.
    pub fn heal(&mut self) -> Verdict {
        self.tell_history(|_| "everything heals".to_owned());
        self.weather.links.loss = 0;
        for i in self.at_work.clone() {
            let planned = &self.setting.faults[i];
            let for_ever = planned.lasts == Duration::MAX;
            if !for_ever {
                self.ends(i)?;
            }
        }
        Ok(())
    }
}
