//! Fixed-size bitsets of acceptors and of learners.

use crate::id::{AcceptorId, Id, LearnerId};
use serde::de::{self, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, Sub, SubAssign};

/// A set of acceptors; holds the identities `0..512`.
pub type AcceptorSet = IdSet<AcceptorId, 8>;
/// A set of learners; holds the identities `0..256`.
pub type LearnerSet = IdSet<LearnerId, 4>;

/// The most acceptors a graph can have.
pub const MAX_ACCEPTORS: usize = AcceptorSet::CAPACITY;
/// The most learners a graph can have.
pub const MAX_LEARNERS: usize = LearnerSet::CAPACITY;

/// A set of identities in a fixed number of machine words: copied freely, never allocates.
///
/// An identity at or above [`CAPACITY`](Self::CAPACITY) is never a member: inserting it changes
/// nothing. Identities arrive from the network, and one that no graph can contain must neither
/// crash a node nor count towards a quorum.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdSet<I, const WORDS: usize> {
    words: [u64; WORDS],
    of: PhantomData<I>,
}

impl<I, const WORDS: usize> IdSet<I, WORDS> {
    /// The set without members.
    pub const EMPTY: Self = Self {
        words: [0; WORDS],
        of: PhantomData,
    };
    /// How many different identities the set can hold.
    pub const CAPACITY: usize = WORDS * 64;

    fn zip(self, other: Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        let mut words = self.words;
        for (word, with) in words.iter_mut().zip(other.words) {
            *word = combine(*word, with);
        }
        Self {
            words,
            of: PhantomData,
        }
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// Whether every member is in `other` too.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.words.iter().zip(other.words).all(|(a, b)| a & !b == 0)
    }

    /// Whether the sets have a member in common.
    pub fn intersects(&self, other: &Self) -> bool {
        self.words.iter().zip(other.words).any(|(a, b)| a & b != 0)
    }

    /// The size of the intersection with `other`; the core of a threshold test.
    pub fn common(&self, other: &Self) -> usize {
        let both = self.words.iter().zip(other.words);
        both.map(|(a, b)| (a & b).count_ones() as usize).sum()
    }
}

impl<I: Id, const WORDS: usize> IdSet<I, WORDS> {
    /// The identities `0..n`; all of them if `n` is above the capacity.
    pub fn first(n: usize) -> Self {
        let mut set = Self::EMPTY;
        for (at, word) in set.words.iter_mut().enumerate() {
            let bits = n.saturating_sub(at * 64).min(64);
            if bits > 0 {
                *word = u64::MAX >> (64 - bits);
            }
        }
        set
    }

    /// The set of one.
    pub fn just(id: I) -> Self {
        let mut set = Self::EMPTY;
        set.insert(id);
        set
    }

    fn place(id: I) -> (usize, u64) {
        let index = id.index();
        (usize::from(index / 64), 1 << (index % 64))
    }

    /// Adds a member; true if it was not one before (and can be one at all).
    pub fn insert(&mut self, id: I) -> bool {
        let (at, bit) = Self::place(id);
        let Some(word) = self.words.get_mut(at) else {
            return false;
        };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Removes a member; true if it was one.
    pub fn remove(&mut self, id: I) -> bool {
        let (at, bit) = Self::place(id);
        let Some(word) = self.words.get_mut(at) else {
            return false;
        };
        let was = *word & bit != 0;
        *word &= !bit;
        was
    }

    /// Whether `id` is a member.
    pub fn contains(&self, id: I) -> bool {
        let (at, bit) = Self::place(id);
        self.words.get(at).is_some_and(|word| word & bit != 0)
    }

    /// The members in ascending order.
    pub fn iter(&self) -> Iter<I, WORDS> {
        Iter { rest: *self, at: 0 }
    }
}

/// The members of an [`IdSet`], ascending.
#[derive(Clone, Debug)]
pub struct Iter<I: Id, const WORDS: usize> {
    rest: IdSet<I, WORDS>,
    at: usize,
}

impl<I: Id, const WORDS: usize> Iterator for Iter<I, WORDS> {
    type Item = I;

    fn next(&mut self) -> Option<I> {
        while let Some(word) = self.rest.words.get_mut(self.at) {
            if *word != 0 {
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                return Some(I::from_index((self.at * 64) as u16 + bit as u16));
            }
            self.at += 1;
        }
        None
    }
}

impl<I: Id, const WORDS: usize> IntoIterator for IdSet<I, WORDS> {
    type Item = I;
    type IntoIter = Iter<I, WORDS>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<I: Id, const WORDS: usize> IntoIterator for &IdSet<I, WORDS> {
    type Item = I;
    type IntoIter = Iter<I, WORDS>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<I: Id, const WORDS: usize> FromIterator<I> for IdSet<I, WORDS> {
    fn from_iter<T: IntoIterator<Item = I>>(ids: T) -> Self {
        let mut set = Self::EMPTY;
        set.extend(ids);
        set
    }
}

impl<I: Id, const WORDS: usize> Extend<I> for IdSet<I, WORDS> {
    fn extend<T: IntoIterator<Item = I>>(&mut self, ids: T) {
        for id in ids {
            self.insert(id);
        }
    }
}

impl<I, const WORDS: usize> Default for IdSet<I, WORDS> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<I: Id, const WORDS: usize> fmt::Debug for IdSet<I, WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(I::index)).finish()
    }
}

macro_rules! set_operator {
    ($op:ident $method:ident, $assign:ident $assign_method:ident, $combine:expr) => {
        impl<I, const WORDS: usize> $op for IdSet<I, WORDS> {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                self.zip(other, $combine)
            }
        }

        impl<I: Id, const WORDS: usize> $assign for IdSet<I, WORDS> {
            fn $assign_method(&mut self, other: Self) {
                *self = self.zip(other, $combine);
            }
        }
    };
}

set_operator!(BitOr bitor, BitOrAssign bitor_assign, |a, b| a | b);
set_operator!(BitAnd bitand, BitAndAssign bitand_assign, |a, b| a & b);
set_operator!(Sub sub, SubAssign sub_assign, |a, b| a & !b);

/// As a sequence of words, least significant first, without trailing zero words: each set has
/// one encoding.
impl<I, const WORDS: usize> Serialize for IdSet<I, WORDS> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let used = self
            .words
            .iter()
            .rposition(|w| *w != 0)
            .map_or(0, |i| i + 1);
        let mut seq = serializer.serialize_seq(Some(used))?;
        for word in self.words.iter().take(used) {
            seq.serialize_element(word)?;
        }
        seq.end()
    }
}

impl<'de, I, const WORDS: usize> Deserialize<'de> for IdSet<I, WORDS> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Words(PhantomData))
    }
}

struct Words<I, const WORDS: usize>(PhantomData<I>);

impl<'de, I, const WORDS: usize> Visitor<'de> for Words<I, WORDS> {
    type Value = IdSet<I, WORDS>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {WORDS} words of a set, the last not zero")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut set = IdSet::EMPTY;
        let mut len = 0;
        let mut last = 1;
        while let Some(word) = seq.next_element::<u64>()? {
            let slot = set.words.get_mut(len);
            *slot.ok_or_else(|| de::Error::invalid_length(len + 1, &self))? = word;
            last = word;
            len += 1;
        }
        if last == 0 {
            return Err(de::Error::custom("a set ends in a zero word"));
        }
        Ok(set)
    }
}
