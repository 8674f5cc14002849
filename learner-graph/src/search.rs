//! Searching for sets of acceptors: in one family and outside of others, with nothing in common,
//! or at the least cost.
//!
//! ```text
//! families (monotone)      class by class                what is left of each expression
//! [3 of a b c d] [2 of b c] ── a, d: how many? ──► [2 of b c] [2 of b c] ── b, c: how many? ──► …
//! ```
//!
//! Acceptors that stand in the same places of all expressions are interchangeable: they form a
//! class, and all that is decided is how many of them are in each set. Deciding a class leaves a
//! smaller expression of each family. Two ways of deciding that leave the same expressions have
//! the same future, so each combination is visited once: of a threshold only the count matters,
//! and of an organisation inside a larger threshold only whether it holds. A branch ends as soon
//! as a family can no longer be entered, or left. The number of combinations can still be
//! exponential for irregular expressions; the search counts its steps and gives up openly.

use crate::effort::Effort;
use crate::expr::{Exprs, FALSE, Node, NodeId, TRUE};
use crate::family::{Family, Status};
use crate::greedy::fewest_missing;
use crate::set::AcceptorSet;
use crate::symmetry::classes;
use std::collections::HashMap;
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

impl Found<()> {
    /// The answer to a question that is always decided.
    pub(crate) fn whether(there_is: bool) -> Self {
        if there_is { Self::Yes(()) } else { Self::No }
    }
}

/// The most memory that a search takes, in bytes, as far as it can be told. One that would need more
/// is not decided.
const MAX_HELD: usize = 160 << 20;
/// What is held for an expression and for a state, beside its members and parts, in bytes.
const PER_EXPR: usize = 200;
const PER_STATE: usize = 120;

/// A search engine; what it learns about expressions serves all of its searches.
pub(crate) struct Search {
    exprs: Exprs,
    /// How many of the expressions are to be kept; the others are what is left of these. What was
    /// held by then.
    kept: (usize, usize),
    /// What is held beside the expressions that are asked about, in bytes.
    held: usize,
    effort: Effort,
    /// The classes that have been decided, by number; `settled` is by that number.
    classes: HashMap<AcceptorSet, u32>,
    settled: HashMap<(NodeId, u32, u16), NodeId>,
}

/// What a search looks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// A set in the first family and in none of the others.
    Separate,
    /// One member of each family, without an acceptor in all of them.
    Disjoint,
    /// A set that is not in the family; it costs one for each acceptor that it lacks.
    Leave,
    /// A member of each of the two families; each acceptor in both costs one.
    Overlap,
}

/// One search: what is looked for among which families.
struct Task<'a> {
    families: Vec<&'a Family>,
    /// Each family's part of a state.
    slots: Vec<Range<usize>>,
    classes: Vec<AcceptorSet>,
    goal: Goal,
    /// Of each state that was visited, the least cost of reaching the goal from it, if it can be
    /// reached, and the choice that does.
    best: HashMap<Box<[NodeId]>, Option<(usize, Choice)>>,
    /// What is held of them, in bytes.
    held: usize,
}

/// How many acceptors of a class are in the set that each family is about.
type Choice = Box<[u16]>;

/// What is left of the expressions.
type State = Box<[NodeId]>;

/// The steps ran out.
struct GaveUp;

/// How the undecided acceptors are to be chosen once the goal is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// In each set.
    Present,
    /// In no set.
    Absent,
    /// In each set but that of one family.
    MissingFrom(usize),
}

/// What is known of the goal in a state.
enum Reached {
    Yes(Rest),
    No,
    Open,
}

impl Search {
    /// An engine for families of these expressions.
    pub(crate) fn new(exprs: &Exprs, effort: &Effort) -> Self {
        Self {
            exprs: exprs.clone(),
            kept: (exprs.len(), 0),
            held: 0,
            effort: effort.clone(),
            classes: HashMap::new(),
            settled: HashMap::new(),
        }
    }

    /// Allows this many steps from now on.
    pub(crate) fn allow(&mut self, steps: u64) {
        self.effort = self.effort.again(steps);
    }

