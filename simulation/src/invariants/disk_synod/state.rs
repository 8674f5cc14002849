//! The variables of module HDiskSynod for one slot, and what it defines on them.

use crate::disks::Whole;
use consensus::disk_paxos::ProcessorId;
use consensus::{Ballot, Slot};
use crypto::Digest;
use learner_graph::{AcceptorId, LearnerGraph, LearnerId};
use std::collections::BTreeSet;
use std::ops::Range;

/// DiskSynod: an element of `DiskBlock`: a block, as far as one slot is concerned. The default is InitDB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blk {
    /// `mbal`.
    pub mbal: Ballot,
    /// `bal`.
    pub bal: Ballot,
    /// `inp`; `None` is NotAnInput.
    pub inp: Option<Digest>,
}

impl Blk {
    /// What a block says about a slot.
    #[must_use]
    pub fn of(whole: &Whole, slot: Slot) -> Blk {
        let entry = whole.slots.get(&slot);
        Blk {
            mbal: whole.block.mbal,
            bal: entry.map_or(Ballot::NONE, |(bal, _)| *bal),
            inp: entry.map(|(_, inp)| *inp),
        }
    }
}

/// The variables for one slot. Processors and disks are numbered from 0.
#[derive(Clone, Debug)]
pub struct State<'a> {
    /// Its acceptors are the disks.
    pub graph: &'a LearnerGraph,
    /// `Proc`.
    pub procs: &'a [ProcessorId],
    /// `allInput`.
    pub all_input: &'a BTreeSet<Digest>,
    /// `phase[p]`.
    pub phase: Vec<u8>,
    /// `dblock[p]`.
    pub dblock: Vec<Blk>,
    /// `disk[d][p]`.
    pub disk: Vec<Vec<Blk>>,
    /// `blocksRead[p][d]`: whose, and what.
    pub read: Vec<Vec<Vec<(usize, Blk)>>>,
    /// `output[p]`.
    pub output: Vec<Option<Digest>>,
    /// `chosen`.
    pub chosen: Option<Digest>,
}

impl State<'_> {
    /// The processors.
    #[must_use]
    pub fn procs(&self) -> Range<usize> {
        0..self.dblock.len()
    }

    /// The disks.
    #[must_use]
    pub fn disks(&self) -> Range<usize> {
        0..self.disk.len()
    }

    /// `\E D \in MajoritySet : \A d \in D`: the disks of which it holds are a majority.
    pub fn on_a_majority(&self, holds: impl Fn(usize) -> bool) -> bool {
        let number = |d: &usize| u16::try_from(*d).map(AcceptorId);
        let those = self.disks().filter(|d| holds(*d));
        let those = those.filter_map(|d| number(&d).ok()).collect();
        self.graph.is_quorum(LearnerId(0), &those)
    }

    /// `\A D \in MajoritySet : \E d \in D`: the disks of which it does not hold are none.
    pub fn in_every_majority(&self, holds: impl Fn(usize) -> bool) -> bool {
        !self.on_a_majority(|d| !holds(d))
    }

    /// hasRead(p, d, q).
    #[must_use]
    pub fn has_read(&self, p: usize, d: usize, q: usize) -> bool {
        self.read[p][d].iter().any(|(of, _)| *of == q)
    }

    /// blocksOf(p).
    pub fn blocks_of(&self, p: usize) -> impl Iterator<Item = Blk> + Clone {
        let on_disks = self.disk.iter().map(move |disk| disk[p]);
        let read = self.read.iter().flatten().flatten();
        let read = read
            .filter(move |(of, _)| *of == p)
            .map(|(_, block)| *block);
        std::iter::once(self.dblock[p]).chain(on_disks).chain(read)
    }

    /// allBlocks.
    pub fn all_blocks(&self) -> impl Iterator<Item = Blk> + Clone {
        let read = self
            .read
            .iter()
            .flatten()
            .flatten()
            .map(|(_, block)| *block);
        let on_disks = self.disk.iter().flatten().copied();
        self.dblock.iter().copied().chain(on_disks).chain(read)
    }

    /// maxBalInp(b, v).
    #[must_use]
    pub fn max_bal_inp(&self, b: Ballot, v: Option<Digest>) -> bool {
        self.all_blocks().all(|bk| bk.bal < b || bk.inp == v)
    }

    /// `b \in Ballot(p)`.
    #[must_use]
    pub fn owns(&self, p: usize, b: Ballot) -> bool {
        ProcessorId::owner(b) == Some(self.procs[p])
    }

    /// Whether a processor is in phase 1 or 2.
    #[must_use]
    pub fn busy(&self, p: usize) -> bool {
        matches!(self.phase[p], 1 | 2)
    }
}
