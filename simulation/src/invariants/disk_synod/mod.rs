//! Disk Paxos against module HDiskSynod: HInv1 to HInv6 hold for every slot, whenever something changes.
//!
//! ```text
//!   a step ─────────► Shadow: dblock[p] ──┐
//!   what was read ──► Shadow: blocksRead ─┼──► State of each slot touched ──► HInv1 … HInv6
//!   what is sent ───► Shadow: output ─────┤
//!   disk[d][p] ───────────────────────────┴──► log.rs
//! ```
//!
//! Every slot is an instance of the module; one `mbal` is for all of them.

pub mod h_inv_1;
pub mod h_inv_2;
pub mod h_inv_3;
pub mod h_inv_4;
pub mod h_inv_5;
pub mod h_inv_6;
pub mod log;
pub mod shadow;
pub mod state;
pub mod touched;

use crate::disks::{Disk, Visit, Whole};
use crate::oracle::{Oracle, Place, Verdict, Violation};
use crate::stage::Stage;
use consensus::disk_paxos::{Block, Decided, DiskPaxos, Output, ProcessorId, Record};
use consensus::{Ballot, Batch, ClientValue, Slot};
use crypto::Digest;
use shadow::Shadow;
use state::{Blk, State};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use touched::Touched;

/// Module HDiskSynod, fed with what processors do.
#[derive(Debug)]
pub struct DiskSynod {
    stage: Arc<Stage>,
    /// `Proc`, numbered as the invariants do.
    procs: Vec<ProcessorId>,
    /// Per place, which of them it is.
    places: Vec<Option<usize>>,
    shadows: Vec<Shadow>,
    /// `disk`, as it was when the invariants were checked.
    disk: Vec<BTreeMap<ProcessorId, Whole>>,
    submitted: BTreeSet<Digest>,
    /// `allInput`: what processors try, made of what was submitted.
    all_input: BTreeSet<Digest>,
    /// `chosen`: the first output.
    chosen: BTreeMap<Slot, Digest>,
    /// What was delivered since the invariants were checked. Whoever commits delivers first and tells then.
    delivered: Vec<(Slot, Digest)>,
    logs: log::Logs,
    touched: Touched,
}

impl DiskSynod {
    /// HDiskSynod: HInit.
    #[must_use]
    pub fn new(stage: &Arc<Stage>) -> Self {
        let (mut procs, mut places) = (Vec::new(), Vec::new());
        for place in 0..stage.places() {
            let id = stage.node(place).processor;
            places.push(id.map(|_| procs.len()));
            procs.extend(id);
        }
        let disks = stage.network().graph().n_acceptors();
        DiskSynod {
            stage: Arc::clone(stage),
            shadows: procs.iter().map(|_| Shadow::new(disks)).collect(),
            procs,
            places,
            disk: vec![BTreeMap::new(); disks],
            submitted: BTreeSet::new(),
            all_input: BTreeSet::new(),
            chosen: BTreeMap::new(),
            delivered: Vec::new(),
            logs: log::Logs::new(disks),
            touched: Touched::default(),
        }
    }

    /// DiskSynod: Fail(p).
    fn fail(&mut self, place: Place) {
        if let Some(p) = self.places[place] {
            self.touched.add(self.shadows[p].fail());
        }
    }

    /// A processor tries this: it is an input, if it is made of what clients have submitted.
    fn tries(&mut self, batch: &Batch) {
        let known = |v: &ClientValue| self.submitted.contains(&v.id());
        if batch.values.iter().all(known) {
            self.all_input.insert(batch.digest());
        }
    }

    /// HDiskSynod: `output'[p] = dblock[p].inp`, and `chosen'`.
    fn outputs(&mut self, p: usize, decided: &Decided) -> Verdict {
        self.touched.add(self.shadows[p].output(decided)?);
        for vote in &decided.votes {
            self.chosen.entry(vote.slot).or_insert(vote.value);
        }
        Ok(())
    }

    /// Brings `disk` up to date, and looks at what is new there.
    fn look(&mut self, disks: &[Disk]) -> Verdict {
        for (disk, known) in disks.iter().zip(&mut self.disk) {
            for (p, whole) in &disk.blocks {
                let old = known.entry(*p).or_default();
                if !Arc::ptr_eq(&old.block, &whole.block) {
                    h_inv_1::block(&whole.block)?;
                    self.touched.add(Touched::between(old, whole));
                    *old = whole.clone();
                }
            }
        }
        for (slot, value) in self.delivered.drain(..) {
            log::delivered(&self.chosen, slot, value)?;
        }
        self.logs.check(disks, &self.chosen)
    }

    /// The slots to look at: of all, those that any block tells of, and one that none does.
    fn slots(&self, touched: Touched) -> BTreeSet<Slot> {
        let Touched::All = touched else {
            return touched.slots();
        };
        let on_disks = self.disk.iter().flat_map(BTreeMap::values);
        let blocks = on_disks.chain(self.shadows.iter().filter_map(Shadow::dblock));
        let mut slots: BTreeSet<Slot> = blocks.flat_map(|w| w.slots.keys().copied()).collect();
        slots.insert(slots.last().map_or(Slot(0), |last| last.next()));
        slots
    }

