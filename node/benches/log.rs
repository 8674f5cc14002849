//! Group commit: records that share a sync, beside a sync for each.
//!
//! `cargo bench -p node --bench log`; the files are in the directory for temporary files, so that `TMPDIR`
//! chooses the disk.

use consensus::storage::Storage;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crypto::{Digest, NetworkId};
use node::storage::FileLog;
use tempfile::TempDir;

/// A record of about the size of a vote.
const RECORD: [u8; 200] = [7; 200];
/// More than these benchmarks append is never kept: the log is replaced.
const GROWN: u64 = 32 << 20;

fn open(directory: &TempDir) -> FileLog {
    let network = NetworkId(Digest::of(b"network"));
    let (log, replay) = FileLog::open(directory.path(), network).expect("a log in a new directory");
    assert_eq!(replay.count(), 0);
    log
}

fn commit(c: &mut Criterion) {
    let mut group = c.benchmark_group("commit");
    for records in [1u64, 4, 16, 64] {
        group.throughput(Throughput::Elements(records));
        for each in [false, true] {
            let directory = tempfile::tempdir().expect("a directory");
            let mut log = open(&directory);
            let name = if each { "a sync for each" } else { "one sync" };
            group.bench_function(BenchmarkId::new(name, records), |b| {
                b.iter(|| {
                    if log.grown() > GROWN {
                        let none = &mut std::iter::empty();
                        log.replace(none).expect("replaced");
                    }
                    for _ in 0..records {
                        log.append(&RECORD).expect("appended");
                        if each {
                            log.sync().expect("synced");
                        }
                    }
                    log.sync().expect("synced");
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, commit);
criterion_main!(benches);
