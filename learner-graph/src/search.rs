//! Searching for sets of acceptors: in one family and outside of others, or with nothing in
//! common.
//!
//! ```text
//! families (monotone)      acceptor by acceptor              what is left of each expression
//! [3 of a b c d] [2 of b c] ── a: in or out? ──► [2 of b c d] [2 of b c] ── b: in or out? ──► …
//! ```
//!
//! Deciding one acceptor leaves a smaller expression of each family. Two ways of deciding that
//! leave the same expressions have the same future, so each combination is visited once. That
//! makes interchangeable acceptors cheap without looking for symmetries: of a threshold only the
//! count matters, and of an organisation inside a larger threshold only whether it holds. A
//! branch ends as soon as a family can no longer be entered, or left. The number of combinations
//! can still be exponential for irregular expressions; the search counts its steps and gives up
//! openly.

use crate::expr::{Exprs, FALSE, Node, NodeId, TRUE};
use crate::family::{Family, Status};
use crate::graph::LearnerGraph;
use crate::id::AcceptorId;
use crate::set::AcceptorSet;
use std::collections::HashSet;
use std::ops::Range;

/// The answer to a search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found<T> {
    /// There is one; here it is.
    Yes(T),
    /// There is none.
    No,
    /// The steps ran out first.
    Undecided,
}

impl<T> Found<T> {
    /// The same answer with what was found turned into something else.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Found<U> {
        match self {
            Self::Yes(found) => Found::Yes(change(found)),
            Self::No => Found::No,
            Self::Undecided => Found::Undecided,
        }
    }
}

/// A search engine; what it learns about expressions serves all of its searches.
pub(crate) struct Search {
    exprs: Exprs,
    steps: u64,
}

/// One search: what is looked for among which families, and how far it got.
struct Task<'a> {
    families: Vec<&'a Family>,
    /// Each family's part of a state.
    slots: Vec<Range<usize>>,
    order: Vec<AcceptorId>,
    goal: Goal,
    visited: HashSet<Box<[NodeId]>>,
    /// The decided acceptors with the choice that was made for each.
    trail: Vec<(AcceptorId, usize)>,
}

/// What a search looks for, and hence what can be chosen for each acceptor.
#[derive(Clone, Copy)]
enum Goal {
    /// A set in the first family and in none of the others. Choice 0: in the set; 1: not.
    Separate,
    /// One member of each family, without an acceptor in all of them. Choice i: the acceptor is
    /// missing from the i-th.
    Disjoint,
}

impl Search {
    /// An engine for the families of a graph that may take this many steps in all.
    pub(crate) fn new(graph: &LearnerGraph, steps: u64) -> Self {
        Self {
            exprs: graph.exprs.clone(),
            steps,
        }
    }

    /// Allows this many steps from now on.
    pub(crate) fn allow(&mut self, steps: u64) {
        self.steps = steps;
    }

    /// How many of the allowed steps are left.
    pub(crate) fn left(&self) -> u64 {
        self.steps
    }

    /// The family of the supersets of `set`.
    pub(crate) fn supersets(&mut self, set: &AcceptorSet) -> Family {
        let members: Vec<_> = set.iter().map(|a| (self.exprs.acceptor(a), 1)).collect();
        Family::Of(self.exprs.threshold(members.len() as u64, members))
    }

    /// A subset of `within` that is in `inside` and in none of `outside`.
    pub(crate) fn separate(
        &mut self,
        within: &AcceptorSet,
        inside: &Family,
        outside: &[Family],
    ) -> Found<AcceptorSet> {
        let families: Vec<_> = std::iter::once(inside).chain(outside).collect();
        let mut task = Task::new(families, Goal::Separate, &self.exprs);
        task.order.retain(|a| within.contains(*a));
        let absent = self.support(&task) - *within;
        let mut state = task.start();
        for acceptor in absent {
            state = self.advance(&task, &state, acceptor, 1);
        }
        self.visit(&mut task, &state)
            .map(|rest| task.chosen(0, rest))
    }

    /// A member of each family such that no acceptor is in all of them.
    pub(crate) fn disjoint<const N: usize>(
        &mut self,
        families: [&Family; N],
    ) -> Found<[AcceptorSet; N]> {
        let mut task = Task::new(families.to_vec(), Goal::Disjoint, &self.exprs);
        let all = self.support(&task);
        let state = task.start();
        self.visit(&mut task, &state)
            .map(|rest| std::array::from_fn(|i| all - task.chosen(i, rest)))
    }

    fn support(&self, task: &Task<'_>) -> AcceptorSet {
        let mut all = AcceptorSet::EMPTY;
        for root in task.families.iter().flat_map(|f| f.roots()) {
            all |= self.exprs.support(*root);
        }
        all
    }

    /// Finds a way to the goal from a state; `Yes` has the choice for all undecided acceptors.
    fn visit(&mut self, task: &mut Task<'_>, state: &[NodeId]) -> Found<usize> {
        if self.steps == 0 {
            return Found::Undecided;
        }
        self.steps -= 1;
        let status = task.status(state);
        if let Some(answer) = task.goal.reached(&status) {
            return answer;
        }
        if !task.visited.insert(state.into()) {
            return Found::No;
        }
        let Some(acceptor) = self.next(task, state) else {
            // Unreachable: a family none of whose acceptors is open is entered or left.
            return Found::No;
        };
        for choice in 0..task.choices() {
            let next = self.advance(task, state, acceptor, choice);
            task.trail.push((acceptor, choice));
            match self.visit(task, &next) {
                Found::No => task.trail.pop(),
                answer => return answer,
            };
        }
        Found::No
    }

