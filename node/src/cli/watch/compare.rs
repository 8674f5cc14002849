//! What each learner decided, as digests: of many more slots than are shown, so that whoever is far behind is compared
//! with what the others decided long ago. `http/page/compare.js` does the same on pages.
//!
//! An empty batch counts like any other: agreement is about what is decided in a slot, and of two learners that must
//! agree none may find a slot empty in which the other has values. There is only one empty batch, with one digest.

use super::graph::pair;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Slots of a learner that are remembered; beyond, the oldest leave.
pub(super) const KEPT: usize = 100_000;
/// Slots in which learners differ that are remembered with their digests, the first ones; the others are only counted.
pub(super) const APART: usize = 1000;
/// Slots that are named in a sentence. So many of each pair are remembered, whatever the other pairs have.
pub(super) const NAMED: usize = 5;
/// Digests of one slot of one learner, about which nodes differ.
const DIGESTS: usize = 4;

/// What has been told of one slot of one learner, without repetitions: more than one digest if nodes differ about it.
type Told = Vec<Arc<str>>;

/// All that was compared.
#[derive(Clone, Debug, Default)]
pub(super) struct Compared {
    told: BTreeMap<String, BTreeMap<u64, Told>>,
    range: Option<Range>,
    pairs: BTreeSet<[String; 2]>,
    apart: BTreeMap<u64, Apart>,
    differing: BTreeMap<[String; 2], Differing>,
}

/// The slots that were compared: known of two learners at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u64,
    pub(super) last: u64,
    /// How many.
    pub(super) slots: u64,
}

/// A slot in which not all have decided the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Apart {
    /// What each learner has decided; more than one if nodes differ about it.
    pub(super) digests: BTreeMap<String, BTreeSet<String>>,
}

/// Where a pair differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Differing {
    /// The slots that were told first.
    pub(super) slots: BTreeSet<u64>,
    /// All of them.
    pub(super) count: u64,
}

impl Apart {
    /// The pairs that differ; one name twice for a learner that differs from itself.
    pub(super) fn pairs(&self) -> BTreeSet<[String; 2]> {
        let mut pairs = BTreeSet::new();
        for (a, of_a) in &self.digests {
            for (b, of_b) in self.digests.range(a.clone()..) {
                if of_a.union(of_b).nth(1).is_some() {
                    pairs.insert(pair(a, b));
                }
            }
        }
        pairs
    }
}

impl Range {
    /// `the slots compared, 160 to 400`.
    pub(super) fn words(self) -> String {
        let Range { first, last, slots } = self;
        match slots {
            1 => format!("the slot compared, {first}"),
            _ if last - first == slots - 1 => format!("the slots compared, {first} to {last}"),
            _ => format!("the {slots} slots compared, between {first} and {last}"),
        }
    }
}

/// Whether what was told of two is not the same; `false` if nothing was told of one.
fn differ(some: &[Arc<str>], others: &[Arc<str>]) -> bool {
    let mut all = some.iter().chain(others);
    let first = all.next();
    !some.is_empty() && !others.is_empty() && all.any(|digest| Some(digest) != first)
}

impl Compared {
    /// Takes a decision in; whether it is the first that is told of this slot of this learner.
    pub(super) fn take(&mut self, learner: &str, slot: u64, digest: &str) -> bool {
        let lane = self.told.entry(learner.to_owned()).or_default();
        let oldest = lane.first_key_value().map(|(slot, _)| *slot);
        if lane.len() >= KEPT && oldest.is_some_and(|oldest| slot < oldest) {
            return false;
        }
        let before = lane.get(&slot).cloned().unwrap_or_default();
        if before.len() >= DIGESTS || before.iter().any(|known| **known == *digest) {
            return false;
        }
        let others: Vec<(String, Told)> = self
            .told
            .iter()
            .filter(|(name, _)| *name != learner)
            .filter_map(|(name, lane)| Some((name.clone(), lane.get(&slot)?.clone())))
            .collect();
        // Equal digests are in memory once.
        let mut known = others.iter().flat_map(|(_, told)| told);
        let same = known.find(|known| ***known == *digest);
        let mut after = before.clone();
        after.push(same.map_or_else(|| digest.into(), Arc::clone));
        for (other, theirs) in &others {
            self.pairs.insert(pair(learner, other));
            if differ(&after, theirs) && !differ(&before, theirs) {
                self.differs(learner, other, slot);
            }
        }
        if after.len() == 2 {
            self.differs(learner, learner, slot);
        }
        if before.is_empty() && others.len() == 1 {
            self.widen(slot);
        }
        if let Some(apart) = self.apart.get_mut(&slot) {
            let of = |told: &Told| told.iter().map(|digest| digest.to_string()).collect();
            apart
                .digests
                .extend(others.iter().map(|(name, told)| (name.clone(), of(told))));
            apart.digests.insert(learner.to_owned(), of(&after));
        }
        let new = before.is_empty();
        let lane = self.told.entry(learner.to_owned()).or_default();
        lane.insert(slot, after);
        if lane.len() > KEPT {
            lane.pop_first();
        }
        new
    }

