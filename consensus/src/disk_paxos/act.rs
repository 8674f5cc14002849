//! What a processor does by itself, given what it knows: it leads, or it follows.

use super::drive::{Busy, Drive};
use super::{Action, Block, Decided, DiskId, DiskPaxos, Operation, Output, ProcessorId};
use crate::log::pipeline::{Choice, Supply};
use crate::planted::{self, Bug, planted};
use crate::{Ballot, Batch, GivenUp, Slot, Time, Why};
use learner_graph::{AcceptorSet, LearnerSet};
use std::sync::Arc;

/// No new slot is tried while the values in the block have so many bytes.
const ROOM_BYTES: usize = 1 << 20;
/// Committed entries move to the log when their values have so many bytes, or when they are so many.
const LOG_BYTES: usize = 64 << 10;
const LOG_ENTRIES: usize = 256;
/// What is read or appended at once, in bytes.
const LOG_CHUNK_BYTES: usize = 1 << 20;

impl DiskPaxos {
    pub(super) fn act(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(me) = self.config.me else { return };
        for drive in &mut self.drives {
            drive.doubt(self.config.patience, now);
        }
        self.commit(now, out);
        self.find_bytes(now, out);
        let open = self.drives.iter().any(|d| d.end() > self.next);
        if !open {
            self.open = None;
        } else if self.open.is_none_or(|(slot, _)| slot != self.next) {
            self.open = Some((self.next, now));
        }
        if self.synod.in_ballot() {
            self.try_slots(now);
            self.log(now);
        } else {
            self.lead(me, now, out);
        }
        self.write(now, out);
        self.read_logs(me, now, out);
        self.read(now, out);
    }

    /// DiskSynod: EndPhase1or2(p) in phase 2, for every slot that is committed now.
    fn commit(&mut self, now: Time, out: &mut Vec<Output>) {
        let graph = self.network.graph();
        let learner = self.config.learner;
        let is_majority = |set: &AcceptorSet| graph.is_quorum(learner, set);
        let committed = self.synod.end_phase_2(&self.drives, is_majority);
        let mut votes = Vec::new();
        for (slot, value, disks) in committed {
            votes.push(self.committed(slot, &value, disks, out));
            out.push(Output::SendBatch(Batch::clone(&value)));
        }
        if !votes.is_empty() {
            self.deliver(now, out);
            self.election.progress(now);
            out.push(Output::Send(Decided { votes }));
        }
    }

    /// Gossip may tell that a slot is committed and lose the value: the block of whoever committed it has
    /// it, until it is in a log.
    fn find_bytes(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some(known) = self.decided.get(&self.next).copied() {
            let is_it = |b: &Block| {
                // HInv6: a block of this ballot or a later one holds no other value.
                let entry = b.entries.get(&self.next)?;
                let it = entry.bal >= known.ballot && entry.inp.digest() == known.value;
                it.then(|| Arc::clone(&entry.inp))
            };
            let found = self.drives.iter().flat_map(Drive::all_blocks);
            let Some(value) = found.into_iter().find_map(is_it) else {
                return;
            };
            self.keep(known.value, &value);
            self.deliver(now, out);
        }
    }

    /// DiskSynod: EndPhase0(p), when it is this processor's turn and the disks let it.
    fn lead(&mut self, me: ProcessorId, now: Time, out: &mut Vec<Output>) {
        if self.turn(me).is_none_or(|t| t > now) {
            return;
        }
        // A slot below any floor is taken from a log before anything is tried.
        let behind = self.drives.iter().any(|d| d.floor() > self.next);
        if behind && !planted(Bug::TryBelowFloor) {
            return;
        }
        let read = Drive::those(&self.drives, |d| d.own().is_some() && d.seen());
        if !self.is_majority(&read) {
            return;
        }
        let drives = self.drives.iter().filter(|d| d.seen());
        let own: Vec<&Block> = drives.filter_map(|d| d.own()).map(|b| &**b).collect();
        let highest = self.election.highest();
        if self.synod.end_phase_0(me, &own, highest) {
            self.give_up(me, highest, out);
            self.pipeline = Default::default();
            self.looked = AcceptorSet::EMPTY;
            self.election.started(now);
            self.hear_ballot(self.synod.dblock.mbal, now, out);
        }
    }

