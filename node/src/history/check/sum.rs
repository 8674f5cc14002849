//! Comparing what is too much to be sorted.

use fastbloom::DefaultHasher;
use std::hash::{BuildHasher, Hash};

/// Things added up in any order: two sums are equal if the things are the same, and hardly ever else.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    hashers: [DefaultHasher; 2],
    sums: [u64; 2],
    pub(super) count: u64,
}

impl Sum {
    pub(super) fn new(seed: &[u8; 16]) -> Self {
        let mut other = *seed;
        other[0] ^= 1;
        Sum {
            hashers: [DefaultHasher::seeded(seed), DefaultHasher::seeded(&other)],
            sums: [0; 2],
            count: 0,
        }
    }

    pub(super) fn add(&mut self, thing: &impl Hash) {
        for (sum, hasher) in self.sums.iter_mut().zip(&self.hashers) {
            *sum = sum.wrapping_add(hasher.hash_one(thing));
        }
        self.count += 1;
    }
}

impl PartialEq for Sum {
    fn eq(&self, other: &Self) -> bool {
        (self.sums, self.count) == (other.sums, other.count)
    }
}
