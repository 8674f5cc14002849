//! Questions about expressions as propositional formulas, for a SAT solver.
//!
//! An expression is monotone, so that one direction of its definition is enough: what is to hold
//! is required downwards ([`Formula::requires`]), what is not to hold is reported upwards
//! ([`Formula::reports`]). A threshold becomes a diagram of what is still needed of its remaining
//! members, heaviest first: each node is decided by one member, and nodes that need the same of
//! the same rest are one.
//!
//! ```text
//! 3 of a b c d:  need 3 of abcd ─a─► need 2 of bcd ─b─► need 1 of cd …
//!                      └─ not a ───► need 3 of bcd ─b─► …
//! ```

use crate::effort::Effort;
use crate::expr::{Exprs, Node, NodeId};
use crate::id::Id;
use crate::search::Found;
use crate::set::{AcceptorSet, IdSet};
use batsat::{Callbacks, Lit, Solver, SolverInterface, SolverOpts, lbool};
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

/// The most that is written of a formula, in literals and [`PER_CLAUSE`]: some 100 MB. One that
/// would be longer is not decided.
const MAX_WRITTEN: u64 = 3_000_000;
/// A clause takes as much room and time as so many literals, beside those that it has.
const PER_CLAUSE: u64 = 4;
/// So much is written in the time of one step.
const WRITTEN_PER_STEP: u64 = 64;
/// What follows from one decision takes a step more for so much that is written: in a large formula it is much.
const WRITTEN_PER_DECISION: u64 = 200_000;

/// A formula in conjunctive form that grows, with the solver's knowledge of it.
pub(crate) struct Formula {
    solver: Solver<Watch>,
    truth: Lit,
    effort: Effort,
    /// What each decision costs, which grows with what is written.
    decision: Rc<Cell<u64>>,
    written: u64,
    /// What was written since the last step was taken for it.
    owed: u64,
    /// Something was left out, so that an answer would mean nothing.
    given_up: bool,
}

/// The solver asks it at every decision whether to go on.
struct Watch {
    effort: Effort,
    /// What a decision costs.
    decision: Rc<Cell<u64>>,
}

impl Callbacks for Watch {
    fn stop(&self) -> bool {
        !self.effort.take(self.decision.get())
    }
}

/// Which direction of a definition the formula has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// If the literal is true, the expression holds.
    Requires,
    /// If the expression holds, the literal is true.
    Reports,
}

impl Formula {
    /// A formula without clauses; writing and solving it take from `effort`.
    pub(crate) fn new(effort: &Effort) -> Self {
        let decision = Rc::new(Cell::new(1));
        let watch = Watch {
            effort: effort.clone(),
            decision: Rc::clone(&decision),
        };
        let mut solver = Solver::new(SolverOpts::default(), watch);
        let truth = Lit::new(solver.new_var_default(), true);
        solver.add_clause_reuse(&mut vec![truth]);
        Self {
            solver,
            truth,
            effort: effort.clone(),
            decision,
            written: 0,
            owed: 0,
            given_up: false,
        }
    }

    /// Whether something was left out, for it grew too large or the effort ended: then it will not
    /// be decided, and nothing more need be written.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// Whether so much more may be written.
    fn may_write(&mut self, more: u64) -> bool {
        if self.given_up || self.written + more > MAX_WRITTEN || !self.effort.is_left() {
            self.given_up = true;
            return false;
        }
        self.written += more;
        self.decision.set(1 + self.written / WRITTEN_PER_DECISION);
        self.owed += more;
        self.effort.take(self.owed / WRITTEN_PER_STEP);
        self.owed %= WRITTEN_PER_STEP;
        true
    }

    /// The literal that is true.
    pub(crate) fn truth(&self) -> Lit {
        self.truth
    }

    /// A new variable.
    pub(crate) fn fresh(&mut self) -> Lit {
        Lit::new(self.solver.new_var_default(), true)
    }

    /// So many new variables.
    pub(crate) fn fresh_many(&mut self, n: usize) -> Vec<Lit> {
        (0..n).map(|_| self.fresh()).collect()
    }

    /// Literals for `n` acceptors that are true for those in a set and false for the others.
    pub(crate) fn fixed(&self, set: &AcceptorSet, n: usize) -> Vec<Lit> {
        let literal = |a| {
            if set.contains(a) {
                self.truth
            } else {
                !self.truth
            }
        };
        AcceptorSet::first(n).iter().map(literal).collect()
    }

