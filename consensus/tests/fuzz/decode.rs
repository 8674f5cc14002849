//! Everything that is decoded: whatever the bytes are, it is refused with a reason, or it is the one
//! encoding of what was decoded.

use consensus::disk_paxos::{self, Block, Decided, LogRecord};
use consensus::hpaxos::evidence::{Certificate, Evidence};
use consensus::hpaxos::{self, HPaxos};
use consensus::paxos::{self, Paxos};
use consensus::{AnswerOf, Batch, ClientValue, RecordOf, SyncRequest};
use crypto::{Signed, codec};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Decodes the bytes as what the first of them says.
pub(crate) fn decoded(bytes: &[u8]) -> Option<Result<(), String>> {
    let (kind, bytes) = bytes.split_first()?;
    let decode = KINDS.get(usize::from(*kind))?.1;
    Some(decode(bytes))
}

/// Decodes bytes as one type, or says why not.
type Decode = fn(&[u8]) -> Result<(), String>;

/// What there is, by the first byte of an input.
pub(crate) const KINDS: [(&str, Decode); 16] = [
    ("hpaxos message", of::<hpaxos::Message>),
    ("hpaxos signed message", of::<Signed<hpaxos::Message>>),
    ("evidence", of::<Evidence>),
    ("certificate", of::<Certificate>),
    ("sync request", of::<SyncRequest>),
    ("hpaxos sync answer", of::<AnswerOf<HPaxos>>),
    ("hpaxos record", of::<RecordOf<HPaxos>>),
    ("batch", of::<Batch>),
    ("client value", of::<ClientValue>),
    ("paxos message", of::<paxos::Message>),
    ("paxos sync answer", of::<AnswerOf<Paxos>>),
    ("paxos record", of::<RecordOf<Paxos>>),
    ("decided", of::<Decided>),
    ("disk paxos record", of::<disk_paxos::Record>),
    ("block", of::<Block>),
    ("log record", of::<LogRecord>),
];

/// The largest input that a message can be. Nothing here depends on its exact size.
const LIMIT: usize = 4 << 20;

fn of<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<(), String> {
    let value: T = codec::decode(bytes, LIMIT).map_err(|error| error.to_string())?;
    // As the decoder promises. It also bounds what was allocated by what was given.
    assert_eq!(
        codec::encode(&value),
        bytes,
        "another encoding was accepted"
    );
    Ok(())
}

fn check(bytes: &[u8]) {
    if let Some(Err(reason)) = decoded(bytes) {
        assert!(!reason.is_empty(), "refused without a reason");
    }
}

#[test]
fn any_bytes() {
    bolero::check!().with_iterations(20_000).for_each(check);
}

/// Valid encodings with a few changes: the first byte chooses one, then three bytes each say where and
/// what to change.
#[test]
fn changed_bytes() {
    let samples = crate::seeds::samples();
    bolero::check!()
        .with_iterations(20_000)
        .with_max_len(32)
        .for_each(|bytes: &[u8]| {
            let Some((first, edits)) = bytes.split_first() else {
                return;
            };
            let mut sample = samples[usize::from(*first) % samples.len()].1.clone();
            for edit in edits.chunks_exact(3) {
                change(&mut sample, [edit[0], edit[1], edit[2]]);
            }
            check(&sample);
        });
}

fn change(bytes: &mut Vec<u8>, [what, at, with]: [u8; 3]) {
    // The kind stays.
    let at = 1 + (usize::from(at) + 256 * usize::from(what >> 4)) % bytes.len().max(2);
    let at = at.min(bytes.len());
    match what & 7 {
        0 | 1 if at < bytes.len() => bytes[at] = with,
        2 if at < bytes.len() => bytes[at] ^= 1 << (with & 7),
        3 => bytes.insert(at, with),
        4 if at < bytes.len() => drop(bytes.remove(at)),
        5 => bytes.truncate(at),
        6 => bytes.extend_from_within(at..(at + usize::from(with)).min(bytes.len())),
        7 if at + 8 <= bytes.len() => bytes[at..at + 8].copy_from_slice(&[with; 8]),
        _ => {}
    }
}

#[test]
fn what_is_valid_is_decoded() {
    let mut seen = [false; KINDS.len()];
    for (name, sample) in crate::seeds::samples() {
        assert_eq!(decoded(&sample), Some(Ok(())), "{name}");
        seen[usize::from(sample[0])] = true;
    }
    assert!(seen.iter().all(|s| *s), "every kind has a sample: {seen:?}");
}
