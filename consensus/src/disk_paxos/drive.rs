//! What a processor knows of one disk, and what it is doing there.

use super::block::{Block, Entry, ProcessorId};
use super::disk::{DiskId, Report};
use crate::{Ballot, DiskStatus, Slot, Time};
use learner_graph::{AcceptorId, AcceptorSet};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One disk.
#[derive(Debug, Default)]
pub(super) struct Drive {
    /// This processor's block on the disk; `None` while the disk is closed or a write is in progress.
    own: Option<Arc<Block>>,
    /// The first slot that this processor's log on the disk lacks.
    pub(super) logged: Slot,
    /// The last version of the block that was written, and after it everything read; 0 for none since
    /// the disk was opened.
    done: u64,
    /// DiskSynod: `blocksRead[p][d]`, the latest of each processor. `None` before the first read.
    others: Option<BTreeMap<ProcessorId, Arc<Block>>>,
    /// The operation in progress, and since when.
    busy: Option<(Busy, Time)>,
    /// Whether that takes so long that the disk may never answer.
    late: bool,
    /// Whether a log on it lacks what a block on it says is there.
    broken: bool,
    open: bool,
    problem: String,
    operations: u64,
}

/// The operation in progress.
#[derive(Debug)]
pub(super) enum Busy {
    /// Phase1or2Write with the reads that follow.
    Write {
        block: Arc<Block>,
        version: u64,
        logged: Slot,
    },
    /// An `Append` up to this slot.
    Append(Slot),
    /// A `Read`.
    Read,
    /// A `ReadLog`.
    ReadLog,
}

/// What a report means to the processor.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Nothing but what the drive now knows.
    Noted,
    /// Blocks were read.
    Read,
    /// Records of a log were read.
    Log(Vec<super::LogRecord>),
    /// The disk is lost for now.
    Lost,
}

impl Drive {
    /// The disks with their places.
    pub(super) fn ids(drives: &[Drive]) -> impl Iterator<Item = (DiskId, usize)> + use<> {
        let ids = 0..u16::try_from(drives.len()).unwrap_or(u16::MAX);
        ids.map(|i| (AcceptorId(i), usize::from(i)))
    }

    /// The set of disks of which something holds.
    pub(super) fn those(drives: &[Drive], holds: impl Fn(&Drive) -> bool) -> AcceptorSet {
        let those = Drive::ids(drives).filter(|(_, i)| holds(&drives[*i]));
        those.map(|(disk, _)| disk).collect()
    }

    /// Whether an operation can be given to the disk.
    pub(super) fn idle(&self) -> bool {
        self.open && self.busy.is_none()
    }

    /// An operation was given to the disk.
    pub(super) fn begin(&mut self, busy: Busy, now: Time) {
        if matches!(busy, Busy::Write { .. }) {
            // Until it is done the disk holds the one or the other.
            self.own = None;
        }
        self.busy = Some((busy, now));
    }

    /// A disk that takes longer than this for an operation may never answer: until it does, nothing
    /// rests on what was read from it.
    pub(super) fn doubt(&mut self, patience: Duration, now: Time) {
        let late = |(_, since): &(Busy, Time)| since.saturating_add(patience) <= now;
        self.late = self.busy.as_ref().is_some_and(late);
    }

    /// Whether anything may rest on what was read from the disk.
    fn trusted(&self) -> bool {
        !self.late && !self.broken
    }

    /// DiskSynod: `disk[d][p]`, as long as that is known for sure.
    pub(super) fn own(&self) -> Option<&Arc<Block>> {
        self.own.as_ref().filter(|_| self.trusted())
    }

    /// Whether nothing was read since it was opened.
    pub(super) fn unread(&self) -> bool {
        self.others.is_none()
    }

    /// Whether the others' blocks were read.
    pub(super) fn seen(&self) -> bool {
        self.others.is_some() && self.trusted()
    }