    /// One of these is true.
    pub(crate) fn clause(&mut self, literals: impl IntoIterator<Item = Lit>) {
        if self.given_up {
            return;
        }
        let mut literals: Vec<Lit> = literals.into_iter().collect();
        if self.may_write(literals.len() as u64 + PER_CLAUSE) {
            self.solver.add_clause_reuse(&mut literals);
        }
    }

    /// A literal that can be true only if an expression holds of the set whose members are
    /// those with a true literal.
    pub(crate) fn requires(&mut self, exprs: &Exprs, id: NodeId, members: &[Lit]) -> Lit {
        self.define(exprs, id, members, Direction::Requires)
    }

    /// A literal that is true if an expression holds of the set whose members are those with a
    /// true literal.
    pub(crate) fn reports(&mut self, exprs: &Exprs, id: NodeId, members: &[Lit]) -> Lit {
        self.define(exprs, id, members, Direction::Reports)
    }

    /// A literal that is true if `n` or more of these are.
    pub(crate) fn at_least(&mut self, n: usize, of: &[Lit]) -> Lit {
        Counter::of(of).at_least(self, n)
    }

    fn define(&mut self, exprs: &Exprs, id: NodeId, of: &[Lit], direction: Direction) -> Lit {
        let mut known = HashMap::new();
        self.define_new(exprs, id, of, direction, &mut known)
    }

    fn define_new(
        &mut self,
        exprs: &Exprs,
        id: NodeId,
        of: &[Lit],
        direction: Direction,
        known: &mut HashMap<NodeId, Lit>,
    ) -> Lit {
        if let Some(literal) = known.get(&id) {
            return *literal;
        }
        if self.given_up {
            return !self.truth;
        }
        let literal = match exprs.node(id) {
            Node::Constant(true) => self.truth,
            Node::Constant(false) => !self.truth,
            Node::Acceptor(a) => of.get(usize::from(a.0)).copied().unwrap_or(!self.truth),
            Node::Threshold { need, members } => {
                let mut literals = Vec::with_capacity(members.len());
                for (member, weight) in members {
                    literals.push((
                        self.define_new(exprs, *member, of, direction, known),
                        *weight,
                    ));
                }
                literals.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
                Threshold::new(literals, direction).needs(self, *need)
            }
        };
        known.insert(id, literal);
        literal
    }

    /// Whether there is an assignment in which these literals are true.
    pub(crate) fn solve(&mut self, assumptions: &[Lit]) -> Found<()> {
        if self.given_up || !self.effort.is_left() {
            return Found::Undecided;
        }
        match self.solver.solve_limited(assumptions) {
            answer if answer == lbool::TRUE => Found::Yes(()),
            answer if answer == lbool::FALSE => Found::No,
            _ => Found::Undecided,
        }
    }

    /// Whether a literal is true in the assignment that was found last.
    pub(crate) fn value(&self, literal: Lit) -> bool {
        self.solver.value_lit(literal) == lbool::TRUE
    }

    /// The set whose members are those with a literal, by number, that is true in the assignment
    /// that was found last.
    pub(crate) fn chosen<I: Id, const WORDS: usize>(&self, literals: &[Lit]) -> IdSet<I, WORDS> {
        let places = literals.iter().zip(0..);
        let members = places.filter(|(literal, _)| self.value(**literal));
        members.map(|(_, at)| I::from_index(at)).collect()
    }
}

/// Tells for any number whether so many of some literals are true. What it says of one number
/// is of use for the next.
pub(crate) struct Counter(Threshold);

impl Counter {
    pub(crate) fn of(literals: &[Lit]) -> Self {
        let members = literals.iter().map(|literal| (*literal, 1)).collect();
        Self(Threshold::new(members, Direction::Reports))
    }

    /// A literal that is true if `n` or more of these are.
    pub(crate) fn at_least(&mut self, formula: &mut Formula, n: usize) -> Lit {
        self.0.needs(formula, n as u64)
    }
}

/// The diagram of thresholds over the same members.
struct Threshold {
    members: Vec<(Lit, u64)>,
    direction: Direction,
    /// The weight of the members from each place on.
    rest: Vec<u64>,
    known: HashMap<(usize, u64), Lit>,
}

