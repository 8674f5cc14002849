//! A check finds whatever does not fit together, though every checksum is right.

use super::*;
use crate::history::Shelf;
use crate::history::rows::{
    BATCHES, DECISIONS, DecisionRow, Delivered, FILTERS, FilterRow, MESSAGES, New, PAGE_MESSAGES,
    PAGES, RECENT, RUNS, Raw, RowKey, Rows, STATE, State,
};
use consensus::storage::StorageError;
use redb::{Database, Table};

/// A history with a page, a run and recent entries of each index: 45 batches and 90 values.
fn fixture() -> TempDir {
    let directory = history_of(44);
    let history = open(path(&directory));
    history.keep(Keep::Page {
        page: page(80),
        messages: vec![said(1, "one"), said(2, "two")],
        batches: vec![batch(80, 1)],
    });
    history.commit().unwrap();
    keep(&history, 44..46);
    history.commit().unwrap();
    drop(history);
    sound(&path(&directory));
    directory
}

/// Changes a table of a history.
fn change<K: RowKey>(
    directory: &TempDir,
    rows: Rows<K>,
    change: impl FnOnce(&mut Table<'_, K, Raw>),
) {
    let database = Database::open(path(directory)).unwrap();
    let write = database.begin_write().unwrap();
    change(&mut write.open_table(rows.definition).unwrap());
    write.commit().unwrap();
}

fn remove<K: RowKey>(directory: &TempDir, rows: Rows<K>, key: K) {
    change(directory, rows, |table| {
        assert!(table.remove(key).unwrap().is_some());
    });
}

/// What a check says.
fn told(directory: &TempDir) -> String {
    let report = check(&path(directory));
    assert!(!report.problems.is_empty());
    report.problems.join("\n")
}

fn assert_told(directory: &TempDir, what: &str) {
    let told = told(directory);
    assert!(told.contains(what), "no '{what}' in: {told}");
}

#[test]
fn rows_that_are_missing() {
    let missing = |what: &str, remove: fn(&TempDir)| {
        let directory = fixture();
        remove(&directory);
        assert_told(&directory, what);
    };
    missing("row 4 of table messages is missing", |d| {
        remove(d, MESSAGES, 4)
    });
    missing("row 137 of table messages is missing", |d| {
        remove(d, MESSAGES, 137)
    });
    missing("row 9 of table batches is missing", |d| {
        remove(d, BATCHES, 9)
    });
    missing("row (9, 1) of table decided is missing", |d| {
        remove(d, DECISIONS, (9, 1))
    });
    missing("row (45, 2) of table decided is missing", |d| {
        remove(d, DECISIONS, (45, 0))
    });
    missing("row (80, 88, 1) of table page_messages is missing", |d| {
        remove(d, PAGE_MESSAGES, (80, 88, 1));
    });
    missing("0 pages are here of 1", |d| remove(d, PAGES, (80, 88)));
    missing("row (1, 0, 1) of table runs is missing", |d| {
        remove(d, RUNS, (1, 0, 1))
    });
    missing("row (0, 0) of table filters is missing", |d| {
        remove(d, FILTERS, (0, 0))
    });
    missing("of table recent is missing", |d| {
        change(d, RECENT, |table| {
            assert!(table.pop_last().unwrap().is_some());
        });
    });
}

#[test]
fn everything_that_is_missing_is_counted() {
    let directory = fixture();
    change(&directory, MESSAGES, |table| {
        for number in 10..60 {
            table.remove(number).unwrap();
        }
    });
    let report = check(&path(&directory));
    assert_eq!(report.problems.len() as u64 + report.more, 50);
}

fn decision_row(directory: &TempDir, key: (u64, u16), edit: impl FnOnce(&mut DecisionRow)) {
    change(directory, DECISIONS, |table| {
        let mut row = DECISIONS.must(table, key).unwrap();
        edit(&mut row);
        DECISIONS.put(table, key, &row).unwrap();
    });
}

#[test]
fn decisions_that_are_wrong() {
    let wrong = |what: &str, edit: fn(&mut DecisionRow)| {
        let directory = fixture();
        decision_row(&directory, (7, 1), edit);
        assert_told(&directory, &format!("row (7, 1) of table decided {what}"));
    };
    wrong("names a message that is not there", |row| {
        row.proof[1] = 138
    });
    wrong("names a batch with another digest", |row| row.batch = 8);
    wrong("names a batch with another digest", |row| {
        row.value.0[0] ^= 1
    });
    wrong("names a value that its batch has not", |row| {
        row.new = New::At(vec![0, 2])
    });
    // What the learner got there is not what the index says.
    let directory = fixture();
    decision_row(&directory, (7, 1), |row| row.new = New::At(vec![0]));
    assert_told(
        &directory,
        "what index 1 finds is not what was kept: 276 entries, expected 275",
    );
}

#[test]
fn rows_that_nobody_has_written() {
    let directory = fixture();
    change(&directory, DECISIONS, |table| {
        let mut row: DecisionRow = DECISIONS.must(table, (45, 1)).unwrap();
        DECISIONS.put(table, (46, 1), &row).unwrap();
        row.lanes = lanes(&[2, 3]);
        DECISIONS.put(table, (45, 2), &row).unwrap();
        DECISIONS.put(table, (44, 3), &row).unwrap();
    });
    assert_told(&directory, "row (46, 1) of table decided is behind the end");
    assert_told(
        &directory,
        "row (45, 2) of table decided is of a lane that is not there",
    );
    assert_told(
        &directory,
        "row (45, 2) of table decided is of a lane that has this slot already",
    );
    assert_told(
        &directory,
        "row (44, 3) of table decided is not under the first of its lanes",
    );
    let directory = fixture();
    change(&directory, MESSAGES, |t| {
        MESSAGES.put(t, 138, &said(1, "x")).unwrap()
    });
    assert_told(&directory, "row 138 of table messages is behind the end");
    let directory = fixture();
    change(&directory, PAGE_MESSAGES, |table| {
        PAGE_MESSAGES
            .put(table, (80, 88, 2), &said(1, "x"))
            .unwrap();
    });
    assert_told(&directory, "3 messages of pages are here of 2");
}

#[test]
fn contents_that_are_something_else() {
    let directory = fixture();
    change(&directory, MESSAGES, |t| MESSAGES.put(t, 5, &77u8).unwrap());
    assert_told(&directory, "row 5 of table messages: malformed");
    let directory = fixture();
    change(&directory, BATCHES, |t| {
        BATCHES.put(t, 5, &*batch(99, 2)).unwrap()
    });
    assert_told(
        &directory,
        "row (5, 0) of table decided names a batch with another digest",
    );
    assert_told(&directory, "what index 0 finds is not what was kept");
}

type Entries = Vec<(Digest, Delivered)>;

/// Changes the entries of the first bucket of values that has two.
fn bucket(directory: &TempDir, edit: impl FnOnce(&mut Entries)) {
    change(directory, RUNS, |table| {
        let rows = (0..).map(|n| (n, RUNS.must::<Entries>(table, (1, 0, n)).unwrap()));
        let (number, mut entries) = rows.into_iter().find(|(_, e)| e.len() > 1).unwrap();
        edit(&mut entries);
        RUNS.put(table, (1, 0, number), &entries).unwrap();
    });
}

#[test]
fn indexes_that_are_wrong() {
    let directory = fixture();
    bucket(&directory, |entries| entries.reverse());
    assert_told(&directory, "has entries in wrong places");
    let directory = fixture();
    bucket(&directory, |entries| entries[0].0.0[0] ^= 0x80);
    assert_told(&directory, "has entries in wrong places");
    assert_told(&directory, "denies an entry");
    let directory = fixture();
    bucket(&directory, |entries| drop(entries.pop()));
    assert_told(&directory, "is of another number of entries");
    assert_told(
        &directory,
        "what index 1 finds is not what was kept: 273 entries, expected 276",
    );
    let directory = fixture();
    bucket(&directory, |entries| entries[0].1.0[0].0.0 += 1);
    assert_told(
        &directory,
        "what index 1 finds is not what was kept: 276 entries, expected 276",
    );
    let directory = fixture();
    change(&directory, FILTERS, |table| {
        let mut row: FilterRow = FILTERS.must(table, (1, 0)).unwrap();
        row.bits.fill(0);
        FILTERS.put(table, (1, 0), &row).unwrap();
    });
    assert_told(&directory, "row (1, 0) of table filters denies an entry");
}

#[test]
fn a_state_that_promises_more() {
    let promise = |what: &str, edit: fn(&mut State)| {
        let directory = fixture();
        change(&directory, STATE, |table| {
            let mut state = STATE.must(table, 0).unwrap();
            edit(&mut state);
            STATE.put(table, 0, &state).unwrap();
        });
        assert_told(&directory, what);
        // Opening looks for the ends alone.
        let error = try_open(&path(&directory)).unwrap_err().to_string();
        assert!(error.contains("damaged"), "{error}");
    };
    promise("row (46, 1) of table decided is missing", |s| {
        s.next[1].0 += 1
    });
    promise("row 138 of table messages is missing", |s| s.messages += 1);
    promise("row 47 of table batches is missing", |s| s.batches += 1);
    promise("1 pages are here of 2", |s| s.pages += 1);
    promise("of table recent is missing", |s| s.indexes[1].next += 1);
    promise("row (0, 1) of table filters is missing", |s| {
        s.indexes[0].runs += 1
    });
}

#[test]
fn a_summary_says_how_much_there_is() {
    let directory = fixture();
    let summary = super::super::summary(&path(&directory), network()).unwrap();
    let file = fs::metadata(path(&directory)).unwrap();
    assert_eq!(summary.bytes, file.len());
    assert_eq!(summary.next, [Slot(46); 3]);
    assert_eq!(summary.decisions(), 138);
    assert_eq!((summary.messages, summary.batches), (138, 47));
    assert_eq!((summary.pages, summary.version), (1, 2));
    let report = check(&path(&directory));
    assert_eq!(report.summary, summary);
    assert_eq!(report.delivered, 276);
}

#[test]
fn a_check_changes_nothing() {
    let directory = fixture();
    // As after a crash: the file was not closed.
    let history = open(path(&directory));
    keep(&history, 46..50);
    history.commit().unwrap();
    let copy = fs::read(path(&directory)).unwrap();
    drop(history);
    fs::write(path(&directory), copy).unwrap();
    let before = snapshot(&directory);
    assert_eq!(sound(&path(&directory)).decisions(), 150);
    assert!(snapshot(&directory) == before);
    assert_holds(&open(path(&directory)), 50);
}

#[test]
fn what_only_clients_and_peers_ask_for_stops_nothing() {
    let directory = fixture();
    remove(&directory, MESSAGES, 4);
    remove(&directory, BATCHES, 9);
    let history = open(path(&directory));
    let shelf: &dyn Shelf = &history;
    let lost = |error: StorageError, row: &str| assert!(error.0.contains(row), "{error}");
    let (first, all) = (lane(0), 1 << 20);
    lost(
        shelf.decisions(first, Slot(9), 1, all).unwrap_err(),
        "row 9 of table batches",
    );
    lost(
        history.look_up_batch(&batch(9, 2).digest()).unwrap_err(),
        "row 9 of table batches",
    );
    lost(
        history.look_up(first, Slot(1)).unwrap_err(),
        "row 4 of table messages",
    );
    // All but the one that is lost.
    let proofs = history.look_up_proofs(&[Slot(0); 3], all).unwrap();
    assert_eq!(proofs.len(), 46 * 3 - 1);
    assert_eq!(history.failed(), None);
    // All others are served, and it is written on.
    assert_eq!(shelf.decisions(first, Slot(10), 9, all).unwrap().len(), 9);
    keep(&history, 46..47);
    history.commit().unwrap();
    // What the protocol asks for it needs.
    assert_eq!(history.decision(first, Slot(1)), None);
    lost(history.failed().unwrap(), "row 4 of table messages");
}
