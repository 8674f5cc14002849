//! Nothing but what a member said, in this network and as this kind of message, is accepted.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use crypto::{
    Digest, EncodeError, Keyring, KeyringError, MemberId, NetworkId, Refusal, Signed, Signer, codec,
};
use support::{
    Promise, Retraction, assemble, keypair, keyring, network, promise, public_keys, sign_raw,
    signer,
};

#[test]
fn what_was_signed_is_verified() {
    let sent = signer(1).sign(promise()).unwrap();
    let received = sent.signed().clone().verify(&keyring()).unwrap();
    assert_eq!(received, sent);
    assert_eq!(*received, promise());
    assert_eq!(received.signer(), MemberId(1));
    assert_eq!(received.signed(), sent.signed());
    assert_eq!(received.clone().id(), sent.id());
}

#[test]
fn every_flipped_bit_is_refused() {
    let sent = signer(1).sign(promise()).unwrap();
    let wire = codec::encode(sent.signed());
    for bit in 0..wire.len() * 8 {
        let mut tampered = wire.clone();
        tampered[bit / 8] ^= 1 << (bit % 8);
        // A flipped length is found when decoding, everything else when verifying.
        let Ok(received) = codec::decode::<Signed<Promise>>(&tampered, wire.len()) else {
            assert!((2..10).contains(&(bit / 8)), "bit {bit}");
            continue;
        };
        let refusal = received.verify(&keyring()).unwrap_err();
        let expected = match bit {
            0 => Refusal::BadSignature(MemberId(0)),
            1 => Refusal::UnknownSigner(MemberId(3)),
            2..16 => Refusal::UnknownSigner(MemberId(1 ^ (1 << bit))),
            _ => Refusal::BadSignature(MemberId(1)),
        };
        assert_eq!(refusal, expected, "bit {bit}");
    }
}

#[test]
fn another_network_is_refused() {
    let sent = signer(1).sign(promise()).unwrap();
    let other = NetworkId(Digest::of(b"another network"));
    let keys = Keyring::new(other, public_keys()).unwrap();
    let refusal = sent.signed().clone().verify(&keys).unwrap_err();
    assert_eq!(refusal, Refusal::BadSignature(MemberId(1)));
}

#[test]
fn what_was_verified_before_is_recalled_without_its_signature() {
    let sent = signer(1).sign(promise()).unwrap();
    let body = sent.signed().body();
    // The signature is not looked at.
    for signature in [sent.signed().signature(), &[0; 64]] {
        let recalled = assemble::<Promise>(1, body, signature).recall(&keyring());
        assert_eq!(*recalled.unwrap(), promise());
    }
    // Everything else is checked.
    let stranger = assemble::<Promise>(9, body, &[0; 64]).recall(&keyring());
    assert_eq!(stranger.unwrap_err(), Refusal::UnknownSigner(MemberId(9)));
    let garbled = assemble::<Promise>(1, &body[1..], &[0; 64]).recall(&keyring());
    let refusal = garbled.unwrap_err();
    assert!(
        matches!(refusal, Refusal::Malformed(_) | Refusal::TrailingBytes(_)),
        "{refusal:?}"
    );
}

#[test]
fn another_kind_of_message_is_refused() {
    let sent = signer(1).sign(promise()).unwrap();
    let wire = codec::encode(sent.signed());
    let posing: Signed<Retraction> = codec::decode(&wire, wire.len()).unwrap();
    assert_ne!(posing.id(), sent.id());
    let refusal = posing.verify(&keyring()).unwrap_err();
    assert_eq!(refusal, Refusal::BadSignature(MemberId(1)));
}

#[test]
fn another_key_than_the_signers_is_refused() {
    let thief = Signer::new(keypair(2), MemberId(1), network());
    let sent = thief.sign(promise()).unwrap();
    let refusal = sent.signed().clone().verify(&keyring()).unwrap_err();
    assert_eq!(refusal, Refusal::BadSignature(MemberId(1)));
}

#[test]
fn the_second_form_of_a_signature_is_refused() {
    // s + group order satisfies the equation too, and would give one statement two signatures.
    const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let order = hex::decode(ORDER).unwrap();
    let sent = signer(1).sign(promise()).unwrap();
    let mut signature = *sent.signed().signature();
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    let forged = assemble::<Promise>(1, sent.signed().body(), &signature);
    assert_eq!(forged.id(), sent.id());
    let refusal = forged.verify(&keyring()).unwrap_err();
    assert_eq!(refusal, Refusal::BadSignature(MemberId(1)));
}

