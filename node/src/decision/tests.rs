//! What is refused, rule by rule, and that nothing else slips through.

use super::{Claim, Flaw, Line, Proved, write};
use crate::Config;
use crate::testing::{batch, certificate, config, signed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consensus::hpaxos::evidence::{Certificate, EvidenceError};
use consensus::hpaxos::{Message, SlotVotes, Votes};
use consensus::{Ballot, Batch, ClientValue, MAX_BATCH_VALUES, MAX_KEY_BYTES, Slot};
use crypto::codec;
use learner_graph::{AcceptorSet, LearnerId};
use proptest::prelude::*;

const ALICE: LearnerId = LearnerId(0);
const BOB: LearnerId = LearnerId(1);

fn values() -> Batch {
    let mut batch = batch(&[
        b"alice pays bob 5",
        b"\xff\x00",
        "grüß \"dich\"\n".as_bytes(),
    ]);
    let keyed = ClientValue::new(b"k1".to_vec(), b"keyed".to_vec()).unwrap();
    batch.values.push(keyed);
    batch
}

/// Alice's decision of slot 3, by two of her three acceptors.
fn line(config: &Config) -> String {
    let batch = values();
    let certificate = certificate(config, ALICE, 3, &batch, &[1, 3]);
    write(&config.name, &config.network, &certificate, &batch)
}

fn verify(text: &str, config: &Config) -> Result<Proved, Flaw> {
    Claim::read(text)?.verify(config)
}

/// The line of a certificate of the usual values.
fn of(certificate: &Certificate, config: &Config) -> String {
    write(&config.name, &config.network, certificate, &values())
}

/// A line with something else in it, spelled as every line.
fn changed(config: &Config, change: impl FnOnce(&mut Line)) -> String {
    let mut line: Line = serde_json::from_str(&line(config)).unwrap();
    change(&mut line);
    line.text()
}

#[test]
fn a_decision_proves_itself() {
    let config = config("");
    let proved = verify(&line(&config), &config).unwrap();
    let expected = (ALICE, Slot(3), Ballot(1), values().digest());
    let found = (proved.learner, proved.slot, proved.ballot, proved.digest);
    assert_eq!(found, expected);
    let (mut quorum, all) = (AcceptorSet::EMPTY, config.network.graph().acceptors());
    let a2 = config.network.graph().acceptor("a2").unwrap();
    quorum |= all;
    quorum.remove(a2);
    assert_eq!(proved.quorum, quorum);
    let texts: Vec<_> = proved.values.iter().map(|v| v.text.as_deref()).collect();
    let expected = [
        Some("alice pays bob 5"),
        None,
        Some("grüß \"dich\"\n"),
        Some("keyed"),
    ];
    assert_eq!(texts, expected);
}

#[test]
fn a_slot_without_values_has_a_decision_too() {
    let config = config("");
    let empty = Batch::default();
    let certificate = certificate(&config, ALICE, 0, &empty, &[1, 2]);
    let text = write(&config.name, &config.network, &certificate, &empty);
    assert!(verify(&text, &config).unwrap().values.is_empty());
}

/// Files outlive the program that has written them. If this changes, so does `FORMAT`.
#[test]
fn the_format_does_not_change() {
    let config = config("");
    assert_eq!(
        format!("{}\n", line(&config)),
        include_str!("golden.ndjson")
    );
}

#[test]
fn another_network_is_refused() {
    let (here, text) = (config(""), line(&config("")));
    let other = |text: String| Config::parse(&text, "other.toml").unwrap();
    let toml = crate::testing::text("");
    let names = other(toml.replace("\"test\"", "\"other\""));
    let graph = other(toml.replace("alice = { threshold = 2", "alice = { threshold = 3"));
    for elsewhere in [names, graph] {
        let refused = verify(&text, &elsewhere).unwrap_err();
        assert!(matches!(refused, Flaw::Network { .. }), "{refused}");
        // Who claims that it is of that network still has no signatures of it.
        let claimed = changed(&here, |line| {
            line.network = elsewhere.name.clone();
            line.network_id = elsewhere.network.id();
        });
        let refused = verify(&claimed, &elsewhere).unwrap_err();
        let unsigned = matches!(refused, Flaw::Refused(_));
        assert!(unsigned, "{refused}");
    }
    let renamed = changed(&here, |line| line.network = "other".into());
    assert!(matches!(verify(&renamed, &here), Err(Flaw::Network { .. })));
}

#[test]
fn another_learner_is_refused() {
    let config = config("");
    let renamed = changed(&config, |line| line.learner = "bob".into());
    assert_eq!(
        verify(&renamed, &config).unwrap_err(),
        Flaw::Another("learner")
    );
    let unknown = changed(&config, |line| line.learner = "carol".into());
    let refused = Flaw::UnknownLearner("carol".into());
    assert_eq!(verify(&unknown, &config).unwrap_err(), refused);
    // The votes are for alice, whoever makes a certificate of them.
    let mut certificate = certificate(&config, ALICE, 3, &values(), &[1, 3]);
    certificate.learner = BOB;
    let refused = verify(&of(&certificate, &config), &config).unwrap_err();
    assert_eq!(refused, Flaw::Proof(EvidenceError::NoQuorum));
}

#[test]
fn a_quorum_of_different_signers_is_needed_and_nothing_else_accepted() {
    let config = config("");
    let refused =
        |certificate: &Certificate| verify(&of(certificate, &config), &config).unwrap_err();
    let with = |nodes: &[u8]| certificate(&config, ALICE, 3, &values(), nodes);
    assert!(verify(&of(&with(&[1, 2, 3]), &config), &config).is_ok());
    for few in [&[][..], &[2]] {
        assert_eq!(refused(&with(few)), Flaw::Proof(EvidenceError::NoQuorum));
    }
    let twice = Flaw::SameSigner("n1".into());
    assert_eq!(refused(&with(&[1, 1])), twice);
    assert_eq!(refused(&with(&[1, 2, 1])), twice);
    // A vote in another slot or ballot, or something else altogether, is no vote for this.
    let vote = |ballot, slot| {
        Message::Votes(Votes {
            ballot: Ballot(ballot),
            slots: vec![SlotVotes {
                slot: Slot(slot),
                two_av: None,
                two_b: Some((values().digest(), [ALICE].into_iter().collect())),
            }],
        })
    };
    let wish = Message::Wish { ballot: Ballot(1) };
    for other in [vote(2, 3), vote(1, 4), wish] {
        let mut needless = with(&[1, 2]);
        needless.two_b.push(signed(&config, 3, other.clone()));
        assert_eq!(refused(&needless), Flaw::Idle);
        let mut short = with(&[1]);
        short.two_b.push(signed(&config, 3, other));
        assert_eq!(refused(&short), Flaw::Proof(EvidenceError::NoQuorum));
    }
}

#[test]
fn what_contradicts_the_certificate_is_refused() {
    let config = config("");
    let read = |change: fn(&mut Line)| Claim::read(&changed(&config, change)).unwrap_err();
    assert_eq!(read(|l| l.slot = Slot(4)), Flaw::Another("slot"));
    assert_eq!(read(|l| l.ballot = Ballot(2)), Flaw::Another("ballot"));
    let other = read(|l| {
        l.values.pop();
        l.digest = batch(&[
            b"alice pays bob 5",
            b"\xff\x00",
            "grüß \"dich\"\n".as_bytes(),
        ])
        .digest();
    });
    assert_eq!(other, Flaw::Another("batch"));
    assert!(matches!(
        read(|l| l.digest = values().values[0].id()),
        Flaw::Digest { .. }
    ));
    assert!(matches!(read(|l| l.values.swap(0, 1)), Flaw::Digest { .. }));
    assert_eq!(read(|l| l.values[1].id = l.values[0].id), Flaw::Value(2));
    assert_eq!(
        read(|l| l.values[0].text = Some("alice pays bob 50".into())),
        Flaw::Value(1)
    );
    let signers = changed(&config, |l| l.signers.swap(0, 1));
    assert_eq!(verify(&signers, &config).unwrap_err(), Flaw::Signers);
}

#[test]
fn a_batch_keeps_the_bounds_of_all_batches() {
    let config = config("");
    let long = ClientValue {
        key: vec![b'k'; MAX_KEY_BYTES + 1],
        bytes: Vec::new(),
    };
    let many = vec![ClientValue::new(Vec::new(), Vec::new()).unwrap(); MAX_BATCH_VALUES + 1];
    for values in [vec![long], many] {
        let batch = Batch { values };
        let certificate = certificate(&config, ALICE, 0, &batch, &[1, 2]);
        let text = write(&config.name, &config.network, &certificate, &batch);
        assert_eq!(Claim::read(&text).unwrap_err(), Flaw::OutOfBounds);
    }
}

#[test]
fn there_is_one_spelling() {
    let config = config("");
    let text = line(&config);
    let with = |from: &str, to: &str| {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text);
        Claim::read(&other).unwrap_err()
    };
    let digest = values().digest().to_string();
    assert!(matches!(
        with(&digest, &digest.to_uppercase()),
        Flaw::Spelling(_)
    ));
    assert_eq!(with("{", " {"), Flaw::Spelling(1));
    assert!(matches!(
        with("\"slot\":3", "\"slot\": 3"),
        Flaw::Spelling(_)
    ));
    assert!(matches!(
        with("alice pays", "\\u0061lice pays"),
        Flaw::Spelling(_)
    ));
    assert!(matches!(
        with("\"slot\":3,\"ballot\":1", "\"ballot\":1,\"slot\":3"),
        Flaw::Spelling(_)
    ));
    assert!(matches!(
        Claim::read(&format!("{text}\r")).unwrap_err(),
        Flaw::Spelling(_)
    ));
    assert!(matches!(
        with("\"slot\":3", "\"slot\":3.0"),
        Flaw::NoDecision(_)
    ));
    assert!(matches!(
        with("\"slot\":3", "\"slot\":3,\"slot\":3"),
        Flaw::NoDecision(_)
    ));
    assert!(matches!(
        with("\"slot\":3", "\"slot\":3,\"node\":\"n1\""),
        Flaw::NoDecision(_)
    ));
    let later = with("hpaxos/decision/1", "hpaxos/decision/2");
    assert_eq!(later, Flaw::Format("hpaxos/decision/2".into()));
    let longer = with("hpaxos/decision/1\"", "hpaxos/decision/2\",\"more\":true");
    assert_eq!(longer, Flaw::Format("hpaxos/decision/2".into()));
    for text in ["", "{}", "[]", "null", "{\"format\":\"hpaxos/decision/1\"}"] {
        assert!(matches!(Claim::read(text), Err(Flaw::NoDecision(_))));
    }
}

