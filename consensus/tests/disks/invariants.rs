//! HInv1 to HInv6 of module HDiskSynod, for every slot, and what a log promises on top.

use super::{Disk, Whole, World};
use consensus::disk_paxos::{Block, Decided, Entry, ProcessorId};
use consensus::{Ballot, Batch, Slot};
use crypto::Digest;
use learner_graph::{AcceptorId, AcceptorSet, LearnerId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a processor did on a disk: the block that it wrote, and what it read afterwards.
type Visit = (Whole, Vec<(ProcessorId, Whole)>);

/// The module's variables of one processor, for all slots: `dblock[p]`, `phase[p]`, `blocksRead[p]`,
/// `output[p]`.
#[derive(Debug, Default)]
pub struct Shadow {
    /// `dblock[p]`; `None` is phase 0.
    dblock: Option<Whole>,
    read: BTreeMap<usize, Vec<Visit>>,
    output: BTreeMap<Slot, Digest>,
}

impl Shadow {
    /// DiskSynod: Fail(p).
    pub fn fail(&mut self) {
        *self = Shadow::default();
    }

    /// The processor has taken a step. `on_disks` has the largest (bal, inp) of its blocks on all disks.
    /// Returns what it tries now and did not before.
    pub fn follow(
        &mut self,
        dblock: Option<&Arc<Block>>,
        on_disks: &BTreeMap<Slot, (Ballot, Digest)>,
    ) -> Vec<Arc<Batch>> {
        let Some(block) = dblock else {
            self.fail();
            return Vec::new();
        };
        let old = match &self.dblock {
            Some(old) if Arc::ptr_eq(&old.block, block) => return Vec::new(),
            Some(old) if old.block.mbal == block.mbal => old.slots.clone(),
            _ => {
                self.fail();
                BTreeMap::new()
            }
        };
        // What was dropped in this ballot, or was dropped when it began.
        let below = |slots: &BTreeMap<Slot, _>| -> BTreeMap<_, _> {
            slots.range(..block.floor).map(|(s, e)| (*s, *e)).collect()
        };
        let mut slots = below(on_disks);
        slots.extend(below(&old));
        let mut new = Vec::new();
        for (slot, Entry { bal, inp }) in &block.entries {
            let known = old.get(slot).filter(|(b, _)| b == bal).copied();
            let entry = known.unwrap_or_else(|| {
                new.push(Arc::clone(inp));
                (*bal, inp.digest())
            });
            slots.insert(*slot, entry);
        }
        let block = Arc::clone(block);
        self.dblock = Some(Whole { block, slots });
        new
    }

    /// `dblock[p]`, which is being written.
    pub fn dblock(&self, block: &Arc<Block>) -> Whole {
        let dblock = self.dblock.as_ref().expect("who writes is in a ballot");
        assert_eq!(dblock.block, *block);
        dblock.clone()
    }

    /// The processor hears what it read on a disk after it wrote there.
    pub fn read(&mut self, d: usize, wrote: Whole, read: Vec<(ProcessorId, Whole)>) {
        if self
            .dblock
            .as_ref()
            .is_some_and(|b| b.block.mbal == wrote.block.mbal)
        {
            self.read.entry(d).or_default().push((wrote, read));
        }
    }

    /// The processor tells what it has committed.
    pub fn output(&mut self, decided: &Decided) {
        let mbal = self.dblock.as_ref().map(|b| b.block.mbal);
        for vote in &decided.votes {
            assert_eq!(Some(vote.ballot), mbal, "it commits in its ballot");
            self.output.insert(vote.slot, vote.value);
        }
    }
}

/// An element of `DiskBlock`: a block, as far as one slot is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Blk {
    mbal: Ballot,
    bal: Ballot,
    /// `None` is NotAnInput.
    inp: Option<Digest>,
}

fn blk(whole: &Whole, slot: Slot) -> Blk {
    let entry = whole.slots.get(&slot);
    Blk {
        mbal: whole.block.mbal,
        bal: entry.map_or(Ballot::NONE, |(bal, _)| *bal),
        inp: entry.map(|(_, inp)| *inp),
    }
}

/// The module's variables for one slot. Processors and disks are numbered from 0.
struct State {
    phase: Vec<u8>,
    dblock: Vec<Blk>,
    disk: Vec<Vec<Blk>>,
    /// `blocksRead[p][d]`.
    read: Vec<Vec<Vec<(usize, Blk)>>>,
    output: Vec<Option<Digest>>,
    chosen: Option<Digest>,
    majorities: Vec<Vec<usize>>,
    owner: Vec<ProcessorId>,
}

