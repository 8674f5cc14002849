//! A crash in the middle of a write: what was not synced is cut off, cleanly.

use super::*;
use crate::storage::format::RECORD_HEADER_LEN;

const LAST: &[u8] = b"the last record";

/// Two durable records, then the one that a crash interrupts. Also where that one starts and ends.
fn interrupted() -> (TempDir, usize, usize) {
    let directory = log_of(&[&[b"one"], &[b"two"], &[LAST]]);
    let start = HEADER_LEN + 2 * (RECORD_HEADER_LEN + 3);
    (directory, start, start + RECORD_HEADER_LEN + LAST.len())
}

/// Opens the log, appends and opens again: all is as if the last record had never been.
fn expect_cut(directory: &TempDir, start: usize, torn: usize, case: &str) {
    let (mut log, replay) = open(directory).unwrap();
    let expected = (torn > 0).then_some(torn as u64);
    assert_eq!(replay.truncated(), expected, "{case}");
    assert_eq!(replay.map(Result::unwrap).count(), 2, "{case}");
    let bytes = fs::read(segment(directory, 0)).unwrap();
    assert_eq!(bytes.len() as u64, SMALL.segment_bytes, "{case}");
    assert!(bytes[start..].iter().all(|byte| *byte == 0), "{case}");
    log.append(b"next").unwrap();
    log.sync().unwrap();
    drop(log);
    let (_log, replay) = open(directory).unwrap();
    assert_eq!(replay.truncated(), None, "{case}");
    let found: Vec<_> = replay.map(Result::unwrap).collect();
    assert_eq!(found, [&b"one"[..], b"two", b"next"], "{case}");
}

#[test]
fn torn_at_every_byte_with_zeros_behind() {
    let (_, start, end) = interrupted();
    for cut in start..end {
        let (directory, ..) = interrupted();
        let mut torn = 0;
        edit(&segment(&directory, 0), |bytes| {
            bytes[cut..].fill(0);
            let written = &bytes[start..cut];
            torn = written.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        });
        expect_cut(&directory, start, torn, &format!("byte {cut}"));
    }
}

#[test]
fn torn_at_every_byte_with_the_file_ending_there() {
    let (_, start, end) = interrupted();
    for cut in start..end {
        let (directory, ..) = interrupted();
        let mut torn = 0;
        edit(&segment(&directory, 0), |bytes| {
            bytes.truncate(cut);
            let written = &bytes[start..];
            torn = written.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        });
        expect_cut(&directory, start, torn, &format!("byte {cut}"));
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_last_record_cuts_it_off() {
    let (directory, start, end) = interrupted();
    let path = segment(&directory, 0);
    let original = fs::read(&path).unwrap();
    for byte in start..end {
        let bit = byte * 8 + byte % 8;
        let mut bytes = original.clone();
        bytes[byte] ^= 1 << (bit % 8);
        fs::write(&path, bytes).unwrap();
        expect_cut(&directory, start, end - start, &format!("bit {bit}"));
    }
}

#[test]
fn a_hole_in_an_unsynced_batch_is_cut_off_with_all_behind_it() {
    // One batch: the pages of a write may reach the disk in any order.
    let directory = log_of(&[&[b"one"], &[b"two", b"three", b"four"]]);
    let start = HEADER_LEN + RECORD_HEADER_LEN + 3;
    edit(&segment(&directory, 0), |bytes| {
        bytes[start..start + RECORD_HEADER_LEN + 3].fill(0);
    });
    let (_log, replay) = open(&directory).unwrap();
    let rest = 3 * RECORD_HEADER_LEN + "twothreefour".len();
    assert_eq!(replay.truncated(), Some(rest as u64));
    assert_eq!(replay.map(Result::unwrap).collect::<Vec<_>>(), [b"one"]);
}

#[test]
fn bytes_behind_the_cut_are_never_taken_for_records() {
    // The second record of the batch stays where it was, whole, with a sequence number that fits
    // once another record of the same size stands before it.
    let directory = log_of(&[&[b"one"], &[b"two", b"old"]]);
    edit(&segment(&directory, 0), |bytes| {
        bytes[HEADER_LEN + RECORD_HEADER_LEN + 3] ^= 1;
    });
    let (mut log, replay) = open(&directory).unwrap();
    assert!(replay.truncated().is_some());
    log.append(b"new").unwrap();
    log.sync().unwrap();
    drop((log, replay));
    assert_eq!(records(&directory), [b"one", b"new"]);
}

#[test]
fn contents_that_look_like_records_are_not_believed() {
    // A stranger has put a record into a value, with the right numbers, but cannot know the salt.
    let mut forged = Vec::new();
    crate::storage::format::encode_record(&mut forged, 0, 3, 2, b"durable, believe me");
    let directory = log_of(&[&[b"one"], &[&forged]]);
    edit(&segment(&directory, 0), |bytes| {
        bytes[HEADER_LEN + RECORD_HEADER_LEN + 3] ^= 1;
    });
    assert_eq!(records(&directory), [b"one"]);
}
