//! Fuzzing keys and signed messages. Key files: `src/key_file.rs`.
//!
//! `cargo test` replays the corpus and adds random inputs; docs/fuzzing.md tells how to run for long.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use crypto::{PublicKey, Refusal, Signed, codec};
use std::path::Path;
use std::str::FromStr;
use support::{Promise, keypair, keyring, promise, signer};

/// 32 bytes are a key, or are refused; the text of a key is that key's alone.
#[test]
fn public_keys() {
    bolero::check!()
        .with_iterations(2000)
        .with_max_len(80)
        .for_each(|bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            match PublicKey::from_str(&text) {
                Ok(key) => {
                    assert_eq!(PublicKey::from_str(&key.to_string()), Ok(key));
                    assert_eq!(key.to_string(), text.to_lowercase(), "two spellings");
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
            let Some(bytes) = bytes.first_chunk::<32>() else {
                return;
            };
            match PublicKey::from_bytes(*bytes) {
                Ok(key) => assert_eq!(key.as_bytes(), bytes),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        });
}

/// Bytes are no message that somebody signed, unless they are that message's.
#[test]
fn signed_messages() {
    let keys = keyring();
    bolero::check!()
        .with_iterations(3000)
        .with_max_len(256)
        .for_each(|bytes: &[u8]| {
            let signed: Signed<Promise> = match codec::decode(bytes, Signed::<Promise>::MAX_ENCODED)
            {
                Ok(signed) => signed,
                Err(error) => return assert!(!error.to_string().is_empty()),
            };
            assert_eq!(
                codec::encode(&signed),
                bytes,
                "another encoding was accepted"
            );
            match signed.clone().verify(&keys) {
                Ok(verified) => {
                    assert_eq!(verified.id(), signed.id());
                    assert_eq!(codec::encode(&*verified), signed.body(), "not canonical");
                }
                Err(refusal) => assert!(Refusal::REASONS.contains(&refusal.reason())),
            }
        });
}

/// `cargo test -p crypto --test fuzz -- --ignored`
#[test]
#[ignore = "writes files"]
fn write_corpus() {
    let key = keypair(0).public();
    write("public_keys", "text", key.to_string().as_bytes());
    write("public_keys", "bytes", key.as_bytes());
    // The identity, the point of order two, and an encoding of no point.
    for (name, first, last) in [("identity", 1, 0), ("order-2", 0xec, 0x7f), ("none", 2, 0)] {
        let mut bytes = [if name == "order-2" { 0xff } else { 0 }; 32];
        (bytes[0], bytes[31]) = (first, last);
        write("public_keys", name, &bytes);
    }
    let signed = signer(1).sign(promise()).unwrap().signed().clone();
    let bytes = codec::encode(&signed);
    write("signed_messages", "valid", &bytes);
    write(
        "signed_messages",
        "other-signer",
        &[&[2, 0], &bytes[2..]].concat(),
    );
    write(
        "signed_messages",
        "unknown-signer",
        &[&[9, 0], &bytes[2..]].concat(),
    );
    // Signed as it is, and no encoding of a promise.
    let body = [codec::encode(&promise()), vec![0]].concat();
    let signature = support::sign_raw::<Promise>(1, &body);
    let signed: Signed<Promise> = support::assemble(1, &body, &signature);
    write("signed_messages", "trailing", &codec::encode(&signed));
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = here.join("tests/__fuzz__").join(target).join("corpus");
    std::fs::create_dir_all(&corpus).unwrap();
    std::fs::write(corpus.join(name), bytes).unwrap();
}
