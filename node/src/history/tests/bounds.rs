//! What is not written yet has a bound.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A decision of 10 KiB.
fn large(slot: u64) -> Keep<Said> {
    decided(
        lanes(&[0]),
        slot,
        &batch(slot, 1),
        vec![said(0, vec![slot as u8; 10 << 10])],
    )
}

#[test]
fn who_keeps_more_than_is_written_waits() {
    let directory = TempDir::new().unwrap();
    let (history, control) = open_faulty(&path(&directory));
    control.close();
    let most = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for slot in 0..1000 {
                history.keep(large(slot));
                most.fetch_max(history.unwritten(), Ordering::Relaxed);
                history.flush();
            }
        });
        // It is full in the end, and nothing was written until then.
        while history.unwritten() <= SMALL.max_unwritten {
            std::thread::yield_now();
        }
        control.open();
    });
    history.commit().unwrap();
    assert_eq!(history.next(lane(0)), Slot(1000));
    // One more than the bound.
    let most = most.into_inner();
    assert!(most > SMALL.max_unwritten, "{most}");
    assert!(most <= SMALL.max_unwritten + (16 << 10), "{most}");
}

#[test]
fn nobody_waits_for_what_may_not_be_written() {
    let directory = TempDir::new().unwrap();
    let history = open(path(&directory));
    for slot in 0..300 {
        history.keep(large(slot));
    }
    assert!(history.unwritten() > 2 * SMALL.max_unwritten);
    assert_eq!(history.next(lane(0)), Slot(300));
    history.commit().unwrap();
    assert_eq!(history.unwritten(), 0);
}

#[test]
fn nobody_waits_for_a_history_that_has_stopped() {
    let directory = TempDir::new().unwrap();
    let (history, control) = open_faulty(&path(&directory));
    control.fail(faulty::What::Write, 0, std::io::ErrorKind::StorageFull);
    for slot in 0..1000 {
        history.keep(large(slot));
        history.flush();
    }
    history.commit().unwrap_err();
}

#[test]
fn bytes_that_many_share_count_once() {
    let directory = TempDir::new().unwrap();
    let history = open(path(&directory));
    let large = ClientValue::new(vec![], vec![1; 100 << 10]).unwrap();
    let values = [large].into();
    let large = Arc::new(Batch { values });
    for to in 0..3 {
        history.keep(decision(to, 0, &large));
    }
    let unwritten = history.unwritten();
    assert!((100 << 10..110 << 10).contains(&unwritten), "{unwritten}");
    history.commit().unwrap();
    assert_eq!(history.unwritten(), 0);
}
