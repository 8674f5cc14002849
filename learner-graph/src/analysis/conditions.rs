//! Under which condition two learners can agree, from what splits their quorums.
//!
//! They can while the safe acceptors meet every set that a quorum of the one and a quorum of the other have in common: while
//! what is not safe contains no splitting set. With the minimal splitting sets in patterns (c of a class C, and so on) that
//! is an expression: of each pattern, some class C has at least |C| - c + 1 safe members.
//!
//! TrustSafe is symmetric and transitive, so that whoever agrees with another agrees with itself: what can be promised to two
//! holds only while what can be promised to each by itself does.

use super::pattern::Pattern;
use crate::effort::Effort;
use crate::expr::{Exprs, NodeId};
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::id::{AcceptorId, LearnerId};
use crate::search::{Found, Search};
use crate::set::AcceptorSet;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The steps that asking whether one condition follows from another may take.
const STEPS: u64 = 50_000;

/// What is known of the splitting sets of a pair.
#[derive(Debug)]
pub(crate) enum Splitting {
    /// These are all.
    All(Vec<Pattern>),
    /// The quorums need not meet at all.
    Never,
    /// There are more than are listed.
    TooMany,
    /// Not all were found.
    Unknown,
}

/// The condition under which nothing splits the two.
pub(crate) fn nothing_splits(exprs: &mut Exprs, splitting: &[Pattern]) -> NodeId {
    let mut all = Vec::new();
    for pattern in splitting {
        let mut some = Vec::new();
        for (count, class) in pattern.parts() {
            let members: Vec<_> = class
                .iter()
                .map(|unit| (exprs.acceptor(AcceptorId(unit.0)), 1))
                .collect();
            let safe = members.len() - count + 1;
            some.push((exprs.threshold(safe as u64, members), 1));
        }
        all.push((exprs.threshold(1, some), 1));
    }
    exprs.threshold(all.len() as u64, all)
}

/// For the pairs that can agree, the weakest condition under which they do.
pub(super) type Conditions = BTreeMap<Two, NodeId>;

/// Two learners, the smaller first, or one with itself.
type Two = (LearnerId, LearnerId);

/// Why the condition of a pair is not known, or that there is none; the last is the strongest reason.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum No {
    Unknown,
    TooMany,
    Never,
}

/// Pairs by what is known of them.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) known: Conditions,
    /// They can never agree.
    pub(super) never: Vec<Two>,
    /// Not all that splits them is known.
    pub(super) undecided: BTreeSet<Two>,
    /// For how many of them that is because there is too much.
    pub(super) too_many: usize,
}

impl Sorted {
    pub(super) fn new(
        graph: &LearnerGraph,
        splitting: Vec<(Two, Splitting)>,
        exprs: &mut Exprs,
        times: u64,
        effort: &Effort,
    ) -> Self {
        let of_pair = |(pair, splitting)| {
            let when = match splitting {
                Splitting::All(patterns) => Ok(nothing_splits(exprs, &patterns)),
                Splitting::Never => Err(No::Never),
                Splitting::TooMany => Err(No::TooMany),
                Splitting::Unknown => Err(No::Unknown),
            };
            (pair, when)
        };
        let alone: BTreeMap<Two, Result<NodeId, No>> = splitting.into_iter().map(of_pair).collect();
        let mut follows = Follows::new(graph, exprs, times, effort);
        let mut sorted = Self::default();
        for ((a, b), of_both) in &alone {
            // Whoever agrees with another agrees with itself: a promise to two is one to each.
            match [*of_both, alone[&(*a, *a)], alone[&(*b, *b)]] {
                [Ok(of_both), Ok(of_a), Ok(of_b)] => {
                    let when = follows.all_of([of_both, of_a, of_b], exprs);
                    sorted.known.insert((*a, *b), when);
                }
                some => match some.into_iter().filter_map(Result::err).max() {
                    Some(No::Never) => sorted.never.push((*a, *b)),
                    no => {
                        sorted.too_many += usize::from(no == Some(No::TooMany));
                        sorted.undecided.insert((*a, *b));
                    }
                },
            }
        }
        sorted
    }
}

/// Which conditions follow from which.
struct Follows {
    all: AcceptorSet,
    search: Search,
    steps: u64,
    /// Whether the one follows from the other.
    known: HashMap<[NodeId; 2], bool>,
}

impl Follows {
    fn new(graph: &LearnerGraph, exprs: &Exprs, times: u64, effort: &Effort) -> Self {
        Self {
            all: graph.acceptors(),
            search: Search::new(exprs, effort),
            steps: STEPS.saturating_mul(times),
            known: HashMap::new(),
        }
    }

    /// All of these, less those that are sure to follow from others.
    fn all_of(&mut self, mut conditions: [NodeId; 3], exprs: &mut Exprs) -> NodeId {
        conditions.sort_unstable();
        let mut left = conditions.to_vec();
        left.dedup();
        for condition in left.clone() {
            let mut others = left.iter().filter(|other| **other != condition).copied();
            if others.any(|other| self.follows(condition, other)) {
                left.retain(|kept| *kept != condition);
            }
        }
        exprs.threshold(left.len() as u64, left.into_iter().map(|id| (id, 1)))
    }

    /// Whether the first holds wherever the second does, as far as that is decided.
    fn follows(&mut self, first: NodeId, second: NodeId) -> bool {
        let (search, all, steps) = (&mut self.search, &self.all, self.steps);
        *self.known.entry([first, second]).or_insert_with(|| {
            search.allow(steps);
            let outside = search.separate(all, &Family::Of(second), &[Family::Of(first)]);
            outside == Found::No
        })
    }
}
