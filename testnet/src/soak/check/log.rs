//! What is kept of one log: a learner's decisions as one node tells them. No I/O.
//!
//! A client submits its next value when the last one is decided, so that in every log that must agree
//! with the one it waits for its values come in their order, and one number per client says which have
//! come. In other logs values can overtake each other; those that are early are kept until the rest has come.

use super::window::Print;
use crate::soak::stamp::Stamp;
use crypto::Digest;
use std::collections::BTreeSet;

/// Early values of one client that are kept. Beyond, the one that they wait for counts as lost.
const EARLY: usize = 1 << 16;

/// A log, as far as it has been read.
#[derive(Clone, Debug)]
pub struct Log {
    /// The first slot that has not been read.
    pub next: u64,
    /// The values read.
    pub values: u64,
    /// The running hash of all values in their order.
    pub hash: Digest,
    clients: Vec<Came>,
}

/// Which values of a client have come: all below `next`, and those that are early.
#[derive(Clone, Debug, Default)]
struct Came {
    next: u64,
    early: BTreeSet<u64>,
}

/// What is wrong with a value at its place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It has come before.
    Twice,
    /// The value with this number must have come before it.
    Without(u64),
}

impl Log {
    /// A log of which nothing has been read, for the values of so many clients.
    #[must_use]
    pub fn new(clients: usize) -> Log {
        Log {
            next: 0,
            values: 0,
            hash: Digest::of(b""),
            clients: vec![Came::default(); clients],
        }
    }

    /// The next value, of a client that exists. `in_order`: whether values of this client cannot overtake
    /// each other here.
    ///
    /// # Errors
    /// What is wrong with it; the value is counted all the same.
    pub fn take(&mut self, stamp: Stamp, in_order: bool) -> Result<(), Wrong> {
        self.values += 1;
        let mut hashed = self.hash.0.to_vec();
        hashed.extend(stamp.client.to_le_bytes());
        hashed.extend(stamp.number.to_le_bytes());
        self.hash = Digest::of(&hashed);
        let Some(came) = self.clients.get_mut(stamp.client as usize) else {
            return Ok(());
        };
        came.take(stamp.number, in_order)
    }

    /// How many of a client's values from 0 to before `end` have not come, and the first of them.
    #[must_use]
    pub fn missing(&self, client: usize, end: u64) -> Option<(u64, Stamp)> {
        let came = self.clients.get(client)?;
        let missing = end.saturating_sub(came.next);
        let early = came.early.range(..end).count() as u64;
        let stamp = Stamp {
            client: u32::try_from(client).unwrap_or(u32::MAX),
            number: came.next,
        };
        (missing > early).then_some((missing - early, stamp))
    }
}

impl Came {
    fn take(&mut self, number: u64, in_order: bool) -> Result<(), Wrong> {
        if number < self.next || self.early.contains(&number) {
            return Err(Wrong::Twice);
        }
        let missing = self.next;
        self.early.insert(number);
        while self.early.remove(&self.next) {
            self.next += 1;
        }
        if number == missing || (!in_order && self.early.len() <= EARLY) {
            return Ok(());
        }
        // Told once: what is missing is missed no more.
        self.next = number + 1;
        self.early = self.early.split_off(&self.next);
        Err(Wrong::Without(missing))
    }
}

/// The fingerprint of a decision: the digest that the node tells, and the values.
#[must_use]
pub fn print<'a>(digest: &'a str, values: impl Iterator<Item = &'a [u8]>) -> Print {
    let mut all = Vec::new();
    let parts = std::iter::once(digest.as_bytes()).chain(values);
    for part in parts {
        all.extend((part.len() as u64).to_le_bytes());
        all.extend(part);
    }
    let mut print = Print::default();
    let digest = Digest::of(&all);
    let half = &digest.0[..print.len()];
    print.copy_from_slice(half);
    print
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(log: &mut Log, number: u64, in_order: bool) -> Result<(), Wrong> {
        log.take(Stamp { client: 0, number }, in_order)
    }

    #[test]
    fn in_order_every_gap_and_every_repetition_is_told_once() {
        let mut log = Log::new(1);
        assert_eq!(take(&mut log, 0, true), Ok(()));
        assert_eq!(take(&mut log, 2, true), Err(Wrong::Without(1)));
        assert_eq!(take(&mut log, 2, true), Err(Wrong::Twice));
        assert_eq!(take(&mut log, 3, true), Ok(()));
        assert_eq!((log.values, log.missing(0, 4)), (4, None));
    }

    #[test]
    fn where_values_can_overtake_each_other_they_are_waited_for() {
        let mut log = Log::new(1);
        for number in [3, 0, 2] {
            assert_eq!(take(&mut log, number, false), Ok(()));
        }
        assert_eq!(take(&mut log, 2, false), Err(Wrong::Twice), "though early");
        let first = Stamp {
            client: 0,
            number: 1,
        };
        assert_eq!(log.missing(0, 4), Some((1, first)));
        assert_eq!(log.missing(0, 6), Some((3, first)));
        assert_eq!(take(&mut log, 1, false), Ok(()));
        assert_eq!(log.missing(0, 4), None);
        assert_eq!(take(&mut log, 1, false), Err(Wrong::Twice));
    }

    #[test]
    fn early_values_have_a_bound() {
        let mut log = Log::new(1);
        for number in 1..=EARLY as u64 {
            assert_eq!(take(&mut log, number, false), Ok(()));
        }
        let one_more = take(&mut log, EARLY as u64 + 1, false);
        assert_eq!(one_more, Err(Wrong::Without(0)));
        assert!(log.clients[0].early.is_empty());
    }

    #[test]
    fn the_hash_is_that_of_an_order() {
        let hash = |numbers: &[u64]| {
            let mut log = Log::new(1);
            for number in numbers {
                let _ = take(&mut log, *number, false);
            }
            log.hash
        };
        assert_eq!(hash(&[0, 1]), hash(&[0, 1]));
        assert_ne!(hash(&[0, 1]), hash(&[1, 0]));
        assert_ne!(hash(&[0]), hash(&[0, 1]));
    }

    #[test]
    fn decisions_have_the_same_fingerprint_only_if_they_are_the_same() {
        let of = |digest: &str, values: &[&[u8]]| print(digest, values.iter().copied());
        assert_eq!(of("d", &[b"ab", b"c"]), of("d", &[b"ab", b"c"]));
        for other in [
            of("d", &[b"a", b"bc"]),
            of("e", &[b"ab", b"c"]),
            of("d", &[b"c", b"ab"]),
        ] {
            assert_ne!(of("d", &[b"ab", b"c"]), other);
        }
    }
}