    /// The last version of the block that was written, and after it everything read; 0 for none.
    pub(super) fn done(&self) -> u64 {
        if self.trusted() { self.done } else { 0 }
    }

    /// Takes in what the disk reports.
    pub(super) fn hear(&mut self, report: Report) -> Outcome {
        if let Report::Opened { own, logged } = report {
            *self = Drive {
                own: Some(Arc::new(own)),
                logged,
                open: true,
                operations: self.operations,
                ..Drive::default()
            };
            return Outcome::Noted;
        }
        if let Report::Failed(problem) = report {
            *self = Drive {
                problem,
                operations: self.operations,
                ..Drive::default()
            };
            return Outcome::Lost;
        }
        self.operations += 1;
        self.late = false;
        match (report, self.busy.take().map(|(busy, _)| busy)) {
            (Report::Blocks(blocks), busy) => {
                self.others = Some(blocks.into_iter().collect());
                if let Some(Busy::Write {
                    block,
                    version,
                    logged,
                }) = busy
                {
                    (self.own, self.done, self.logged) = (Some(block), version, logged);
                }
                Outcome::Read
            }
            (Report::Appended, Some(Busy::Append(logged))) => {
                self.logged = logged;
                Outcome::Noted
            }
            (Report::Log { records, .. }, _) => {
                // A log is durable before the block that refers to it.
                self.broken |= records.is_empty();
                Outcome::Log(records)
            }
            _ => Outcome::Noted,
        }
    }

    /// The blocks of all processors, as far as they were read.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (ProcessorId, &Arc<Block>)> {
        let others = self.others.iter().filter(|_| self.trusted());
        others.flatten().map(|(p, b)| (*p, b))
    }

    /// The largest floor seen on the disk, this processor's own included: all slots below are committed.
    pub(super) fn floor(&self) -> Slot {
        self.all_blocks().map(|b| b.floor).max().unwrap_or_default()
    }

    /// A processor whose log on this disk has the slot; this one's own first.
    pub(super) fn log_with(&self, slot: Slot, me: ProcessorId) -> Option<ProcessorId> {
        if self.logged > slot && self.trusted() {
            return Some(me);
        }
        let others = self.blocks().filter(|(_, b)| b.floor > slot);
        others.max_by_key(|(_, b)| b.floor).map(|(p, _)| p)
    }

    /// The entry of the largest `bal` for a slot in the blocks of the others.
    pub(super) fn entry(&self, slot: Slot) -> Option<&Entry> {
        self.blocks()
            .filter_map(|(_, b)| b.entries.get(&slot))
            .max_by_key(|e| e.bal)
    }

    /// All blocks known of this disk, this processor's own included.
    pub(super) fn all_blocks(&self) -> impl Iterator<Item = &Block> {
        let others = self.blocks().map(|(_, b)| &**b);
        self.own().map(|b| &**b).into_iter().chain(others)
    }

    /// One past the last slot that a block on this disk says anything about.
    pub(super) fn end(&self) -> Slot {
        let of = |b: &Block| {
            b.entries
                .last_key_value()
                .map_or(b.floor, |(s, _)| s.next())
        };
        self.all_blocks().map(of).max().unwrap_or_default()
    }

    /// The largest `mbal` of the others seen on this disk.
    pub(super) fn mbal(&self) -> Ballot {
        self.blocks().map(|(_, b)| b.mbal).max().unwrap_or_default()
    }

    /// For people to see.
    pub(super) fn status(&self) -> DiskStatus {
        DiskStatus {
            up: self.open && self.trusted(),
            busy: self.busy.is_some(),
            problem: match (self.late, self.broken) {
                (true, _) => "it does not answer".to_owned(),
                (_, true) => {
                    "a log on it ends before the slots that a block says it has".to_owned()
                }
                _ => self.problem.clone(),
            },
            mbal: self.own().map_or(Ballot::NONE, |b| b.mbal),
            logged: self.logged,
            operations: self.operations,
        }
    }
}
