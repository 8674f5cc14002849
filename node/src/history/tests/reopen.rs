//! What is found again, and what is not.

use super::*;
use futures::FutureExt;

#[test]
fn what_was_committed_is_found_again() {
    let directory = TempDir::new().unwrap();
    for start in [0, 60, 120] {
        let history = open(path(&directory));
        assert_eq!(history.next(lane(2)), Slot(start));
        keep(&history, start..start + 60);
        history.commit().unwrap();
        assert_holds(&history, start + 60);
        assert_eq!(history.unwritten(), 0);
        drop(history);
        let history = open(path(&directory));
        assert_holds(&history, start + 60);
        drop(history);
        assert_eq!(sound(&path(&directory)).decisions(), 3 * (start + 60));
    }
}

#[test]
fn what_was_not_flushed_is_seen_but_never_written() {
    let directory = history_of(5);
    let history = open(path(&directory));
    let (sixth, late) = (batch(5, 2), batch(6, 1));
    history.keep(decision(0, 5, &sixth));
    history.flush();
    history.keep(decision(1, 5, &sixth));
    history.keep(Keep::Page {
        page: page(0),
        messages: vec![said(1, "early")],
        batches: vec![Arc::clone(&late)],
    });
    // Also when it is written with what was flushed before.
    history.keep(decision(0, 6, &late));
    assert_eq!(history.next(lane(0)), Slot(7));
    assert_eq!(history.delivered(&sixth.values[0].id()).len(), 2);
    assert_eq!(history.batch(&late.digest()), Some(Arc::clone(&late)));
    assert_eq!(history.page(page(0)), Some(vec![said(1, "early")]));
    drop(history);

    let history = open(path(&directory));
    assert_eq!(history.next(lane(0)), Slot(6));
    assert_eq!(history.next(lane(1)), Slot(5));
    let to: Vec<_> = history.delivered(&sixth.values[0].id()).iter().collect();
    assert_eq!(to, [lane(0)]);
    assert_eq!(history.batch(&late.digest()), None);
    assert_eq!(history.page(page(0)), None);
}

#[test]
fn decisions_that_do_not_follow_change_nothing() {
    let directory = history_of(3);
    let history = open(path(&directory));
    let other = batch(77, 1);
    history.keep(decision(0, 2, &other));
    history.keep(decision(0, 4, &other));
    assert_eq!(history.next(lane(0)), Slot(3));
    assert_eq!(history.delivered(&other.values[0].id()).len(), 0);
    history.commit().unwrap();
    assert_eq!(history.decision(lane(0), Slot(4)), None);
    assert_holds(&history, 3);
}

#[test]
fn only_what_was_new_to_a_learner_is_delivered_to_it() {
    let directory = TempDir::new().unwrap();
    let history = open(path(&directory));
    let all = batch(1, 5);
    let Keep::Decision {
        mut decision,
        batch,
        proof,
    } = decision(1, 0, &all)
    else {
        unreachable!()
    };
    decision.values = [1, 4]
        .map(|at: usize| all.values[at].clone())
        .into_iter()
        .collect();
    let expected = decision.values.clone();
    history.keep(Keep::Decision {
        decision,
        batch,
        proof,
    });
    history.flush();
    let shown = |history: &File| {
        let shown = history.decisions(lane(1), Slot(0), 9, 9999).unwrap();
        shown[0].values.clone()
    };
    assert_eq!(shown(&history), expected);
    history.commit().unwrap();
    assert_eq!(shown(&history), expected);
    drop(history);
    let history = open(path(&directory));
    assert_eq!(shown(&history), expected);
    for (at, value) in all.values.iter().enumerate() {
        let delivered = history.delivered(&value.id());
        assert_eq!(delivered.contains(lane(1)), at == 1 || at == 4);
        let slot = history.find(lane(1), &value.id()).unwrap();
        assert_eq!(slot.is_some(), at == 1 || at == 4);
    }
}

#[test]
fn a_decision_of_other_values_than_its_batch_is_a_defect() {
    let directory = history_of(2);
    let history = open(path(&directory));
    let mut kept = decision(1, 2, &batch(2, 2));
    if let Keep::Decision { decision, .. } = &mut kept {
        decision.values = decision.values.iter().rev().cloned().collect();
    }
    history.keep(kept);
    let error = history.failed().unwrap();
    assert!(error.0.contains("not of its batch"), "{error}");
    assert_eq!(history.commit(), Err(error));
    drop(history);
    assert_holds(&open(path(&directory)), 2);
}

#[test]
fn an_interrupted_creation_leaves_nothing() {
    let directory = TempDir::new().unwrap();
    let unfinished = directory.path().join("history.redb.new");
    fs::write(&unfinished, b"half of it").unwrap();
    let history = open(path(&directory));
    assert!(!unfinished.exists());
    keep(&history, 0..1);
    history.commit().unwrap();
    drop(history);
    // Nor does what has the name of a draft matter later.
    fs::write(&unfinished, b"half of it").unwrap();
    assert_holds(&open(path(&directory)), 1);
    assert!(!unfinished.exists());
}

#[test]
fn opening_after_a_crash_needs_no_repair() {
    let directory = history_of(20);
    let history = open(path(&directory));
    keep(&history, 20..30);
    history.commit().unwrap();
    // As it is now, without having been closed.
    let crashed = fs::read(path(&directory)).unwrap();
    drop(history);
    fs::write(path(&directory), crashed).unwrap();
    // A repair would read the whole file.
    let opened = redb::Database::builder()
        .set_repair_callback(redb::RepairSession::abort)
        .open(path(&directory));
    drop(opened.unwrap());
    assert_holds(&open(path(&directory)), 30);
}

#[test]
fn closed_is_when_it_can_be_opened_again() {
    let directory = history_of(5);
    let history = Arc::new(open(path(&directory)));
    let mut closed = std::pin::pin!(history.closed());
    let reader = Arc::clone(&history);
    drop(history);
    assert!(closed.as_mut().now_or_never().is_none(), "somebody has it");
    std::thread::spawn(move || drop(reader));
    futures::executor::block_on(closed);
    assert_holds(&open(path(&directory)), 5);
}