#[test]
fn signed_trailing_bytes_are_refused() {
    let mut body = codec::encode(&promise());
    body.extend_from_slice(&[0, 0]);
    let refusal = signed_body(&body).unwrap_err();
    assert_eq!(refusal, Refusal::TrailingBytes(2));
}

#[test]
fn signed_unsorted_and_duplicate_entries_are_refused() {
    let body = codec::encode(&promise());
    // The three slots start after the ballot and their count.
    for slots in [[2u32, 1, 9], [1, 1, 9]] {
        let mut body = body.clone();
        for (at, slot) in slots.iter().enumerate() {
            body[16 + 4 * at..][..4].copy_from_slice(&slot.to_le_bytes());
        }
        assert_eq!(signed_body(&body).unwrap_err(), Refusal::NonCanonical);
    }
}

#[test]
fn signed_nonsense_is_refused() {
    for body in [&b""[..], b"nonsense", &[0xff; 100]] {
        let refusal = signed_body(body).unwrap_err();
        assert_eq!(refusal.reason(), "malformed", "{refusal}");
    }
}

#[test]
fn too_large_a_body_is_refused_by_sender_and_receiver() {
    let mut long = promise();
    long.note = "x".repeat(1024);
    let body = codec::encode(&long);
    let (len, limit) = (body.len(), 1024);
    let error = signer(1).sign(long).unwrap_err();
    assert_eq!(error, EncodeError::TooLarge { len, limit });

    let mut wire = 1u16.to_le_bytes().to_vec();
    wire.extend_from_slice(&(len as u64).to_le_bytes());
    wire.extend_from_slice(&body);
    wire.extend_from_slice(&sign_raw::<Promise>(1, &body));
    let error = codec::decode::<Signed<Promise>>(&wire, wire.len()).unwrap_err();
    assert!(error.to_string().contains("the limit is 1024"), "{error}");
    let json = format!(
        r#"{{"signer":1,"body":"{}","signature":"{}"}}"#,
        "00".repeat(1025),
        "00".repeat(64)
    );
    let error = serde_json::from_str::<Signed<Promise>>(&json).unwrap_err();
    assert!(error.to_string().contains("the limit is 1024"), "{error}");
}

#[test]
fn a_body_that_receivers_would_refuse_is_not_signed() {
    /// Writes its bytes in another order than it reads them.
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Crooked(#[serde(serialize_with = "swapped")] u16);
    fn swapped<S: serde::Serializer>(number: &u16, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(number.swap_bytes())
    }
    impl crypto::Body for Crooked {
        const DOMAIN: &'static str = "test/crooked/v1";
        const MAX_BYTES: usize = 2;
    }
    assert!(signer(0).sign(Crooked(0x0101)).is_ok());
    let error = signer(0).sign(Crooked(0x0102)).unwrap_err();
    let expected = EncodeError::WouldBeRefused(crypto::DecodeError::NonCanonical);
    assert_eq!(error, expected);
    let error = signer(0).sign(Unwritable).unwrap_err();
    assert!(matches!(error, EncodeError::Unencodable(_)), "{error}");
}

#[derive(Debug, serde::Deserialize)]
struct Unwritable;

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

impl crypto::Body for Unwritable {
    const DOMAIN: &'static str = "test/unwritable/v1";
    const MAX_BYTES: usize = 2;
}

#[test]
fn every_reason_is_listed_once() {
    let refusals = [
        Refusal::UnknownSigner(MemberId(0)),
        Refusal::TooLarge { len: 2, limit: 1 },
        Refusal::BadSignature(MemberId(0)),
        Refusal::Malformed(String::new()),
        Refusal::TrailingBytes(1),
        Refusal::NonCanonical,
    ];
    assert_eq!(refusals.map(|refusal| refusal.reason()), Refusal::REASONS);
}

#[test]
fn one_key_for_two_members_is_refused() {
    let key = keypair(0).public();
    let keys = vec![key, keypair(1).public(), key];
    let (first, second) = (MemberId(0), MemberId(2));
    assert_eq!(
        Keyring::new(network(), keys).unwrap_err(),
        KeyringError::Duplicate { first, second, key }
    );
    let keys = keyring();
    assert_eq!((keys.len(), keys.is_empty()), (3, false));
    assert_eq!(keys.key(MemberId(0)), Some(key));
    assert_eq!(keys.key(MemberId(3)), None);
    assert_eq!(keys.member(&keypair(2).public()), Some(MemberId(2)));
    assert_eq!(keys.member(&keypair(3).public()), None);
}

/// Member 1 really signs these bytes; do others accept them?
fn signed_body(body: &[u8]) -> Result<crypto::Verified<Promise>, Refusal> {
    let signature = sign_raw::<Promise>(1, body);
    assemble(1, body, &signature).verify(&keyring())
}