    /// How many of the allowed steps are left.
    pub(crate) fn left(&self) -> u64 {
        self.effort.left()
    }

    /// The family of the supersets of `set`.
    pub(crate) fn supersets(&mut self, set: &AcceptorSet) -> Family {
        // It is kept, and with it all that comes before.
        self.forget(MAX_HELD / 128);
        let members: Vec<_> = set.iter().map(|a| (self.exprs.acceptor(a), 1)).collect();
        let all = self.exprs.threshold(members.len() as u64, members);
        self.kept = (self.exprs.len(), self.held);
        Family::Of(all)
    }

    /// The family of the sets of which both expressions hold; it is of use for one search.
    pub(crate) fn both(&mut self, first: NodeId, second: NodeId) -> Family {
        Family::Of(self.exprs.threshold(2, [(first, 1), (second, 1)]))
    }

    /// Forgets what is left of expressions if that is more than so much.
    fn forget(&mut self, most: usize) {
        if self.held - self.kept.1 > most {
            self.exprs.truncate(self.kept.0);
            self.settled.clear();
            self.classes.clear();
            self.held = self.kept.1;
        }
    }

    /// A subset of `within` that is in `inside` and in none of `outside`.
    pub(crate) fn separate(
        &mut self,
        within: &AcceptorSet,
        inside: &Family,
        outside: &[Family],
    ) -> Found<AcceptorSet> {
        let families: Vec<_> = std::iter::once(inside).chain(outside).collect();
        let found = self.run(families, Goal::Separate, within);
        found.map(|(_, sets)| sets[0] & *within)
    }

    /// A member of each family such that no acceptor is in all of them.
    pub(crate) fn disjoint<const N: usize>(
        &mut self,
        families: [&Family; N],
    ) -> Found<[AcceptorSet; N]> {
        let all = AcceptorSet::first(AcceptorSet::CAPACITY);
        let found = self.run(families.to_vec(), Goal::Disjoint, &all);
        found.map(|(_, sets)| std::array::from_fn(|i| sets[i]))
    }

    /// The smallest subset of `within` without which `within` is not in the family.
    pub(crate) fn leave(&mut self, within: &AcceptorSet, family: &Family) -> Found<AcceptorSet> {
        if let Some(set) = fewest_missing(&self.exprs, within, family) {
            return Found::Yes(set);
        }
        let found = self.run(vec![family], Goal::Leave, within);
        let support = self.exprs.supports(family.roots());
        found.map(|(_, sets)| (*within & support) - sets[0])
    }

    /// A member of each family, with as few acceptors in both as possible of those in `within`;
    /// the others may be in both.
    pub(crate) fn overlap(
        &mut self,
        within: &AcceptorSet,
        families: [&Family; 2],
    ) -> Found<[AcceptorSet; 2]> {
        let found = self.run(families.to_vec(), Goal::Overlap, within);
        found.map(|(_, sets)| [sets[0], sets[1]])
    }

    fn run(
        &mut self,
        families: Vec<&Family>,
        goal: Goal,
        within: &AcceptorSet,
    ) -> Found<(usize, Vec<AcceptorSet>)> {
        if self.effort.is_stopped() {
            return Found::Undecided;
        }
        let mut task = Task::new(families, goal, &self.exprs);
        let elsewhere = task.support(&self.exprs) - *within;
        task.classes.retain_mut(|class| {
            *class &= *within;
            !class.is_empty()
        });
        let mut state = task.start();
        // Outside of `within` nobody is free: whoever may be in both sets is, and others are
        // nowhere.
        for acceptor in elsewhere {
            let alone: AcceptorSet = std::iter::once(acceptor).collect();
            let count = u16::from(goal == Goal::Overlap);
            for node in &mut state {
                *node = self.settle(*node, &alone, count);
            }
            if self.effort.is_stopped() {
                return Found::Undecided;
            }
        }
        let start = task.simplified(state);
        let visited = self.visit(&mut task, &start);
        self.held -= task.held;
        let found = match visited {
            Err(GaveUp) => Found::Undecided,
            Ok(None) => Found::No,
            Ok(Some(cost)) => Found::Yes((cost, self.sets(&task, start, elsewhere))),
        };
        self.forget(MAX_HELD / 2);
        found
    }

