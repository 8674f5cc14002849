//! The actions of module DiskSynod that change `dblock[p]` and `phase[p]`, for all slots at once.
//!
//! ```text
//!   phase 0 ──EndPhase0──► phase 1 ──EndPhase1or2, slot by slot──► phase 2 ──EndPhase1or2──► committed
//!      ▲                      │                                       │
//!      └──────── Fail ────────┴───────────────────────────────────────┘
//! ```
//!
//! A ballot that meets a larger `mbal` ends with Fail, which the module allows at any time, instead of
//! StartBallot: the processor then takes its blocks up again as after a crash, by the one way that there
//! is into a ballot. What its blocks hold is known without reading them anew.

use super::block::{Block, Entry, ProcessorId};
use super::drive::Drive;
use crate::planted::{Bug, planted};
use crate::{Ballot, Batch, Slot};
use learner_graph::AcceptorSet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// DiskSynod: `dblock[p]`, `phase[p]` and what phase 2 waits for.
#[derive(Debug, Default)]
pub(super) struct Synod {
    /// DiskSynod: `dblock[p]`; InitDB in phase 0.
    pub(super) dblock: Arc<Block>,
    /// Counts the contents that `dblock` has had, over all ballots.
    pub(super) version: u64,
    /// The first version of this ballot; `None` in phase 0.
    start: Option<u64>,
    /// The slots in phase 2, each with the first version that has its entry.
    tried: BTreeMap<Slot, u64>,
    /// The bytes of all values in `dblock`.
    bytes: usize,
}

impl Synod {
    /// DiskSynod: `phase[p] # 0`.
    pub(super) fn in_ballot(&self) -> bool {
        self.start.is_some()
    }

    /// DiskSynod: Fail(p).
    pub(super) fn fail(&mut self) {
        *self = Synod {
            version: self.version,
            ..Synod::default()
        };
    }

    /// DiskSynod: EndPhase0(p), this processor's blocks having been read from a majority. `above` is any
    /// ballot that the new one shall exceed, too. False if the ballot numbers are used up.
    pub(super) fn end_phase_0(&mut self, p: ProcessorId, own: &[&Block], above: Ballot) -> bool {
        let own = if planted(Bug::SkipRecovery) { &[] } else { own };
        // \A r \in allBlocksRead(p) : b > r.mbal
        let above = own.iter().map(|r| r.mbal).fold(above, Ballot::max);
        let Some(mbal) = p.ballot_above(above) else {
            return false;
        };
        let floor = own.iter().map(|r| r.floor).max().unwrap_or_default();
        let mut entries: BTreeMap<Slot, Entry> = BTreeMap::new();
        for (slot, entry) in own.iter().flat_map(|r| r.entries.range(floor..)) {
            // CHOOSE r : \A s : r.bal >= s.bal
            if entries.get(slot).is_none_or(|e| e.bal < entry.bal) {
                entries.insert(*slot, entry.clone());
            }
        }
        self.bytes = entries.values().map(|e| size(&e.inp)).sum();
        self.dblock = Arc::new(Block {
            mbal,
            floor,
            entries,
        });
        self.version += 1;
        self.start = Some(self.version);
        self.tried.clear();
        true
    }

    /// The disks on which this ballot's phase 1 is done: `dblock` written and everything read since.
    pub(super) fn seen_on(&self, drives: &[Drive]) -> AcceptorSet {
        self.start.map_or(AcceptorSet::EMPTY, |v| done(drives, v))
    }

    /// DiskSynod: EndPhase1or2(p) in phase 1, the choice of inp: what must be tried in a slot. `None`:
    /// any value. The caller has made sure that phase 1 is done on a majority.
    pub(super) fn max_blk(&self, slot: Slot, drives: &[Drive]) -> Option<Arc<Batch>> {
        let seen = drives.iter().filter(|d| Some(d.done()) >= self.start);
        let own = self.dblock.entries.get(&slot);
        let entries = seen.filter_map(|d| d.entry(slot)).chain(own);
        entries.max_by_key(|e| e.bal).map(|e| Arc::clone(&e.inp))
    }

    /// DiskSynod: EndPhase1or2(p) in phase 1, the new `dblock[p]`, for all of these slots. The
    /// slots enter phase 2.
    pub(super) fn end_phase_1(&mut self, chosen: impl IntoIterator<Item = (Slot, Arc<Batch>)>) {
        let before = self.tried.len();
        for (slot, inp) in chosen {
            let block = Arc::make_mut(&mut self.dblock);
            self.bytes += size(&inp);
            let bal = block.mbal;
            if let Some(old) = block.entries.insert(slot, Entry { bal, inp }) {
                self.bytes -= size(&old.inp);
            }
            self.tried.insert(slot, self.version + 1);
        }
        if self.tried.len() > before {
            self.version += 1;
        }
    }

    /// DiskSynod: EndPhase1or2(p) in phase 2: the slots that are committed now, with their values and
    /// the disks that hold them.
    pub(super) fn end_phase_2(
        &mut self,
        drives: &[Drive],
        is_majority: impl Fn(&AcceptorSet) -> bool,
    ) -> Vec<(Slot, Arc<Batch>, AcceptorSet)> {
        let mut committed = Vec::new();
        self.tried.retain(|slot, version| {
            // IsMajority({d \in disksWritten[p] : \A q \in Proc \ {p} : hasRead(p, d, q)})
            let disks = done(drives, *version);
            let entry = self.dblock.entries.get(slot);
            let (true, Some(entry)) = (is_majority(&disks), entry) else {
                return true;
            };
            committed.push((*slot, Arc::clone(&entry.inp), disks));
            false
        });
        committed
    }

    /// Drops the entries of slots below, which are committed. Their records come into the log on every disk
    /// before the block without them.
    pub(super) fn raise_floor(&mut self, floor: Slot) {
        if floor <= self.dblock.floor {
            return;
        }
        let block = Arc::make_mut(&mut self.dblock);
        let kept = block.entries.split_off(&floor);
        let dropped = std::mem::replace(&mut block.entries, kept);
        self.bytes -= dropped.values().map(|e| size(&e.inp)).sum::<usize>();
        block.floor = floor;
        self.tried = self.tried.split_off(&floor);
        self.version += 1;
    }

    /// How many slots are in phase 2.
    #[cfg(test)]
    pub(super) fn tried(&self) -> usize {
        self.tried.len()
    }

    /// The bytes of all values in `dblock`.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn done(drives: &[Drive], version: u64) -> AcceptorSet {
    Drive::those(drives, |d| d.done() >= version)
}

/// About how many bytes a value takes in a block or log.
pub(super) fn size(batch: &Batch) -> usize {
    40 + batch.values_len()
}