    /// Tells that this processor no longer waits for another one, whose ballot was the highest.
    fn give_up(&self, me: ProcessorId, ballot: Ballot, out: &mut Vec<Output>) {
        if ProcessorId::owner(ballot).is_none_or(|leader| leader == me) {
            return;
        }
        let mut learners = LearnerSet::EMPTY;
        learners.insert(self.config.learner);
        let patience = self.election.patience();
        let why = Why::Patience { learners, patience };
        let next = self.synod.dblock.mbal;
        out.push(Output::GivenUp(GivenUp { ballot, next, why }));
    }

    /// When this processor may start a ballot for what waits or is open.
    fn turn(&self, me: ProcessorId) -> Option<Time> {
        let processors: Vec<ProcessorId> = self.config.processors.keys().copied().collect();
        let since = [self.waiting.oldest(), self.open.map(|(_, since)| since)];
        let oldest = since.into_iter().flatten().min()?;
        Some(self.election.deadline(me, &processors, oldest))
    }

    /// DiskSynod: EndPhase1or2(p) in phase 1, for every slot in which a value can be tried now: those that
    /// others left unfinished, then those for waiting values.
    fn try_slots(&mut self, now: Time) {
        let seen = self.synod.seen_on(&self.drives);
        if !self.is_majority(&seen) {
            return;
        }
        // Below any floor everything is committed: nothing is tried there.
        let floor = self.drives.iter().map(Drive::floor).max();
        let floor = floor.filter(|_| !planted(Bug::TryBelowFloor));
        let from = floor.unwrap_or_default().max(self.next);
        self.pipeline.forget_below(self.next, &self.waiting);
        let decided = |slot: Slot| self.decided.get(&slot).map(|known| known.value);
        if self.looked != seen {
            self.looked = seen;
            let own = self.synod.dblock.entries.last_key_value();
            let own = own.map_or(Slot(0), |(s, _)| s.next());
            let end = self.drives.iter().map(Drive::end).fold(own, Slot::max);
            let open = |slot: &Slot| decided(*slot).is_none();
            self.pipeline.look_back(from.up_to(end).filter(open), end);
            self.pipeline.skip_to(from);
        }
        self.pipeline.close(
            |slot| decided(slot).is_none(),
            |slot, value| decided(slot) == Some(*value),
            &self.waiting,
        );
        let end = self.decided.last_key_value();
        self.pipeline
            .skip_to(end.map_or(from, |(s, _)| s.next().max(from)));
        let mut room = ROOM_BYTES.saturating_sub(self.synod.bytes());
        let mut chosen = Vec::new();
        // One slot at least: values that are in the block already must not keep themselves from being tried.
        while self.pipeline.open() < self.config.window && (room > 0 || self.pipeline.open() == 0) {
            let mut made = Vec::new();
            let choose = |slot| {
                if slot < from || self.decided.contains_key(&slot) {
                    return None;
                }
                let inp = self.synod.max_blk(slot, &self.drives);
                Some(inp.map_or(Choice::Any, |inp| Choice::Taken(inp.digest())))
            };
            let supply = Supply {
                waiting: &self.waiting,
                batches: &self.batches,
                batching: self.config.batching,
                now,
            };
            let next = self.pipeline.next(choose, supply, &mut made);
            let Some((slot, value)) = next else { break };
            let inp = match made.pop() {
                Some(made) => {
                    let batch = Arc::clone(&made.batch);
                    self.batches.keep(made);
                    batch
                }
                None => match self.synod.max_blk(slot, &self.drives) {
                    Some(inp) => {
                        self.keep(value, &inp);
                        inp
                    }
                    None => break,
                },
            };
            room = room.saturating_sub(super::synod::size(&inp));
            chosen.push((slot, inp));
        }
        self.synod.end_phase_1(chosen);
    }

