//! The exact bytes of everything that is signed or sent, made with an independent implementation of
//! Ed25519 and SHA-256. If one of these changes, old and new nodes do not understand each other.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use crypto::{Digest, Signed, codec};
use support::{Promise, keypair, network, promise, signer};

const BODY: &str = concat!(
    "0700000000000000",                                                 // ballot
    "0300000000000000",                                                 // three slots
    "010000000200000009000000",                                         // 1, 2, 9
    "0600000000000000",                                                 // six bytes of text
    "6a6f696e6564",                                                     // joined
    "01",                                                               // a digest follows
    "cd42404d52ad55ccfa9aca4adc828aa5800ad9d385a0671fbcbf724118320619", // of "value"
);
const SIGNATURE: &str = concat!(
    "4cfd5aff890d620adcb1faddb9050bc4fd18aa1b165224c73995dcfb379d1b85",
    "0ceadb5acf3c93cb2a05246e2b48c13bdc2ccbe2cbd53472a4cc64dab5f47507",
);
const ID: &str = "cdb4a456a3d561977c13076f180c6711f150314b01bf384826a1a1a3aa464acc";

#[test]
fn public_keys_of_fixed_seeds() {
    let first = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
    let second = "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394";
    assert_eq!(keypair(0).public().to_string(), first);
    assert_eq!(keypair(1).public().to_string(), second);
}

#[test]
fn digest_is_sha_256() {
    let golden = "3009be769fb8f956e8413ee9f3e0836e34968bc40457d0a10c549d2edcf00cc1";
    let digest = Digest::of(b"network");
    assert_eq!(digest.to_string(), golden);
    assert_eq!(format!("{digest:?}"), "3009be76");
    assert_eq!(golden.parse(), Ok(digest));
    assert_eq!(network().to_string(), golden);
    assert_eq!(golden.parse(), Ok(network()));
    assert_eq!(hex::encode(codec::encode(&digest)), golden);
}

#[test]
fn body_signature_id_and_wire() {
    let message = signer(1).sign(promise()).unwrap();
    let signed = message.signed();
    assert_eq!(hex::encode(signed.body()), BODY);
    assert_eq!(hex::encode(signed.signature()), SIGNATURE);
    assert_eq!(message.id().to_string(), ID);
    assert_eq!(signed.id(), message.id());
    let wire = codec::encode(signed);
    let golden = ["0100", "4b00000000000000", BODY, SIGNATURE].concat();
    assert_eq!(hex::encode(&wire), golden);
    assert_eq!(
        codec::decode::<Signed<Promise>>(&wire, wire.len()).as_ref(),
        Ok(signed)
    );
}

#[test]
fn text_form() {
    let message = signer(1).sign(promise()).unwrap();
    let json = serde_json::to_string(message.signed()).unwrap();
    let golden = format!(r#"{{"signer":1,"body":"{BODY}","signature":"{SIGNATURE}"}}"#);
    assert_eq!(json, golden);
    let read: Signed<Promise> = serde_json::from_str(&json).unwrap();
    assert_eq!(&read, message.signed());
    let key = serde_json::to_string(&keypair(0).public()).unwrap();
    assert_eq!(key, format!("\"{}\"", keypair(0).public()));
    assert_eq!(
        serde_json::from_str::<crypto::PublicKey>(&key).unwrap(),
        keypair(0).public()
    );
}