    /// The least cost of reaching the goal from a state.
    fn visit(&mut self, task: &mut Task<'_>, state: &State) -> Result<Option<usize>, GaveUp> {
        match task.reached(state) {
            Reached::Yes(_) => return Ok(Some(0)),
            Reached::No => return Ok(None),
            Reached::Open => {}
        }
        if let Some(known) = task.best.get(state) {
            return Ok(known.as_ref().map(|(cost, _)| *cost));
        }
        if !self.effort.take(1) || self.held > MAX_HELD {
            return Err(GaveUp);
        }
        let mut best: Option<(usize, Choice)> = None;
        if let Some(class) = self.next(task, state) {
            let ways = self.ways(task, state, &class)?;
            let choices = task.goal.choices(&ways, class.len());
            self.effort.take(choices.len() as u64);
            for (cost, choice) in choices {
                if self.effort.is_stopped() {
                    return Err(GaveUp);
                }
                if best.as_ref().is_some_and(|(least, _)| *least <= cost) {
                    continue;
                }
                let next = task.joined(&ways, &choice);
                let Some(rest) = self.visit(task, &next)? else {
                    continue;
                };
                let cost = cost + rest;
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    let counts = choice.iter().zip(&ways).map(|(at, ways)| ways[*at].0);
                    best = Some((cost, counts.collect()));
                }
                if cost == 0 {
                    break;
                }
            }
        }
        let cost = best.as_ref().map(|(cost, _)| *cost);
        let size = PER_STATE + size_of_val(&**state);
        task.held += size;
        self.held += size;
        task.best.insert(state.clone(), best);
        Ok(cost)
    }

    /// The next class that matters: deciding one that no longer occurs would lead back to the
    /// same state.
    fn next(&self, task: &Task<'_>, state: &State) -> Option<AcceptorSet> {
        let open = self.exprs.supports(state);
        task.classes.iter().copied().find(|c| c.intersects(&open))
    }

    /// For each family, the counts of a class that make a difference to it, ascending, with what
    /// they leave. Of counts that leave the same, the one that is best for the goal.
    fn ways(
        &mut self,
        task: &Task<'_>,
        state: &State,
        class: &AcceptorSet,
    ) -> Result<Vec<Vec<(u16, State)>>, GaveUp> {
        let mut all = Vec::new();
        for (at, slot) in task.slots.iter().enumerate() {
            let mut ways: Vec<(u16, State)> = Vec::new();
            for count in 0..=class.len() as u16 {
                if self.effort.is_stopped() {
                    return Err(GaveUp);
                }
                let rest = state[slot.clone()].iter();
                let mut rest: State = rest.map(|n| self.settle(*n, class, count)).collect();
                task.families[at].simplify(&mut rest);
                match ways.last_mut() {
                    Some(last) if last.1 == rest && task.goal == Goal::Leave => last.0 = count,
                    Some(last) if last.1 == rest && task.goal != Goal::Separate => {}
                    _ => ways.push((count, rest)),
                }
            }
            all.push(ways);
        }
        Ok(all)
    }

    /// What remains of an expression once `count` acceptors of a class are in the set and the
    /// others are not.
    fn settle(&mut self, id: NodeId, class: &AcceptorSet, count: u16) -> NodeId {
        if !self.exprs.support(id).intersects(class) {
            return id;
        }
        let number = self.classes.len() as u32;
        let number = *self.classes.entry(*class).or_insert(number);
        self.settle_numbered(id, class, number, count)
    }

    fn settle_numbered(
        &mut self,
        id: NodeId,
        class: &AcceptorSet,
        number: u32,
        count: u16,
    ) -> NodeId {
        if !self.exprs.support(id).intersects(class) {
            return id;
        }
        if let Some(known) = self.settled.get(&(id, number, count)) {
            return *known;
        }
        // The first `count` of the class stand for any: expressions do not tell them apart.
        let rest = match self.exprs.node(id).clone() {
            Node::Constant(_) => id,
            Node::Acceptor(_) if count > 0 => TRUE,
            Node::Acceptor(_) => FALSE,
            Node::Threshold { need, members } => {
                let mut present = count;
                let mut rest = Vec::with_capacity(members.len());
                for (member, weight) in &members {
                    let of_class =
                        matches!(self.exprs.node(*member), Node::Acceptor(a) if class.contains(*a));
                    let left = if !of_class {
                        self.settle_numbered(*member, class, number, count)
                    } else if present > 0 {
                        present -= 1;
                        TRUE
                    } else {
                        FALSE
                    };
                    rest.push((left, *weight));
                }
                self.held += PER_EXPR + 2 * size_of_val(rest.as_slice());
                self.exprs.threshold(need, rest)
            }
        };
        self.settled.insert((id, number, count), rest);
        rest
    }

    /// The sets that the best choices make up, one for each family.
    fn sets(&self, task: &Task<'_>, start: State, elsewhere: AcceptorSet) -> Vec<AcceptorSet> {
        let n = task.families.len();
        let mut sets = vec![AcceptorSet::EMPTY; n];
        if task.goal == Goal::Overlap {
            sets = vec![elsewhere; n];
        }
        let mut open = task.support(&self.exprs) - elsewhere;
        let mut state = start;
        loop {
            let rest = match task.reached(&state) {
                Reached::Yes(rest) => rest,
                Reached::No => break,
                Reached::Open => {
                    let (Some(class), Some(Some((_, counts)))) =
                        (self.next(task, &state), task.best.get(&state))
                    else {
                        break;
                    };
                    task.goal.place(&class, counts, &mut sets);
                    open -= class;
                    state = self.known(task, &state, &class, counts);
                    continue;
                }
            };
            for (at, set) in sets.iter_mut().enumerate() {
                match rest {
                    Rest::Absent => {}
                    Rest::MissingFrom(family) if family == at => {}
                    Rest::Present | Rest::MissingFrom(_) => *set |= open,
                }
            }
            break;
        }
        sets
    }

    /// The state after a choice that was made before.
    fn known(&self, task: &Task<'_>, state: &State, class: &AcceptorSet, counts: &[u16]) -> State {
        let number = self.classes.get(class).copied();
        let mut next = state.clone();
        for (at, slot) in task.slots.iter().enumerate() {
            for node in &mut next[slot.clone()] {
                let key = (*node, number.unwrap_or(u32::MAX), counts[at]);
                *node = self.settled.get(&key).copied().unwrap_or(*node);
            }
            task.families[at].simplify(&mut next[slot.clone()]);
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
            classes: classes(exprs, roots.collect()),
            families,
            slots,
            goal,
            best: HashMap::new(),
            held: 0,
        }
    }

    fn support(&self, exprs: &Exprs) -> AcceptorSet {
        exprs.supports(&self.start())
    }

    fn start(&self) -> State {
        let roots = self.families.iter().flat_map(|f| f.roots());
        roots.copied().collect()
    }

    fn simplified(&self, mut state: State) -> State {
        for (family, slot) in self.families.iter().zip(&self.slots) {
            family.simplify(&mut state[slot.clone()]);
        }
        state
    }

    /// The state that a choice leads to: of each family what the chosen way leaves.
    fn joined(&self, ways: &[Vec<(u16, State)>], choice: &[usize]) -> State {
        let parts = ways.iter().zip(choice);
        parts
            .flat_map(|(ways, at)| ways[*at].1.iter())
            .copied()
            .collect()
    }

    fn reached(&self, state: &State) -> Reached {
        let parts = self.families.iter().zip(&self.slots);
        let mut status = parts.map(|(f, slot)| f.status(&state[slot.clone()]));
        match self.goal {
            Goal::Separate => {
                let inside = status.next();
                let (mut entered, mut left) = (false, true);
                for outside in status {
                    entered |= outside == Status::In;
                    left &= outside == Status::Out;
                }
                match inside {
                    None | Some(Status::Out) => Reached::No,
                    Some(_) if entered => Reached::No,
                    Some(Status::In) => Reached::Yes(Rest::Absent),
                    Some(Status::Open) if left => Reached::Yes(Rest::Present),
                    Some(Status::Open) => Reached::Open,
                }
            }
            Goal::Leave => match status.next() {
                Some(Status::Out) => Reached::Yes(Rest::Present),
                Some(Status::Open) => Reached::Open,
                None | Some(Status::In) => Reached::No,
            },
            Goal::Disjoint | Goal::Overlap => {
                let mut entered = None;
                for (at, status) in status.enumerate() {
                    match status {
                        Status::Out => return Reached::No,
                        // It can do without all that is left; the others take it.
                        Status::In => entered = Some(at),
                        Status::Open => {}
                    }
                }
                entered.map_or(Reached::Open, |at| Reached::Yes(Rest::MissingFrom(at)))
            }
        }
    }
}

