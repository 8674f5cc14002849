//! Disks that say no: the history stops, and what was committed is still there.

use super::child::Role;
use super::faulty::What;
use super::*;
use std::io::ErrorKind;

/// Keeps a page beside the slots that are here, so that everything could be found.
fn keep_page(history: &File) {
    history.keep(Keep::Page {
        page: page(0),
        messages: vec![said(0, "slot 0")],
        batches: vec![],
    });
    history.commit().unwrap();
    assert!(history.has_page(page(0)));
}

/// It answers as if it were empty, keeps nothing, waits for nothing, and says why.
fn assert_stopped(history: &File, why: &str) {
    let error = history.failed().unwrap();
    assert!(error.0.contains(why), "{error}");
    assert!(error.0.contains("history.redb"), "{error}");
    assert_eq!(history.next(lane(0)), Slot(0));
    let first = batch(0, 2);
    assert_eq!(history.batch(&first.digest()), None);
    assert!(!history.has_batch(&first.digest()));
    assert_eq!(history.delivered(&first.values[0].id()).len(), 0);
    assert_eq!(history.decision(lane(0), Slot(0)), None);
    assert_eq!(history.page(page(0)), None);
    assert!(!history.has_page(page(0)));
    history.keep(decision(0, 0, &first));
    history.flush();
    assert_eq!(history.commit(), Err(error));
    // What would fail is not said to be new.
    assert!(history.may_find(&batch(1000, 1).values[0].id()));
    for error in [
        history.decisions(lane(0), Slot(0), 1, 1).unwrap_err(),
        history.proofs(&[Slot(0)], 1).unwrap_err(),
        history.find(lane(0), &first.values[0].id()).unwrap_err(),
    ] {
        assert!(error.0.contains("stopped earlier"), "{error}");
        assert!(error.0.contains(why), "{error}");
    }
}

#[test]
fn whatever_fails_while_writing_stops_the_history() {
    for (what, how, why) in [
        (What::Write, ErrorKind::StorageFull, "no storage space"),
        (What::Sync, ErrorKind::Other, "other error"),
    ] {
        for after in [0, 1, 3] {
            let directory = history_of(9);
            let (history, control) = open_faulty(&path(&directory));
            keep_page(&history);
            control.fail(what, after, how);
            keep(&history, 9..200);
            history.commit().unwrap_err();
            assert_stopped(&history, why);
            drop(history);
            let history = open(path(&directory));
            let next = history.next(lane(0));
            assert!(next >= Slot(9), "{next}");
            assert_holds(&history, 9);
            drop(history);
            sound(&path(&directory));
        }
    }
}

#[test]
fn what_cannot_be_read_stops_the_history() {
    let directory = TempDir::new().unwrap();
    let history = open(path(&directory));
    let large = Batch {
        values: [ClientValue::new(vec![], vec![1; 1 << 20]).unwrap()].into(),
    };
    let large = Arc::new(large);
    // More than the pages that are in memory hold.
    for slot in 0..6 {
        history.keep(decided(
            lanes(&[0]),
            slot,
            &large,
            vec![said(0, vec![slot as u8; 1 << 20])],
        ));
    }
    history.commit().unwrap();
    drop(history);
    let (history, control) = open_faulty(&path(&directory));
    control.fail(What::Read, 0, ErrorKind::Other);
    for slot in (0..6).map(Slot) {
        history.decision(lane(0), slot);
    }
    assert_eq!(history.decision(lane(0), Slot(1)), None);
    assert_stopped(&history, "other error");
    drop(history);
    sound(&path(&directory));
}

#[test]
fn a_full_disk_stops_the_history() {
    let directory = TempDir::new().unwrap();
    let Some(output) = child::run_mounted(Role::Fill, directory.path(), 3) else {
        // The tests above and below go the same ways.
        eprintln!("NOT RUN: this user may not mount a file system (unshare, mount)");
        return;
    };
    assert!(output.contains("No space left"), "{output}");
    // What was acknowledged is there, as said by the process that saw the file system.
    assert!(output.contains("recovered"), "{output}");
}

#[test]
fn a_file_that_may_not_grow_stops_the_history() {
    let directory = TempDir::new().unwrap();
    let output = child::run_limited(Role::Fill, directory.path(), 3 << 20);
    assert!(output.contains("File too large"), "{output}");
    assert!(output.contains("recovered"), "{output}");
    let history = open(path(&directory));
    let acknowledged = child::acknowledged(&output);
    assert!(acknowledged > 0, "{output}");
    assert!(history.next(lane(2)) >= Slot(acknowledged), "{output}");
    assert_holds(&history, acknowledged);
}
