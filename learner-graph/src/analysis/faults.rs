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
use super::units::{UnitId, UnitSet, Units};
use crate::effort::Effort;
use crate::formula::Formula;
use crate::minimal::Minimal;
use crate::search::Found;
use crate::set::AcceptorSet;
use batsat::Lit;
use std::collections::HashMap;

/// What a number of faults can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tolerance {
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
    /// Units that the harm does not tell apart, all of them.
    pub(crate) classes: &'a [UnitSet],
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
        let mut asked = self.ask();
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

    /// The minimal sets, smaller ones first, at most `cap` patterns of them. The search begins
    /// with sets of `from` units: smaller ones are known not to do the harm.
    pub(crate) fn minimal(&self, from: usize, cap: usize) -> Minimal<Pattern> {
        self.enumerate(from, true, cap)
    }

    /// The minimal sets, at most `cap` patterns of them: any, if there are more.
    pub(crate) fn any_minimal(&self, cap: usize) -> Minimal<Pattern> {
        self.enumerate(0, false, cap)
    }

    fn enumerate(&self, from: usize, mut ordered: bool, cap: usize) -> Minimal<Pattern> {
        let mut asked = self.ask();
        let mut patterns: Vec<Pattern> = Vec::new();
        let mut size = from;
        let complete = loop {
            let bound = (ordered && size < self.units.len()).then(|| asked.fewer_than(size + 1));
            match self.next(&mut asked, bound) {
                Found::Yes(_) if patterns.len() == cap => break false,
                Found::Yes(set) => {
                    let set = if ordered { set } else { self.shrunk(set) };
                    let pattern = Pattern::of(&set, self.classes);
                    asked.leave_out(&pattern);
                    patterns.push(pattern);
                }
                Found::No if bound.is_some() => size += 1,
                Found::No => break true,
                // Without the bound it is easier to find sets, but they come in any order.
                Found::Undecided if ordered && self.effort.is_left() => ordered = false,
                Found::Undecided => break false,
            }
        };
        patterns.sort();
        Minimal {
            sets: patterns,
            complete,
        }
    }

    fn ask(&self) -> Asked {
        let mut formula = Formula::new(&self.effort);
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
        // What is faulty already need not fail.
        for (unit, literal) in fails.iter().enumerate() {
            let members: UnitSet = std::iter::once(UnitId(unit as u16)).collect();
            if self.units.acceptors(&members).is_subset(&self.given) {
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
            let places: Vec<usize> = asked.formula.chosen(&asked.fails);
            let set: UnitSet = places.iter().map(|u| UnitId(*u as u16)).collect();
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