    fn state(&self, slot: Slot) -> State<'_> {
        let blk = |whole: &Whole| Blk::of(whole, slot);
        let number = |id: &ProcessorId| self.procs.iter().position(|q| q == id);
        let read = |s: &Shadow, d: usize| {
            let read = s.blocks_read(slot, d);
            let read = read.filter_map(|(q, whole)| Some((number(q)?, blk(whole))));
            read.collect::<Vec<_>>()
        };
        let shadows = self.shadows.iter();
        State {
            graph: self.stage.network().graph(),
            procs: &self.procs,
            all_input: &self.all_input,
            phase: shadows.clone().map(|s| s.phase(slot)).collect(),
            dblock: shadows
                .clone()
                .map(|s| s.dblock().map_or_else(Blk::default, blk))
                .collect(),
            disk: self
                .disk
                .iter()
                .map(|disk| {
                    let of = |p| disk.get(p).map_or_else(Blk::default, blk);
                    self.procs.iter().map(of).collect()
                })
                .collect(),
            read: shadows
                .clone()
                .map(|s| (0..self.disk.len()).map(|d| read(s, d)).collect())
                .collect(),
            output: shadows.map(|s| s.output_in(slot)).collect(),
            chosen: self.chosen.get(&slot).copied(),
        }
    }
}

/// HDiskSynod: HInv.
fn h_inv(state: &State<'_>) -> Verdict {
    h_inv_1::check(state)?;
    h_inv_2::check(state)?;
    h_inv_3::check(state)?;
    h_inv_4::check(state)?;
    h_inv_5::check(state)?;
    h_inv_6::check(state)
}

/// The largest (bal, inp) of each slot in a processor's blocks.
fn on_disks(disks: &[Disk], id: ProcessorId) -> BTreeMap<Slot, (Ballot, Digest)> {
    let mut largest: BTreeMap<Slot, (Ballot, Digest)> = BTreeMap::new();
    let blocks = disks.iter().filter_map(|disk| disk.blocks.get(&id));
    for (slot, entry) in blocks.flat_map(|whole| whole.slots.iter()) {
        let known = largest.entry(*slot).or_insert(*entry);
        *known = (*known).max(*entry);
    }
    largest
}

impl Oracle<DiskPaxos> for DiskSynod {
    fn started(&mut self, place: Place) -> Verdict {
        self.fail(place);
        Ok(())
    }

    fn died(&mut self, place: Place) {
        self.fail(place);
    }

    fn submitted(&mut self, value: &ClientValue) {
        self.submitted.insert(value.id());
    }

    fn stepped(&mut self, place: Place, machine: &DiskPaxos, disks: &[Disk]) -> Verdict {
        let Some(p) = self.places[place] else {
            return Ok(());
        };
        let id = self.procs[p];
        let followed = self.shadows[p].follow(machine.dblock(), || on_disks(disks, id));
        for batch in followed.tried {
            self.tries(&batch);
        }
        self.touched.add(followed.touched);
        Ok(())
    }

    fn told(&mut self, place: Place, output: &Output) -> Verdict {
        match (output, self.places[place]) {
            (Output::Send(decided), Some(p)) => self.outputs(p, decided),
            (Output::Send(_), None) => {
                let what = format!("{} is no processor", self.stage.name(place));
                Err(Violation::of("EndPhase1or2", what))
            }
            (Output::Decided(d), _) => {
                self.delivered.push((d.slot, d.value));
                Ok(())
            }
            (Output::Fork(fork), _) => {
                let what = format!("slot {}: {:?}", fork.slot, fork.values);
                Err(Violation::of("HInv6", what))
            }
            (Output::Persist(record), _) => match record {
                Record::Value(_) => Ok(()),
                other => {
                    let what = format!("beside the disks a node stores {other:?}");
                    Err(Violation::of("what is tried is on the disks", what))
                }
            },
            _ => Ok(()),
        }
    }

    fn writes(&mut self, place: Place, block: &Arc<Block>) -> Result<Whole, Violation> {
        let shadow = self.places[place].and_then(|p| self.shadows.get(p));
        let dblock = shadow.and_then(Shadow::dblock);
        // DiskSynod: Phase1or2Write(p, d): phase[p] \in {1, 2}, disk' = [disk EXCEPT ![d][p] = dblock[p]].
        match dblock.filter(|dblock| dblock.block == *block) {
            Some(dblock) => Ok(dblock.clone()),
            None => {
                let what = format!("{} writes another block", self.stage.name(place));
                Err(Violation::of("Phase1or2Write", what))
            }
        }
    }

    fn visited(&mut self, place: Place, disk: usize, (wrote, read): Visit) {
        if let Some(p) = self.places[place] {
            self.touched.add(self.shadows[p].read(disk, wrote, read));
        }
    }

    fn changed(&mut self, disks: &[Disk]) -> Verdict {
        self.look(disks)?;
        let touched = std::mem::take(&mut self.touched);
        for slot in self.slots(touched) {
            h_inv(&self.state(slot)).map_err(|violation| Violation {
                what: format!("slot {slot}: {}", violation.what),
                ..violation
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
