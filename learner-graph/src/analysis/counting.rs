//! The minimal sets of faults by how many of each class fail, where classes are few.
//!
//! ```text
//!  class by class: the least number that can still do the harm with all that is not decided yet
//!    ─► … ─► the least that does it without: a set, minimal if it does none with one less of any class
//!
//!  classes that can change places as a whole (organisations of one size): no more of a later one
//!  than of the one before; what is found stands for all ways to arrange it
//! ```

use super::faults::Faults;
use super::harm::Harm;
use super::pattern::Pattern;
use super::units::UnitSet;
use crate::effort::Effort;
use crate::search::Found;

/// The most questions that are asked, and the steps that the solver may take for them.
const MAX_QUESTIONS: u64 = 3_000;
/// The most classes of which it is asked whether they can change places.
const MAX_CLASSES: usize = 64;

/// A search for the minimal sets, class by class.
struct Counting<'a, H: ?Sized> {
    faults: &'a Faults<'a, H>,
    effort: Effort,
    cap: usize,
    /// The classes, those that can change places one after the other.
    classes: Vec<UnitSet>,
    /// Of each class a number that those have in common with which it can change places.
    kinds: Vec<usize>,
    /// Of each minimal set that was found, how many there are of each class.
    found: Vec<Vec<usize>>,
}

/// The minimal sets, unless that takes too many questions or there are more than `cap` patterns.
pub(super) fn by_counts<H: Harm + ?Sized>(
    faults: &Faults<'_, H>,
    cap: usize,
) -> Option<Vec<Pattern>> {
    // A group of which only some have failed can still fail as a whole.
    let free = |class: &&UnitSet| {
        let members = faults.units.acceptors(class);
        !members.is_subset(&faults.given)
    };
    let classes: Vec<UnitSet> = faults.classes.iter().filter(free).copied().collect();
    let kinds = match faults.units.are_single() && classes.len() <= MAX_CLASSES {
        true => {
            let acceptors = classes.iter().map(|class| faults.units.acceptors(class));
            faults.harm.kinds(&acceptors.collect::<Vec<_>>())
        }
        false => (0..classes.len()).collect(),
    };
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by_key(|at| kinds[*at]);
    let mut counting = Counting {
        faults,
        effort: faults.effort.again(MAX_QUESTIONS.min(faults.effort.left())),
        cap,
        classes: order.iter().map(|at| classes[*at]).collect(),
        kinds: order.iter().map(|at| kinds[*at]).collect(),
        found: Vec::new(),
    };
    counting.choose(&mut Vec::new())?;
    let mut patterns = Vec::new();
    for counts in &counting.found {
        for counts in arrangements(counts, &counting.kinds, cap)? {
            patterns.push(Pattern::of(&counting.set(&counts), &classes));
            if patterns.len() > cap {
                return None;
            }
        }
    }
    patterns.sort();
    Some(patterns)
}

