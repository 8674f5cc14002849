//! Whatever a failing disk does to the file: an error that says what and where, or the right answer.

use super::*;
use crate::history::rows::{MESSAGES, PAGES};
use consensus::storage::StorageError;
use redb::ReadableTable;

/// Enough for a run of each index.
const SLOTS: u64 = 50;

fn keep_page() -> Keep<Said> {
    Keep::Page {
        page: page(40),
        messages: vec![said(5, "of a page")],
        batches: vec![batch(1000, 1)],
    }
}

/// A history with something in every table.
fn everything() -> TempDir {
    let directory = history_of(44);
    let history = open(path(&directory));
    history.keep(keep_page());
    keep(&history, 44..SLOTS);
    history.commit().unwrap();
    drop(history);
    assert_eq!(sound(&path(&directory)).pages, 1);
    directory
}

/// Asks for everything. Each answer is right, or there is none, and an error says why. Whether all
/// were right.
fn ask(history: &File) -> bool {
    let mut all = true;
    let mut right = |right: bool| {
        all &= right;
        assert!(right || history.failed().is_some());
    };
    for slot in 0..SLOTS {
        let batch = batch(slot, 2);
        for value in &*batch.values {
            let to = history.delivered(&value.id());
            right(to.len() == 3);
        }
        let bytes = history.batch(&batch.digest());
        right(bytes == Some(batch));
        for to in 0..3 {
            let kept = history.decision(lane(to), Slot(slot));
            let expected = (0..3).map(|by| said(by, format!("slot {slot}")));
            right(kept.is_some_and(|kept| kept.proof == expected.collect::<Vec<_>>()));
        }
    }
    right(history.page(page(40)) == Some(vec![said(5, "of a page")]));
    right(history.batch(&batch(1000, 1).digest()) == Some(batch(1000, 1)));
    let never = batch(2000, 1);
    right(history.batch(&never.digest()).is_none());
    right(history.delivered(&never.values[0].id()).is_empty());
    all
}

/// The same for those who show decisions.
fn show(history: &File) {
    for to in 0..3 {
        for slot in 0..SLOTS {
            let Ok(shown) = history.decisions(lane(to), Slot(slot), 1, 0) else {
                continue;
            };
            assert_eq!(shown.len(), 1);
            let values = shown[0].values.iter();
            assert!(values.eq(&*batch(slot, 2).values));
        }
    }
    let expected: Vec<Said> = (0..SLOTS)
        .flat_map(|slot| (0..3).map(move |by| said(by, format!("slot {slot}"))))
        .collect();
    if let Ok(proofs) = history.proofs(&[Slot(0); 3], usize::MAX) {
        assert!(proofs.iter().all(|proof| expected.contains(proof)));
    }
    for to in 0..3 {
        let one = |slot| if slot == to { Slot(0) } else { Slot(u64::MAX) };
        if let Ok(proofs) = history.proofs(&[one(0), one(1), one(2)], usize::MAX) {
            assert_eq!(proofs, expected[..proofs.len()]);
        }
    }
}

#[test]
fn what_is_readable_before_damage_is_shown() {
    let directory = everything();
    flip(&path(&directory), b"value 7 1");
    let history = open(path(&directory));
    let slots = |from| {
        let shown = history.decisions(lane(0), Slot(from), 99, usize::MAX)?;
        Ok::<Vec<u64>, StorageError>(shown.iter().map(|s| s.slot.0).collect())
    };
    assert_eq!(slots(0), Ok((0..7).collect()));
    assert!(slots(7).is_err(), "nothing is left out in silence");
    assert_eq!(slots(8), Ok((8..SLOTS).collect()));
    drop(history);

    let directory = everything();
    flip(&path(&directory), &batch(9, 2).digest().0);
    let history = open(path(&directory));
    let proofs = history.proofs(&[Slot(0); 3], usize::MAX).unwrap();
    assert_eq!(proofs.len(), 27, "of the slots before");
    assert!(history.proofs(&[Slot(9); 3], usize::MAX).is_err());
    assert_eq!(history.failed(), None);
}

/// Where a value is decided is told although its batch cannot be read: nobody reads it for that.
#[test]
fn an_outcome_is_read_without_its_batch() {
    let directory = everything();
    flip(&path(&directory), b"value 7 1");
    let history = open(path(&directory));
    let whole = batch(7, 2);
    let slot = history.find(lane(0), &whole.values[1].id()).unwrap();
    assert_eq!(slot, Some(Slot(7)));
    let outcome = history.outcome(lane(0), Slot(7)).unwrap().unwrap();
    assert_eq!(outcome.digest, whole.digest());
    assert_eq!(outcome.quorum.len(), 3);
    assert!(history.decisions(lane(0), Slot(7), 1, 0).is_err());
    assert_eq!(history.outcome(lane(0), Slot(SLOTS)), Ok(None));

    let directory = everything();
    flip(&path(&directory), &whole.digest().0);
    let history = open(path(&directory));
    assert!(history.outcome(lane(0), Slot(7)).is_err());
}

