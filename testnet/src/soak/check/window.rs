//! The slots of logs that must agree, as far as some of these logs may still be read there. No I/O.
//!
//! ```text
//!            kept for nodes that tell again        not told by all yet
//!   forgotten │◄──────────── KEPT ───────────►│◄──────── ≤ OPEN ────────►│
//!             base                        settled                     the foremost
//! ```

use std::collections::{BTreeMap, VecDeque};

/// Slots that are remembered after all logs have told them: a node that starts again tells the last ones
/// again.
pub const KEPT: u64 = 1024;
/// Slots by which the foremost log may be ahead of the hindmost. Beyond, they cannot be compared.
pub const OPEN: u64 = 4 << 20;
/// Slots of the whole history that are remembered for good, as far apart as it takes.
const SAMPLED: usize = 4096;

/// The fingerprint of a decision: half of a digest. What two fingerprints being equal by chance would
/// take is out of reach.
pub type Print = [u8; 16];

/// How a decision compares with what was told of its slot before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Nobody has told it before.
    First,
    /// The same.
    Same,
    /// Something else, which this log told first; `None` if that is no longer known.
    Differs(Option<usize>),
    /// It is too long ago.
    Forgotten,
    /// It is too far ahead of the others.
    TooFar,
}

/// The fingerprints of a group of logs.
#[derive(Clone, Debug, Default)]
pub struct Window {
    base: u64,
    slots: VecDeque<(Print, usize)>,
    sample: BTreeMap<u64, Print>,
    /// Every so many slots one is sampled, as a power of two.
    sparse: u32,
}

impl Window {
    /// Compares what a log, by its place, tells of a slot with what was told before.
    ///
    /// Logs are read without gaps, so that a new slot is always the one after the foremost.
    pub fn compare(&mut self, log: usize, slot: u64, print: Print) -> Compared {
        let Some(at) = slot.checked_sub(self.base) else {
            return self.compare_sampled(slot, print);
        };
        if at >= KEPT + OPEN {
            return Compared::TooFar;
        }
        let known = usize::try_from(at).ok().and_then(|at| self.slots.get(at));
        match known {
            Some((known, _)) if *known == print => Compared::Same,
            Some((_, first)) => Compared::Differs(Some(*first)),
            None => {
                self.slots.push_back((print, log));
                self.remember(slot, print);
                Compared::First
            }
        }
    }

    fn compare_sampled(&self, slot: u64, print: Print) -> Compared {
        match self.sample.get(&slot) {
            Some(known) if *known == print => Compared::Same,
            Some(_) => Compared::Differs(None),
            None => Compared::Forgotten,
        }
    }

    /// All logs have told everything before this slot.
    pub fn settle(&mut self, slot: u64) {
        while self.base.saturating_add(KEPT) < slot && self.slots.pop_front().is_some() {
            self.base += 1;
        }
    }

    fn remember(&mut self, slot: u64, print: Print) {
        if slot.trailing_zeros() < self.sparse {
            return;
        }
        self.sample.insert(slot, print);
        if self.sample.len() > SAMPLED {
            self.sparse += 1;
            let sparse = self.sparse;
            self.sample
                .retain(|slot, _| slot.trailing_zeros() >= sparse);
        }
    }

    /// Slots of the whole history that are remembered, in order.
    pub fn sampled(&self) -> impl Iterator<Item = u64> {
        self.sample.keys().copied()
    }

    /// How many slots are held for comparison.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no log has told anything that is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(n: u64) -> Print {
        u128::from(n).to_le_bytes()
    }

    #[test]
    fn what_differs_is_told_with_who_was_first() {
        let mut window = Window::default();
        assert_eq!(window.compare(0, 0, print(7)), Compared::First);
        assert_eq!(window.compare(1, 0, print(7)), Compared::Same);
        assert_eq!(window.compare(1, 1, print(8)), Compared::First);
        assert_eq!(window.compare(0, 1, print(9)), Compared::Differs(Some(1)));
    }

    #[test]
    fn what_all_have_told_is_kept_for_a_while_and_then_sampled() {
        let mut window = Window::default();
        let last = KEPT + 10_000;
        for slot in 0..last {
            window.compare(0, slot, print(slot));
            window.settle(slot + 1);
        }
        assert_eq!(window.len() as u64, KEPT);
        assert_eq!(
            window.compare(0, last - 1, print(0)),
            Compared::Differs(Some(0))
        );
        assert_eq!(
            window.compare(0, last - KEPT, print(0)),
            Compared::Differs(Some(0))
        );
        let (sampled, other) = (8, 1);
        assert_eq!(window.compare(0, sampled, print(sampled)), Compared::Same);
        assert_eq!(
            window.compare(0, sampled, print(0)),
            Compared::Differs(None)
        );
        assert_eq!(window.compare(0, other, print(0)), Compared::Forgotten);
    }

    #[test]
    fn everything_has_its_bound() {
        let mut window = Window::default();
        for slot in 0..KEPT + OPEN {
            assert_eq!(window.compare(0, slot, print(1)), Compared::First);
        }
        assert_eq!(window.compare(0, KEPT + OPEN, print(1)), Compared::TooFar);
        assert!(window.sample.len() <= SAMPLED);
        let sampled: Vec<u64> = window.sampled().collect();
        assert!(sampled.len() > SAMPLED / 3, "{}", sampled.len());
        let apart = sampled[1] - sampled[0];
        assert!(sampled.windows(2).all(|two| two[1] - two[0] == apart));
        window.settle(KEPT + OPEN);
        assert_eq!(window.compare(0, KEPT + OPEN, print(1)), Compared::First);
    }
}
