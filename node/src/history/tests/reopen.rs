//! What was committed is found again, and so is everything about it.

use super::*;

#[test]
fn what_was_committed_is_found_again() {
    let directory = TempDir::new().unwrap();
    for start in [0, 100, 200] {
        let history = open(path(&directory));
        for slot in start..start + 100 {
            let batch = batch(slot, 2);
            for to in 0..3 {
                history.keep(decision(to, slot, &batch));
            }
            history.flush();
        }
        history.commit().unwrap();
        drop(history);
        let history = open(path(&directory));
        for slot in 0..start + 100 {
            let batch = batch(slot, 2);
            assert_eq!(history.batch(&batch.digest()), Some(Arc::clone(&batch)));
            for value in &batch.values {
                assert_eq!(history.delivered(&value.id()).len(), 3);
                let found = history.find(lane(1), &value.id()).unwrap();
                assert_eq!(found, Some(Slot(slot)));
            }
            let kept = history.decision(lane(2), Slot(slot)).unwrap();
            assert_eq!(kept.value, batch.digest());
            assert_eq!(kept.proof.len(), 3);
        }
        assert_eq!(history.next(lane(0)), Slot(start + 100));
        assert_eq!(history.failed(), None);
        let all = history
            .decisions(lane(0), Slot(0), 1000, usize::MAX)
            .unwrap();
        assert_eq!(all.len() as u64, start + 100);
        assert_eq!(all[7].values[1].1, batch(7, 2).values[1]);
        let proofs = history.proofs(&[Slot(0); 3], usize::MAX).unwrap();
        assert_eq!(proofs.len() as u64, 3 * (start + 100));
    }
}
