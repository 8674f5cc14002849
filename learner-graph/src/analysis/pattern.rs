//! Sets that differ only in units that nothing tells apart.

use super::units::UnitSet;

/// All sets with so many units of each of some classes: `2 of {a, b, c} with d`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    parts: Vec<(usize, UnitSet)>,
}

impl Pattern {
    /// The pattern of a set; the classes have every unit once.
    pub(crate) fn of(set: &UnitSet, classes: &[UnitSet]) -> Self {
        let parts = classes.iter().map(|class| (class.common(set), *class));
        Self {
            parts: parts.filter(|(count, _)| *count > 0).collect(),
        }
    }

    /// The classes with the number of units of each.
    pub fn parts(&self) -> impl Iterator<Item = (usize, UnitSet)> + '_ {
        self.parts.iter().copied()
    }

    /// One of its sets.
    pub(crate) fn one(&self) -> UnitSet {
        let parts = self.parts.iter();
        parts.flat_map(|(n, class)| class.iter().take(*n)).collect()
    }

    /// The size of its sets.
    pub fn size(&self) -> usize {
        self.parts.iter().map(|(count, _)| count).sum()
    }

    /// How many sets it stands for; the largest number if there are more.
    pub fn sets(&self) -> u128 {
        let ways = self.parts.iter().map(|(n, of)| choose(of.len(), *n));
        ways.fold(1, u128::saturating_mul)
    }

    /// All units that occur in its sets.
    pub fn support(&self) -> UnitSet {
        let parts = self.parts.iter();
        parts.fold(UnitSet::EMPTY, |all, (_, class)| all | *class)
    }
}

/// How many sets some patterns stand for; nothing if that is more than `u64` holds.
pub(crate) fn sets_of(patterns: &[Pattern]) -> Option<u64> {
    let sets = patterns.iter().map(Pattern::sets);
    u64::try_from(sets.fold(0, u128::saturating_add)).ok()
}

/// Classes taken apart: units of a set are in none with others.
pub(crate) fn apart(classes: Vec<UnitSet>, set: &UnitSet) -> Vec<UnitSet> {
    let parts = classes
        .into_iter()
        .flat_map(|class| [class - *set, class & *set]);
    parts.filter(|part| !part.is_empty()).collect()
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let units = |p: &Self| -> Vec<_> {
            let parts = p.parts.iter();
            parts.flat_map(|(n, class)| class.iter().take(*n)).collect()
        };
        let key = |p: &Self| (p.size(), units(p));
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The number of ways to choose `k` of `n`; the largest number if there are more.
fn choose(n: usize, k: usize) -> u128 {
    let mut ways: u128 = 1;
    for i in 0..k.min(n - k.min(n)) {
        let Some(more) = ways.checked_mul((n - i) as u128) else {
            return u128::MAX;
        };
        ways = more / (i as u128 + 1);
    }
    ways
}
