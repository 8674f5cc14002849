//! The exact bytes on disk.

use super::*;
use crate::storage::format::{Header, RECORD_HEADER_LEN, VERSION, encode_record};

#[test]
fn header_and_record_have_fixed_bytes() {
    let header = Header {
        network: network(),
        number: 2,
        first: 3,
        generation: 2,
        sealed: 4,
        salt: 0x0102_0304_0506_0708,
    };
    let golden = [
        "4850584c4f470d0a",
        "02000000",
        "3009be769fb8f956e8413ee9f3e0836e34968bc40457d0a10c549d2edcf00cc1",
        "0200000000000000",
        "0300000000000000",
        "0200000000000000",
        "0400000000000000",
        "0807060504030201",
        HEADER_CRC,
    ];
    assert_eq!(hex(&header.encode()), golden.concat());
    assert_eq!(Header::decode(&header.encode()), Ok((header, VERSION)));

    let mut record = Vec::new();
    encode_record(&mut record, header.salt, 3, 2, b"abc");
    let golden = [
        "03000000",
        RECORD_CRC,
        "0300000000000000",
        "0200000000000000",
        "616263",
    ];
    assert_eq!(hex(&record), golden.concat());
    assert_eq!(record.len(), RECORD_HEADER_LEN + 3);
}

/// Where a segment has its salt.
const SALT: std::ops::Range<usize> = 76..84;
const HEADER_CRC: &str = "9f4be16b";
const RECORD_CRC: &str = "cf6a5167";

#[test]
fn segments_are_allocated_in_advance() {
    let directory = log_of(&[&[b"one"]]);
    let len = fs::metadata(segment(&directory, 0)).unwrap().len();
    assert_eq!(len, SMALL.segment_bytes);
    assert_eq!(Options::default().segment_bytes, 64 << 20);
    let bytes = fs::read(segment(&directory, 0)).unwrap();
    let end = HEADER_LEN + RECORD_HEADER_LEN + 3;
    assert_eq!(&bytes[end - 3..end], b"one");
    assert!(bytes[end..].iter().all(|byte| *byte == 0));
}

#[test]
fn what_follows_a_checkpoint_says_that_it_is_durable() {
    let directory = log_of(&[&[b"old"], &[b"old"]]);
    let (mut log, _) = open(&directory).unwrap();
    let mut records = [b"one".to_vec(), b"two".to_vec()].into_iter();
    log.replace(&mut records).unwrap();
    log.append(b"three").unwrap();
    log.sync().unwrap();
    let bytes = fs::read(segment(&directory, 1)).unwrap();
    let (header, _) = Header::decode(&bytes).unwrap();
    let expected = Header {
        network: network(),
        number: 1,
        first: 3,
        generation: 1,
        sealed: 4,
        salt: header.salt,
    };
    assert_eq!(header, expected);
    let mut records = Vec::new();
    for (sequence, durable, record) in [(3, 2, &b"one"[..]), (4, 2, b"two"), (5, 4, b"three")] {
        encode_record(&mut records, header.salt, sequence, durable, record);
    }
    assert_eq!(hex(&bytes[HEADER_LEN..][..records.len()]), hex(&records));
}

#[test]
fn every_segment_has_its_own_salt() {
    let big = [7; 3000];
    let directory = log_of(&[&[&big, &big, &big]]);
    let salt = |number| fs::read(segment(&directory, number)).unwrap()[SALT].to_vec();
    assert_ne!(salt(0), salt(1));
    assert_ne!(salt(1), salt(2));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
