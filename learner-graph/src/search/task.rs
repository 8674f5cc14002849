//! One search: what is looked for among which families, and how the members of a class can be spread over the sets.

use crate::expr::{Exprs, NodeId};
use crate::family::{Family, Status};
use crate::set::AcceptorSet;
use crate::symmetry::classes;
use std::collections::HashMap;
use std::ops::Range;

/// What a search looks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// A set in the first family and in none of the others.
    Separate,
    /// One member of each family, without a free acceptor in all of them.
    Disjoint,
    /// A set that is not in the family; it costs one for each acceptor that it lacks.
    Leave,
    /// A member of each of the two families; each acceptor in both costs one.
    Overlap,
}

/// One search: what is looked for among which families.
pub(super) struct Task<'a> {
    pub(super) families: Vec<&'a Family>,
    /// Each family's part of a state.
    pub(super) slots: Vec<Range<usize>>,
    pub(super) classes: Vec<AcceptorSet>,
    pub(super) goal: Goal,
    /// Of each state that was visited, the least cost of reaching the goal from it, if it can be
    /// reached, and the choice that does.
    pub(super) best: HashMap<Box<[NodeId]>, Option<(usize, Choice)>>,
    /// What is held of them, in bytes.
    pub(super) held: usize,
}

/// How many acceptors of a class are in the set that each family is about.
pub(super) type Choice = Box<[u16]>;

/// What is left of the expressions.
pub(super) type State = Box<[NodeId]>;

/// How the undecided acceptors are to be chosen once the goal is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// In each set.
    Present,
    /// In no set.
    Absent,
    /// In each set but that of one family.
    MissingFrom(usize),
}

/// What is known of the goal in a state.
pub(super) enum Reached {
    Yes(Rest),
    No,
    Open,
}

impl<'a> Task<'a> {
    pub(super) fn new(families: Vec<&'a Family>, goal: Goal, exprs: &Exprs) -> Self {
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

    pub(super) fn support(&self, exprs: &Exprs) -> AcceptorSet {
        exprs.supports(&self.start())
    }

    pub(super) fn start(&self) -> State {
        let roots = self.families.iter().flat_map(|f| f.roots());
        roots.copied().collect()
    }

    pub(super) fn simplified(&self, mut state: State) -> State {
        for (family, slot) in self.families.iter().zip(&self.slots) {
            family.simplify(&mut state[slot.clone()]);
        }
        state
    }

    /// The state that a choice leads to: of each family what the chosen way leaves.
    pub(super) fn joined(&self, ways: &[Vec<(u16, State)>], choice: &[usize]) -> State {
        let parts = ways.iter().zip(choice);
        parts
            .flat_map(|(ways, at)| ways[*at].1.iter())
            .copied()
            .collect()
    }

    pub(super) fn reached(&self, state: &State) -> Reached {
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
    pub(super) fn choices(
        self,
        ways: &[Vec<(u16, State)>],
        class: usize,
    ) -> Vec<(usize, Vec<usize>)> {
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
    pub(super) fn place(self, class: &AcceptorSet, counts: &[u16], sets: &mut [AcceptorSet]) {
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
