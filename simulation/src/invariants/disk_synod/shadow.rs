//! The module's variables of one processor, for all slots: `dblock[p]`, `phase[p]`, `blocksRead[p]`, `output[p]`.
//!
//! The processor drops what is committed from its block; the module drops nothing. So the shadow keeps (bal, inp)
//! of all slots: whatever the block has below its floor is what it had there before, or what is on its disks.

use super::state::Blk;
use super::touched::Touched;
use crate::disks::Whole;
use crate::oracle::Violation;
use consensus::disk_paxos::{Block, Decided, Entry, ProcessorId};
use consensus::{Ballot, Batch, Slot};
use crypto::Digest;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one processor has, as the module knows it.
#[derive(Debug)]
pub struct Shadow {
    /// `dblock[p]`; `None` is phase 0.
    dblock: Option<Whole>,
    /// By disk.
    read: Vec<Vec<Visits>>,
    output: BTreeMap<Slot, Digest>,
}

/// What was read on a disk, and after which versions of the processor's own block.
#[derive(Debug)]
struct Visits {
    wrote: Vec<Whole>,
    read: Vec<(ProcessorId, Whole)>,
}

/// What a step did.
#[derive(Debug, Default)]
pub struct Followed {
    /// What is tried now and was not before.
    pub tried: Vec<Arc<Batch>>,
    /// Where something has changed.
    pub touched: Touched,
}

impl Shadow {
    /// DiskSynod: Init, for so many disks.
    #[must_use]
    pub fn new(disks: usize) -> Self {
        Shadow {
            dblock: None,
            read: (0..disks).map(|_| Vec::new()).collect(),
            output: BTreeMap::new(),
        }
    }

    /// DiskSynod: Fail(p).
    pub fn fail(&mut self) -> Touched {
        if self.dblock.is_none() {
            return Touched::default();
        }
        *self = Shadow::new(self.read.len());
        Touched::All
    }

    /// The processor has taken a step. `on_disks` has the largest (bal, inp) of its blocks on all disks.
    pub fn follow(
        &mut self,
        dblock: Option<&Arc<Block>>,
        on_disks: impl FnOnce() -> BTreeMap<Slot, (Ballot, Digest)>,
    ) -> Followed {
        let Some(block) = dblock else {
            return Followed {
                touched: self.fail(),
                ..Followed::default()
            };
        };
        let same = |old: &&Whole| old.block.mbal == block.mbal;
        let old = match &self.dblock {
            Some(old) if Arc::ptr_eq(&old.block, block) => return Followed::default(),
            dblock => dblock.as_ref().filter(same).cloned(),
        };
        let mut touched = match old {
            Some(_) => Touched::default(),
            None => Touched::All,
        };
        if old.is_none() {
            self.fail();
        }
        // What was dropped in this ballot, or was dropped when it began.
        let mut slots = match &old {
            Some(old) => (*old.slots).clone(),
            None => on_disks(),
        };
        slots.retain(|slot, _| *slot < block.floor);
        let mut tried = Vec::new();
        for (slot, Entry { bal, inp }) in &block.entries {
            let known = old.as_ref().and_then(|old| old.slots.get(slot));
            let entry = known.filter(|(b, _)| b == bal).copied();
            slots.insert(
                *slot,
                entry.unwrap_or_else(|| {
                    tried.push(Arc::clone(inp));
                    (*bal, inp.digest())
                }),
            );
        }
        let new = Whole {
            block: Arc::clone(block),
            slots: Arc::new(slots),
        };
        if let Some(old) = &old {
            touched.add(Touched::between(old, &new));
        }
        self.dblock = Some(new);
        Followed { tried, touched }
    }

    /// The processor hears what it read on a disk after it wrote there.
    pub fn read(&mut self, d: usize, wrote: Whole, read: Vec<(ProcessorId, Whole)>) -> Touched {
        let now = self.dblock.as_ref().map(|b| b.block.mbal);
        if now != Some(wrote.block.mbal) {
            return Touched::default();
        }
        let same = |a: &(ProcessorId, Whole), b: &(ProcessorId, Whole)| {
            a.0 == b.0 && Arc::ptr_eq(&a.1.block, &b.1.block)
        };
        match self.read[d].last_mut() {
            Some(last)
                if last.read.len() == read.len()
                    && last.read.iter().zip(&read).all(|(a, b)| same(a, b)) =>
            {
                // Slots that were in the block as they are now have the same read already.
                let before = last.wrote.last();
                let touched = before.map_or(Touched::All, |w| Touched::between(w, &wrote));
                last.wrote.push(wrote);
                touched
            }
            _ => {
                let wrote = vec![wrote];
                self.read[d].push(Visits { wrote, read });
                Touched::All
            }
        }
    }

    /// DiskSynod: EndPhase1or2(p) in phase 2: the processor tells what it has committed.
    ///
    /// # Errors
    /// If it commits something else than what it tries in its ballot.
    pub fn output(&mut self, decided: &Decided) -> Result<Touched, Violation> {
        let mut touched = Touched::default();
        for vote in &decided.votes {
            let tried = self.dblock.as_ref().map(|w| Blk::of(w, vote.slot));
            let tried = tried.filter(|b| b.mbal == vote.ballot && b.bal == vote.ballot);
            if tried.and_then(|b| b.inp) != Some(vote.value) {
                let (slot, ballot) = (vote.slot, vote.ballot);
                let what =
                    format!("slot {slot} is committed in ballot {ballot}, where it was not tried");
                return Err(Violation::of("EndPhase1or2", what));
            }
            self.output.insert(vote.slot, vote.value);
            touched.add(Touched::one(vote.slot));
        }
        Ok(touched)
    }

    /// `dblock[p]`; `None` in phase 0.
    #[must_use]
    pub fn dblock(&self) -> Option<&Whole> {
        self.dblock.as_ref()
    }

    /// `output[p]`.
    #[must_use]
    pub fn output_in(&self, slot: Slot) -> Option<Digest> {
        self.output.get(&slot).copied()
    }

    /// `phase[p]`.
    #[must_use]
    pub fn phase(&self, slot: Slot) -> u8 {
        match self.dblock.as_ref().map(|w| Blk::of(w, slot)) {
            None => 0,
            Some(_) if self.output.contains_key(&slot) => 3,
            Some(b) if b.bal == b.mbal => 2,
            Some(_) => 1,
        }
    }

    /// `blocksRead[p][d]`: what was read after the block was written as it is in this phase of the slot.
    pub fn blocks_read(&self, slot: Slot, d: usize) -> impl Iterator<Item = &(ProcessorId, Whole)> {
        let dblock = self.dblock.as_ref().map(|w| Blk::of(w, slot));
        let of_phase = move |wrote: &Whole| Some(Blk::of(wrote, slot)) == dblock;
        let visits = self.read[d].iter();
        let visits = visits.filter(move |v| v.wrote.iter().rev().any(of_phase));
        visits.flat_map(|v| &v.read)
    }
}
