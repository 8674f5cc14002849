//! The smallest and the minimal sets of faults that do a harm.
//!
//! ```text
//! harm as clauses over "u is faulty" ─ at most k faulty ─► a set ─► shown; its supersets left out
//!                                          none: k + 1 ◄─────┘          (until none is left)
//! ```
//!
//! A set that is found with at most k faults is minimal: all smaller ones were found before, and
//! their supersets left out. Where the clauses allow more than the harm, a set that does none is
//! made as large as it can be without doing it, and at least one unit outside of that has to
//! fail.

use super::harm::Harm;
use super::pattern::Pattern;
use super::units::{UnitSet, Units};
use crate::effort::Effort;
use crate::formula::Formula;
use crate::minimal::Minimal;
use crate::search::Found;
use crate::set::AcceptorSet;
use batsat::Lit;
use std::collections::HashMap;

/// The most ways to choose counts of all kinds but one that are tried one by one.
const MAX_COUNTS: usize = 2000;

/// What a number of faults can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tolerance {
    /// It is so without any further fault.
    Broken,
    /// So many faults never do it, and `by` does it, which is one fault more.
    Faults {
        /// Any so many faults are tolerated.
        tolerated: usize,
        /// A smallest set that is not.
        by: UnitSet,
    },
    /// Between so many faults, which never do it, and `by`, which does, nothing was decided.
    Between {
        /// Any so many faults are tolerated.
        at_least: usize,
        /// The smallest set that was found.
        by: UnitSet,
    },
    /// No number of faults does it.
    Always,
    /// Nothing was found, and nothing proved.
    Undecided,
}

/// One harm, and what can fail to do it.
pub(crate) struct Faults<'a, H: ?Sized> {
    pub(crate) harm: &'a H,
    pub(crate) units: &'a Units,
    /// The units that matter, in classes of those that the harm does not tell apart.
    pub(crate) classes: Vec<UnitSet>,
    /// Acceptors that are faulty already.
    pub(crate) given: AcceptorSet,
    pub(crate) n_acceptors: usize,
    pub(crate) effort: Effort,
}

/// The clauses of a harm over what fails.
struct Asked {
    formula: Formula,
    /// Whether each unit fails.
    fails: Vec<Lit>,
    /// By number, whether at least so many fail.
    at_least: HashMap<usize, Lit>,
}

