//! Fuzzing what reads decisions: lines are spelled as they are written, or refused with a reason.

use super::{Claim, Line, write};
use crate::testing::{batch, certificate, config};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::codec;
use learner_graph::LearnerId;

fn check(text: &str) {
    match Claim::read(text) {
        Ok(claim) => {
            assert_eq!(claim.line.text(), text);
            let certificate = codec::encode(&claim.certificate);
            assert_eq!(claim.line.certificate, STANDARD.encode(certificate));
            // Whatever it says, it is told without a panic.
            if let Err(flaw) = claim.verify(&config("")) {
                assert!(!flaw.to_string().is_empty());
            }
        }
        Err(flaw) => assert!(!flaw.to_string().is_empty()),
    }
}

fn valid() -> Line {
    let (config, batch) = (config(""), batch(&[b"v"]));
    let certificate = certificate(&config, LearnerId(0), 0, &batch, &[1, 2]);
    let text = write(&config.name, &config.network, &certificate, &batch);
    serde_json::from_str(&text).expect("a line")
}

#[test]
fn any_text() {
    bolero::check!()
        .with_iterations(10_000)
        .with_max_len(256)
        .for_each(|bytes: &[u8]| check(&String::from_utf8_lossy(bytes)));
}

/// Certificates that are any bytes, or the right ones with a part of them changed.
#[test]
fn any_certificate() {
    let line = valid();
    let right = STANDARD.decode(&line.certificate).expect("base64");
    bolero::check!()
        .with_iterations(5_000)
        .with_max_len(256)
        .for_each(|bytes: &[u8]| {
            let with = |certificate: &[u8]| Line {
                certificate: STANDARD.encode(certificate),
                ..line.clone()
            };
            check(&with(bytes).text());
            if let Some((at, rest)) = bytes.split_first() {
                let mut changed = right.clone();
                let places = changed.iter_mut().skip(usize::from(*at));
                places.zip(rest).for_each(|(to, from)| *to = *from);
                check(&with(&changed).text());
            }
        });
}
