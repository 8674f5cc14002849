//! What one gossip message holds: everything that a node says in one step.

use consensus::{Batch, ClientValue, MAX_BATCH_BYTES, Protocol};
use crypto::{DecodeError, codec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The version in front of every frame.
const VERSION: u8 = 1;
/// Version and nonce.
const HEADER_BYTES: usize = 1 + 8;
/// Frames are split where they would grow beyond this, unless a single part is larger.
const GOOD_FRAME_BYTES: usize = 1 << 20;
/// Parts in one frame, at most.
pub(super) const MAX_PARTS: usize = 8192;

/// The largest frame, and the largest answer to a peer. The largest message, a good response's batches
/// with one more, and evidence of two largest messages fit; larger evidence is not gossiped, see
/// [`split`].
pub(crate) const fn max_frame_bytes<P: Protocol>() -> usize {
    let evidence = 2 * P::MAX_WIRE_BYTES;
    let largest = if evidence > MAX_BATCH_BYTES {
        evidence
    } else {
        MAX_BATCH_BYTES
    };
    largest + GOOD_FRAME_BYTES + 4096
}

/// The parts of a frame, in the order in which the receiver handles them. `W` is a message as it
/// travels, `E` evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frame<W, E> {
    /// Bytes of batches, before the messages that name them.
    pub(crate) batches: Vec<Batch>,
    /// Values of clients.
    pub(crate) values: Vec<ClientValue>,
    /// Messages.
    pub(crate) messages: Vec<W>,
    /// Evidence.
    pub(crate) evidence: Vec<E>,
}

/// [`Frame`] of a protocol.
pub(crate) type FrameOf<P> = Frame<<P as Protocol>::Wire, <P as Protocol>::Evidence>;

impl<W, E> Default for Frame<W, E> {
    fn default() -> Self {
        Frame {
            batches: Vec::new(),
            values: Vec::new(),
            messages: Vec::new(),
            evidence: Vec::new(),
        }
    }
}

impl<W, E> Frame<W, E> {
    /// How many parts it has.
    pub(super) fn parts(&self) -> usize {
        self.batches.len() + self.values.len() + self.messages.len() + self.evidence.len()
    }

    /// The same in several, in this order: everything else with the first `messages`, and then as many of the others each.
    pub(super) fn pieces(mut self, messages: usize) -> VecDeque<Self> {
        let first = self.messages.len().min(messages);
        let mut rest = self.messages.split_off(first).into_iter();
        let mut pieces = VecDeque::from([self]);
        while rest.len() > 0 {
            pieces.push_back(Frame {
                messages: rest.by_ref().take(messages).collect(),
                ..Frame::default()
            });
        }
        pieces
    }

    /// Whether there is nothing to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty()
            && self.values.is_empty()
            && self.messages.is_empty()
            && self.evidence.is_empty()
    }
}

impl<W: Serialize + DeserializeOwned, E: Serialize + DeserializeOwned> Frame<W, E> {
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

    /// Reads received bytes, at most `limit` of them.
    ///
    /// # Errors
    /// [`DecodeError`] if they are no frame of this version within the bounds.
    pub(crate) fn decode(bytes: &[u8], limit: usize) -> Result<Self, DecodeError> {
        let len = bytes.len();
        if len > limit {
            return Err(DecodeError::TooLarge { len, limit });
        }
        match bytes.first() {
            Some(&VERSION) if len >= HEADER_BYTES => codec::decode(&bytes[HEADER_BYTES..], limit),
            Some(&VERSION) | None => Err(DecodeError::Malformed("no header".into())),
            Some(other) => Err(DecodeError::Malformed(format!(
                "version {other}, this node speaks {VERSION}"
            ))),
        }
    }
}

/// One thing to send.
#[derive(Clone, Debug)]
pub(crate) enum Part<W, E> {
    /// The bytes of a batch.
    Batch(Batch),
    /// A client's value.
    Value(ClientValue),
    /// A message.
    Message(W),
    /// Evidence.
    Evidence(E),
}

