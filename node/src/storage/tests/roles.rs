//! What the other process does, and what can be said of a log that it has left.
//!
//! Its records have numbers, from 0. A checkpoint of `n` stands for the records below `n`.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::child::{OPTIONS, say};
use super::*;

/// Says that records below a number are durable.
const ACKNOWLEDGED: &str = "acknowledged ";
/// Says that a checkpoint of a number is going to be written.
pub(super) const REPLACING: &str = "replacing ";
/// Says that a checkpoint of a number has taken the place of everything before.
const REPLACED: &str = "replaced ";
/// Says that a checkpoint is half written.
pub(super) const HALFWAY: &str = "halfway";
/// In the place of a record's number: a part of a checkpoint.
const PART: u64 = u64::MAX;

/// Batches of one to four records, and a checkpoint after every so many batches. The bound is far above
/// what any test waits for.
pub(super) fn append(directory: &Path, replace_every: u64) {
    let (mut log, mut number) = open_again(directory);
    for batch in 1..100_000 {
        for _ in 0..batch % 4 + 1 {
            if let Err(error) = log.append(&record(number)) {
                say(&error.to_string());
                return say(&log.sync().unwrap_err().to_string());
            }
            number += 1;
        }
        if let Err(error) = log.sync() {
            say(&error.to_string());
            return say(&log.append(b"more").unwrap_err().to_string());
        }
        say(&format!("{ACKNOWLEDGED}{number}"));
        if batch % replace_every == 0 {
            say(&format!("{REPLACING}{number}"));
            if let Err(error) = log.replace(&mut checkpoint(number)) {
                say(&error.to_string());
                return say(&log.append(b"more").unwrap_err().to_string());
            }
            say(&format!("{REPLACED}{number}"));
        }
    }
}

/// A checkpoint of which more has reached the file than a buffer holds, when it waits to be killed.
pub(super) fn halfway(directory: &Path) {
    let (mut log, number) = few_records(directory);
    let mut parts = checkpoint(number)
        .cycle()
        .take(400)
        .chain(std::iter::once_with(|| {
            say(HALFWAY);
            let end = std::io::stdin().read(&mut [0]);
            panic!("nobody has killed this process: {end:?}")
        }));
    log.replace(&mut parts).unwrap();
}

pub(super) fn forbidden(directory: &Path) {
    let (mut log, number) = few_records(directory);
    fs::set_permissions(directory, fs::Permissions::from_mode(0o555)).unwrap();
    say_failure(log.replace(&mut checkpoint(number)), &mut log);
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
    drop(log);
    say_recovered(directory);
}

pub(super) fn read_only(directory: &Path) {
    let (mut log, number) = few_records(directory);
    // The files that are open stay as they are.
    const REMOUNT: &str = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
    let mut mount = Command::new("/bin/sh");
    mount.args(["-c", REMOUNT, "sh"]).arg(directory);
    assert!(mount.status().unwrap().success());
    say_failure(log.replace(&mut checkpoint(number)), &mut log);
    drop(log);
    let mut unmount = Command::new("umount");
    assert!(unmount.arg(directory).status().unwrap().success());
    say_recovered(directory);
}

pub(super) fn full(directory: &Path) {
    let (mut log, number) = few_records(directory);
    let mut endless = checkpoint(number).cycle();
    say_failure(log.replace(&mut endless), &mut log);
    drop(log);
    say_recovered(directory);
    let (mut log, number) = open_again(directory);
    // What was in the way has been removed.
    log.replace(&mut checkpoint(number)).unwrap();
    say(&format!("{REPLACED}{number}"));
    drop(log);
    say_recovered(directory);
}

fn few_records(directory: &Path) -> (FileLog, u64) {
    let (mut log, mut number) = open_again(directory);
    for _ in 0..7 {
        log.append(&record(number)).unwrap();
        number += 1;
    }
    log.sync().unwrap();
    say(&format!("{ACKNOWLEDGED}{number}"));
    (log, number)
}

fn say_failure(result: Result<(), consensus::storage::StorageError>, log: &mut FileLog) {
    say(&result.unwrap_err().to_string());
    say(&log.append(b"more").unwrap_err().to_string());
}

/// What a directory holds that is opened again, in words.
fn say_recovered(directory: &Path) {
    let (_, state) = open_state(directory);
    say(&format!("recovered {state:?}"));
}

fn open_again(directory: &Path) -> (FileLog, u64) {
    let (log, state) = open_state(directory);
    (log, state.next)
}

/// What a log stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Its checkpoint is of this number; 0 if it has none.
    pub(super) checkpoint: u64,
    /// The number of the next record.
    pub(super) next: u64,
}

/// Opens a log; everything in it is whole and in order, or this panics.
fn open_state(directory: &Path) -> (FileLog, State) {
    let (log, replay) = FileLog::open_with(directory, network(), OPTIONS).unwrap();
    let mut found = replay.map(Result::unwrap).peekable();
    let checkpoint = found.peek().filter(|first| u64_at(first, 0) == PART);
    let checkpoint_of = checkpoint.map_or(0, |first| u64_at(first, 8));
    if checkpoint.is_some() {
        for part in self::checkpoint(checkpoint_of) {
            assert!(found.next() == Some(part), "checkpoint {checkpoint_of}");
        }
    }
    let mut next = checkpoint_of;
    for found in found {
        assert!(found == record(next), "record {next}");
        next += 1;
    }
    let checkpoint = checkpoint_of;
    (log, State { checkpoint, next })
}

/// Opens the log after the other process has ended: everything acknowledged is there, and what there is
/// beyond is whole and in order. Nothing is left of what was not finished, or has been replaced.
pub(super) fn assert_recovered(directory: &Path, acknowledged: State) -> State {
    let (log, state) = open_state(directory);
    assert!(
        state.next >= acknowledged.next && state.checkpoint >= acknowledged.checkpoint,
        "{state:?}, and {acknowledged:?} was acknowledged"
    );
    drop(log);
    let looked = examine(directory, None, &mut |_| {}).unwrap();
    assert!(looked.problem.is_none(), "{:?}", looked.problem);
    assert_eq!((looked.leftovers, looked.draft), (0, false));
    state
}

/// What was acknowledged last in an output.
pub(super) fn acknowledged(output: &str) -> State {
    let last = |said: &str| {
        let numbers = output.lines().filter_map(|line| {
            let (_, number) = line.rsplit_once(said)?;
            number.parse().ok()
        });
        numbers.max().unwrap_or(0)
    };
    State {
        checkpoint: last(REPLACED),
        next: last(ACKNOWLEDGED),
    }
}

/// The record of a number: up to 3 KB that no other number has.
fn record(number: u64) -> Vec<u8> {
    let mut record = number.to_le_bytes().to_vec();
    record.resize(8 + (number * 7919 % 3000) as usize, number as u8);
    record
}

/// The checkpoint of a number: up to 400 KB, which is more than a segment.
fn checkpoint(number: u64) -> impl Iterator<Item = Vec<u8>> + Clone {
    (0..2 + number % 9).map(move |part| {
        let mut record = PART.to_le_bytes().to_vec();
        record.extend(number.to_le_bytes());
        record.extend(part.to_le_bytes());
        record.resize(40_000 + part as usize, part as u8);
        record
    })
}

fn u64_at(record: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&record[at..at + 8]);
    u64::from_le_bytes(bytes)
}
