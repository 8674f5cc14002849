//! Files that are not to be opened: each is named with what to do, and nothing is changed.

use super::child::Role;
use super::*;
use crate::history::rows::{DECISIONS, DecisionRow, META, Meta, STATE};
use crate::history::upgrade::DECISIONS_1;
use crypto::codec;
use redb::{Database, ReadableTable};

/// Changes what a file says it is.
fn rewrite(path: &Path, change: impl FnOnce(&mut Meta)) {
    let database = Database::open(path).unwrap();
    let write = database.begin_write().unwrap();
    {
        let mut table = write.open_table(META.definition).unwrap();
        let mut meta = META.must(&table, 0).unwrap();
        change(&mut meta);
        META.put(&mut table, 0, &meta).unwrap();
    }
    write.commit().unwrap();
}

/// The error of opening a history that must not be opened.
fn refusal(directory: &TempDir) -> HistoryError {
    let before = snapshot(directory);
    let error = try_open(&path(directory)).unwrap_err();
    assert!(snapshot(directory) == before, "changed: {error}");
    let other = super::super::summary(&path(directory), network());
    if !matches!(error, HistoryError::OtherLanes { .. }) {
        assert_eq!(other.unwrap_err().to_string(), error.to_string());
    }
    let message = error.to_string();
    assert!(
        message.contains(path(directory).to_str().unwrap()),
        "{message}"
    );
    error
}

#[test]
fn the_history_of_another_network_is_refused() {
    let directory = history_of(3);
    let other = NetworkId(Digest::of(b"another network"));
    rewrite(&path(&directory), |meta| meta.network = other);
    let error = refusal(&directory);
    assert!(
        matches!(error, HistoryError::OtherNetwork { found, expected, .. }
            if found == other && expected == network()),
        "{error}"
    );
    assert!(error.to_string().contains(&other.0.to_string()));
}

#[test]
fn a_newer_version_is_refused() {
    let directory = history_of(3);
    rewrite(&path(&directory), |meta| meta.version += 1);
    let error = refusal(&directory);
    let found = matches!(error, HistoryError::NewerVersion { found, .. } if found == super::super::VERSION + 1);
    assert!(found, "{error}");
}

#[test]
fn another_number_of_lanes_is_refused() {
    let directory = history_of(3);
    rewrite(&path(&directory), |meta| meta.lanes = 4);
    // The state goes with it.
    let error = refusal(&directory);
    assert!(error.to_string().contains("number of lanes"), "{error}");

    let directory = TempDir::new().unwrap();
    drop(File::open(path(&directory), network(), 2, size).unwrap());
    let error = refusal(&directory);
    let lanes = matches!(
        error,
        HistoryError::OtherLanes {
            found: 2,
            expected: 3,
            ..
        }
    );
    assert!(lanes, "{error}");
}

#[test]
fn what_is_no_history_is_refused() {
    let directory = TempDir::new().unwrap();
    let something: Vec<u8> = (0..20_000u32).map(|n| (n % 251) as u8).collect();
    for contents in [&b""[..], b"\0", b"something else", &[0; 5000], &something] {
        fs::write(path(&directory), contents).unwrap();
        let error = refusal(&directory);
        assert!(matches!(error, HistoryError::NotAHistory(_)), "{error}");
    }
    // A database of something else.
    fs::remove_file(path(&directory)).unwrap();
    drop(Database::create(path(&directory)).unwrap());
    let error = refusal(&directory);
    assert!(matches!(error, HistoryError::NotAHistory(_)), "{error}");
    fs::remove_file(path(&directory)).unwrap();
    fs::create_dir(path(&directory)).unwrap();
    let error = try_open(&path(&directory)).unwrap_err();
    assert!(matches!(error, HistoryError::Io { .. }), "{error}");
}

#[test]
fn a_history_without_its_state_is_refused() {
    let directory = history_of(3);
    let database = Database::open(path(&directory)).unwrap();
    let write = database.begin_write().unwrap();
    write
        .open_table(STATE.definition)
        .unwrap()
        .remove(0)
        .unwrap();
    write.commit().unwrap();
    drop(database);
    let error = refusal(&directory);
    assert!(
        error
            .to_string()
            .contains("row 0 of table state is missing"),
        "{error}"
    );
}

#[test]
fn a_history_belongs_to_one_process_at_a_time() {
    let directory = history_of(2);
    let history = open(path(&directory));
    let error = try_open(&path(&directory)).unwrap_err();
    assert!(matches!(error, HistoryError::InUse(_)), "{error}");
    let error = super::super::check::<Said>(&path(&directory), network(), |_| Ok(())).unwrap_err();
    assert!(matches!(error, HistoryError::InUse(_)), "{error}");
    let output = child::run(Role::Open, directory.path());
    assert!(output.contains("is in use by another process"), "{output}");
    keep(&history, 2..4);
    history.commit().unwrap();
    drop(history);
    let output = child::run(Role::Open, directory.path());
    assert!(output.contains("opened"), "{output}");
    assert_holds(&open(path(&directory)), 4);
}

#[test]
fn what_cannot_be_made_is_an_error() {
    let directory = TempDir::new().unwrap();
    let error = try_open(&directory.path().join("nowhere").join("history.redb")).unwrap_err();
    let HistoryError::Io { path, doing, .. } = &error else {
        panic!("{error}")
    };
    assert!(path.ends_with("history.redb.new"), "{error}");
    assert_eq!(*doing, "create");
}

/// Takes a file back to version 1.
fn downgrade(path: &Path) {
    let database = Database::open(path).unwrap();
    let write = database.begin_write().unwrap();
    {
        let decisions = write.open_table(DECISIONS.definition).unwrap();
        let mut old = write.open_table(DECISIONS_1.definition).unwrap();
        for row in decisions.iter().unwrap() {
            let (key, row) = row.unwrap();
            let (slot, _) = key.value();
            let row: DecisionRow = DECISIONS.decode(&key.value(), &row).unwrap();
            let (lanes, all) = (codec::encode(&row.lanes), codec::encode(&row));
            for lane in row.lanes {
                let key = (lane.0, slot);
                DECISIONS_1
                    .put_encoded(&mut old, key, &all[lanes.len()..])
                    .unwrap();
            }
        }
    }
    write.delete_table(DECISIONS.definition).unwrap();
    write.commit().unwrap();
    drop(database);
    rewrite(path, |meta| meta.version = 1);
}

#[test]
fn a_file_of_version_1_is_brought_up_to_date_when_a_node_opens_it() {
    let directory = history_of(9);
    downgrade(&path(&directory));
    let before = snapshot(&directory);
    let error = super::super::check(&path(&directory), network(), |_: Said| Ok(())).unwrap_err();
    assert!(error.to_string().contains("start the node once"), "{error}");
    assert_eq!(snapshot(&directory), before, "who looks changes nothing");
    let history = open(path(&directory));
    assert_holds(&history, 9);
    keep(&history, 9..11);
    history.commit().unwrap();
    drop(history);
    assert_ne!(snapshot(&directory), before);
    assert_holds(&open(path(&directory)), 11);
    sound(&path(&directory));
}
