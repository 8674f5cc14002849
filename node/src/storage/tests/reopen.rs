//! What was synced comes back.

use std::time::UNIX_EPOCH;

use super::*;
use crate::storage::directory::Directory;
use crate::storage::format::{MAX_RECORD, RECORD_HEADER_LEN};
use crate::storage::survey::survey;

#[test]
fn an_empty_log_is_new_once() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("some/where");
    let (log, mut replay) = open(&directory).unwrap();
    assert!(replay.is_new());
    assert!(replay.next().is_none());
    drop((log, replay));
    let (_log, replay) = open(&directory).unwrap();
    assert!(!replay.is_new());
    assert_eq!((replay.truncated(), replay.count()), (None, 0));
}

#[test]
fn records_come_back_in_order_over_many_segments_and_openings() {
    let directory = TempDir::new().unwrap();
    let mut expected: Vec<Vec<u8>> = Vec::new();
    for round in 0..10u8 {
        let (mut log, replay) = open(&directory).unwrap();
        assert_eq!(replay.truncated(), None);
        assert_eq!(
            replay.map(Result::unwrap).collect::<Vec<_>>(),
            expected,
            "round {round}"
        );
        for len in [0, 1, 23, 24, 25, 700, 1500, 3999, 5000] {
            let record = vec![round; len];
            log.append(&record).unwrap();
            expected.push(record);
        }
        log.sync().unwrap();
        log.sync().unwrap();
    }
    let summary = summary(&directory);
    assert_eq!(summary.records, expected.len() as u64);
    assert_eq!(
        summary.bytes as usize,
        expected.iter().map(Vec::len).sum::<usize>()
    );
    assert!(summary.segments > 20, "{summary:?}");
    assert_eq!(records(&directory), expected);
}

#[test]
fn what_was_not_synced_may_be_gone() {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, _) = open(&directory).unwrap();
    log.append(b"two").unwrap();
    drop(log);
    assert_eq!(records(&directory), [b"one"]);
}

#[test]
fn a_large_buffer_is_written_before_the_sync() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = FileLog::open(&directory, network()).unwrap();
    let record = vec![1; 3 << 20];
    for _ in 0..8 {
        log.append(&record).unwrap();
    }
    log.sync().unwrap();
    log.append(&vec![2; MAX_RECORD]).unwrap();
    log.sync().unwrap();
    drop(log);
    let (_log, replay) = FileLog::open(&directory, network()).unwrap();
    assert_eq!(replay.summary().segments, 1);
    let lengths: Vec<_> = replay.map(|record| record.unwrap().len()).collect();
    assert_eq!(lengths, [[3 << 20; 8].as_slice(), &[MAX_RECORD]].concat());
}

#[test]
fn what_only_the_last_sync_covers_is_written_again() {
    // The second batch says that the first was durable; nothing says so of the second.
    let directory = log_of(&[&[b"one", b"two"], &[b"three", b"four"]]);
    let survey = survey(&Directory::look(directory.path()).unwrap(), network()).unwrap();
    let tail = survey.tail.unwrap();
    let size = RECORD_HEADER_LEN + 3;
    assert_eq!(tail.doubtful as usize, HEADER_LEN + 2 * size);
    assert_eq!(tail.end as usize, HEADER_LEN + 4 * size + 3);

    let path = segment(&directory, 0);
    let before = fs::read(&path).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(UNIX_EPOCH).unwrap();
    drop(open(&directory).unwrap());
    assert!(fs::metadata(&path).unwrap().modified().unwrap() > UNIX_EPOCH);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn replay_ends_where_the_log_was_opened() {
    let directory = log_of(&[&[b"one", b"two"]]);
    let (mut log, replay) = open(&directory).unwrap();
    log.append(b"three").unwrap();
    log.sync().unwrap();
    let found: Vec<_> = replay.map(Result::unwrap).collect();
    assert_eq!(found, [b"one", b"two"]);
    drop(log);
    assert_eq!(records(&directory).len(), 3);
}

#[test]
fn a_segment_that_was_never_finished_is_removed() {
    let directory = log_of(&[&[b"one"]]);
    let draft = directory.path().join("segment.new");
    fs::write(&draft, b"half a header").unwrap();
    assert_eq!(records(&directory), [b"one"]);
    assert!(!draft.exists());
}

#[test]
fn segments_may_change_their_size_between_openings() {
    let directory = log_of(&[&[b"one"]]);
    for segment_bytes in [64, 100_000, 200] {
        let options = Options { segment_bytes };
        let (mut log, _) = FileLog::open_with(&directory, network(), options).unwrap();
        log.append(&[9; 150]).unwrap();
        log.append(&[9; 150]).unwrap();
        log.sync().unwrap();
    }
    assert_eq!(records(&directory).len(), 7);
}