impl State {
    fn of(world: &World, slot: Slot, majorities: &[Vec<usize>]) -> State {
        let ids: Vec<ProcessorId> = world.nodes.iter().map(|n| n.id).collect();
        let place = |p: ProcessorId| ids.iter().position(|q| *q == p).expect("known");
        let on =
            |d: &Disk, p: ProcessorId| d.blocks.get(&p).map_or_else(Blk::default, |w| blk(w, slot));
        let shadows = || world.nodes.iter().map(|n| &n.shadow);
        let output: Vec<_> = shadows().map(|s| s.output.get(&slot).copied()).collect();
        let dblock: Vec<Blk> = shadows()
            .map(|s| {
                s.dblock
                    .as_ref()
                    .map_or_else(Blk::default, |w| blk(w, slot))
            })
            .collect();
        let phase = |(s, (b, o)): (&Shadow, (&Blk, &Option<Digest>))| match s.dblock {
            None => 0,
            Some(_) if o.is_some() => 3,
            Some(_) if b.bal == b.mbal => 2,
            Some(_) => 1,
        };
        let read_on = |s: &Shadow, b: &Blk, d: usize| {
            let of_phase = |(wrote, _): &&Visit| blk(wrote, slot) == *b;
            let read = s.read.get(&d).into_iter().flatten().filter(of_phase);
            let read = read.flat_map(|(_, read)| read);
            read.map(|(q, w)| (place(*q), blk(w, slot))).collect()
        };
        let disks = 0..world.disks.len();
        State {
            phase: shadows()
                .zip(dblock.iter().zip(&output))
                .map(phase)
                .collect(),
            disk: world
                .disks
                .iter()
                .map(|d| ids.iter().map(|p| on(d, *p)).collect())
                .collect(),
            read: shadows()
                .zip(&dblock)
                .map(|(s, b)| disks.clone().map(|d| read_on(s, b, d)).collect())
                .collect(),
            chosen: world
                .nodes
                .iter()
                .find_map(|n| n.delivered.get(slot.0 as usize).map(|(_, v)| *v))
                .or(output.iter().flatten().next().copied()),
            dblock,
            output,
            majorities: majorities.to_vec(),
            owner: ids,
        }
    }

    fn procs(&self) -> std::ops::Range<usize> {
        0..self.dblock.len()
    }

    fn disks(&self) -> std::ops::Range<usize> {
        0..self.disk.len()
    }

    fn has_read(&self, p: usize, d: usize, q: usize) -> bool {
        self.read[p][d].iter().any(|(of, _)| *of == q)
    }

    fn blocks_of(&self, p: usize) -> BTreeSet<Blk> {
        let mut blocks = BTreeSet::from([self.dblock[p]]);
        blocks.extend(self.disks().map(|d| self.disk[d][p]));
        let read = self.read.iter().flatten().flatten();
        blocks.extend(read.filter(|(of, _)| *of == p).map(|(_, b)| *b));
        blocks
    }

    fn all_blocks(&self) -> BTreeSet<Blk> {
        self.procs().flat_map(|p| self.blocks_of(p)).collect()
    }

    fn max_bal_inp(&self, b: Ballot, v: Option<Digest>) -> bool {
        self.all_blocks().iter().all(|bk| bk.bal < b || bk.inp == v)
    }

    fn owns(&self, p: usize, b: Ballot) -> bool {
        ProcessorId::owner(b) == Some(self.owner[p])
    }

    fn h_inv_2(&self, all_input: &BTreeSet<Digest>) -> bool {
        let all_input = |v: &Digest| all_input.contains(v);
        let in_0 = |p, b: Ballot| b == Ballot::NONE || self.owns(p, b);
        let blocks = self.procs().all(|p| {
            self.blocks_of(p).iter().all(|bk| {
                in_0(p, bk.mbal)
                    && in_0(p, bk.bal)
                    && (bk.bal == Ballot::NONE) == bk.inp.is_none()
                    && bk.mbal >= bk.bal
                    && bk.inp.as_ref().is_none_or(&all_input)
            })
        });
        let reads = self.procs().all(|p| {
            self.disks().all(|d| {
                // d \in disksWritten[p] is what `disk[d][p] = dblock[p]` says.
                let written = self.disk[d][p] == self.dblock[p];
                !(1..=2).contains(&self.phase[p])
                    || (self.read[p][d].is_empty() || written) && !self.has_read(p, d, p)
            })
        });
        let phases = self.procs().all(|p| {
            let (b, phase) = (self.dblock[p], self.phase[p]);
            let reads = self.read[p].iter().flatten();
            let smaller = reads.clone().all(|(_, br)| br.mbal < b.mbal);
            (phase != 0 || b == Blk::default() && reads.count() == 0)
                && (phase == 0 || self.owns(p, b.mbal) && in_0(p, b.bal) && smaller)
                && (phase < 2 || b.bal == b.mbal)
                && self.output[p] == if phase == 3 { b.inp } else { None }
        });
        let chosen = self.chosen.as_ref().is_none_or(&all_input)
            && self
                .procs()
                .all(|p| self.chosen.is_some() || self.output[p].is_none());
        blocks && reads && phases && chosen
    }

    fn h_inv_3(&self) -> bool {
        let busy = |p: usize| (1..=2).contains(&self.phase[p]);
        self.procs().all(|p| {
            self.procs().filter(|q| *q != p).all(|q| {
                self.disks().all(|d| {
                    let both =
                        busy(p) && busy(q) && self.has_read(p, d, q) && self.has_read(q, d, p);
                    !both
                        || self.read[p][d].contains(&(q, self.dblock[q]))
                        || self.read[q][d].contains(&(p, self.dblock[p]))
                })
            })
        })
    }

