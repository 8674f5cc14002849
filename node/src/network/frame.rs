//! What one gossip message holds: everything that a node says in one step.

use consensus::hpaxos::Message;
use consensus::hpaxos::evidence::Evidence;
use consensus::{Batch, ClientValue, MAX_BATCH_BYTES, MAX_VALUE_BYTES};
use crypto::{Body, DecodeError, Signed, codec};
use serde::{Deserialize, Serialize};

/// The version in front of every frame.
const VERSION: u8 = 1;
/// Version and nonce.
const HEADER_BYTES: usize = 1 + 8;
/// The largest frame. The largest signed message, the largest batch and evidence of two largest
/// messages fit; larger evidence is not gossiped, see [`split`].
pub(crate) const MAX_FRAME_BYTES: usize = 2 * Message::MAX_BYTES + (1 << 20);
/// Frames are split where they would grow beyond this, unless a single part is larger.
const GOOD_FRAME_BYTES: usize = 1 << 20;
/// Parts in one frame, at most.
pub(super) const MAX_PARTS: usize = 8192;

/// The parts of a frame, in the order in which the receiver handles them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frame {
    /// Bytes of batches, before the messages that name them.
    pub(crate) batches: Vec<Batch>,
    /// Values of clients.
    pub(crate) values: Vec<ClientValue>,
    /// Signed messages.
    pub(crate) messages: Vec<Signed<Message>>,
    /// Evidence.
    pub(crate) evidence: Vec<Evidence>,
}

impl Frame {
    /// How many parts it has.
    pub(super) fn parts(&self) -> usize {
        self.batches.len() + self.values.len() + self.messages.len() + self.evidence.len()
    }

    /// Whether there is nothing to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty()
            && self.values.is_empty()
            && self.messages.is_empty()
            && self.evidence.is_empty()
    }

    /// The bytes to send. The nonce keeps two sendings of the same content apart, which gossipsub
    /// would otherwise take for one.
    pub(crate) fn encode(&self, nonce: u64) -> Vec<u8> {
        let body = codec::encode(self);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&nonce.to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Reads received bytes.
    ///
    /// # Errors
    /// [`DecodeError`] if they are no frame of this version within the bounds.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Frame, DecodeError> {
        let len = bytes.len();
        if len > MAX_FRAME_BYTES {
            return Err(DecodeError::TooLarge {
                len,
                limit: MAX_FRAME_BYTES,
            });
        }
        match bytes.first() {
            Some(&VERSION) if len >= HEADER_BYTES => {
                codec::decode(&bytes[HEADER_BYTES..], MAX_FRAME_BYTES)
            }
            Some(&VERSION) | None => Err(DecodeError::Malformed("no header".into())),
            Some(other) => Err(DecodeError::Malformed(format!(
                "version {other}, this node speaks {VERSION}"
            ))),
        }
    }
}

/// One thing to send.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// The bytes of a batch.
    Batch(Batch),
    /// A client's value.
    Value(ClientValue),
    /// A signed message.
    Message(Signed<Message>),
    /// Evidence.
    Evidence(Evidence),
}

impl Part {
    /// About how many bytes the part takes.
    fn size(&self) -> usize {
        match self {
            Part::Batch(batch) => {
                8 + batch
                    .values
                    .iter()
                    .map(ClientValue::encoded_len)
                    .sum::<usize>()
            }
            Part::Value(value) => value.encoded_len(),
            Part::Message(message) => signed_size(message),
            Part::Evidence(evidence) => evidence_size(evidence),
        }
    }
}

fn signed_size(message: &Signed<Message>) -> usize {
    message.body().len() + (Signed::<Message>::MAX_ENCODED - Message::MAX_BYTES)
}

/// About how many bytes a piece of evidence takes in a frame, and no fewer.
pub(super) fn evidence_size(evidence: &Evidence) -> usize {
    let all = |messages: &[Signed<Message>]| messages.iter().map(signed_size).sum::<usize>();
    match evidence {
        Evidence::Contradiction { first, second } => 16 + signed_size(first) + signed_size(second),
        Evidence::Disagreement { first, second } => 256 + all(&first.two_b) + all(&second.two_b),
    }
}

