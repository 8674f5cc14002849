//! Logs of the format before this one.

use super::*;
use crate::storage::format::{VERSION, encode_record};

/// A segment of format version 1, in which the header has no generation.
fn old_segment(number: u64, first: u64, records: &[&[u8]]) -> Vec<u8> {
    let salt = 99;
    let mut bytes = b"HPXLOG\r\n".to_vec();
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(network().0.as_bytes());
    for field in [number, first, salt] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    for (sequence, record) in (first..).zip(records) {
        encode_record(&mut bytes, salt, sequence, sequence - 1, record);
    }
    bytes.resize(SMALL.segment_bytes as usize, 0);
    bytes
}

fn old_log() -> TempDir {
    let directory = TempDir::new().unwrap();
    let big = [1; 3000];
    fs::write(segment(&directory, 0), old_segment(0, 1, &[&big])).unwrap();
    fs::write(
        segment(&directory, 1),
        old_segment(1, 2, &[b"two", b"three"]),
    )
    .unwrap();
    directory
}

fn versions(directory: &TempDir) -> Vec<u32> {
    let looked = examine(directory.path(), None, &mut |_| {}).unwrap();
    assert!(looked.problem.is_none(), "{:?}", looked.problem);
    looked
        .segments
        .iter()
        .map(|segment| segment.version)
        .collect()
}

#[test]
fn version_1_is_opened_and_goes_on() {
    let directory = old_log();
    assert_eq!(versions(&directory), [1, 1]);
    let big = vec![2; 3000];
    let mut expected = vec![vec![1; 3000], b"two".to_vec(), b"three".to_vec()];
    for appended in [b"four".to_vec(), big.clone(), big] {
        let (mut log, replay) = open(&directory).unwrap();
        assert_eq!(replay.map(Result::unwrap).collect::<Vec<_>>(), expected);
        log.append(&appended).unwrap();
        log.sync().unwrap();
        expected.push(appended);
    }
    assert_eq!(records(&directory), expected);
    assert_eq!(versions(&directory), [1, 1, VERSION]);

    let (mut log, _) = open(&directory).unwrap();
    let whole: u64 = expected.iter().map(|record| 24 + record.len() as u64).sum();
    assert_eq!(log.grown(), whole);
    log.replace(&mut [b"all".to_vec()].into_iter()).unwrap();
    drop(log);
    assert_eq!(records(&directory), [b"all"]);
    assert_eq!(versions(&directory), [VERSION]);
}

#[test]
fn damage_of_version_1_is_found() {
    let directory = old_log();
    for (at, offset) in [(20, 0), (71, 0), (72, 72), (90, 72)] {
        let path = segment(&directory, 0);
        let original = fs::read(&path).unwrap();
        edit(&path, |bytes| bytes[at] ^= 1);
        let error = refusal(&directory);
        assert!(
            matches!(&error, LogError::Damaged { offset: found, .. } if *found == offset)
                || at == 20 && matches!(error, LogError::Damaged { .. }),
            "{error}"
        );
        fs::write(&path, original).unwrap();
    }
    assert_eq!(records(&directory).len(), 3);
}
