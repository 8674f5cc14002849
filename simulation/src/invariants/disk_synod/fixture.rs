//! States made by hand: two processors, which own the ballots 1, 257, 513, … and 2, 258, …, and three disks.

use super::state::{Blk, State};
use crate::cast::Cast;
use crate::stage::Stage;
use consensus::Ballot;
use consensus::disk_paxos::ProcessorId;
use crypto::Digest;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) struct Fixture {
    pub(super) stage: Arc<Stage>,
    procs: Vec<ProcessorId>,
    all_input: BTreeSet<Digest>,
}

pub(super) fn v(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

pub(super) fn blk(mbal: u64, bal: u64, inp: Option<&str>) -> Blk {
    Blk {
        mbal: Ballot(mbal),
        bal: Ballot(bal),
        inp: inp.map(v),
    }
}

impl Fixture {
    /// `v` and `w` were submitted.
    pub(super) fn new() -> Self {
        let cast = Cast::disk_paxos(2, 3).expect("a network");
        let stage = Stage::new(cast, Vec::new()).expect("nobody lies");
        Fixture {
            stage: Arc::new(stage),
            procs: [1, 2].map(|n| ProcessorId::new(n).expect("not 0")).into(),
            all_input: [v("v"), v("w")].into(),
        }
    }

    /// Processor 0 is in phase 2 of ballot 257 for v, has written it to disks 0 and 1, and read there.
    pub(super) fn committing(&self) -> State<'_> {
        let tries = blk(257, 257, Some("v"));
        let none = Blk::default();
        State {
            graph: self.stage.network().graph(),
            procs: &self.procs,
            all_input: &self.all_input,
            phase: vec![2, 0],
            dblock: vec![tries, none],
            disk: vec![vec![tries, none], vec![tries, none], vec![none, none]],
            read: vec![
                vec![vec![(1, none)], vec![(1, none)], Vec::new()],
                vec![Vec::new(); 3],
            ],
            output: vec![None, None],
            chosen: None,
        }
    }

    /// It has committed v.
    pub(super) fn committed(&self) -> State<'_> {
        let mut state = self.committing();
        (state.phase[0], state.output[0], state.chosen) = (3, Some(v("v")), Some(v("v")));
        state
    }
}
