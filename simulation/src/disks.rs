//! Disks in simulated time: every operation is taken apart into the atomic actions of module DiskSynod.
//!
//! Each record appended, the block written, each block read is an action of its own. Those of all
//! processors interleave, and a processor or a disk may be gone between any two of them.

use super::chance::Chance;
use super::oracle::Violation;
use consensus::disk_paxos::{Action, Block, LogRecord, ProcessorId, Report};
use consensus::{Ballot, Slot};
use crypto::Digest;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A block with `bal` and `inp` of every slot, those below the floor included: they are in the log, and
/// the module knows of no dropping.
#[derive(Clone, Debug, Default)]
pub struct Whole {
    /// The block as it is on the disk.
    pub block: Arc<Block>,
    /// DiskSynod: `bal` and `inp`, slot by slot.
    pub slots: Arc<BTreeMap<Slot, (Ballot, Digest)>>,
}

/// What a processor did on a disk: the block that it wrote, and what it read afterwards.
pub type Visit = (Whole, Vec<(ProcessorId, Whole)>);

/// A disk: a block and a log of each processor in its directory.
#[derive(Debug, Default)]
pub struct Disk {
    /// DiskSynod: `disk[d]`.
    pub blocks: BTreeMap<ProcessorId, Whole>,
    /// The logs of the processors.
    pub logs: BTreeMap<ProcessorId, Vec<LogRecord>>,
}

impl Disk {
    /// Opens the disk for a processor. One that joins has its first block before anything else.
    pub(super) fn open(&mut self, me: ProcessorId) -> Report {
        Report::Opened {
            own: Block::clone(&self.blocks.entry(me).or_default().block),
            logged: Slot(self.logs.entry(me).or_default().len() as u64),
        }
    }
}

/// A disk as a processor has it.
#[derive(Debug)]
pub(super) enum Drive {
    Closed,
    Idle,
    Busy(Box<Running>),
}

/// An operation in progress.
#[derive(Debug)]
pub(super) struct Running {
    action: Action,
    /// What a `Write` writes, with what its floor dropped.
    whole: Whole,
    done: usize,
    directory: Vec<ProcessorId>,
    read: Vec<(ProcessorId, Whole)>,
    /// How many records of a log are read at once.
    records: usize,
}

impl Running {
    pub(super) fn new(action: Action, whole: Whole, chance: &mut Chance) -> Self {
        Running {
            action,
            whole,
            done: 0,
            directory: Vec::new(),
            read: Vec::new(),
            records: 1 + chance.place(8),
        }
    }

    /// What was written and read, once a write is done.
    pub(super) fn visit(&self) -> Option<Visit> {
        let written = matches!(self.action, Action::Write { .. });
        written.then(|| (self.whole.clone(), self.read.clone()))
    }

    /// One atomic action. The report when it was the last one.
    pub(super) fn act(
        &mut self,
        me: ProcessorId,
        disk: &mut Disk,
    ) -> Result<Option<Report>, Violation> {
        let at = self.done;
        self.done += 1;
        let log = match &self.action {
            Action::Write { log, .. } | Action::Append(log) => log.as_slice(),
            Action::Read | Action::ReadLog { .. } => &[],
        };
        if let Some(record) = log.get(at) {
            let mine = disk.logs.entry(me).or_default();
            if record.slot.0 != mine.len() as u64 {
                let (slot, end) = (record.slot, mine.len());
                let what = format!("slot {slot} is appended to a log that ends at {end}");
                return Err(Violation::of("a log has no gaps", what));
            }
            mine.push(record.clone());
            return Ok(None);
        }
        match &self.action {
            Action::Append(_) => return Ok(Some(Report::Appended)),
            Action::ReadLog { of, from, .. } => {
                return Ok(Some(self.part_of_log(*of, *from, disk)));
            }
            Action::Write { .. } if at == log.len() => {
                disk.blocks.insert(me, self.whole.clone());
                return Ok(None);
            }
            Action::Write { .. } | Action::Read => {}
        }
        let first = log.len() + usize::from(matches!(self.action, Action::Write { .. }));
        if at == first {
            let others = disk.blocks.keys().copied().filter(|q| *q != me);
            self.directory = others.collect();
        } else if let Some(q) = self.directory.get(at - first - 1) {
            let block = disk.blocks.get(q).cloned().unwrap_or_default();
            self.read.push((*q, block));
        }
        if self.read.len() < self.directory.len() {
            return Ok(None);
        }
        let blocks = self.read.iter().map(|(q, w)| (*q, Arc::clone(&w.block)));
        Ok(Some(Report::Blocks(blocks.collect())))
    }

    /// So little that a log comes in several parts.
    fn part_of_log(&self, of: ProcessorId, from: Slot, disk: &Disk) -> Report {
        let log = disk.logs.get(&of).map_or(&[] as &[_], Vec::as_slice);
        let from = usize::try_from(from.0).map_or(log.len(), |at| at.min(log.len()));
        let records = log[from..].iter().take(self.records).cloned().collect();
        Report::Log { of, records }
    }
}