impl<H: Harm + ?Sized> Counting<'_, H> {
    /// The set with so many of the first classes.
    fn set(&self, counts: &[usize]) -> UnitSet {
        let parts = self.classes.iter().zip(counts);
        parts.flat_map(|(class, n)| class.iter().take(*n)).collect()
    }

    /// All that may still be chosen after these counts.
    fn rest(&self, counts: &[usize]) -> UnitSet {
        let last = counts.len().checked_sub(1);
        let room = |at: usize| match last {
            Some(last) if self.kinds[last] == self.kinds[at] => counts[last],
            _ => self.classes[at].len(),
        };
        let rest = counts.len()..self.classes.len();
        rest.flat_map(|at| self.classes[at].iter().take(room(at)))
            .collect()
    }

    /// Finds the minimal sets that have these counts, which do no harm yet, of the first classes.
    fn choose(&mut self, counts: &mut Vec<usize>) -> Option<()> {
        let at = counts.len();
        if at == self.classes.len() {
            return Some(());
        }
        let same = at > 0 && self.kinds[at] == self.kinds[at - 1];
        let most = match same {
            true => counts[at - 1],
            false => self.classes[at].len(),
        };
        let with = |n: usize| [counts.as_slice(), &[n]].concat();
        let and_rest = |n: usize| self.set(&with(n)) | self.rest(&with(n));
        let Some(low) = self.least(0, most, and_rest)? else {
            return Some(());
        };
        let high = self.least(low, most, |n| self.set(&with(n)))?;
        for n in low..high.unwrap_or(most + 1) {
            counts.push(n);
            self.choose(counts)?;
            counts.pop();
        }
        let Some(high) = high else {
            return Some(());
        };
        counts.push(high);
        let minimal = self.is_minimal(counts);
        if minimal == Some(true) {
            self.found.push(counts.clone());
        }
        counts.pop();
        minimal?;
        (self.found.len() <= self.cap).then_some(())
    }

    /// Whether one less of any class does no harm.
    fn is_minimal(&self, counts: &[usize]) -> Option<bool> {
        for at in (0..counts.len()).filter(|at| counts[*at] > 0) {
            let mut less = counts.to_vec();
            less[at] -= 1;
            if self.does(&self.set(&less))? {
                return Some(false);
            }
        }
        Some(true)
    }

    /// The least number from `low` to `high` for which the set does the harm, which is monotone.
    fn least(
        &self,
        low: usize,
        high: usize,
        set: impl Fn(usize) -> UnitSet,
    ) -> Option<Option<usize>> {
        if !self.does(&set(high))? {
            return Some(None);
        }
        let (mut low, mut high) = (low, high);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.does(&set(middle))? {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        Some(Some(low))
    }

    /// `None` if that was not decided, or nothing more may be asked.
    fn does(&self, set: &UnitSet) -> Option<bool> {
        if !self.effort.step() {
            return None;
        }
        match self.faults.does_with(set, &self.effort) {
            Found::Yes(()) => Some(true),
            Found::No => Some(false),
            Found::Undecided => None,
        }
    }
}

/// All ways to arrange counts among the classes of each kind; nothing if there are more than `cap`.
/// Classes of a kind stand one after the other, and their counts do not grow.
fn arrangements(counts: &[usize], kinds: &[usize], cap: usize) -> Option<Vec<Vec<usize>>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    let mut counts = counts.to_vec();
    counts.resize(kinds.len(), 0);
    let mut from = 0;
    for kind in kinds.chunk_by(|a, b| a == b) {
        let mut of_kind = counts[from..from + kind.len()].to_vec();
        from += kind.len();
        let mut longer = Vec::new();
        loop {
            longer.extend(
                all.iter()
                    .map(|begin| [begin.as_slice(), &of_kind].concat()),
            );
            if longer.len() > cap {
                return None;
            }
            if !previous(&mut of_kind) {
                break;
            }
        }
        all = longer;
    }
    Some(all)
}

/// The arrangement that comes before this one; false if it is the first.
fn previous(counts: &mut [usize]) -> bool {
    let Some(at) = (1..counts.len())
        .rev()
        .find(|at| counts[at - 1] > counts[*at])
    else {
        return false;
    };
    let pivot = counts[at - 1];
    let smaller = (at..counts.len())
        .rev()
        .find(|other| counts[*other] < pivot);
    counts.swap(at - 1, smaller.unwrap_or(at));
    counts[at..].reverse();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_arranged_within_each_kind_in_all_ways() {
        let all = arrangements(&[2, 1, 1, 3], &[0, 0, 0, 1, 1], 100).unwrap_or_default();
        assert_eq!(
            all,
            [
                [2, 1, 1, 3, 0],
                [1, 2, 1, 3, 0],
                [1, 1, 2, 3, 0],
                [2, 1, 1, 0, 3],
                [1, 2, 1, 0, 3],
                [1, 1, 2, 0, 3],
            ]
        );
        assert_eq!(arrangements(&[1, 1], &[0; 6], 14), None);
        let pairs = arrangements(&[1, 1], &[0; 6], 15).unwrap_or_default();
        assert_eq!(pairs.len(), 15);
    }
}