#[test]
fn each_damage_is_said_once() {
    let directory = everything();
    flip(&path(&directory), b"value 7 1");
    flip(&path(&directory), b"value 9 1");
    let history = open(path(&directory));
    let error = |slot| history.decisions(lane(0), Slot(slot), 1, 0).unwrap_err();
    let said: Vec<bool> = [7, 9, 7, 9, 7]
        .iter()
        .map(|slot| history.shared().tell(&error(*slot)))
        .collect();
    assert_eq!(said, [true, true, false, false, false]);
    let many = (0..100).filter(|n| history.shared().tell(&StorageError(format!("row {n}"))));
    assert_eq!(many.count(), 14, "and a few in all");
}

#[test]
fn a_flipped_bit_is_an_error_or_does_not_matter() {
    let directory = everything();
    let path = path(&directory);
    let original = fs::read(&path).unwrap();
    let used: Vec<usize> = (0..original.len())
        .filter(|at| original[*at] != 0)
        .collect();
    let (mut refused, mut failed) = (0, 0);
    // Evenly over everything that is not empty, and another bit each time.
    for (number, at) in used.iter().step_by(used.len() / 250).enumerate() {
        let mut bytes = original.clone();
        bytes[*at] ^= 1 << (number % 8);
        fs::write(&path, &bytes).unwrap();
        let found = super::super::check::<Said>(&path, network(), |_| Ok(()));
        let found = found.map_or(true, |report| !report.problems.is_empty());
        match try_open(&path) {
            Ok(history) => {
                show(&history);
                let right = ask(&history);
                failed += u32::from(!right);
                assert!(right || found, "a check did not find byte {at}");
            }
            Err(error) => {
                refused += 1;
                assert!(found, "a check did not find byte {at}: {error}");
                assert!(fs::read(&path).unwrap() == bytes, "changed: {error}");
            }
        }
    }
    assert!(refused > 0);
    assert!(failed > 0);
}

/// Flips a bit of some bytes wherever they are in the file.
fn flip(path: &Path, what: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    let places: Vec<_> = (0..bytes.len() - what.len())
        .filter(|at| bytes[*at..].starts_with(what))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at] ^= 1;
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_row_that_has_changed_is_named() {
    type Ask = fn(&File) -> bool;
    let cases: [(&[u8], &str, Ask); 4] = [
        (
            b"value 7 1",
            "row 7 of table batches has a wrong checksum",
            |h| h.batch(&batch(7, 2).digest()).is_none(),
        ),
        (b"slot 9", "of table messages has a wrong checksum", |h| {
            h.decision(lane(1), Slot(9)).is_none()
        }),
        (
            b"of a page",
            "row (40, 48, 0) of table page_messages has a wrong checksum",
            |h| h.page(page(40)).is_none(),
        ),
        (
            &batch(3, 2).digest().0,
            "row (3, 0) of table decided has a wrong checksum",
            |h| h.decision(lane(0), Slot(3)).is_none(),
        ),
    ];
    for (bytes, what, ask) in cases {
        let directory = everything();
        flip(&path(&directory), bytes);
        let report = check(&path(&directory));
        let told = report.problems.join("\n");
        assert!(told.contains(what), "{told}");
        let history = open(path(&directory));
        // Who shows decisions stops nobody else.
        let shown = history.decisions(lane(0), Slot(0), 99, usize::MAX);
        let proofs = history.proofs(&[Slot(0); 3], usize::MAX).unwrap();
        let all = SLOTS as usize;
        let less = shown.unwrap().len() < all || proofs.len() < 3 * all;
        assert!(less || what.contains("page"));
        assert_eq!(history.failed(), None);
        assert!(ask(&history));
        let error = history.failed().unwrap();
        assert!(error.0.contains(what), "{error}");
        assert!(error.0.contains("history.redb"), "{error}");
    }
}

#[test]
fn an_index_that_has_changed_is_an_error() {
    let directory = everything();
    // In a run by now.
    let value = &batch(2, 2).values[0];
    flip(&path(&directory), &value.id().0);
    let history = open(path(&directory));
    assert!(history.delivered(&value.id()).is_empty());
    let error = history.failed().unwrap();
    assert!(
        error.0.contains("of table runs has a wrong checksum"),
        "{error}"
    );
}

#[test]
fn rows_that_have_changed_places_are_wrong() {
    let directory = everything();
    let database = redb::Database::open(path(&directory)).unwrap();
    let write = database.begin_write().unwrap();
    let mut table = write.open_table(MESSAGES.definition).unwrap();
    let row = table.get(3).unwrap().unwrap().value().to_vec();
    table.insert(4, row.as_slice()).unwrap();
    drop(table);
    write.commit().unwrap();
    drop(database);
    let history = open(path(&directory));
    assert_eq!(history.decision(lane(1), Slot(1)), None);
    let error = history.failed().unwrap();
    assert!(
        error
            .0
            .contains("row 4 of table messages has a wrong checksum"),
        "{error}"
    );
}

#[test]
fn a_page_that_has_gone_is_an_error() {
    let directory = everything();
    let history = open(path(&directory));
    // Behind the back of the history, which has it in memory that there is one.
    history
        .shared()
        .store
        .write(|write| {
            write.open_table(PAGES.definition)?.remove((40, 48))?;
            Ok(())
        })
        .unwrap();
    assert_eq!(history.page(page(40)), None);
    let error = history.failed().unwrap();
    assert!(
        error.0.contains("row (40, 48) of table pages is missing"),
        "{error}"
    );
}