impl<H: Harm + ?Sized> Faults<'_, H> {
    /// How many faults are tolerated.
    pub(crate) fn tolerance(&self) -> Tolerance {
        if let Found::Yes(()) = self.harm.done_by(&self.given, &self.effort) {
            return Tolerance::Broken;
        }
        // Groups are too few for symmetry to matter, and of unequal size.
        if self.units.are_single() {
            match self.harm.smallest(&self.given, &self.effort) {
                Found::Yes(set) => {
                    return Tolerance::Faults {
                        tolerated: set.len().saturating_sub(1),
                        by: self.units.touched(&set),
                    };
                }
                Found::No => return Tolerance::Always,
                Found::Undecided => {}
            }
        }
        if self.effort.is_stopped() {
            return Tolerance::Undecided;
        }
        let mut asked = self.ask(&self.effort);
        let mut best: Option<UnitSet> = None;
        loop {
            let bound = best.map(|set| asked.fewer_than(set.len()));
            match self.next(&mut asked, bound) {
                Found::Yes(set) => best = Some(self.shrunk(set)),
                Found::No => {
                    return best.map_or(Tolerance::Always, |by| Tolerance::Faults {
                        tolerated: by.len().saturating_sub(1),
                        by,
                    });
                }
                Found::Undecided => {
                    return best.map_or(Tolerance::Undecided, |by| Tolerance::Between {
                        at_least: 0,
                        by,
                    });
                }
            }
        }
    }

    /// The tolerance, and the minimal sets, at most `cap` patterns of them: each with all of the
    /// effort.
    pub(crate) fn look(mut self, cap: usize) -> (Tolerance, Minimal<Pattern>) {
        let steps = self.effort.left();
        let tolerance = self.tolerance();
        let from = match tolerance {
            Tolerance::Faults { tolerated, .. } => tolerated + 1,
            Tolerance::Between { .. } | Tolerance::Undecided => 0,
            Tolerance::Broken | Tolerance::Always => {
                let none = Minimal {
                    sets: Vec::new(),
                    complete: true,
                };
                return (tolerance, none);
            }
        };
        self.effort = self.effort.again(steps);
        (tolerance, self.minimal(from, cap))
    }

    /// The minimal sets, smaller ones first, at most `cap` patterns of them. The search begins
    /// with sets of `from` units: smaller ones are known not to do the harm.
    pub(crate) fn minimal(&self, from: usize, cap: usize) -> Minimal<Pattern> {
        if let Some(patterns) = self.by_counts() {
            let complete = patterns.len() <= cap;
            let sets = patterns.into_iter().take(cap).collect();
            return Minimal { sets, complete };
        }
        let mut patterns = Vec::new();
        let half = self.effort.left() / 2;
        let complete = self
            .enumerate(Some(from), cap, half, &mut patterns)
            .unwrap_or_else(|| {
                // Without a bound of their size sets are easier to find, but come in any order.
                let rest = self.enumerate(None, cap, half, &mut patterns);
                rest.unwrap_or(false)
            });
        patterns.sort();
        Minimal {
            sets: patterns,
            complete,
        }
    }

    /// The minimal sets, at most `cap` patterns of them: any, if there are more.
    pub(crate) fn any_minimal(&self, cap: usize) -> Minimal<Pattern> {
        let mut patterns = Vec::new();
        let complete = self.enumerate(None, cap, self.effort.left(), &mut patterns);
        patterns.sort();
        Minimal {
            sets: patterns,
            complete: complete.unwrap_or(false),
        }
    }

    /// Where units are of a few kinds, all that matters is how many of each kind fail: for every
    /// number of the others, the least of the most numerous kind is found by halving. `None` if
    /// there are too many kinds, something is not decided, or somebody wants an end.
    fn by_counts(&self) -> Option<Vec<Pattern>> {
        let given = self.units.touched(&self.given);
        let free = |class: &&UnitSet| !(**class - given).is_empty();
        let mut classes: Vec<UnitSet> = self.classes.iter().filter(free).copied().collect();
        classes.sort_by_key(UnitSet::len);
        let last = classes.pop()?;
        let ways = |ways: usize, class: &UnitSet| ways.saturating_mul(class.len() + 1);
        if classes.iter().fold(1, ways) > MAX_COUNTS {
            return None;
        }
        let first = |class: &UnitSet, n: usize| class.iter().take(n).collect::<UnitSet>();
        let mut found: Vec<(Vec<usize>, usize)> = Vec::new();
        let mut counts = vec![0; classes.len()];
        loop {
            if self.effort.is_stopped() {
                return None;
            }
            let chosen = classes.iter().zip(&counts);
            let others = chosen.fold(UnitSet::EMPTY, |all, (class, n)| all | first(class, *n));
            let does = |n: usize| match self.does(&(others | first(&last, n))) {
                Found::Yes(()) => Some(true),
                Found::No => Some(false),
                Found::Undecided => None,
            };
            if does(last.len())? {
                let (mut harmless, mut least) = (None, last.len());
                while harmless.map_or(0, |n: usize| n + 1) < least {
                    let from = harmless.map_or(0, |n| n + 1);
                    let middle = from + (least - from) / 2;
                    match does(middle)? {
                        true => least = middle,
                        false => harmless = Some(middle),
                    }
                }
                found.push((counts.clone(), least));
            }
            // The next vector of counts.
            let Some(at) = (0..counts.len()).find(|at| counts[*at] < classes[*at].len()) else {
                break;
            };
            counts[at] += 1;
            counts[..at].fill(0);
        }
        let below = |a: &(Vec<usize>, usize), b: &(Vec<usize>, usize)| {
            a != b && a.1 <= b.1 && a.0.iter().zip(&b.0).all(|(a, b)| a <= b)
        };
        let minimal = found.iter().filter(|b| !found.iter().any(|a| below(a, b)));
        let patterns = minimal.map(|(counts, least)| {
            let chosen = classes.iter().zip(counts);
            let others = chosen.fold(UnitSet::EMPTY, |all, (class, n)| all | first(class, *n));
            Pattern::of(&(others | first(&last, *least)), &self.classes)
        });
        let mut patterns: Vec<Pattern> = patterns.collect();
        patterns.sort();
        Some(patterns)
    }

    /// Adds minimal sets to `patterns`: ordered by size from a size on, or in any order. Whether
    /// these are all; `None` if that was not decided within some steps.
    fn enumerate(
        &self,
        from: Option<usize>,
        cap: usize,
        steps: u64,
        patterns: &mut Vec<Pattern>,
    ) -> Option<bool> {
        let mut asked = self.ask(&self.effort.again(steps));
        for pattern in patterns.iter() {
            asked.leave_out(pattern);
        }
        let mut size = from;
        loop {
            let bound = size.filter(|size| *size < self.units.len());
            let bound = bound.map(|size| asked.fewer_than(size + 1));
            match self.next(&mut asked, bound) {
                Found::Yes(_) if patterns.len() >= cap => return Some(false),
                Found::Yes(set) => {
                    // Ordered, it is minimal as it is found.
                    let set = if size.is_some() {
                        set
                    } else {
                        self.shrunk(set)
                    };
                    let pattern = Pattern::of(&set, &self.classes);
                    asked.leave_out(&pattern);
                    patterns.push(pattern);
                }
                Found::No if bound.is_some() => size = size.map(|size| size + 1),
                Found::No => return Some(true),
                Found::Undecided => return None,
            }
        }
    }

    fn ask(&self, effort: &Effort) -> Asked {
        let mut formula = Formula::new(effort);
        let fails = formula.fresh_many(self.units.len());
        let faulty: Vec<Lit> = self
            .units
            .of_acceptors(self.n_acceptors)
            .iter()
            .zip(0..)
            .map(
                |(unit, a)| match self.given.contains(crate::AcceptorId(a)) {
                    true => formula.truth(),
                    false => fails[*unit],
                },
            )
            .collect();
        self.harm.encode(&mut formula, &faulty);
        // What is faulty already need not fail, nor what does not matter.
        let matter = self
            .classes
            .iter()
            .fold(UnitSet::EMPTY, |all, class| all | *class);
        for (unit, literal) in self.units.all().iter().zip(&fails) {
            let members = self.units.acceptors(&std::iter::once(unit).collect());
            if members.is_subset(&self.given) || !matter.contains(unit) {
                formula.clause([!*literal]);
            }
        }
        Asked {
            formula,
            fails,
            at_least: HashMap::new(),
        }
    }

    /// A set that does the harm and was not left out.
    fn next(&self, asked: &mut Asked, bound: Option<Lit>) -> Found<UnitSet> {
        let assumptions: Vec<Lit> = bound.into_iter().collect();
        loop {
            match asked.formula.solve(&assumptions) {
                Found::Yes(()) => {}
                Found::No => return Found::No,
                Found::Undecided => return Found::Undecided,
            }
            let set: UnitSet = asked.formula.chosen(&asked.fails);
            match self.does(&set) {
                Found::Yes(()) => return Found::Yes(set),
                Found::Undecided => return Found::Undecided,
                Found::No => {
                    let harmless = self.grown(set);
                    let outside = self.units.all() - harmless;
                    let fails = &asked.fails;
                    let some: Vec<Lit> = outside.iter().map(|u| fails[usize::from(u.0)]).collect();
                    asked.formula.clause(some);
                }
            }
        }
    }

    fn does(&self, set: &UnitSet) -> Found<()> {
        if self.effort.is_stopped() {
            return Found::Undecided;
        }
        let faulty = self.units.acceptors(set) | self.given;
        self.harm.done_by(&faulty, &self.effort)
    }

    /// A minimal subset that still does the harm, as far as that can be decided.
    fn shrunk(&self, mut set: UnitSet) -> UnitSet {
        for unit in set {
            set.remove(unit);
            if self.does(&set) != Found::Yes(()) {
                set.insert(unit);
            }
        }
        set
    }

    /// A maximal superset that does not do the harm.
    fn grown(&self, mut set: UnitSet) -> UnitSet {
        for unit in self.units.all() - set {
            set.insert(unit);
            if self.does(&set) != Found::No {
                set.remove(unit);
            }
        }
        set
    }
}

impl Asked {
    /// Assumes that fewer than `n` units fail.
    fn fewer_than(&mut self, n: usize) -> Lit {
        let (formula, fails) = (&mut self.formula, &self.fails);
        let many = self.at_least.entry(n);
        !*many.or_insert_with(|| formula.at_least(n, fails))
    }

    /// Leaves out every set that has one of the pattern in it.
    fn leave_out(&mut self, pattern: &Pattern) {
        let mut fewer = Vec::new();
        for (count, class) in pattern.parts() {
            let of = class.iter().map(|u| self.fails[usize::from(u.0)]);
            let of: Vec<Lit> = of.collect();
            fewer.push(!self.formula.at_least(count, &of));
        }
        self.formula.clause(fewer);
    }
}
