//! Decoding accepts exactly what encoding writes, and survives everything else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use crypto::codec::{LARGEST, decode, encode, encoded_len};
use crypto::{DecodeError, Digest, PublicKey, Signed};
use proptest::prelude::*;
use support::{Promise, keyring};

#[test]
fn all_bytes_are_consumed() {
    assert_eq!(encode(&7u32), [7, 0, 0, 0]);
    assert_eq!(decode(&[7, 0, 0, 0], 4), Ok(7u32));
    assert_eq!(
        decode::<u32>(&[7, 0, 0, 0, 0], 5),
        Err(DecodeError::TrailingBytes(1))
    );
    let short = decode::<u32>(&[7, 0, 0], 4);
    assert!(matches!(short, Err(DecodeError::Malformed(_))), "{short:?}");
}

#[test]
fn the_limit_is_the_last_size_accepted() {
    let bytes = encode(&vec![1u8; 100]);
    let len = bytes.len();
    assert!(decode::<Vec<u8>>(&bytes, len).is_ok());
    let limit = len - 1;
    assert_eq!(
        decode::<Vec<u8>>(&bytes, limit),
        Err(DecodeError::TooLarge { len, limit })
    );
    let (huge, limit) = (vec![0; LARGEST + 1], LARGEST);
    let len = huge.len();
    assert_eq!(
        decode::<u8>(&huge, usize::MAX),
        Err(DecodeError::TooLarge { len, limit })
    );
}

#[test]
fn the_largest_input_is_accepted() {
    let text = "x".repeat(LARGEST - 8);
    let bytes = encode(&text);
    assert_eq!(bytes.len(), LARGEST);
    assert_eq!(decode(&bytes, LARGEST), Ok(text));
}

#[test]
fn sets_and_maps_are_sorted_and_without_duplicates() {
    let set = BTreeSet::from([1u8, 2]);
    assert_eq!(decode(&encode(&set), 100), Ok(set));
    let map = BTreeMap::from([(1u8, 2u8), (3, 4)]);
    assert_eq!(decode(&encode(&map), 100), Ok(map));
    for entries in [vec![2u8, 1], vec![1, 1]] {
        let bytes = encode(&entries);
        assert_eq!(
            decode::<BTreeSet<u8>>(&bytes, 100),
            Err(DecodeError::NonCanonical)
        );
    }
    for entries in [vec![(3u8, 4u8), (1, 2)], vec![(1, 2), (1, 4)]] {
        let bytes = encode(&entries);
        assert_eq!(
            decode::<BTreeMap<u8, u8>>(&bytes, 100),
            Err(DecodeError::NonCanonical)
        );
    }
}

#[test]
fn booleans_options_and_variants_have_one_encoding() {
    assert_eq!(decode(&[1], 1), Ok(true));
    assert!(decode::<bool>(&[2], 1).is_err());
    assert!(decode::<Option<u8>>(&[2, 0], 2).is_err());
    assert!(decode::<Result<u8, u8>>(&[2, 0, 0, 0, 0], 5).is_err());
    assert!(decode::<String>(&[1, 0, 0, 0, 0, 0, 0, 0, 0xff], 9).is_err());
}

#[test]
fn characters_take_what_they_need() {
    let text = vec!['a', 'ä', '€', '𝄞'];
    assert_eq!(decode(&encode(&text), 100), Ok(text));
}

type Nested = (
    Vec<Option<String>>,
    BTreeMap<u16, Vec<u8>>,
    Result<char, bool>,
);

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode::<Nested>(&bytes, 300);
        let _ = decode::<Promise>(&bytes, 300);
        let _ = decode::<PublicKey>(&bytes, 300);
        if let Ok(signed) = decode::<Signed<Promise>>(&bytes, 300) {
            prop_assert!(signed.verify(&keyring()).is_err());
        }
    }

    #[test]
    fn small_numbers_never_panic(bytes in proptest::collection::vec(0u8..3, 0..120)) {
        // Likelier to be a value: what decodes is what encodes.
        if let Ok(value) = decode::<Nested>(&bytes, 120) {
            prop_assert_eq!(encode(&value), bytes);
        }
    }

    #[test]
    fn values_survive(value: Nested) {
        let bytes = encode(&value);
        prop_assert_eq!(encoded_len(&value), bytes.len());
        prop_assert_eq!(decode::<Nested>(&bytes, bytes.len()), Ok(value));
    }

    #[test]
    fn every_prefix_is_refused(value: Nested, cut: prop::sample::Index) {
        let bytes = encode(&value);
        let cut = cut.index(bytes.len());
        prop_assert!(decode::<Nested>(&bytes[..cut], bytes.len()).is_err());
    }
}

/// What is hashed part by part, and compared by its first bytes, is as if it were not.
#[test]
fn a_digest_of_what_is_encoded_is_that_of_the_bytes_and_digests_are_in_the_order_of_theirs() {
    let value = (7u16, vec![1u8, 2, 3], String::from("text"));
    let encoded = encode(&value);
    assert_eq!(Digest::of_encoded(&value), Digest::of(&encoded));
    let digest = |at: usize, byte: u8| {
        let mut bytes = [9; 32];
        bytes[at] = byte;
        Digest(bytes)
    };
    let all: Vec<Digest> = [0, 7, 8, 31]
        .into_iter()
        .flat_map(|at| [digest(at, 1), digest(at, 200)])
        .collect();
    for (one, other) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
        assert_eq!(one.cmp(other), one.0.cmp(&other.0), "{one} {other}");
    }
}