    /// The next acceptor that matters: deciding one that no longer occurs would lead back to the
    /// same state, which then looks as if it had been searched in vain.
    fn next(&self, task: &Task<'_>, state: &[NodeId]) -> Option<AcceptorId> {
        let mut open = AcceptorSet::EMPTY;
        for node in state {
            open |= self.exprs.support(*node);
        }
        task.order.iter().copied().find(|a| open.contains(*a))
    }

    /// The state after one more acceptor is decided.
    fn advance(
        &mut self,
        task: &Task<'_>,
        state: &[NodeId],
        acceptor: AcceptorId,
        choice: usize,
    ) -> Vec<NodeId> {
        let mut next = state.to_vec();
        for (at, slot) in task.slots.iter().enumerate() {
            let present = task.goal.present(choice, at);
            let rest = &mut next[slot.clone()];
            for node in rest.iter_mut() {
                *node = self.exprs.restrict(*node, acceptor, present);
            }
            // One state for all the ways in which a family can be decided.
            match task.families[at].status(rest) {
                Status::In => rest.fill(TRUE),
                Status::Out => rest.fill(FALSE),
                Status::Open => {}
            }
        }
        next
    }
}

impl<'a> Task<'a> {
    fn new(families: Vec<&'a Family>, goal: Goal, exprs: &Exprs) -> Self {
        let mut slots = Vec::new();
        let mut end = 0;
        for family in &families {
            let start = end;
            end += family.roots().len();
            slots.push(start..end);
        }
        let roots = families.iter().flat_map(|f| f.roots()).copied();
        Self {
            order: order(exprs, roots.collect()),
            families,
            slots,
            goal,
            visited: HashSet::new(),
            trail: Vec::new(),
        }
    }

    fn start(&self) -> Vec<NodeId> {
        self.families
            .iter()
            .flat_map(|f| f.roots())
            .copied()
            .collect()
    }

    fn status(&self, state: &[NodeId]) -> Vec<Status> {
        let parts = self.families.iter().zip(&self.slots);
        parts
            .map(|(f, slot)| f.status(&state[slot.clone()]))
            .collect()
    }

    fn choices(&self) -> usize {
        match self.goal {
            Goal::Separate => 2,
            Goal::Disjoint => self.families.len(),
        }
    }

    /// The acceptors for which `choice` was made, if `rest` is the choice for undecided ones.
    fn chosen(&self, choice: usize, rest: usize) -> AcceptorSet {
        let decided = |a: &AcceptorId| self.trail.iter().any(|(decided, _)| decided == a);
        let open = self.order.iter().filter(|a| rest == choice && !decided(a));
        let made = self.trail.iter().filter(|(_, made)| *made == choice);
        open.copied().chain(made.map(|(a, _)| *a)).collect()
    }
}

impl Goal {
    /// Whether an acceptor for which `choice` is made is in the set that family `at` is about.
    fn present(self, choice: usize, at: usize) -> bool {
        match self {
            Self::Separate => choice == 0,
            Self::Disjoint => choice != at,
        }
    }

    /// Whether the goal is reached (by one choice for all undecided acceptors) or out of reach.
    fn reached(self, status: &[Status]) -> Option<Found<usize>> {
        match self {
            Self::Separate => {
                let (inside, outside) = status.split_first()?;
                if *inside == Status::Out || outside.contains(&Status::In) {
                    Some(Found::No)
                } else if *inside == Status::In {
                    Some(Found::Yes(1))
                } else if outside.iter().all(|s| *s == Status::Out) {
                    Some(Found::Yes(0))
                } else {
                    None
                }
            }
            Self::Disjoint if status.contains(&Status::Out) => Some(Found::No),
            // A family that is entered can do without all that is left; the others take it.
            Self::Disjoint => {
                let done = status.iter().position(|s| *s == Status::In);
                done.map(Found::Yes)
            }
        }
    }
}

/// The order in which acceptors are decided: as they occur in the largest expression, then the
/// next largest, so that the members of one threshold are decided together.
fn order(exprs: &Exprs, mut roots: Vec<NodeId>) -> Vec<AcceptorId> {
    fn walk(exprs: &Exprs, id: NodeId, seen: &mut AcceptorSet, order: &mut Vec<AcceptorId>) {
        if exprs.support(id).is_subset(seen) {
            return;
        }
        match exprs.node(id) {
            Node::Constant(_) => {}
            Node::Acceptor(a) => {
                seen.insert(*a);
                order.push(*a);
            }
            Node::Threshold { members, .. } => {
                for (member, _) in members {
                    walk(exprs, *member, seen, order);
                }
            }
        }
    }
    roots.sort_by_key(|id| (std::cmp::Reverse(exprs.written(*id)), *id));
    let (mut seen, mut order) = (AcceptorSet::EMPTY, Vec::new());
    for root in roots {
        walk(exprs, root, &mut seen, &mut order);
    }
    order
}
