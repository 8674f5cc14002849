//! A checkpoint was durable before it counted: whatever is broken in it is damage.

use super::*;
use crate::storage::format::{Header, RECORD_HEADER_LEN, encode_record};

const SIZE: usize = RECORD_HEADER_LEN + 3;

/// A checkpoint of three records, and one appended to it.
fn checkpoint() -> TempDir {
    let directory = log_of(&[&[b"old"]]);
    let (mut log, _) = open(&directory).unwrap();
    let mut records = [b"one", b"two", b"\0\0\0"].map(|r| r.to_vec()).into_iter();
    log.replace(&mut records).unwrap();
    log.append(b"four").unwrap();
    log.sync().unwrap();
    directory
}

/// The same, and another segment.
fn followed() -> TempDir {
    let directory = checkpoint();
    let (mut log, _) = open(&directory).unwrap();
    log.append(&[7; 4000]).unwrap();
    log.sync().unwrap();
    directory
}

/// The refusal of a damaged log, which stays as it was.
fn damage(directory: &TempDir) -> (PathBuf, u64, String) {
    let before = snapshot(directory);
    let error = refusal(directory);
    assert!(snapshot(directory) == before, "{error}");
    match error {
        LogError::Damaged { path, offset, what } => (path, offset, what),
        other => panic!("{other}"),
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let directory = checkpoint();
    let path = segment(&directory, 1);
    let original = fs::read(&path).unwrap();
    for bit in HEADER_LEN * 8..(HEADER_LEN + 3 * SIZE) * 8 {
        // What follows does not say that they were durable: it need not.
        let mut bytes = original.clone();
        bytes[HEADER_LEN + 3 * SIZE..].fill(0);
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bytes).unwrap();
        let record = (bit / 8 - HEADER_LEN) / SIZE;
        let (found, offset, what) = damage(&directory);
        assert_eq!(
            (&found, offset as usize),
            (&path, HEADER_LEN + record * SIZE),
            "{what}"
        );
        assert!(what.contains("checkpoint"), "{what}");
    }
}

#[test]
fn a_missing_end_is_found() {
    let directory = checkpoint();
    let path = segment(&directory, 1);
    let original = fs::read(&path).unwrap();
    for records in 0..3 {
        let end = HEADER_LEN + records * SIZE;
        let mut zeroed = original.clone();
        zeroed[end..].fill(0);
        for bytes in [&zeroed, &original[..end], &original[..end + SIZE - 1]] {
            fs::write(&path, bytes).unwrap();
            let (_, offset, what) = damage(&directory);
            assert_eq!(offset as usize, end, "{what}");
            assert!(what.contains("checkpoint"), "{what}");
        }
    }
}

#[test]
fn what_was_appended_to_it_may_be_torn() {
    let directory = checkpoint();
    let path = segment(&directory, 1);
    let end = HEADER_LEN + 3 * SIZE;
    edit(&path, |bytes| bytes[end + RECORD_HEADER_LEN] ^= 1);
    let (log, replay) = open(&directory).unwrap();
    assert_eq!(replay.truncated(), Some(RECORD_HEADER_LEN as u64 + 4));
    assert_eq!(replay.count(), 3);
    assert_eq!(log.grown(), 0);
    drop(log);
    assert_eq!(summary(&directory).torn, None);
}

#[test]
fn every_flipped_bit_of_its_header_is_found() {
    let directory = checkpoint();
    let path = segment(&directory, 1);
    let original = fs::read(&path).unwrap();
    for bit in 12 * 8..HEADER_LEN * 8 {
        let mut bytes = original.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bytes).unwrap();
        let (found, offset, _) = damage(&directory);
        assert_eq!((found, offset), (path.clone(), 0));
    }
}

#[test]
fn a_header_that_contradicts_itself_is_damage() {
    let good = Header {
        network: network(),
        number: 3,
        first: 7,
        generation: 3,
        sealed: 8,
        salt: 7,
    };
    let bad = [
        // A generation that starts later, records that are sealed without being there, or before the first.
        Header {
            generation: 4,
            ..good
        },
        Header {
            generation: 2,
            ..good
        },
        Header { sealed: 5, ..good },
        Header { first: 0, ..good },
        // The first of all starts with record 1, and has no checkpoint.
        Header {
            number: 0,
            generation: 0,
            first: 2,
            sealed: 1,
            ..good
        },
        Header {
            number: 0,
            generation: 0,
            first: 1,
            sealed: 2,
            ..good
        },
    ];
    for header in [&[good], &bad[..]].concat() {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("lock"), "").unwrap();
        let mut bytes = header.encode().to_vec();
        for sequence in header.first..header.first + 2 {
            encode_record(&mut bytes, header.salt, sequence, 0, b"record");
        }
        fs::write(segment(&directory, header.number), bytes).unwrap();
        if header == good {
            assert_eq!(records(&directory).len(), 2);
        } else {
            let (_, offset, what) = damage(&directory);
            assert_eq!(
                (offset, what.as_str()),
                (0, "its header contradicts itself")
            );
        }
    }
}

#[test]
fn a_segment_of_an_earlier_generation_does_not_fit() {
    let directory = followed();
    let older = log_of(&[&[&[1; 3000]], &[&[1; 3000]]]);
    fs::copy(segment(&older, 1), segment(&directory, 1)).unwrap();
    let (found, _, what) = damage(&directory);
    assert_eq!(found, segment(&directory, 1));
    assert!(what.contains("generation 0"), "{what}");
}

#[test]
fn a_missing_checkpoint_is_named() {
    let directory = followed();
    // Though something older is there.
    fs::rename(segment(&directory, 1), segment(&directory, 0)).unwrap();
    let before = snapshot(&directory);
    let error = refusal(&directory);
    assert!(
        matches!(&error, LogError::Missing(path) if *path == segment(&directory, 1)),
        "{error}"
    );
    assert!(snapshot(&directory) == before);
}
