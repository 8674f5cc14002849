//! Reading for others, while everything goes on.

use super::*;
use std::collections::BTreeSet;

/// A history whose first ten slots are written, the next ten are only released, and the last two are not
/// even that.
struct Mixed {
    _directory: TempDir,
    history: File,
    control: faulty::Control,
}

impl Mixed {
    fn new() -> Self {
        let directory = history_of(10);
        let (history, control) = open_faulty(&path(&directory));
        control.close();
        keep(&history, 10..20);
        for slot in 20..22 {
            for to in 0..3 {
                history.keep(decision(to, slot, &batch(slot, 2)));
            }
        }
        Mixed {
            _directory: directory,
            history,
            control,
        }
    }
}

impl Drop for Mixed {
    fn drop(&mut self) {
        // Whoever closes the history waits for its writer.
        self.control.open();
    }
}

fn slots(shown: &[Shown]) -> Vec<u64> {
    shown.iter().map(|shown| shown.slot.0).collect()
}

#[test]
fn decisions_come_in_order_and_within_limits() {
    let mixed = Mixed::new();
    let history = &mixed.history;
    let read = |from, limit, bytes| {
        let shown = history
            .decisions(lane(1), Slot(from), limit, bytes)
            .unwrap();
        for shown in &shown {
            let batch = batch(shown.slot.0, 2);
            assert_eq!(shown.digest, batch.digest());
            assert_eq!(shown.ballot, Ballot(shown.slot.0 / 10 + 1));
            assert_eq!(shown.quorum.len(), 3);
            let values: Vec<_> = batch.values.iter().map(|v| (v.id(), v.clone())).collect();
            assert_eq!(shown.values, values);
        }
        slots(&shown)
    };
    assert_eq!(read(0, 99, usize::MAX), (0..20).collect::<Vec<_>>());
    assert_eq!(read(8, 4, usize::MAX), [8, 9, 10, 11]);
    assert_eq!(read(9, 1, usize::MAX), [9]);
    assert_eq!(read(13, 3, usize::MAX), [13, 14, 15]);
    // One, however large it is.
    assert_eq!(read(3, 99, 0), [3]);
    assert_eq!(read(15, 99, 0), [15]);
    assert_eq!(read(8, 99, 1500), [8, 9, 10, 11]);
    assert_eq!(read(0, 0, usize::MAX), [0; 0]);
    assert_eq!(read(20, 99, usize::MAX), [0; 0]);
    assert_eq!(read(u64::MAX, 99, usize::MAX), [0; 0]);
    let nobody = history.decisions(lane(3), Slot(0), 9, usize::MAX);
    assert_eq!(nobody.unwrap(), []);
}

/// The slot that a message of these tests proves.
fn proves(said: &Said) -> u64 {
    let text = String::from_utf8(said.bytes.clone()).unwrap();
    text.strip_prefix("slot ").unwrap().parse().unwrap()
}

#[test]
fn proofs_come_by_slot_and_each_once() {
    let mixed = Mixed::new();
    let history = &mixed.history;
    let read = |next: [u64; 3], bytes| {
        let messages = history.proofs(&next.map(Slot), bytes).unwrap();
        let distinct: BTreeSet<_> = messages.iter().map(|m| (m.by, proves(m))).collect();
        assert_eq!(distinct.len(), messages.len());
        let slots: Vec<_> = messages.iter().map(proves).collect();
        assert!(slots.is_sorted());
        slots
    };
    let three = |slots: std::ops::Range<u64>| slots.flat_map(|s| [s; 3]).collect::<Vec<_>>();
    assert_eq!(read([0; 3], usize::MAX), three(0..20));
    assert_eq!(read([20, 7, 18], usize::MAX), three(7..20));
    assert_eq!(read([15; 3], usize::MAX), three(15..20));
    // A whole decision, however large it is.
    assert_eq!(read([20, 20, 4], 0), three(4..5));
    assert_eq!(read([19, 20, 20], 0), three(19..20));
    // Of 16 bytes each, and one more for slots of two digits.
    assert_eq!(read([8; 3], 90), three(8..10));
    assert_eq!(read([8; 3], 100), three(8..11));
    assert_eq!(read([20; 3], usize::MAX), [0; 0]);
    assert_eq!(read([u64::MAX; 3], usize::MAX), [0; 0]);
    let few = history.proofs(&[Slot(19)], usize::MAX).unwrap();
    assert_eq!(few.len(), 3);
    let many = history.proofs(&[Slot(19); 300], usize::MAX).unwrap();
    assert_eq!(many.len(), 3);
    assert_eq!(history.proofs(&[], usize::MAX).unwrap(), []);
}

#[test]
fn what_is_not_released_is_shown_to_nobody() {
    let mixed = Mixed::new();
    let history = &mixed.history;
    assert_eq!(history.next(lane(1)), Slot(22));
    for slot in 0..22 {
        for value in &batch(slot, 2).values {
            assert_eq!(history.delivered(&value.id()).len(), 3);
            let found = history.find(lane(1), &value.id()).unwrap();
            assert_eq!(found, Some(Slot(slot)).filter(|_| slot < 20));
        }
    }
    let read = |history: &File| {
        let shown = history
            .decisions(lane(1), Slot(18), 99, usize::MAX)
            .unwrap();
        let proofs = history.proofs(&[Slot(18); 3], usize::MAX).unwrap();
        (slots(&shown), proofs.len())
    };
    assert_eq!(read(history), (vec![18, 19], 6));
    history.flush();
    assert_eq!(read(history), (vec![18, 19, 20, 21], 12));
}

#[test]
fn everyone_reads_while_one_keeps() {
    let directory = TempDir::new().unwrap();
    let history = open(path(&directory));
    let slots = 300;
    std::thread::scope(|scope| {
        for to in 0..3 {
            let history = &history;
            scope.spawn(move || {
                let mut next = 0;
                while next < slots {
                    let shown = history
                        .decisions(lane(to), Slot(next), 50, usize::MAX)
                        .unwrap();
                    for shown in shown {
                        assert_eq!(shown.slot, Slot(next));
                        let batch = batch(next, 2);
                        assert_eq!(shown.digest, batch.digest());
                        assert_eq!(history.batch(&shown.digest), Some(batch));
                        let kept = history.decision(lane(to), Slot(next)).unwrap();
                        assert_eq!(kept.proof.len(), 3);
                        for (id, _) in &shown.values {
                            let found = history.find(lane(to), id).unwrap();
                            assert_eq!(found, Some(Slot(next)));
                        }
                        next += 1;
                    }
                    let proofs = history.proofs(&[Slot(next); 3], 500).unwrap();
                    assert!(proofs.iter().all(|said| proves(said) >= next));
                }
            });
        }
        keep(&history, 0..slots);
    });
    history.commit().unwrap();
    assert_holds(&history, slots);
}
