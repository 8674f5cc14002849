//! How fast decisions are kept, and how fast values are looked up that were never seen.
//!
//! `cargo bench -p node --bench history`; the files are in the directory for temporary files, so that
//! `TMPDIR` chooses the disk.

use consensus::history::{History, Keep};
use consensus::{Ballot, Batch, ClientValue, Decision, Slot};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use crypto::{Digest, NetworkId};
use learner_graph::{AcceptorId, LearnerId, LearnerSet};
use node::history::HistoryFile;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::sync::Arc;
use tempfile::TempDir;

/// A message of 300 bytes.
#[derive(Clone, Serialize, Deserialize)]
struct Said {
    by: u16,
    slot: u64,
    body: Vec<u8>,
}

type File = HistoryFile<Said>;

/// Slots that are kept at once.
const SLOTS: u64 = 10_000;

fn open(directory: &TempDir, lanes: u16) -> File {
    let network = NetworkId(Digest::of(b"network"));
    let path = directory.path().join("history.redb");
    let size = |said: &Said| 18 + said.body.len();
    File::open(path, network, usize::from(lanes), size).expect("a history in a new directory")
}

/// A value of 100 bytes.
fn value(slot: u64, number: u64) -> ClientValue {
    let mut bytes = vec![1; 100];
    bytes[..8].copy_from_slice(&slot.to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    let key = Vec::new();
    ClientValue { key, bytes }
}

/// What is to be kept: the same for every lane, proved by the same three messages.
fn decisions(slots: std::ops::Range<u64>, values: u64, lanes: u16) -> Vec<Keep<Said>> {
    let mut decisions = Vec::new();
    for slot in slots {
        let batch = Arc::new(Batch {
            values: (0..values).map(|number| value(slot, number)).collect(),
        });
        let said = |by| Said {
            by,
            slot,
            body: vec![7; 300],
        };
        for lane in 0..lanes {
            let decision = Decision {
                learners: LearnerSet::just(LearnerId(lane)),
                slot: Slot(slot),
                ballot: Ballot(1),
                value: batch.digest(),
                values: batch.values.clone().into(),
                heard: None,
                quorum: (0..3).map(AcceptorId).collect(),
            };
            decisions.push(Keep::Decision {
                decision,
                batch: Arc::clone(&batch),
                proof: (0..3).map(said).collect(),
            });
        }
    }
    decisions
}

fn keep(history: &File, decisions: Vec<Keep<Said>>) {
    for (number, decision) in decisions.into_iter().enumerate() {
        history.keep(decision);
        if number % 100 == 0 {
            history.flush();
        }
    }
    history.commit().expect("room on the disk");
}

fn keeping(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("keep");
    group.sample_size(10);
    for (values, lanes) in [(1, 1), (1, 3), (20, 1), (20, 3)] {
        group.throughput(Throughput::Elements(SLOTS * u64::from(lanes)));
        let name = format!("decisions of {values} values, {lanes} lanes");
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || {
                    let directory = TempDir::new().expect("a directory");
                    let history = open(&directory, lanes);
                    (directory, history, decisions(0..SLOTS, values, lanes))
                },
                |(directory, history, decisions)| {
                    keep(&history, decisions);
                    (directory, history)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn looking_up(criterion: &mut Criterion) {
    let directory = TempDir::new().expect("a directory");
    let history = open(&directory, 1);
    // Three runs, and some that are in none.
    for start in (0..45_000).step_by(5000) {
        keep(&history, decisions(start..start + 5000, 20, 1));
    }
    let mut group = criterion.benchmark_group("look up among 900,000 values");
    let mut number = 0;
    group.bench_function("a value that was never seen", |bencher| {
        bencher.iter(|| {
            number += 1;
            let id = Digest::of(&u64::to_le_bytes(number));
            black_box(history.delivered(&id))
        });
    });
    group.bench_function("a value that was delivered", |bencher| {
        bencher.iter(|| {
            number += 1;
            let id = value(number * 7919 % 45_000, number % 20).id();
            black_box(history.delivered(&id))
        });
    });
    group.bench_function("a decision", |bencher| {
        bencher.iter(|| {
            number += 1;
            black_box(history.decision(LearnerId(0), Slot(number * 7919 % 45_000)))
        });
    });
    group.finish();
}

criterion_group!(benches, keeping, looking_up);
criterion_main!(benches);
