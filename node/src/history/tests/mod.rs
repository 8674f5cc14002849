//! Tests of the history, on real files.

mod bounds;
mod checks;
mod child;
mod damage;
mod failing;
mod faulty;
mod index;
mod killed;
mod large;
mod model;
mod once;
mod panic;
mod power_cut;
mod readers;
mod refused;
mod reopen;

use super::{HistoryError, HistoryFile, Options, Report, Shown, Summary};
use consensus::history::{History, Keep};
use consensus::{Ballot, Batch, ClientValue, Decision, Page, Slot};
use crypto::{Digest, NetworkId};
use learner_graph::{AcceptorId, LearnerId, LearnerSet};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// What travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    by: u16,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
}

fn said(by: u16, bytes: impl Into<Vec<u8>>) -> Said {
    let bytes = bytes.into();
    Said { by, bytes }
}

fn size(said: &Said) -> usize {
    16 + said.bytes.len()
}

type File = HistoryFile<Said>;

/// Small, so that the tests get through several of everything.
const SMALL: Options = Options {
    max_unwritten: 1 << 20,
    group: 16 << 10,
    recent: 40,
    cache: 1 << 20,
};

const LANES: usize = 3;

fn network() -> NetworkId {
    NetworkId(Digest::of(b"network"))
}

fn path(directory: &TempDir) -> PathBuf {
    directory.path().join("history.redb")
}

fn open(path: impl AsRef<Path>) -> File {
    try_open(path.as_ref()).unwrap()
}

/// Opens a history whose file can be told to fail.
fn open_faulty(path: &Path) -> (File, faulty::Control) {
    let control = faulty::Control::default();
    let through = control.clone();
    let history = File::open_through(path, network(), LANES, size, SMALL, |f| through.around(f));
    (history.unwrap(), control)
}

fn try_open(path: &Path) -> Result<File, HistoryError> {
    File::open_with(path, network(), LANES, size, SMALL)
}

fn check(path: &Path) -> Report {
    super::check::<Said>(path, network(), |_| Ok(())).unwrap()
}

/// A sound history, as a check sees it.
fn sound(path: &Path) -> Summary {
    let report = check(path);
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!(report.more, 0);
    report.summary
}

fn lane(at: u16) -> LearnerId {
    LearnerId(at)
}

fn lanes(at: &[u16]) -> LearnerSet {
    at.iter().copied().map(lane).collect()
}

fn page(start: u64) -> Page {
    Page::of(Slot(start), 8)
}

/// A batch of values that no other number has.
fn batch(number: u64, values: u64) -> Arc<Batch> {
    let value = |n| ClientValue::new(vec![], format!("value {number} {n}").into_bytes()).unwrap();
    let values = (0..values).map(value).collect();
    Arc::new(Batch { values })
}

/// A decision that delivers every value of its batch.
fn decided(to: LearnerSet, slot: u64, batch: &Arc<Batch>, proof: Vec<Said>) -> Keep<Said> {
    let decision = Decision {
        learners: to,
        slot: Slot(slot),
        ballot: Ballot(slot / 10 + 1),
        value: batch.digest(),
        values: batch.values.clone().into(),
        heard: None,
        quorum: (0..3).map(AcceptorId).collect(),
    };
    Keep::Decision {
        decision,
        batch: Arc::clone(batch),
        proof,
    }
}

/// The same, with three messages that prove it to all lanes.
fn decision(to: u16, slot: u64, batch: &Arc<Batch>) -> Keep<Said> {
    decision_of(&[to], slot, batch)
}

fn decision_of(to: &[u16], slot: u64, batch: &Arc<Batch>) -> Keep<Said> {
    let proof = (0..3).map(|by| said(by, format!("slot {slot}")));
    decided(lanes(to), slot, batch, proof.collect())
}

/// Keeps slots for all lanes, two of which have them in common, with two values each, and lets them be written.
fn keep(history: &File, slots: std::ops::Range<u64>) {
    for slot in slots {
        let batch = batch(slot, 2);
        history.keep(decision_of(&[0, 2], slot, &batch));
        history.keep(decision(1, slot, &batch));
        history.flush();
    }
}

/// A history of so many slots, closed.
fn history_of(slots: u64) -> TempDir {
    let directory = TempDir::new().unwrap();
    let history = open(path(&directory));
    keep(&history, 0..slots);
    history.commit().unwrap();
    directory
}

/// Everything there is of the first slots is what [`keep`] keeps.
fn assert_holds(history: &File, slots: u64) {
    for slot in 0..slots {
        let batch = batch(slot, 2);
        assert_eq!(history.batch(&batch.digest()), Some(Arc::clone(&batch)));
        for value in &*batch.values {
            assert_eq!(history.delivered(&value.id()).len(), 3);
            let found = history.find(lane(1), &value.id()).unwrap();
            assert_eq!(found, Some(Slot(slot)));
        }
        for to in 0..3 {
            let kept = history.decision(lane(to), Slot(slot)).unwrap();
            let Keep::Decision {
                decision, proof, ..
            } = decision(to, slot, &batch)
            else {
                unreachable!()
            };
            assert_eq!(kept.ballot, decision.ballot);
            assert_eq!(kept.value, decision.value);
            assert_eq!(kept.quorum, decision.quorum);
            assert_eq!(kept.proof, proof);
        }
    }
    assert_eq!(history.failed(), None);
}

fn snapshot(directory: &TempDir) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}