/// [`Part`] of a protocol.
pub(crate) type PartOf<P> = Part<<P as Protocol>::Wire, <P as Protocol>::Evidence>;

/// About how many bytes a part takes.
fn size<P: Protocol>(part: &PartOf<P>) -> usize {
    match part {
        Part::Batch(batch) => 8 + batch.values_len(),
        Part::Value(value) => value.encoded_len(),
        Part::Message(message) => P::wire_bytes(message),
        Part::Evidence(evidence) => P::evidence_bytes(evidence),
    }
}

/// Puts parts into as few frames as good, keeping their order. Also returns how many parts are too
/// large for any frame: evidence can be, and is then found by the others themselves or not at all.
pub(crate) fn split<P: Protocol>(parts: Vec<PartOf<P>>) -> (Vec<FrameOf<P>>, usize) {
    let mut frames = Vec::new();
    let (mut frame, mut bytes, mut dropped) = (Frame::default(), HEADER_BYTES + 32, 0);
    for part in parts {
        let more = size::<P>(&part);
        if more + HEADER_BYTES + 32 > max_frame_bytes::<P>() {
            dropped += 1;
            continue;
        }
        let full = bytes + more > GOOD_FRAME_BYTES || frame.parts() >= MAX_PARTS;
        if full && !frame.is_empty() {
            frames.push(std::mem::take(&mut frame));
            bytes = HEADER_BYTES + 32;
        }
        bytes += more;
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

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::MAX_VALUE_BYTES;
    use consensus::hpaxos::HPaxos;
    use consensus::paxos::Paxos;

    type Frame = FrameOf<HPaxos>;
    type Part = PartOf<HPaxos>;
    const LIMIT: usize = max_frame_bytes::<HPaxos>();

    fn batch(bytes: usize) -> Batch {
        Batch {
            values: [ClientValue {
                key: Vec::new(),
                bytes: vec![7; bytes],
            }]
            .into(),
        }
    }

    #[test]
    fn frames_come_back() {
        let frame = Frame {
            batches: vec![batch(10)],
            ..Frame::default()
        };
        assert_eq!(Frame::decode(&frame.encode(3), LIMIT).unwrap(), frame);
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
            assert!(Frame::decode(&bad, LIMIT).is_err(), "{bad:?}");
        }
        let huge = vec![VERSION; LIMIT + 1];
        let error = DecodeError::TooLarge {
            len: huge.len(),
            limit: LIMIT,
        };
        assert_eq!(Frame::decode(&huge, LIMIT), Err(error));
    }

    #[test]
    fn a_claimed_length_allocates_nothing() {
        // A frame that claims 2^60 batches.
        let mut bytes = Frame::default().encode(0);
        bytes[HEADER_BYTES..HEADER_BYTES + 8].copy_from_slice(&(1u64 << 60).to_le_bytes());
        assert!(Frame::decode(&bytes, LIMIT).is_err());
    }

    /// The last eight bytes of an empty frame count the evidence.
    #[test]
    fn evidence_of_a_protocol_without_any_is_refused() {
        let good = FrameOf::<Paxos>::default().encode(0);
        assert!(FrameOf::<Paxos>::decode(&good, LIMIT).is_ok());
        for claimed in [1u64, 1 << 60] {
            let mut bytes = good.clone();
            let at = bytes.len() - 8;
            bytes[at..].copy_from_slice(&claimed.to_le_bytes());
            bytes.extend_from_slice(&[0; 64]);
            assert!(FrameOf::<Paxos>::decode(&bytes, LIMIT).is_err());
        }
    }

    #[test]
    fn large_steps_are_split_and_nothing_is_lost() {
        let parts: Vec<Part> = (0..40).map(|_| Part::Batch(batch(100_000))).collect();
        let (frames, dropped) = split::<HPaxos>(parts);
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
        let (frames, dropped) = split::<HPaxos>(parts);
        assert_eq!((frames.len(), dropped), (3, 0));
        assert!(frames.iter().all(|f| f.encode(0).len() <= LIMIT));
    }
}