/// Puts parts into as few frames as good, keeping their order. Also returns how many parts are too
/// large for any frame: evidence can be, and is then found by the others themselves or not at all.
pub(crate) fn split(parts: Vec<Part>) -> (Vec<Frame>, usize) {
    let mut frames = Vec::new();
    let (mut frame, mut size, mut dropped) = (Frame::default(), HEADER_BYTES + 32, 0);
    for part in parts {
        let more = part.size();
        if more + HEADER_BYTES + 32 > MAX_FRAME_BYTES {
            dropped += 1;
            continue;
        }
        let full = size + more > GOOD_FRAME_BYTES || frame.parts() >= MAX_PARTS;
        if full && !frame.is_empty() {
            frames.push(std::mem::take(&mut frame));
            size = HEADER_BYTES + 32;
        }
        size += more;
        match part {
            Part::Batch(batch) => frame.batches.push(batch),
            Part::Value(value) => frame.values.push(value),
            Part::Message(message) => frame.messages.push(message),
            Part::Evidence(evidence) => frame.evidence.push(evidence),
        }
    }
    if !frame.is_empty() {
        frames.push(frame);
    }
    (frames, dropped)
}

// The parts that correct nodes send one by one must fit.
const _: () = assert!(Signed::<Message>::MAX_ENCODED + 64 <= MAX_FRAME_BYTES);
const _: () = assert!(MAX_BATCH_BYTES + MAX_VALUE_BYTES + 64 <= MAX_FRAME_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(bytes: usize) -> Batch {
        Batch {
            values: vec![ClientValue {
                key: Vec::new(),
                bytes: vec![7; bytes],
            }],
        }
    }

    #[test]
    fn frames_come_back() {
        let frame = Frame {
            batches: vec![batch(10)],
            ..Frame::default()
        };
        assert_eq!(Frame::decode(&frame.encode(3)).unwrap(), frame);
        assert_ne!(
            frame.encode(3),
            frame.encode(4),
            "a nonce tells two sendings apart"
        );
    }

    #[test]
    fn wrong_bytes_are_refused() {
        let good = Frame {
            batches: vec![batch(10)],
            ..Frame::default()
        }
        .encode(3);
        let mut version = good.clone();
        version[0] = 2;
        let mut trailing = good.clone();
        trailing.push(0);
        let cut = good[..good.len() - 1].to_vec();
        for bad in [Vec::new(), vec![VERSION], version, trailing, cut] {
            assert!(Frame::decode(&bad).is_err(), "{bad:?}");
        }
        let huge = vec![VERSION; MAX_FRAME_BYTES + 1];
        let limit = MAX_FRAME_BYTES;
        let error = DecodeError::TooLarge {
            len: huge.len(),
            limit,
        };
        assert_eq!(Frame::decode(&huge), Err(error));
    }

    #[test]
    fn a_claimed_length_allocates_nothing() {
        // A frame that claims 2^60 batches.
        let mut bytes = Frame::default().encode(0);
        bytes[HEADER_BYTES..HEADER_BYTES + 8].copy_from_slice(&(1u64 << 60).to_le_bytes());
        assert!(Frame::decode(&bytes).is_err());
    }

    #[test]
    fn large_steps_are_split_and_nothing_is_lost() {
        let parts: Vec<Part> = (0..40).map(|_| Part::Batch(batch(100_000))).collect();
        let (frames, dropped) = split(parts);
        assert_eq!(dropped, 0);
        assert!(frames.len() > 1);
        assert_eq!(frames.iter().map(|f| f.batches.len()).sum::<usize>(), 40);
        for frame in frames {
            assert!(frame.encode(0).len() <= GOOD_FRAME_BYTES + 64);
        }
    }

    #[test]
    fn a_part_larger_than_good_travels_alone() {
        let parts = vec![
            Part::Batch(batch(10)),
            Part::Batch(batch(MAX_VALUE_BYTES)),
            Part::Batch(batch(10)),
        ];
        let (frames, dropped) = split(parts);
        assert_eq!((frames.len(), dropped), (3, 0));
        assert!(frames.iter().all(|f| f.encode(0).len() <= MAX_FRAME_BYTES));
    }
}
