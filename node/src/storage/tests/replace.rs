//! A checkpoint takes the place of everything before it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::storage::format::{Header, MAX_RECORD, RECORD_HEADER_LEN};
use crate::storage::segment::Segment;

fn replace(log: &mut FileLog, records: &[&[u8]]) -> Result<(), String> {
    let mut records = records.iter().map(|record| record.to_vec());
    log.replace(&mut records).map_err(|error| error.to_string())
}

fn framed(lengths: &[usize]) -> u64 {
    lengths
        .iter()
        .map(|len| (RECORD_HEADER_LEN + len) as u64)
        .sum()
}

#[test]
fn only_the_checkpoint_and_what_is_appended_to_it_come_back() {
    let big = [7; 3000];
    let directory = log_of(&[&[&big], &[&big], &[b"three"]]);
    let (mut log, _) = open(&directory).unwrap();
    log.append(b"never synced").unwrap();
    replace(&mut log, &[b"all", b"of it"]).unwrap();
    log.append(b"more").unwrap();
    log.sync().unwrap();
    drop(log);
    assert_eq!(numbers(&directory), [2]);
    assert_eq!(records(&directory), [&b"all"[..], b"of it", b"more"]);
    let found = summary(&directory);
    assert_eq!((found.generation, found.first, found.next()), (2, 5, 8));
}

#[test]
fn the_checkpoint_is_durable_without_a_sync() {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, _) = open(&directory).unwrap();
    replace(&mut log, &[b"all", b"of it"]).unwrap();
    drop(log);
    assert_eq!(records(&directory), [&b"all"[..], b"of it"]);
}

#[test]
fn a_checkpoint_may_be_larger_than_a_segment_and_its_records_as_large_as_any() {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, _) = open(&directory).unwrap();
    let large = vec![1; MAX_RECORD];
    replace(&mut log, &[&large, b"small", &large]).unwrap();
    log.append(b"more").unwrap();
    log.sync().unwrap();
    drop(log);
    assert!(records(&directory) == [&large[..], b"small", &large, b"more"]);
    // What is allocated beyond it is no more than a segment.
    let len = fs::metadata(segment(&directory, 1)).unwrap().len();
    assert!(
        len < 2 * MAX_RECORD as u64 + 2 * SMALL.segment_bytes,
        "{len}"
    );
}

#[test]
fn a_checkpoint_is_written_while_it_is_made() {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, _) = open(&directory).unwrap();
    let draft = directory.path().join("segment.new");
    let record = vec![1; 1 << 20];
    let mut behind = 0;
    let mut records = (0..20).map(|made| {
        let written = fs::metadata(&draft).unwrap().len() >> 20;
        behind = behind.max(made - written);
        record.clone()
    });
    log.replace(&mut records).unwrap();
    assert!(behind <= 5, "{behind} MiB are in memory");
}

#[test]
fn an_empty_checkpoint_leaves_nothing() {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, _) = open(&directory).unwrap();
    replace(&mut log, &[]).unwrap();
    drop(log);
    let (mut log, replay) = open(&directory).unwrap();
    assert!(!replay.is_new());
    assert_eq!(replay.count(), 0);
    log.append(b"two").unwrap();
    log.sync().unwrap();
    drop(log);
    assert_eq!(records(&directory), [b"two"]);
}

#[test]
fn checkpoints_follow_each_other_and_are_followed_by_segments() {
    let directory = TempDir::new().unwrap();
    let big = vec![3; 3000];
    for round in 0..4u8 {
        let (mut log, _) = open(&directory).unwrap();
        replace(&mut log, &[b"first"]).unwrap();
        replace(&mut log, &[b"second", &[round]]).unwrap();
        for _ in 0..round {
            log.append(&big).unwrap();
        }
        log.sync().unwrap();
        drop(log);
        let mut expected = vec![b"second".to_vec(), vec![round]];
        expected.extend(vec![big.clone(); round.into()]);
        assert_eq!(records(&directory), expected, "round {round}");
    }
    assert_eq!(summary(&directory).segments, 3);
}

