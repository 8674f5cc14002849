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

mod left;
mod task;

use crate::effort::Effort;
use crate::expr::{Exprs, NodeId};
use crate::family::Family;
use crate::greedy::fewest_missing;
use crate::set::AcceptorSet;
use left::Left;
use task::{Choice, Goal, Reached, Rest, State, Task};

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
/// What is held for a state, beside its parts, in bytes.
const PER_STATE: usize = 120;

/// A search engine; what it learns about expressions serves all of its searches.
pub(crate) struct Search {
    left: Left,
    effort: Effort,
}

/// The steps ran out.
struct GaveUp;

impl Search {
    /// An engine for families of these expressions.
    pub(crate) fn new(exprs: &Exprs, effort: &Effort) -> Self {
        Self {
            left: Left::new(exprs),
            effort: effort.clone(),
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
        self.left.forget(MAX_HELD / 128);
        let exprs = &mut self.left.exprs;
        let members: Vec<_> = set.iter().map(|a| (exprs.acceptor(a), 1)).collect();
        let all = exprs.threshold(members.len() as u64, members);
        self.left.keep();
        Family::Of(all)
    }

    /// The family of the sets of which both expressions hold; it is of use for one search.
    pub(crate) fn both(&mut self, first: NodeId, second: NodeId) -> Family {
        Family::Of(self.left.exprs.threshold(2, [(first, 1), (second, 1)]))
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

    /// A member of each family such that no acceptor of those in `within` is in all of them; the others may be.
    pub(crate) fn disjoint<const N: usize>(
        &mut self,
        within: &AcceptorSet,
        families: [&Family; N],
    ) -> Found<[AcceptorSet; N]> {
        let found = self.run(families.to_vec(), Goal::Disjoint, within);
        found.map(|(_, sets)| std::array::from_fn(|i| sets[i]))
    }

    /// The smallest subset of `within` without which `within` is not in the family.
    pub(crate) fn leave(&mut self, within: &AcceptorSet, family: &Family) -> Found<AcceptorSet> {
        let family = self.left.joined(family);
        if let Some(set) = fewest_missing(&self.left.exprs, within, &family) {
            return Found::Yes(set);
        }
        let support = self.left.exprs.supports(family.roots());
        let found = self.run(vec![&family], Goal::Leave, within);
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
        let families: Vec<Family> = families.iter().map(|f| self.left.joined(f)).collect();
        let mut task = Task::new(families.iter().collect(), goal, &self.left.exprs);
        let elsewhere = task.support(&self.left.exprs) - *within;
        task.classes.retain_mut(|class| {
            *class &= *within;
            !class.is_empty()
        });
        let mut state = task.start();
        // Outside of `within` nobody is free: whoever may be in all sets is, and others are
        // nowhere.
        let everywhere = matches!(goal, Goal::Disjoint | Goal::Overlap);
        for acceptor in elsewhere {
            let alone: AcceptorSet = std::iter::once(acceptor).collect();
            let count = u16::from(everywhere);
            for node in &mut state {
                *node = self.left.settle(*node, &alone, count);
            }
            if self.effort.is_stopped() {
                return Found::Undecided;
            }
        }
        let start = task.simplified(state);
        let visited = self.visit(&mut task, &start);
        self.left.held -= task.held;
        let found = match visited {
            Err(GaveUp) => Found::Undecided,
            Ok(None) => Found::No,
            Ok(Some(cost)) => Found::Yes((cost, self.sets(&task, start, elsewhere))),
        };
        self.left.forget(MAX_HELD / 2);
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
        if !self.effort.take(1) || self.left.held > MAX_HELD {
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
        self.left.held += size;
        task.best.insert(state.clone(), best);
        Ok(cost)
    }

    /// The next class that matters: deciding one that no longer occurs would lead back to the
    /// same state.
    fn next(&self, task: &Task<'_>, state: &State) -> Option<AcceptorSet> {
        let open = self.left.exprs.supports(state);
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
                let mut rest: State = rest.map(|n| self.left.settle(*n, class, count)).collect();
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

    /// The sets that the best choices make up, one for each family.
    fn sets(&self, task: &Task<'_>, start: State, elsewhere: AcceptorSet) -> Vec<AcceptorSet> {
        let n = task.families.len();
        let mut sets = match task.goal {
            Goal::Disjoint | Goal::Overlap => vec![elsewhere; n],
            Goal::Separate | Goal::Leave => vec![AcceptorSet::EMPTY; n],
        };
        let mut open = task.support(&self.left.exprs) - elsewhere;
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
        let mut next = state.clone();
        for (at, slot) in task.slots.iter().enumerate() {
            for node in &mut next[slot.clone()] {
                *node = self.left.known(*node, class, counts[at]);
            }
            task.families[at].simplify(&mut next[slot.clone()]);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AcceptorId;

    #[test]
    fn sets_without_a_free_acceptor_in_common_have_all_others() {
        let mut exprs = Exprs::new();
        let members = (0..3).map(|a| (exprs.acceptor(AcceptorId(a)), 1));
        let members: Vec<_> = members.collect();
        let two = Family::Of(exprs.threshold(2, members));
        let mut search = Search::new(&exprs, &Effort::steps(100));
        let mut disjoint = |n| search.disjoint(&AcceptorSet::first(n), [&two, &two]);
        assert_eq!(disjoint(3), Found::No);
        let Found::Yes([one, other]) = disjoint(2) else {
            panic!("the last is in both");
        };
        let last = std::iter::once(AcceptorId(2)).collect();
        assert_eq!((one & other, one.len(), other.len()), (last, 2, 2));
    }
}
