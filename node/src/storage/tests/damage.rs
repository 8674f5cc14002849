//! Damage that no crash explains is reported, and nothing is changed.

use super::*;
use crate::storage::format::{RECORD_HEADER_LEN, encode_record};

/// The refusal of a damaged log; checks that the directory stays as it was.
fn damage(directory: &TempDir) -> LogError {
    let before = snapshot(directory);
    let error = refusal(directory);
    assert_eq!(snapshot(directory), before, "{error}");
    error
}

fn assert_damaged(error: &LogError, path: &Path, at: usize) {
    let LogError::Damaged {
        path: found,
        offset,
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((found.as_path(), *offset), (path, at as u64), "{error}");
    let message = error.to_string();
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    assert!(message.contains("Nothing was changed"), "{message}");
}

#[test]
fn every_flipped_bit_of_a_durable_record_is_found() {
    let directory = log_of(&[&[b"one"], &[b"two"], &[b"\0\0\0"]]);
    let path = segment(&directory, 0);
    let original = fs::read(&path).unwrap();
    let size = RECORD_HEADER_LEN + 3;
    // The third record says that both before it were durable. It ends in zeros.
    for bit in HEADER_LEN * 8..(HEADER_LEN + 2 * size) * 8 {
        let mut bytes = original.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bytes).unwrap();
        let record = (bit / 8 - HEADER_LEN) / size;
        assert_damaged(&damage(&directory), &path, HEADER_LEN + record * size);
    }
}

#[test]
fn a_durable_record_that_was_zeroed_is_found() {
    let directory = log_of(&[&[b"one"], &[b"two"], &[]]);
    let (mut log, _) = open(&directory).unwrap();
    log.append(b"").unwrap();
    log.sync().unwrap();
    drop(log);
    let path = segment(&directory, 0);
    edit(&path, |bytes| {
        bytes[HEADER_LEN..HEADER_LEN + RECORD_HEADER_LEN + 3].fill(0);
    });
    assert_damaged(&damage(&directory), &path, HEADER_LEN);
}

#[test]
fn every_flipped_bit_of_a_header_is_found() {
    let directory = log_of(&[&[b"one"]]);
    let path = segment(&directory, 0);
    let original = fs::read(&path).unwrap();
    for bit in 0..HEADER_LEN * 8 {
        let mut bytes = original.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bytes).unwrap();
        let error = damage(&directory);
        match bit / 8 {
            0..8 => assert!(matches!(error, LogError::NotASegment(_)), "{error}"),
            // There has never been a version 0.
            8..12 if bit != 65 => {
                assert!(matches!(error, LogError::NewerVersion { .. }), "{error}");
            }
            _ => assert_damaged(&error, &path, 0),
        }
    }
}

#[test]
fn anything_broken_before_the_last_segment_is_damage() {
    let big = [7; 3000];
    let directory = log_of(&[&[&big], &[&big], &[&big]]);
    let first = segment(&directory, 0);
    let original = fs::read(&first).unwrap();
    let end = HEADER_LEN + RECORD_HEADER_LEN + big.len();
    // In the record, and in the zeros behind it.
    for (at, reported) in [(end - 1, HEADER_LEN), (end, end), (4095, end)] {
        let mut bytes = original.clone();
        bytes[at] ^= 0x10;
        fs::write(&first, bytes).unwrap();
        assert_damaged(&damage(&directory), &first, reported);
    }
    // A record that is gone without a trace is missed by the next segment.
    let mut bytes = original.clone();
    bytes[HEADER_LEN..].fill(0);
    fs::write(&first, bytes).unwrap();
    assert_damaged(&damage(&directory), &segment(&directory, 1), 0);
    fs::write(&first, &original[..HEADER_LEN - 1]).unwrap();
    assert_damaged(&damage(&directory), &first, 0);
}

#[test]
fn missing_and_exchanged_segments_are_named() {
    let big = [7; 3000];
    let directory = log_of(&[&[&big], &[&big], &[&big]]);
    let aside = directory.path().join("aside");
    for number in [0, 1] {
        let path = segment(&directory, number);
        fs::rename(&path, &aside).unwrap();
        let error = damage(&directory);
        assert!(
            matches!(&error, LogError::Missing(missing) if *missing == path),
            "{error}"
        );
        fs::rename(&aside, &path).unwrap();
    }
    fs::rename(segment(&directory, 1), &aside).unwrap();
    fs::rename(segment(&directory, 2), segment(&directory, 1)).unwrap();
    fs::rename(&aside, segment(&directory, 2)).unwrap();
    assert_damaged(&damage(&directory), &segment(&directory, 2), 0);
}

#[test]
fn a_copied_segment_is_named() {
    // The record that the second segment was made for was never synced, so it is empty.
    let directory = log_of(&[&[&[7; 3000]]]);
    let (mut log, _) = open(&directory).unwrap();
    log.append(&[7; 3000]).unwrap();
    drop(log);
    fs::copy(segment(&directory, 1), segment(&directory, 2)).unwrap();
    assert_damaged(&damage(&directory), &segment(&directory, 2), 0);
}

#[test]
fn a_whole_record_out_of_order_is_damage() {
    let directory = log_of(&[&[b"one"]]);
    let path = segment(&directory, 0);
    let end = HEADER_LEN + RECORD_HEADER_LEN + 3;
    let original = fs::read(&path).unwrap();
    let mut salt = [0; 8];
    salt.copy_from_slice(&original[76..84]);
    for sequence in [1, 3] {
        let mut record = Vec::new();
        encode_record(&mut record, u64::from_le_bytes(salt), sequence, 0, b"two");
        let mut bytes = original.clone();
        bytes[end..end + record.len()].copy_from_slice(&record);
        fs::write(&path, bytes).unwrap();
        assert_damaged(&damage(&directory), &path, end);
    }
}

#[test]
fn a_replay_that_finds_damage_ends_with_it() {
    let directory = log_of(&[&[b"one"], &[b"two"], &[b"three"]]);
    let (mut log, mut replay) = open(&directory).unwrap();
    edit(&segment(&directory, 0), |bytes| bytes[HEADER_LEN + 30] ^= 1);
    assert_eq!(replay.next().unwrap().unwrap(), b"one");
    assert!(replay.next().unwrap().is_err());
    assert!(replay.next().is_none());
    log.append(b"four").unwrap();
}