impl Goal {
    /// What can be chosen for a class of so many acceptors, as places among the ways of each
    /// family, with its cost, cheap choices first. Choices that are no better than others for
    /// the goal are left out.
    fn choices(self, ways: &[Vec<(u16, State)>], class: usize) -> Vec<(usize, Vec<usize>)> {
        let count = |family: usize, at: usize| usize::from(ways[family][at].0);
        match self {
            // All families are about the same set.
            Self::Separate => {
                let counts = (0..=class).rev();
                counts.map(|n| (0, vec![n; ways.len()])).collect()
            }
            Self::Leave => {
                let places = (0..ways[0].len()).rev();
                places.map(|at| (class - count(0, at), vec![at])).collect()
            }
            Self::Overlap => {
                let mut choices = Vec::new();
                for first in 0..ways[0].len() {
                    for second in 0..ways[1].len() {
                        let both = (count(0, first) + count(1, second)).saturating_sub(class);
                        choices.push((both, vec![first, second]));
                    }
                }
                // Of equal cost, more acceptors first.
                choices.sort_by_key(|(cost, at)| (*cost, std::cmp::Reverse(at.clone())));
                choices
            }
            // Every acceptor is missing somewhere, and no family could have more of them.
            Self::Disjoint => {
                let room = class * (ways.len() - 1);
                let taken = |places: &[usize]| -> usize {
                    places.iter().enumerate().map(|(f, at)| count(f, *at)).sum()
                };
                let mut choices = vec![Vec::new()];
                for (family, of_family) in ways.iter().enumerate() {
                    let last = family + 1 == ways.len();
                    let mut longer = Vec::new();
                    for places in &choices {
                        let left = room - taken(places);
                        let fit = of_family.partition_point(|way| usize::from(way.0) <= left);
                        // The last family takes as many as it can.
                        let from = if last { fit.saturating_sub(1) } else { 0 };
                        longer.extend((from..fit).map(|at| [places.as_slice(), &[at]].concat()));
                    }
                    choices = longer;
                }
                choices.retain(|places| {
                    let others = |family, at| taken(places) - count(family, at);
                    !places.iter().enumerate().any(|(family, at)| {
                        let next = ways[family].get(at + 1);
                        next.is_some_and(|n| others(family, *at) + usize::from(n.0) <= room)
                    })
                });
                choices.into_iter().map(|places| (0, places)).collect()
            }
        }
    }

    /// Puts acceptors of a class into the sets, as many as were chosen for each.
    fn place(self, class: &AcceptorSet, counts: &[u16], sets: &mut [AcceptorSet]) {
        let members: Vec<_> = class.iter().collect();
        // Where the sets are to have little in common, each lacks the members that come after
        // those that the one before it lacks.
        let mut at = 0;
        for (set, count) in sets.iter_mut().zip(counts) {
            let missing = members.len() - usize::from(*count);
            match self {
                Self::Separate | Self::Leave => {
                    set.extend(members.iter().take(usize::from(*count)).copied());
                }
                Self::Disjoint | Self::Overlap => {
                    let around = members.iter().cycle().skip(at + missing);
                    set.extend(around.take(usize::from(*count)).copied());
                    at = (at + missing) % members.len().max(1);
                }
            }
        }
    }
}