    fn h_inv_4(&self) -> bool {
        self.procs().all(|p| {
            let (b, phase, blocks) = (self.dblock[p], self.phase[p], self.blocks_of(p));
            let on = |d: &usize| self.disk[*d][p];
            let first = phase == 0
                || blocks.iter().all(|bk| b.mbal >= bk.bal)
                    && self.majorities.iter().all(|ds| {
                        ds.iter()
                            .any(|d| b.mbal >= on(d).mbal && b.bal >= on(d).bal)
                    });
            let second = phase != 1 || blocks.iter().all(|bk| b.mbal > bk.bal);
            let third = phase < 2
                || self
                    .majorities
                    .iter()
                    .any(|ds| ds.iter().all(|d| on(d).mbal == b.bal));
            let fourth = blocks.iter().all(|bk| {
                self.majorities
                    .iter()
                    .any(|ds| ds.iter().all(|d| on(d).mbal >= bk.bal))
            });
            first && second && third && fourth
        })
    }

    fn h_inv_5(&self) -> bool {
        self.procs().filter(|p| self.phase[*p] == 2).all(|p| {
            let b = self.dblock[p];
            self.max_bal_inp(b.bal, b.inp)
                || self.procs().any(|q| {
                    self.majorities.iter().any(|ds| {
                        ds.iter()
                            .all(|d| self.disk[*d][q].mbal > b.bal && !self.has_read(p, *d, q))
                    })
                })
        })
    }

    fn value_chosen(&self, v: Digest) -> bool {
        let ballots: BTreeSet<Ballot> = self.all_blocks().iter().map(|b| b.bal).collect();
        ballots.into_iter().filter(|b| *b > Ballot::NONE).any(|b| {
            self.max_bal_inp(b, Some(v))
                && self.procs().any(|p| {
                    self.majorities.iter().any(|ds| {
                        ds.iter().all(|d| {
                            self.disk[*d][p].bal >= b
                                && self.procs().all(|q| {
                                    let saw = |(of, br): &(usize, Blk)| *of == p && br.bal >= b;
                                    self.phase[q] != 1
                                        || self.dblock[q].mbal < b
                                        || !self.has_read(q, *d, p)
                                        || self.read[q][*d].iter().any(saw)
                                })
                        })
                    })
                })
        })
    }

    fn h_inv_6(&self) -> bool {
        self.chosen.is_none_or(|v| self.value_chosen(v))
            && self
                .output
                .iter()
                .flatten()
                .all(|o| Some(*o) == self.chosen)
    }
}

/// Panics with the whole picture unless everything holds.
pub fn check(world: &World) {
    let majorities = majorities(world);
    let blocks = world.disks.iter().flat_map(|d| d.blocks.values());
    let slots: BTreeSet<Slot> = blocks.flat_map(|w| w.slots.keys().copied()).collect();
    for slot in slots {
        let state = State::of(world, slot, &majorities);
        let picture = || world.picture();
        assert!(
            state.h_inv_2(&world.inputs),
            "HInv2, slot {slot}\n{}",
            picture()
        );
        assert!(state.h_inv_3(), "HInv3, slot {slot}\n{}", picture());
        assert!(state.h_inv_4(), "HInv4, slot {slot}\n{}", picture());
        assert!(state.h_inv_5(), "HInv5, slot {slot}\n{}", picture());
        assert!(state.h_inv_6(), "HInv6, slot {slot}\n{}", picture());
    }
    log(world);
}

/// What the log on the disks and what is delivered promise.
fn log(world: &World) {
    let mut agreed: BTreeMap<Slot, Digest> = BTreeMap::new();
    let mut agree = |slot, value: Digest| {
        let first = *agreed.entry(slot).or_insert(value);
        assert_eq!(first, value, "slot {slot}: {}", world.picture());
    };
    for disk in &world.disks {
        for (p, log) in &disk.logs {
            for record in log {
                agree(record.slot, record.value.digest());
            }
            let floor = disk.blocks.get(p).map_or(Slot(0), |w| w.block.floor);
            assert!(
                floor.0 <= log.len() as u64,
                "what the block dropped is in the log of the same disk: {}",
                world.picture()
            );
        }
    }
    for node in &world.nodes {
        for (slot, value) in &node.delivered {
            agree(*slot, *value);
        }
        let once: BTreeSet<_> = node.values.iter().collect();
        assert_eq!(once.len(), node.values.len(), "delivered once");
    }
}

fn majorities(world: &World) -> Vec<Vec<usize>> {
    let n = world.disks.len();
    let subsets = (0..1_u32 << n).map(|bits| (0..n).filter(move |d| bits >> d & 1 == 1).collect());
    let is_majority = |ds: &Vec<usize>| {
        let set: AcceptorSet = ds.iter().map(|d| AcceptorId(*d as u16)).collect();
        world.network.graph().is_quorum(LearnerId(0), &set)
    };
    subsets.filter(is_majority).collect()
}
