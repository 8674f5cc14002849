//! The one source of chance of a simulated run.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use std::time::Duration;

/// Numbers that look random and follow from a seed: the same seed gives the same run.
#[derive(Clone, Debug)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The chance of a seed. Different `purpose`s of one seed are independent of each other, so that
    /// what is drawn for one does not move what is drawn for another.
    #[must_use]
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purpose);
        Chance(rng)
    }

    /// A number below `n`; 0 if `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        // The bias is below n / 2^64.
        self.0.next_u64() % n.max(1)
    }

    /// A place in something of this length; 0 if it is empty.
    pub fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, p: u64) -> bool {
        self.below(100) < p
    }

    /// A time from a range, both ends included.
    pub fn time(&mut self, (least, most): (Duration, Duration)) -> Duration {
        let range = most.saturating_sub(least).as_micros();
        let micros = self.below(u64::try_from(range).unwrap_or(u64::MAX).saturating_add(1));
        least + Duration::from_micros(micros)
    }

    /// One of several; `None` of nothing.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.place(from.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_purpose_give_the_same_numbers_every_time() {
        let draw = |seed, purpose| -> Vec<u64> {
            let mut chance = Chance::new(seed, purpose);
            (0..8).map(|_| chance.below(u64::MAX)).collect()
        };
        assert_eq!(draw(1, 1), draw(1, 1));
        assert_ne!(draw(1, 1), draw(2, 1));
        assert_ne!(draw(1, 1), draw(1, 2));
    }

    #[test]
    fn ranges_are_kept() {
        let mut chance = Chance::new(3, 0);
        let range = (Duration::from_millis(2), Duration::from_millis(3));
        for _ in 0..1000 {
            assert!(chance.below(3) < 3);
            let time = chance.time(range);
            assert!(range.0 <= time && time <= range.1);
        }
        assert_eq!(chance.below(0), 0);
        assert_eq!(chance.pick::<u8>(&[]), None);
    }
}
