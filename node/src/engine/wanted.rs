//! Batches whose bytes are missing here.

use crate::network::request::MAX_DIGESTS;
use crypto::Digest;
use std::collections::{BTreeMap, HashMap};

/// How many batches may be missing at once; at the bound the one missing longest is given up, and
/// the protocol asks again when it needs it.
const MAX_WANTED: usize = 16_384;
/// With so many, peers are asked for nothing that names more. What they answer may name as many slots as are heard beyond
/// the front of the log.
const MANY: usize = 4096;

/// What is missing, in the order in which it is asked for next.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// The turn of each.
    turns: HashMap<Digest, u64>,
    order: BTreeMap<u64, Digest>,
    last: u64,
}

impl Wanted {
    /// Notes a missing batch. Returns whether it was not noted before.
    pub(super) fn insert(&mut self, digest: Digest) -> bool {
        if self.turns.contains_key(&digest) {
            return false;
        }
        self.put_last(digest);
        if self.order.len() > MAX_WANTED
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.turns.remove(&oldest);
        }
        true
    }

    fn put_last(&mut self, digest: Digest) {
        self.last += 1;
        self.order.insert(self.last, digest);
        self.turns.insert(digest, self.last);
    }

    /// Notes that a batch has arrived.
    pub(super) fn arrived(&mut self, digest: &Digest) {
        if let Some(turn) = self.turns.remove(digest) {
            self.order.remove(&turn);
        }
    }

    /// Whether there may be more.
    pub(super) fn has_room(&self) -> bool {
        self.order.len() < MANY
    }

    /// Whether nothing is missing.
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// What to ask the next peer for; the next call begins where this one ended.
    pub(super) fn next(&mut self) -> Vec<Digest> {
        let n = self.order.len().min(MAX_DIGESTS);
        let first = (0..n).filter_map(|_| self.order.pop_first());
        let asked: Vec<Digest> = first.map(|(_, digest)| digest).collect();
        asked.iter().for_each(|digest| self.put_last(*digest));
        asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(i: usize) -> Digest {
        Digest::of(&i.to_le_bytes())
    }

    #[test]
    fn everything_gets_its_turn_until_it_arrives() {
        let mut wanted = Wanted::default();
        for i in 0..MAX_DIGESTS + 1 {
            assert!(wanted.insert(digest(i)));
            assert!(!wanted.insert(digest(i)));
        }
        assert_eq!(wanted.next().len(), MAX_DIGESTS);
        assert_eq!(wanted.next()[0], digest(MAX_DIGESTS));
        for i in 0..=MAX_DIGESTS {
            wanted.arrived(&digest(i));
        }
        assert!(wanted.is_empty() && wanted.next().is_empty());
    }

    #[test]
    fn with_many_there_is_no_room_for_what_names_more() {
        let mut wanted = Wanted::default();
        (0..MANY).for_each(|i| assert!(wanted.has_room() && wanted.insert(digest(i))));
        assert!(!wanted.has_room());
        wanted.arrived(&digest(7));
        assert!(wanted.has_room());
    }

    #[test]
    fn the_oldest_is_given_up_at_the_bound() {
        let mut wanted = Wanted::default();
        for i in 0..=MAX_WANTED {
            wanted.insert(digest(i));
        }
        assert_eq!(wanted.order.len(), MAX_WANTED);
        assert!(wanted.insert(digest(0)), "forgotten, so new again");
    }
}
