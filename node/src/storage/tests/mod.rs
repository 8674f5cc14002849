//! Tests of the log, on real files.

mod checkpoint_damage;
mod child;
mod damage;
mod failing;
mod killed;
mod layout;
mod model;
mod mounts;
mod power_cut;
mod refused;
mod reopen;
mod replace;
mod roles;
mod torn;
mod versions;

use std::fs;
use std::path::{Path, PathBuf};

use consensus::storage::Storage;
use crypto::{Digest, NetworkId};
use tempfile::TempDir;

use super::format::HEADER_LEN;
use super::{FileLog, LogError, Options, Replay, Summary, examine};

/// Small segments, so that the tests get through several.
const SMALL: Options = Options {
    segment_bytes: 4096,
};

fn network() -> NetworkId {
    NetworkId(Digest::of(b"network"))
}

fn open(directory: impl AsRef<Path>) -> Result<(FileLog, Replay), LogError> {
    FileLog::open_with(directory, network(), SMALL)
}

/// Opens a log and reads it.
fn records(directory: impl AsRef<Path>) -> Vec<Vec<u8>> {
    let (_log, replay) = open(directory).unwrap();
    replay.map(Result::unwrap).collect()
}

/// What a look at a log finds that is good.
fn summary(directory: impl AsRef<Path>) -> Summary {
    let looked = examine(directory.as_ref(), None, &mut |_| {}).unwrap();
    assert!(looked.problem.is_none(), "{:?}", looked.problem);
    looked.summary
}

/// The error of opening a log that must not be opened.
fn refusal(directory: impl AsRef<Path>) -> LogError {
    match open(directory) {
        Ok((_, replay)) => panic!("opened with {} records", replay.summary().records),
        Err(error) => error,
    }
}

/// A log of these batches, synced after each of them, and closed.
fn log_of(batches: &[&[&[u8]]]) -> TempDir {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(&directory).unwrap();
    for batch in batches {
        for record in *batch {
            log.append(record).unwrap();
        }
        log.sync().unwrap();
    }
    directory
}

fn segment(directory: &TempDir, number: u64) -> PathBuf {
    directory.path().join(format!("segment-{number:016x}.log"))
}

/// The numbers of the segments that there are, whether they count or not.
fn numbers(directory: &TempDir) -> Vec<u64> {
    let names = snapshot(directory).into_iter().filter_map(|(path, _)| {
        let name = path.file_name()?.to_str()?;
        let digits = name.strip_prefix("segment-")?.strip_suffix(".log")?;
        u64::from_str_radix(digits, 16).ok()
    });
    names.collect()
}

/// Changes the bytes of a segment.
fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Everything in a directory, byte for byte.
fn snapshot(directory: &TempDir) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}
