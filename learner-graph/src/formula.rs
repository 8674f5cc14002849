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
use std::collections::HashMap;

/// The most clauses of a formula; one that would have more is not decided.
const MAX_CLAUSES: u64 = 5_000_000;

/// A formula in conjunctive form that grows, with the solver's knowledge of it.
pub(crate) struct Formula {
    solver: Solver<Watch>,
    truth: Lit,
    too_large: bool,
}

/// The solver asks it at every decision whether to go on.
struct Watch(Effort);

impl Callbacks for Watch {
    fn stop(&self) -> bool {
        !self.0.step()
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
    /// A formula without clauses; solving it takes from `effort`.
    pub(crate) fn new(effort: &Effort) -> Self {
        let mut solver = Solver::new(SolverOpts::default(), Watch(effort.clone()));
        let truth = Lit::new(solver.new_var_default(), true);
        solver.add_clause_reuse(&mut vec![truth]);
        Self {
            solver,
            truth,
            too_large: false,
        }
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
        if self.solver.num_clauses() >= MAX_CLAUSES {
            self.too_large = true;
            return;
        }
        self.solver
            .add_clause_reuse(&mut literals.into_iter().collect());
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
        let members: Vec<_> = of.iter().map(|literal| (*literal, 1)).collect();
        Threshold::new(self, &members, Direction::Reports).needs(0, n as u64)
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
                Threshold::new(self, &literals, direction).needs(0, *need)
            }
        };
        known.insert(id, literal);
        literal
    }

    /// Whether there is an assignment in which these literals are true.
    pub(crate) fn solve(&mut self, assumptions: &[Lit]) -> Found<()> {
        if self.too_large {
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

/// The diagram of one threshold.
struct Threshold<'a> {
    formula: &'a mut Formula,
    members: &'a [(Lit, u64)],
    direction: Direction,
    /// The weight of the members from each place on.
    rest: Vec<u64>,
    known: HashMap<(usize, u64), Lit>,
}

impl<'a> Threshold<'a> {
    fn new(formula: &'a mut Formula, members: &'a [(Lit, u64)], direction: Direction) -> Self {
        let mut rest = vec![0u64];
        for (_, weight) in members.iter().rev() {
            let more = rest.last().copied().unwrap_or(0).saturating_add(*weight);
            rest.push(more);
        }
        rest.reverse();
        Self {
            formula,
            members,
            direction,
            rest,
            known: HashMap::new(),
        }
    }

    /// Whether the members from `at` on make up `need`.
    fn needs(&mut self, at: usize, need: u64) -> Lit {
        if need == 0 {
            return self.formula.truth;
        }
        if self.rest[at] < need || self.formula.too_large {
            return !self.formula.truth;
        }
        if let Some(literal) = self.known.get(&(at, need)) {
            return *literal;
        }
        let (member, weight) = self.members[at];
        let with = self.needs(at + 1, need.saturating_sub(weight));
        let without = self.needs(at + 1, need);
        let literal = self.formula.fresh();
        // `without` implies `with`, since less is needed there.
        match self.direction {
            Direction::Requires => {
                self.formula.clause([!literal, with]);
                self.formula.clause([!literal, member, without]);
            }
            Direction::Reports => {
                self.formula.clause([!without, literal]);
                self.formula.clause([!member, !with, literal]);
            }
        }
        self.known.insert((at, need), literal);
        literal
    }
}
