//! What is the same is stored once.

use super::*;

#[test]
fn what_proves_all_lanes_is_stored_once() {
    let directory = history_of(20);
    let summary = sound(&path(&directory));
    assert_eq!((summary.messages, summary.batches), (60, 20));
}

#[test]
fn what_proves_many_slots_is_stored_once() {
    let directory = TempDir::new().unwrap();
    let history = open(path(&directory));
    let proof: Vec<_> = (0..3).map(|by| said(by, vec![1; 3000])).collect();
    for slot in 0..256 {
        for to in 0..3 {
            history.keep(decided(lanes(&[to]), slot, &batch(slot, 1), proof.clone()));
        }
        history.flush();
    }
    history.commit().unwrap();
    assert_eq!(history.decision(lane(1), Slot(255)).unwrap().proof, proof);
    drop(history);
    assert_eq!(sound(&path(&directory)).messages, 3);
}

#[test]
fn a_lane_that_is_late_is_proved_by_what_proved_the_others() {
    let directory = TempDir::new().unwrap();
    let history = open(path(&directory));
    for slot in 0..30 {
        history.keep(decision(0, slot, &batch(slot, 2)));
    }
    history.commit().unwrap();
    drop(history);
    // Nothing of it is remembered now.
    let history = open(path(&directory));
    for slot in 0..30 {
        let mut kept = decision(2, slot, &batch(slot, 2));
        if let Keep::Decision { proof, .. } = &mut kept {
            proof[1] = said(7, format!("slot {slot}"));
        }
        history.keep(kept);
    }
    history.commit().unwrap();
    let by: Vec<_> = history.decision(lane(2), Slot(9)).unwrap().proof;
    assert_eq!(by[1], said(7, "slot 9"));
    drop(history);
    let summary = sound(&path(&directory));
    assert_eq!((summary.messages, summary.batches), (30 * 3 + 30, 30));
}

#[test]
fn a_batch_that_comes_again_and_again_is_stored_once() {
    let directory = TempDir::new().unwrap();
    let history = open(path(&directory));
    let empty = batch(0, 0);
    for slot in 0..100 {
        history.keep(decision(1, slot, &empty));
        history.flush();
        if slot % 40 == 39 {
            history.commit().unwrap();
        }
    }
    history.keep(Keep::Page {
        page: page(8),
        messages: vec![],
        batches: vec![Arc::clone(&empty)],
    });
    history.commit().unwrap();
    drop(history);
    assert_eq!(sound(&path(&directory)).batches, 1);
}
