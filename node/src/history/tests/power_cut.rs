//! The power fails: of what was written since the last sync, anything may be lost.

use super::faulty::Done;
use super::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

/// A file, and everything that was done to it while slots were kept.
fn recorded(slots: u64) -> (Vec<u8>, Vec<Done>) {
    let directory = history_of(5);
    let (history, control) = open_faulty(&path(&directory));
    let before = fs::read(path(&directory)).unwrap();
    control.record();
    for slot in 5..slots {
        control.note(Done::Released(slot + 1));
        keep(&history, slot..slot + 1);
        if slot % 4 == 0 {
            history.commit().unwrap();
            control.note(Done::Committed(slot + 1));
        }
    }
    drop(history);
    (before, control.recorded())
}

/// The file as it is after the first so many operations, where only some of those since the last sync
/// were carried out, and what was committed and released by then.
fn cut(before: &[u8], done: &[Done], lucky: &mut impl FnMut() -> bool) -> (Vec<u8>, u64, u64) {
    let mut file = before.to_vec();
    let (mut committed, mut released) = (5, 5);
    let sync = done.iter().rposition(|done| matches!(done, Done::Sync));
    for (at, done) in done.iter().enumerate() {
        let durable = sync.is_some_and(|sync| at < sync);
        match done {
            Done::Committed(slot) => committed = *slot,
            Done::Released(slot) => released = *slot,
            Done::Sync => {}
            Done::Length(len) if durable || lucky() => file.resize(*len as usize, 0),
            Done::Write(offset, bytes) if durable || lucky() => {
                let start = *offset as usize;
                let end = start + bytes.len();
                file.resize(file.len().max(end), 0);
                file[start..end].copy_from_slice(bytes);
            }
            Done::Length(_) | Done::Write(..) => {}
        }
    }
    (file, committed, released)
}

#[test]
fn a_power_cut_at_any_instant_leaves_a_prefix() {
    let (before, done) = recorded(24);
    let directory = TempDir::new().unwrap();
    let mut random = proptest::test_runner::TestRunner::deterministic();
    let (mut seen, mut lost) = (0, 0);
    // Every point at which something was done is one at which the power may fail.
    for (round, at) in (0..done.len()).step_by(2).enumerate() {
        let mut lucky = || match round % 3 {
            0 => false,
            _ => any::<bool>().new_tree(&mut random).unwrap().current(),
        };
        let (file, committed, released) = cut(&before, &done[..at], &mut lucky);
        let path = path(&directory);
        fs::write(&path, file).unwrap();
        let summary = sound(&path);
        for next in &summary.next {
            assert!(next.0 >= committed, "{next} of {committed}");
            assert!(next.0 <= released, "{next} of {released}");
        }
        let history = open(&path);
        assert_holds(&history, committed);
        // And it goes on.
        let next = history.next(lane(0)).0;
        keep(&history, summary.next[2].0..next + 2);
        history.commit().unwrap();
        assert_holds(&history, next + 2);
        seen += 1;
        lost += u64::from(next < released);
    }
    assert!(seen > 50, "{seen} of {}", done.len());
    assert!(lost > 5, "{lost}");
}
