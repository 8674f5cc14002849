//! Tests of the log, on real files.

mod child;
mod damage;
mod failing;
mod killed;
mod layout;
mod refused;
mod reopen;
mod torn;

use std::fs;
use std::path::{Path, PathBuf};

use consensus::storage::Storage;
use crypto::{Digest, NetworkId};
use tempfile::TempDir;

use super::format::HEADER_LEN;
use super::{FileLog, LogError, Options, Replay};

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