impl Threshold {
    fn new(members: Vec<(Lit, u64)>, direction: Direction) -> Self {
        let mut rest = vec![0u64];
        for (_, weight) in members.iter().rev() {
            let more = rest.last().copied().unwrap_or(0).saturating_add(*weight);
            rest.push(more);
        }
        rest.reverse();
        Self {
            members,
            direction,
            rest,
            known: HashMap::new(),
        }
    }

    /// Whether the members make up `need`.
    fn needs(&mut self, formula: &mut Formula, need: u64) -> Lit {
        // A stack of its own: members can be as many as a file can have.
        let mut open = vec![(0, need, false)];
        while let Some((at, need, ready)) = open.pop() {
            if self.known(formula, at, need).is_some() {
                continue;
            }
            if formula.is_given_up() {
                return !formula.truth();
            }
            let (member, weight) = self.members[at];
            let (with, without) = ((at + 1, need.saturating_sub(weight)), (at + 1, need));
            if !ready {
                open.push((at, need, true));
                open.push((without.0, without.1, false));
                open.push((with.0, with.1, false));
                continue;
            }
            let found = [with, without].map(|(at, need)| self.known(formula, at, need));
            let [Some(with), Some(without)] = found else {
                return !formula.truth();
            };
            let literal = formula.fresh();
            // `without` implies `with`, since less is needed there.
            match self.direction {
                Direction::Requires => {
                    formula.clause([!literal, with]);
                    formula.clause([!literal, member, without]);
                }
                Direction::Reports => {
                    formula.clause([!without, literal]);
                    formula.clause([!member, !with, literal]);
                }
            }
            self.known.insert((at, need), literal);
        }
        self.known(formula, 0, need).unwrap_or(!formula.truth())
    }

    /// Whether the members from `at` on make up `need`, as far as that has been written.
    fn known(&self, formula: &Formula, at: usize, need: u64) -> Option<Lit> {
        if need == 0 {
            return Some(formula.truth());
        }
        if self.rest[at] < need {
            return Some(!formula.truth());
        }
        self.known.get(&(at, need)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AcceptorId;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    /// A threshold over acceptors of irregular weights, whose diagram nobody can write.
    fn irregular(exprs: &mut Exprs, n: u16) -> NodeId {
        let mut weight: u64 = 1;
        let mut members = Vec::new();
        for a in 0..n {
            weight = weight * 48_271 % 2_147_483_647;
            members.push((exprs.acceptor(AcceptorId(a)), weight % 1_000_000 + 1));
        }
        let all: u64 = members.iter().map(|(_, weight)| weight).sum();
        exprs.threshold(all * 2 / 3, members)
    }

    fn written(effort: &Effort) -> (u64, Found<()>) {
        let mut exprs = Exprs::new();
        let hard = irregular(&mut exprs, 300);
        let mut formula = Formula::new(effort);
        let members = formula.fresh_many(300);
        let holds = formula.requires(&exprs, hard, &members);
        formula.clause([holds]);
        (formula.written, formula.solve(&[]))
    }

    #[test]
    fn writing_ends_with_the_steps() {
        for steps in [0, 1, 10, 1000] {
            let effort = Effort::steps(steps);
            let (written, found) = written(&effort);
            assert_eq!(found, Found::Undecided);
            assert!(written <= (steps + 1) * WRITTEN_PER_STEP, "{written}");
            assert_eq!(effort.left(), 0);
        }
    }

    #[test]
    fn nothing_is_written_once_the_flag_is_raised() {
        let stop = Arc::new(AtomicBool::new(true));
        assert_eq!(written(&Effort::until(1000, stop)), (0, Found::Undecided));
    }

    #[test]
    fn a_formula_has_a_largest_size() {
        let (written, found) = written(&Effort::steps(u64::MAX));
        assert_eq!(found, Found::Undecided);
        assert!(written <= MAX_WRITTEN, "{written}");
    }

    #[test]
    fn thresholds_of_any_length_are_written() {
        let mut formula = Formula::new(&Effort::steps(u64::MAX));
        let literals = formula.fresh_many(100_000);
        let mut counter = Counter::of(&literals);
        let some = counter.at_least(&mut formula, 1);
        let two = counter.at_least(&mut formula, 2);
        assert!(!formula.is_given_up());
        formula.clause([literals[99_999]]);
        assert_eq!(formula.solve(&[some, !two]), Found::Yes(()));
        assert_eq!(formula.solve(&[!some]), Found::No);
        formula.clause([literals[0]]);
        assert_eq!(formula.solve(&[!two]), Found::No);
    }
}