/// Every bit of every byte, one at a time.
#[test]
fn no_bit_can_be_turned() {
    let config = config("");
    let text = line(&config);
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            // What is no text is refused before.
            if let Ok(text) = String::from_utf8(bytes) {
                assert!(verify(&text, &config).is_err(), "bit {bit} of byte {at}");
            }
        }
    }
}

/// Bytes of the certificate itself: the JSON around it is spelled as ever.
#[test]
fn no_bit_of_the_certificate_can_be_turned() {
    let config = config("");
    let bytes = codec::encode(&certificate(&config, ALICE, 3, &values(), &[1, 3]));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            let text = changed(&config, |line| line.certificate = STANDARD.encode(bytes));
            assert!(verify(&text, &config).is_err(), "bit {bit} of byte {at}");
        }
    }
}

/// One change of a text.
#[derive(Clone, Debug)]
enum Tamper {
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Swap(prop::sample::Index, prop::sample::Index),
    Cut(prop::sample::Index),
    Repeat(prop::sample::Index, usize),
}

fn tamper() -> impl Strategy<Value = Tamper> {
    let at = any::<prop::sample::Index>;
    let byte = || {
        prop_oneof![
            any::<u8>(),
            prop::sample::select(b" \"\\{}[],:01aA+/=".as_slice())
        ]
    };
    prop_oneof![
        (at(), byte()).prop_map(|(at, byte)| Tamper::Replace(at, byte)),
        (at(), prop::collection::vec(byte(), 1..4)).prop_map(|(at, b)| Tamper::Insert(at, b)),
        (at(), 1..64usize).prop_map(|(at, n)| Tamper::Remove(at, n)),
        (at(), at()).prop_map(|(a, b)| Tamper::Swap(a, b)),
        at().prop_map(Tamper::Cut),
        (at(), 1..64usize).prop_map(|(at, n)| Tamper::Repeat(at, n)),
    ]
}

