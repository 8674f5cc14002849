//! The largest of everything, and what is larger.

use super::*;
use crate::history::{MAX_LANES, MAX_MESSAGE_BYTES, MAX_PROOF};
use consensus::{MAX_BATCH_VALUES, MAX_VALUE_BYTES};

fn open_lanes(path: &Path, lanes: usize) -> File {
    File::open_with(path, network(), lanes, size, Options::default()).unwrap()
}

#[test]
fn the_largest_batches_and_messages_are_kept() {
    let directory = TempDir::new().unwrap();
    let history = open_lanes(&path(&directory), 1);
    let one = ClientValue::new(vec![1; 128], vec![2; MAX_VALUE_BYTES]).unwrap();
    let many = |n: usize| ClientValue::new(vec![], (n as u64).to_le_bytes().to_vec()).unwrap();
    let batches = [
        Arc::new(Batch {
            values: [one].into(),
        }),
        Arc::new(Batch {
            values: (0..MAX_BATCH_VALUES).map(many).collect(),
        }),
    ];
    let largest = said(1, vec![3; MAX_MESSAGE_BYTES - 10]);
    let message = said(1, vec![4; 4 << 20]);
    for (slot, batch) in (0..).zip(&batches) {
        let proof = vec![largest.clone(), message.clone()];
        history.keep(decided(lanes(&[0]), slot, batch, proof));
    }
    history.keep(Keep::Page {
        page: page(0),
        messages: vec![message.clone(); 20],
        batches: vec![],
    });
    history.commit().unwrap();
    drop(history);

    let history = open_lanes(&path(&directory), 1);
    for (slot, batch) in (0..).map(Slot).zip(&batches) {
        let kept = history.decision(lane(0), slot).unwrap();
        assert_eq!(kept.proof, [largest.clone(), message.clone()]);
        assert_eq!(history.batch(&kept.value).as_ref(), Some(batch));
        let shown = history.decisions(lane(0), slot, 1, 0).unwrap();
        assert_eq!(shown[0].values.len(), batch.values.len());
    }
    assert_eq!(history.page(page(0)), Some(vec![message; 20]));
    assert_eq!(history.proofs(&[Slot(0)], 100).unwrap().len(), 2);
    drop(history);
    assert_eq!(sound(&path(&directory)).messages, 2);
}

#[test]
fn there_are_as_many_lanes_as_learners() {
    let directory = TempDir::new().unwrap();
    let lanes = usize::from(MAX_LANES);
    let history = open_lanes(&path(&directory), lanes);
    for slot in 0..5 {
        for to in 0..MAX_LANES {
            history.keep(decision(to, slot, &batch(slot, 2)));
        }
        history.flush();
    }
    history.commit().unwrap();
    drop(history);
    let history = open_lanes(&path(&directory), lanes);
    let value = &batch(4, 2).values[1];
    assert_eq!(history.delivered(&value.id()).len(), lanes);
    let found = history.find(lane(MAX_LANES - 1), &value.id()).unwrap();
    assert_eq!(found, Some(Slot(4)));
    let proofs = history.proofs(&vec![Slot(0); lanes], usize::MAX).unwrap();
    assert_eq!(proofs.len(), 15);
    drop(history);
    let summary = sound(&path(&directory));
    assert_eq!((summary.messages, summary.decisions()), (15, 5 * 256));
}

#[test]
fn what_is_too_large_stops_the_history() {
    let message = said(1, vec![3; MAX_MESSAGE_BYTES - 9]);
    let values = vec![ClientValue {
        key: vec![],
        bytes: vec![5; consensus::MAX_BATCH_BYTES],
    }];
    for (kept, why) in [
        (
            decided(lanes(&[0]), 0, &batch(0, 1), vec![message]),
            "row 0 of table messages: 16777217 bytes, the limit is 16777216",
        ),
        (
            decision(
                0,
                0,
                &Arc::new(Batch {
                    values: values.into(),
                }),
            ),
            "row 0 of table batches",
        ),
        (
            decided(
                lanes(&[0]),
                0,
                &batch(0, 1),
                vec![said(1, "x"); MAX_PROOF + 1],
            ),
            "513 bytes, the limit is 512",
        ),
        (decision(1, 0, &batch(0, 1)), "lane 1 of 1"),
    ] {
        let directory = TempDir::new().unwrap();
        let history = open_lanes(&path(&directory), 1);
        history.keep(kept);
        let error = history.commit().unwrap_err();
        assert!(error.0.contains(why), "{error}");
        drop(history);
        assert_eq!(sound_lanes(&path(&directory)), 0);
    }
    for lanes in [0, usize::from(MAX_LANES) + 1] {
        let directory = TempDir::new().unwrap();
        let opened = File::open(path(&directory), network(), lanes, size);
        let error = opened.unwrap_err().to_string();
        assert!(error.contains("1 to 256"), "{error}");
        assert!(!path(&directory).exists());
    }
}

fn sound_lanes(path: &Path) -> u64 {
    sound(path).decisions()
}
