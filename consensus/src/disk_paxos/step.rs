//! One step: take everything in, then do what is enabled.

use super::drive::Outcome;
use super::{DiskPaxos, Event, Input, Output, ProcessorId};
use crate::planted::{Bug, planted};
use crate::{Ballot, Record, Time};

impl DiskPaxos {
    /// Consumes everything that happened since the last step and answers with what to do. `now` never
    /// goes back.
    pub(super) fn step(&mut self, now: Time, inputs: Vec<Input>) -> Vec<Output> {
        let mut out = Vec::new();
        for input in inputs {
            self.absorb(now, input, &mut out);
        }
        if self.config.me.is_some() {
            self.act(now, &mut out);
        }
        self.forget();
        self.waiting.spread(now, &mut out);
        self.set_timer(now, &mut out);
        // The disks have the bytes, or will: they are not stored a second time.
        out.retain(|o| !matches!(o, Output::Persist(Record::Batch(_))));
        out
    }

    fn absorb(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Disk(event) => self.hear_disk(event, now, out),
            Input::Message(message) => self.hear_decided(&message, now, out),
            Input::Submit(value) if value.check().is_ok() => self.waiting.submit(value, now, out),
            Input::Value(value) if value.check().is_ok() => {
                // Without room it will be spread again.
                self.waiting.heard(value, now);
            }
            Input::Batch(batch) if batch.in_bounds() => {
                if self.batches.arrived(batch, out) {
                    self.deliver(now, out);
                }
            }
            // Out of bounds: the caller checks what comes from outside.
            Input::Submit(_) | Input::Value(_) | Input::Batch(_) => {}
            Input::Alive(_) => {}
            Input::Evidence(never) => match never {},
        }
    }

    fn hear_disk(&mut self, event: Event, now: Time, out: &mut Vec<Output>) {
        let Event { disk, report } = event;
        let Some(drive) = self.drives.get_mut(usize::from(disk.0)) else {
            return;
        };
        match drive.hear(report) {
            Outcome::Noted => {
                // DiskSynod: Phase0Read(p, d). Whoever led before a restart may go on at once.
                let mbal = drive.own().map_or(Ballot::NONE, |b| b.mbal);
                self.hear_ballot(mbal, now, out);
            }
            Outcome::Lost => {}
            Outcome::Read => {
                let mbal = drive.mbal();
                self.hear_ballot(mbal, now, out);
                // DiskSynod: Phase1or2Read(p, d, q), IF disk[d][q].mbal < dblock[p].mbal.
                let overtaken = mbal > self.synod.dblock.mbal && !planted(Bug::CommitUnread);
                if self.synod.in_ballot() && overtaken {
                    self.synod.fail();
                }
            }
            Outcome::Log(records) => self.hear_log(records, disk, now, out),
        }
    }

    /// Somebody is in this ballot.
    pub(super) fn hear_ballot(&mut self, ballot: Ballot, now: Time, out: &mut Vec<Output>) {
        if !self.election.heard(ballot, now) {
            return;
        }
        let owner = ProcessorId::owner(ballot);
        if let Some(leader) = owner.and_then(|p| self.config.processors.get(&p).copied()) {
            self.waiting.spread_soon();
            out.push(Output::Ballot { ballot, leader });
        }
    }
}