    /// Moves what is committed to the log: after a while, or when it is much.
    fn log(&mut self, now: Time) {
        let dblock = &self.synod.dblock;
        if dblock.floor >= self.next {
            self.flush_at = None;
            return;
        }
        let soon = now.saturating_add(self.config.patience);
        let due = *self.flush_at.get_or_insert(soon) <= now;
        let committed = dblock.entries.range(..self.next);
        let (count, bytes) = committed.fold((0, 0), |(n, bytes), (_, e)| {
            (n + 1, bytes + super::synod::size(&e.inp))
        });
        if due || count >= LOG_ENTRIES || bytes >= LOG_BYTES {
            let records = self.records(dblock.floor, self.next, LOG_CHUNK_BYTES);
            if let Some(last) = records.last() {
                self.synod.raise_floor(last.slot.next());
            }
            self.flush_at = None;
        }
    }

    /// DiskSynod: Phase1or2Write(p, d) on every idle disk that does not hold the present block, with the
    /// log that it refers to.
    fn write(&mut self, now: Time, out: &mut Vec<Output>) {
        if !self.synod.in_ballot() {
            return;
        }
        let (version, floor) = (self.synod.version, self.synod.dblock.floor);
        for (disk, i) in Drive::ids(&self.drives) {
            let drive = &self.drives[i];
            if !drive.idle() || drive.done() >= version {
                continue;
            }
            let log = self.records(drive.logged, floor, LOG_CHUNK_BYTES);
            let logged = log.last().map_or(drive.logged, |r| r.slot.next());
            let (busy, action) = if logged < floor {
                (Busy::Append(logged), Action::Append(log))
            } else {
                let mut block = Arc::clone(&self.synod.dblock);
                if planted(Bug::ReuseBlock) {
                    planted::keep_newest(Arc::make_mut(&mut block));
                }
                let busy = Busy::Write {
                    block: Arc::clone(&block),
                    version,
                    logged,
                };
                (busy, Action::Write { log, block })
            };
            self.begin(disk, busy, action, now, out);
        }
    }

    /// Reads what others have committed and this node does not know. One disk is asked at a time, and
    /// another one if it is slow.
    fn read_logs(&mut self, me: ProcessorId, now: Time, out: &mut Vec<Output>) {
        if now < self.log_at {
            return;
        }
        let found = Drive::ids(&self.drives).find_map(|(disk, i)| {
            let drive = self.drives.get(i).filter(|d| d.idle())?;
            Some((disk, drive.log_with(self.next, me)?))
        });
        if let Some((disk, of)) = found {
            self.log_at = now.saturating_add(self.config.patience / 4);
            let action = Action::ReadLog {
                of,
                from: self.next,
                max_bytes: LOG_CHUNK_BYTES,
            };
            self.begin(disk, Busy::ReadLog, action, now, out);
        }
    }

    /// Reads the others' blocks: at once where that was not done yet, and from time to time.
    fn read(&mut self, now: Time, out: &mut Vec<Output>) {
        let due = now >= self.read_at;
        if due {
            self.read_at = now.saturating_add(self.config.patience / 4);
        }
        for (disk, i) in Drive::ids(&self.drives) {
            let drive = &self.drives[i];
            if drive.idle() && (due || drive.unread()) {
                self.begin(disk, Busy::Read, Action::Read, now, out);
            }
        }
    }

    fn begin(
        &mut self,
        disk: DiskId,
        busy: Busy,
        action: Action,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        if let Some(drive) = self.drives.get_mut(usize::from(disk.0)) {
            drive.begin(busy, now);
            out.push(Output::Disk(Operation { disk, action }));
        }
    }

    pub(super) fn set_timer(&mut self, now: Time, out: &mut Vec<Output>) {
        let turn = self.config.me.filter(|_| !self.synod.in_ballot());
        let times = [
            turn.and_then(|me| self.turn(me)),
            self.pipeline.due(),
            self.config.me.map(|_| self.read_at),
            Some(self.log_at),
            self.flush_at,
            self.waiting.has_own().then(|| self.waiting.spread_at()),
        ];
        self.timer.set(times, now, out);
    }
}
