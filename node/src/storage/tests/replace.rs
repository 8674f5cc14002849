//! A checkpoint takes the place of everything before it.

use super::*;
use crate::storage::format::RECORD_HEADER_LEN;

fn replace(log: &mut FileLog, records: &[&[u8]]) {
    let mut records = records.iter().map(|record| record.to_vec());
    log.replace(&mut records).unwrap();
}

/// The names of the segments that there are.
fn segments(directory: &TempDir) -> Vec<u64> {
    let directory = crate::storage::directory::Directory::lock(directory.path()).unwrap();
    directory.segments().unwrap()
}

#[test]
fn only_the_checkpoint_and_what_is_appended_to_it_come_back() {
    let big = [7; 3000];
    let directory = log_of(&[&[&big], &[&big], &[b"three"]]);
    let (mut log, replay) = open(&directory).unwrap();
    drop(replay);
    log.append(b"never synced").unwrap();
    replace(&mut log, &[b"all", b"of it"]);
    assert_eq!(log.grown(), 0);
    log.append(b"more").unwrap();
    log.sync().unwrap();
    drop(log);
    assert_eq!(segments(&directory), [2]);
    let (log, replay) = open(&directory).unwrap();
    assert_eq!(log.grown(), RECORD_HEADER_LEN as u64 + 4);
    let found: Vec<_> = replay.map(Result::unwrap).collect();
    assert_eq!(found, [&b"all"[..], b"of it", b"more"]);
}

#[test]
fn a_checkpoint_may_be_larger_than_a_segment() {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, _) = open(&directory).unwrap();
    let record = vec![1; 3 << 20];
    let mut records = (0..5).map(|_| record.clone());
    log.replace(&mut records).unwrap();
    log.append(b"more").unwrap();
    log.sync().unwrap();
    drop(log);
    let found = records_of(&directory);
    assert_eq!(
        found,
        [&record[..], &record, &record, &record, &record, b"more"]
    );
}

fn records_of(directory: &TempDir) -> Vec<Vec<u8>> {
    super::records(directory)
}