    /// A pair differs in a slot, which was not known.
    fn differs(&mut self, a: &str, b: &str, slot: u64) {
        let room = self.apart.len() < APART;
        let differing = self.differing.entry(pair(a, b)).or_default();
        differing.count += 1;
        if room {
            self.apart.entry(slot).or_default();
        }
        if self.apart.contains_key(&slot) || differing.slots.len() < NAMED {
            differing.slots.insert(slot);
        }
    }

    /// A slot is known of two learners, which was not so before.
    fn widen(&mut self, slot: u64) {
        let range = self.range.get_or_insert(Range {
            first: slot,
            last: slot,
            slots: 0,
        });
        range.first = range.first.min(slot);
        range.last = range.last.max(slot);
        range.slots += 1;
    }

    /// The slots that were compared.
    pub(super) fn range(&self) -> Option<Range> {
        self.range
    }

    /// The pairs of learners that have decided something, of which no slot was compared.
    pub(super) fn missing(&self) -> Vec<[String; 2]> {
        let names: Vec<&String> = self.told.keys().collect();
        let pairs = names.iter().enumerate().flat_map(|(at, a)| {
            let others = names.iter().skip(at + 1);
            others.map(|b| pair(a, b))
        });
        pairs.filter(|pair| !self.pairs.contains(pair)).collect()
    }

    /// The first slots in which not all have decided the same.
    pub(super) fn apart(&self) -> &BTreeMap<u64, Apart> {
        &self.apart
    }

    /// Where each pair differs; one name twice for a learner about which nodes differ.
    pub(super) fn differing(&self) -> &BTreeMap<[String; 2], Differing> {
        &self.differing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_far_behind_is_compared_with_what_was_decided_long_ago() {
        let mut compared = Compared::default();
        for slot in 0..50_000 {
            assert!(compared.take("alice", slot, "same"));
        }
        assert_eq!(compared.range(), None);
        for slot in 0..100 {
            compared.take("bob", slot, "same");
        }
        let range = compared.range().map(Range::words);
        assert_eq!(range.as_deref(), Some("the slots compared, 0 to 99"));
        assert!(compared.differing().is_empty());
        compared.take("bob", 100, "other");
        let differing = &compared.differing()[&pair("bob", "alice")];
        assert_eq!(
            (&differing.slots, differing.count),
            (&BTreeSet::from([100]), 1)
        );
        assert_eq!(
            compared.apart()[&100].pairs(),
            BTreeSet::from([pair("alice", "bob")])
        );
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let mut compared = Compared::default();
        let slots = KEPT as u64 + 10;
        for slot in 0..slots {
            compared.take("alice", slot, "one");
            compared.take("bob", slot, "other");
            assert!(!compared.take("bob", slot, "other"), "told before");
        }
        assert!(compared.told.values().all(|lane| lane.len() == KEPT));
        assert!(!compared.take("alice", 3, "another"), "it is forgotten");
        assert_eq!(compared.apart().len(), APART);
        let differing = &compared.differing()[&pair("alice", "bob")];
        assert_eq!(differing.slots.len(), APART);
        assert_eq!(differing.count, slots);
        // Another pair is named all the same.
        for slot in 0..10 {
            compared.take("carol", slots - 1 - slot, "one");
        }
        let differing = &compared.differing()[&pair("carol", "bob")];
        assert_eq!((differing.slots.len(), differing.count), (NAMED, 10));
        assert!(!compared.differing().contains_key(&pair("carol", "alice")));
    }
}