#[test]
fn it_is_known_how_much_the_log_has_grown() {
    let directory = log_of(&[&[b"one"], &[b"four"]]);
    let grown = |directory: &TempDir| open(directory).unwrap().0.grown();
    assert_eq!(grown(&directory), framed(&[3, 4]));
    let (mut log, _) = open(&directory).unwrap();
    log.append(b"five").unwrap();
    assert_eq!(log.grown(), framed(&[3, 4, 4]));
    replace(&mut log, &[b"checkpoint", b"checkpoint"]).unwrap();
    assert_eq!(log.grown(), 0);
    // Beyond the end of the segment.
    for _ in 0..3 {
        log.append(&[0; 3000]).unwrap();
    }
    log.sync().unwrap();
    assert_eq!(log.grown(), framed(&[3000; 3]));
    drop(log);
    assert_eq!(grown(&directory), framed(&[3000; 3]));
}

#[test]
fn a_replay_does_not_outlive_its_segments() {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, mut replay) = open(&directory).unwrap();
    replace(&mut log, &[b"all"]).unwrap();
    assert!(replay.next().unwrap().is_err());
    assert!(replay.next().is_none());
}

#[test]
fn too_large_a_record_in_a_checkpoint_stops_the_log() {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, _) = open(&directory).unwrap();
    let error = replace(&mut log, &[b"all", &vec![0; MAX_RECORD + 1]]).unwrap_err();
    assert!(error.contains("16777217 bytes"), "{error}");
    for _ in 0..2 {
        let error = replace(&mut log, &[b"all"]).unwrap_err();
        assert!(error.contains("stopped earlier"), "{error}");
    }
    drop(log);
    assert_eq!(records(&directory), [b"one"]);
}

#[test]
fn a_checkpoint_whose_maker_panics_leaves_the_log_as_it_is() {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, _) = open(&directory).unwrap();
    log.append(b"two").unwrap();
    let mut records = (0..10).map(|made| match made {
        9 => panic!("on purpose"),
        _ => vec![made; 1 << 20],
    });
    let replacing = AssertUnwindSafe(|| log.replace(&mut records));
    assert!(catch_unwind(replacing).is_err());
    log.append(b"three").unwrap();
    log.sync().unwrap();
    drop(log);
    assert_eq!(super::records(&directory), [&b"one"[..], b"two", b"three"]);
}

#[test]
fn a_directory_in_the_place_of_the_draft_or_the_checkpoint_is_named() {
    for name in ["segment.new", "segment-0000000000000001.log"] {
        let directory = log_of(&[&[b"one"]]);
        let (mut log, _) = open(&directory).unwrap();
        let obstacle = directory.path().join(name);
        fs::create_dir(&obstacle).unwrap();
        let error = replace(&mut log, &[b"all"]).unwrap_err();
        assert!(error.contains(name), "{error}");
        assert!(error.contains("Is a directory"), "{error}");
        assert!(log.append(b"more").is_err());
        drop(log);
        fs::remove_dir(&obstacle).unwrap();
        assert_eq!(records(&directory), [b"one"], "{name}");
    }
}

#[test]
fn an_old_segment_that_cannot_be_removed_stops_the_log_and_is_named() {
    let directory = log_of(&[&[b"one"]]);
    let (mut log, _) = open(&directory).unwrap();
    let old = segment(&directory, 0);
    fs::remove_file(&old).unwrap();
    fs::create_dir(&old).unwrap();
    let error = replace(&mut log, &[b"all"]).unwrap_err();
    assert!(error.contains("cannot remove"), "{error}");
    assert!(log.append(b"more").is_err());
    drop(log);
    // It counts for nothing, but is in the way.
    assert_eq!(summary(&directory).records, 1);
    let error = refusal(&directory).to_string();
    assert!(error.contains("cannot remove"), "{error}");
    fs::remove_dir(&old).unwrap();
    assert_eq!(records(&directory), [b"all"]);
}

#[test]
fn a_draft_that_cannot_be_written_or_synced_gets_no_name() {
    for (device, doing) in [("/dev/full", "cannot write"), ("/dev/null", "cannot sync")] {
        let directory = log_of(&[&[b"one"]]);
        let look = crate::storage::directory::Directory::look(directory.path()).unwrap();
        let header = Header {
            network: network(),
            number: 1,
            first: 2,
            generation: 1,
            sealed: 1,
            salt: 0,
        };
        let mut draft = Segment::draft(&look, header, 4096).unwrap();
        draft.file = fs::OpenOptions::new().write(true).open(device).unwrap();
        let error = draft.name(&look, 1).unwrap_err().to_string();
        assert!(error.contains(doing), "{error}");
        assert!(error.contains("segment.new"), "{error}");
        drop(look);
        assert_eq!(numbers(&directory), [0]);
        assert_eq!(records(&directory), [b"one"]);
    }
}
