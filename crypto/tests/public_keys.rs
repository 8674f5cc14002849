//! Keys that must not get into a configuration.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use crypto::{PublicKey, PublicKeyError};
use ed25519_dalek::VerifyingKey;
use support::keypair;

/// The canonical encodings of the points whose order divides eight.
const SMALL_ORDER: [&str; 8] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/// Coordinates at or above the field's prime, and a sign on an x of zero.
const NON_CANONICAL: [&str; 6] = [
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

#[test]
fn honest_keys_are_accepted() {
    for member in 0..32 {
        let key = keypair(member).public();
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(PublicKey::from_bytes(*key.as_bytes()), Ok(key));
    }
}

#[test]
fn points_of_small_order_are_refused() {
    for text in SMALL_ORDER {
        assert_eq!(
            text.parse::<PublicKey>(),
            Err(PublicKeyError::Weak),
            "{text}"
        );
    }
}

#[test]
fn other_spellings_of_a_point_are_refused() {
    for text in NON_CANONICAL {
        let error = text.parse::<PublicKey>().unwrap_err();
        // Whether the library decodes such bytes at all is up to it; that we refuse them is not.
        assert!(
            matches!(
                error,
                PublicKeyError::NonCanonical | PublicKeyError::NotAPoint
            ),
            "{text}: {error}"
        );
    }
}

#[test]
fn keys_with_a_torsion_component_are_refused() {
    let honest = VerifyingKey::from_bytes(keypair(0).public().as_bytes()).unwrap();
    for text in &SMALL_ORDER[1..] {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).unwrap();
        let small = VerifyingKey::from_bytes(&bytes).unwrap();
        let mixed = (honest.to_edwards() + small.to_edwards()).compress();
        let error = PublicKey::from_bytes(mixed.to_bytes()).unwrap_err();
        assert_eq!(error, PublicKeyError::Torsion, "{text}");
    }
}

#[test]
fn bytes_off_the_curve_and_bad_texts_are_refused() {
    let mut off = [0; 32];
    off[0] = 2;
    assert_eq!(
        PublicKey::from_bytes(off).unwrap_err(),
        PublicKeyError::NotAPoint
    );
    for text in ["", "00", &"g".repeat(64), &"0".repeat(65), "0ä"] {
        let error = text.parse::<PublicKey>().unwrap_err();
        assert!(matches!(error, PublicKeyError::Hex(_)), "{text}: {error}");
    }
}

#[test]
fn decoding_a_key_checks_it_too() {
    for text in SMALL_ORDER {
        assert!(serde_json::from_str::<PublicKey>(&format!("\"{text}\"")).is_err());
        let bytes = hex::decode(text).unwrap();
        assert!(crypto::codec::decode::<PublicKey>(&bytes, 32).is_err());
    }
    let key = keypair(0).public();
    let bytes = crypto::codec::encode(&key);
    assert_eq!(bytes, key.as_bytes());
    assert_eq!(crypto::codec::decode::<PublicKey>(&bytes, 32), Ok(key));
}
