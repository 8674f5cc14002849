//! The oracle against what a processor does, made by hand.

use super::fixture::Fixture;
use super::*;
use consensus::disk_paxos::Entry;
use consensus::paxos::Vote;

fn input(text: &str) -> Arc<Batch> {
    let value = ClientValue::new(Vec::new(), text.into()).expect("small");
    let values = vec![value];
    Arc::new(Batch {
        values: values.into(),
    })
}

fn block(mbal: u64, slots: &[(u64, &str)]) -> Arc<Block> {
    let entry = |(slot, text): &(u64, &str)| {
        let (bal, inp) = (Ballot(mbal), input(text));
        (Slot(*slot), Entry { bal, inp })
    };
    Arc::new(Block {
        mbal: Ballot(mbal),
        floor: Slot(0),
        entries: slots.iter().map(entry).collect(),
    })
}

/// The first processor, as if it had stepped to this block.
fn follows(oracle: &mut DiskSynod, block: &Arc<Block>) {
    let followed = oracle.shadows[0].follow(Some(block), BTreeMap::new);
    for batch in followed.tried {
        oracle.tries(&batch);
    }
    oracle.touched.add(followed.touched);
}

fn commits(slot: u64, ballot: u64, text: &str) -> Output {
    let vote = Vote {
        slot: Slot(slot),
        ballot: Ballot(ballot),
        value: input(text).digest(),
    };
    Output::Send(Decided { votes: vec![vote] })
}

/// Two processors, three empty disks, a value submitted.
fn fresh() -> (DiskSynod, Vec<Disk>) {
    let mut oracle = DiskSynod::new(&Fixture::new().stage);
    oracle.submitted(&input("v").values[0]);
    (oracle, (0..3).map(|_| Disk::default()).collect())
}

/// The first processor writes a block on disks 0 and 1, and reads there.
fn writes(oracle: &mut DiskSynod, disks: &mut [Disk], block: &Arc<Block>) -> Verdict {
    follows(oracle, block);
    let p = oracle.procs[0];
    for (d, disk) in disks.iter_mut().enumerate().take(2) {
        let whole = oracle.writes(0, block)?;
        disk.blocks.insert(p, whole.clone());
        oracle.visited(0, d, (whole, vec![(oracle.procs[1], Whole::default())]));
    }
    oracle.changed(disks)
}

#[test]
fn a_value_is_committed_and_everything_holds() {
    let (mut oracle, mut disks) = fresh();
    writes(&mut oracle, &mut disks, &block(1, &[])).expect("phase 1");
    writes(&mut oracle, &mut disks, &block(1, &[(0, "v")])).expect("phase 2");
    oracle.told(0, &commits(0, 1, "v")).expect("committed");
    oracle.changed(&disks).expect("chosen");
    let state = oracle.state(Slot(0));
    assert_eq!(state.phase, [3, 0]);
    assert_eq!(state.chosen, Some(input("v").digest()));
    assert_eq!(state.read[0][0].len() + state.read[0][1].len(), 2);
}

#[test]
fn a_value_that_nobody_submitted_is_found() {
    let (mut oracle, mut disks) = fresh();
    writes(&mut oracle, &mut disks, &block(1, &[])).expect("phase 1");
    let tried = writes(&mut oracle, &mut disks, &block(1, &[(0, "x")]));
    assert_eq!(tried.expect_err("x").invariant, "HInv2");
}

#[test]
fn a_commit_of_what_is_not_on_a_majority_is_found() {
    let (mut oracle, mut disks) = fresh();
    writes(&mut oracle, &mut disks, &block(1, &[])).expect("phase 1");
    follows(&mut oracle, &block(1, &[(0, "v")]));
    oracle.told(0, &commits(0, 1, "v")).expect("it was tried");
    let found = oracle.changed(&disks).expect_err("on no disk");
    assert_eq!(found.invariant, "HInv6");
}

#[test]
fn steps_that_are_none_are_found() {
    let (mut oracle, mut disks) = fresh();
    let write = oracle.writes(0, &block(1, &[])).expect_err("phase 0");
    assert_eq!(write.invariant, "Phase1or2Write");
    writes(&mut oracle, &mut disks, &block(1, &[])).expect("phase 1");
    let write = oracle
        .writes(0, &block(1, &[(0, "v")]))
        .expect_err("another block");
    assert_eq!(write.invariant, "Phase1or2Write");
    let commit = oracle.told(0, &commits(0, 1, "v")).expect_err("phase 1");
    assert_eq!(commit.invariant, "EndPhase1or2");
    let stored = Output::Persist(Record::Batch(Batch::default()));
    let stored = oracle.told(0, &stored).expect_err("beside the disks");
    assert_eq!(stored.invariant, "what is tried is on the disks");
}

#[test]
fn whoever_skips_phase_1_is_found() {
    let (mut oracle, mut disks) = fresh();
    let skips = writes(&mut oracle, &mut disks, &block(1, &[(0, "v")]));
    assert_eq!(
        skips,
        Ok(()),
        "a first ballot with its first value hides it"
    );
    let (mut oracle, disks) = fresh();
    follows(&mut oracle, &block(1, &[(0, "v")]));
    let skips = oracle.changed(&disks).expect_err("no majority has mbal 1");
    assert_eq!(skips.invariant, "HInv4");
}