fn apply(bytes: &mut Vec<u8>, tamper: Tamper) {
    let len = bytes.len();
    if len == 0 {
        return;
    }
    let to = |at: usize, n: usize| (at + n).min(len);
    match tamper {
        Tamper::Replace(at, byte) => bytes[at.index(len)] = byte,
        Tamper::Insert(at, more) => {
            let at = at.index(len + 1);
            bytes.splice(at..at, more);
        }
        Tamper::Remove(at, n) => {
            let at = at.index(len);
            bytes.drain(at..to(at, n));
        }
        Tamper::Swap(a, b) => bytes.swap(a.index(len), b.index(len)),
        Tamper::Cut(at) => bytes.truncate(at.index(len)),
        Tamper::Repeat(at, n) => {
            let at = at.index(len);
            let piece = bytes[at..to(at, n)].to_vec();
            bytes.splice(at..at, piece);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn whatever_is_changed_is_refused(tampers in prop::collection::vec(tamper(), 1..4)) {
        let config = config("");
        let text = line(&config);
        let mut bytes = text.clone().into_bytes();
        for tamper in tampers {
            apply(&mut bytes, tamper);
        }
        match String::from_utf8(bytes) {
            Ok(tampered) if tampered == text => {}
            Ok(tampered) => prop_assert!(verify(&tampered, &config).is_err(), "{tampered}"),
            Err(_) => {}
        }
    }
}
