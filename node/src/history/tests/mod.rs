//! Tests of the history, on real files.

mod reopen;

use super::{HistoryFile, Options};
use consensus::history::{History, Keep};
use consensus::{Ballot, Batch, ClientValue, Decision, Slot};
use crypto::{Digest, NetworkId};
use learner_graph::{AcceptorId, LearnerId};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// What travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    by: u16,
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
    group: 4 << 10,
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
    File::open_with(path, network(), LANES, size, SMALL).unwrap()
}

fn lane(at: u16) -> LearnerId {
    LearnerId(at)
}

/// A batch of values that no other number has.
fn batch(number: u64, values: u64) -> Arc<Batch> {
    let value = |n| ClientValue::new(vec![], format!("value {number} {n}").into_bytes()).unwrap();
    let values = (0..values).map(value).collect();
    Arc::new(Batch { values })
}

/// A decision that delivers every value of its batch, with three messages that prove it to all lanes.
fn decision(to: u16, slot: u64, batch: &Arc<Batch>) -> Keep<Said> {
    let decision = Decision {
        learner: lane(to),
        slot: Slot(slot),
        ballot: Ballot(slot / 10 + 1),
        value: batch.digest(),
        values: batch.values.clone(),
        heard: None,
        quorum: (0..3).map(AcceptorId).collect(),
    };
    let proof = (0..3).map(|by| said(by, format!("slot {slot}")));
    Keep::Decision {
        decision,
        batch: Arc::clone(batch),
        proof: proof.collect(),
    }
}
