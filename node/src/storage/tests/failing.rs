//! Disks that say no: the log stops, and what was acknowledged is still there.

use std::fs::OpenOptions;

use super::*;
use crate::storage::format::MAX_RECORD;

/// A log whose segment has been replaced by a device, and which has one durable record.
fn log_on(device: &str) -> (TempDir, FileLog) {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, _) = open(&directory).unwrap();
    log.segment.file = OpenOptions::new().write(true).open(device).unwrap();
    (directory, log)
}

fn assert_stopped(log: &mut FileLog, first: &str) {
    for _ in 0..2 {
        for error in [log.append(b"more").unwrap_err(), log.sync().unwrap_err()] {
            assert!(error.0.contains("stopped earlier"), "{error}");
            assert!(error.0.contains(first), "{error}");
        }
    }
}

#[test]
fn a_full_disk_stops_the_log() {
    // Writes to this device fail as those to a full disk do.
    let (directory, mut log) = log_on("/dev/full");
    log.append(b"two").unwrap();
    let error = log.sync().unwrap_err();
    assert!(error.0.contains("No space left"), "{error}");
    assert!(error.0.contains("segment-0000000000000000.log"), "{error}");
    assert_stopped(&mut log, "No space left");
    drop(log);
    assert_eq!(records(&directory), [b"one"]);
}

#[test]
fn a_failed_sync_stops_the_log() {
    // This device takes every write and has nothing that could be synced.
    let (directory, mut log) = log_on("/dev/null");
    log.append(b"two").unwrap();
    let error = log.sync().unwrap_err();
    assert!(error.0.contains("cannot sync"), "{error}");
    assert_stopped(&mut log, "cannot sync");
    drop(log);
    assert_eq!(records(&directory), [b"one"]);
}

#[test]
fn a_failed_write_of_a_full_buffer_stops_the_log() {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, _) = FileLog::open(&directory, network()).unwrap();
    log.segment.file = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let record = vec![0; 1 << 20];
    let failed = (0..8).find_map(|_| log.append(&record).err()).unwrap();
    assert!(failed.0.contains("No space left"), "{failed}");
    assert_stopped(&mut log, "No space left");
}

#[test]
fn too_large_a_record_stops_the_log() {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, _) = open(&directory).unwrap();
    let error = log.append(&vec![0; MAX_RECORD + 1]).unwrap_err();
    assert!(error.0.contains("16777217 bytes"), "{error}");
    assert_stopped(&mut log, "16777217 bytes");
}

#[test]
fn a_write_that_is_cut_short_leaves_what_was_acknowledged() {
    // The limit is in the middle of the segment that exists already.
    let directory = TempDir::new().unwrap();
    drop(FileLog::open_with(&directory, network(), child::OPTIONS).unwrap());
    let output = child::run_limited(child::Role::Append, directory.path(), 100_000);
    let acknowledged = roles::acknowledged(&output);
    assert!(output.contains("cannot write to"), "{output}");
    assert!(output.contains("stopped earlier"), "{output}");
    roles::assert_recovered(directory.path(), acknowledged);
    assert!(acknowledged.next > 10, "{output}");
}

#[test]
fn a_segment_that_cannot_be_allocated_stops_the_log() {
    // What exists can be written, but no new file of the same size can be made.
    let directory = TempDir::new().unwrap();
    drop(FileLog::open_with(&directory, network(), child::OPTIONS).unwrap());
    let below = child::OPTIONS.segment_bytes - 1;
    let output = child::run_limited(child::Role::Append, directory.path(), below);
    let acknowledged = roles::acknowledged(&output);
    assert!(output.contains("cannot allocate "), "{output}");
    assert!(output.contains(" bytes for "), "{output}");
    assert!(output.contains("segment.new"), "{output}");
    roles::assert_recovered(directory.path(), acknowledged);
    assert!(!directory.path().join("segment.new").exists());
}
