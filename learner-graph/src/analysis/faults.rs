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

use super::counting;
use super::harm::Harm;
use super::pattern::Pattern;
use super::units::{UnitSet, Units};
use crate::effort::Effort;
use crate::formula::{Counter, Formula};
use crate::minimal::Minimal;
use crate::search::Found;
use crate::set::AcceptorSet;
use batsat::Lit;

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
        /// Any so many faults are tolerated; absent if it is not even known whether it is so without
        /// any.
        at_least: Option<usize>,
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
    /// Counts those that fail.
    count: Counter,
}

impl Tolerance {
    /// What is known once a smallest set is.
    fn by(smallest: UnitSet) -> Self {
        match smallest.len().checked_sub(1) {
            None => Self::Broken,
            Some(tolerated) => Self::Faults {
                tolerated,
                by: smallest,
            },
        }
    }
}

impl<H: Harm + ?Sized> Faults<'_, H> {
    /// How many faults are tolerated.
    pub(crate) fn tolerance(&self) -> Tolerance {
        if self.effort.is_stopped() {
            return Tolerance::Undecided;
        }
        let at_least = match self.harm.done_by(&self.given, &self.effort) {
            Found::Yes(()) => return Tolerance::Broken,
            Found::No => Some(0),
            Found::Undecided => None,
        };
        // Groups are too few for symmetry to matter, and of unequal size.
        if self.units.are_single() {
            match self.harm.smallest(&self.given, &self.effort) {
                Found::Yes(set) => return Tolerance::by(self.units.touched(&set)),
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
                Found::Yes(set) => best = Some(self.shrunk(set).0),
                Found::No => return best.map_or(Tolerance::Always, Tolerance::by),
                Found::Undecided => return self.between(at_least, best),
            }
        }
    }

    /// What is known where the smallest set is not: what was proved, and a set, which is all that matter made
    /// smaller if no other was found.
    fn between(&self, at_least: Option<usize>, best: Option<UnitSet>) -> Tolerance {
        let matter = self.classes.iter();
        let matter = matter.fold(UnitSet::EMPTY, |all, class| all | *class);
        let by = best.map_or_else(
            || self.does(&matter).map(|()| self.shrunk(matter).0),
            Found::Yes,
        );
        match by {
            Found::Yes(by) if by.len() == 1 && at_least.is_some() => Tolerance::by(by),
            Found::Yes(by) => Tolerance::Between { at_least, by },
            Found::No => Tolerance::Always,
            Found::Undecided => Tolerance::Undecided,
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
        let minimal = self.minimal(from, cap);
        // Whoever knows all of them knows the smallest.
        let known = matches!(tolerance, Tolerance::Faults { .. }) || !minimal.complete;
        let tolerance = match minimal.sets.first() {
            _ if known => tolerance,
            Some(smallest) => Tolerance::by(smallest.one()),
            None => Tolerance::Always,
        };
        (tolerance, minimal)
    }

    /// The minimal sets, smaller ones first, at most `cap` patterns of them. The search begins
    /// with sets of `from` units: smaller ones are known not to do the harm.
    pub(crate) fn minimal(&self, from: usize, cap: usize) -> Minimal<Pattern> {
        if let Some(sets) = counting::by_counts(self, cap) {
            return Minimal {
                sets,
                complete: true,
            };
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

    /// The minimal sets, at most `cap` patterns of them: any, if there are more. Nothing if it was not
    /// decided whether there are.
    pub(crate) fn any_minimal(&self, cap: usize) -> Option<Minimal<Pattern>> {
        let mut patterns = Vec::new();
        let complete = self.enumerate(None, cap, self.effort.left(), &mut patterns)?;
        patterns.sort();
        Some(Minimal {
            sets: patterns,
            complete,
        })
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
        let effort = self.effort.again(steps.min(self.effort.left()));
        let before = effort.left();
        let found = self.enumerate_within(from, cap, &effort, patterns);
        self.effort.take(before - effort.left());
        found
    }

    fn enumerate_within(
        &self,
        from: Option<usize>,
        cap: usize,
        effort: &Effort,
        patterns: &mut Vec<Pattern>,
    ) -> Option<bool> {
        let mut asked = self.ask(effort);
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
                    let (set, minimal) = match size {
                        Some(_) => (set, true),
                        None => self.shrunk(set),
                    };
                    if !minimal {
                        return None;
                    }
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
            count: Counter::of(&fails),
            fails,
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
        self.does_with(set, &self.effort)
    }

    pub(super) fn does_with(&self, set: &UnitSet, effort: &Effort) -> Found<()> {
        if effort.is_stopped() {
            return Found::Undecided;
        }
        let faulty = self.units.acceptors(set) | self.given;
        self.harm.done_by(&faulty, effort)
    }

    /// A subset that still does the harm, and whether it is known to be minimal.
    fn shrunk(&self, mut set: UnitSet) -> (UnitSet, bool) {
        let mut minimal = true;
        for unit in set {
            set.remove(unit);
            match self.does(&set) {
                Found::Yes(()) => {}
                Found::No => {
                    set.insert(unit);
                }
                Found::Undecided => {
                    set.insert(unit);
                    minimal = false;
                }
            }
        }
        (set, minimal)
    }

    /// A maximal superset that does not do the harm.
    fn grown(&self, mut set: UnitSet) -> UnitSet {
        for unit in self.units.all() - set {
            if self.effort.is_stopped() {
                break;
            }
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
        !self.count.at_least(&mut self.formula, n)
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
