//! Structure out of bytes: every choice of a run takes the next bytes of the input, so that a fuzzer
//! which changes a byte changes a choice.

use consensus::{Ballot, Batch, ClientValue, Slot, Time};
use crypto::Digest;
use learner_graph::{LearnerId, LearnerSet};

/// Batches that exist. Digests of more are named, and nobody has their bytes.
const BATCHES: u8 = 6;

/// The rest of an input. When it is used up every choice is the first one.
pub(crate) struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Source(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n.max(1)
    }

    pub(crate) fn pick<'b, T>(&mut self, of: &'b [T]) -> Option<&'b T> {
        of.get(self.below(of.len()))
    }

    /// Up to `most` of something.
    pub(crate) fn several<T>(
        &mut self,
        most: usize,
        mut one: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| one(self)).collect()
    }

    /// A ballot: one of the first dozen most of the time.
    pub(crate) fn ballot(&mut self) -> Ballot {
        Ballot(match self.byte() {
            b @ 0..240 => 1 + u64::from(b % 12),
            240..250 => 1 + u64::from(self.byte()),
            250 | 251 => 0,
            252 => 1 << 40,
            253 | 254 => u64::MAX - 1,
            255 => u64::MAX,
        })
    }

    /// A slot: one of the first few most of the time.
    pub(crate) fn slot(&mut self) -> Slot {
        match self.byte() {
            253 => Slot(1 << 40),
            254 => Slot(u64::MAX - 1),
            255 => Slot(u64::MAX),
            b => Source(&[b, self.byte()]).near_slot(),
        }
    }

    /// A slot that is no further ahead than a member that does not lie can be.
    pub(crate) fn near_slot(&mut self) -> Slot {
        match self.byte() {
            b @ 0..240 => Slot(u64::from(b % 5)),
            _ => Slot(16 * u64::from(self.byte())),
        }
    }

    /// Learners of a graph of three: all of them most of the time, and some that do not exist.
    pub(crate) fn learners(&mut self) -> LearnerSet {
        match self.byte() {
            0..128 => LearnerSet::first(3),
            254 => LearnerSet::EMPTY,
            255 => [LearnerId(0), LearnerId(200)].into_iter().collect(),
            b => {
                let those = (0..3).filter(|i| (b + 1) >> i & 1 == 1);
                those.map(LearnerId).collect()
            }
        }
    }

    pub(crate) fn client_value(&mut self) -> ClientValue {
        client_value(self.byte() % 16)
    }

    pub(crate) fn batch(&mut self) -> Batch {
        batch(self.byte() % BATCHES)
    }

    /// The digest of a batch, or of none.
    pub(crate) fn digest(&mut self) -> Digest {
        batch(self.byte() % (BATCHES + 2)).digest()
    }

    /// How much time passes: none, a little, or more than any patience.
    pub(crate) fn time(&mut self) -> Time {
        Time::from_millis(match self.byte() {
            b @ 0..200 => u64::from(b) * 5,
            b => 1000 * u64::from(b - 199),
        })
    }
}

pub(crate) fn client_value(name: u8) -> ClientValue {
    ClientValue::new(vec![], vec![b'v', name]).expect("small")
}

fn batch(name: u8) -> Batch {
    let values = (0..name % 3).map(|i| client_value(name + i));
    Batch {
        values: values.collect(),
    }
}
