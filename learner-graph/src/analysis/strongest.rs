//! The strongest TrustSafe that the quorums of learners allow.
//!
//! Two learners can agree while the safe acceptors S meet every set that a quorum of the one and
//! a quorum of the other have in common: while what is not safe contains no splitting set. With
//! the minimal splitting sets in patterns (c of a class C, and so on) that is an expression: of
//! each pattern, some class C has at least |C| - c + 1 safe members.
//!
//! TrustSafe is transitive, and these conditions need not be. Then S is in those of two pairs
//! and not in that of the third, and there is no strongest TrustSafe: one of the two has to give
//! way, and either may.

use super::pattern::Pattern;
use super::report::{Conflict, Declared, Strongest};
use crate::effort::Effort;
use crate::expr::{Exprs, NodeId, TRUE};
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::id::{AcceptorId, LearnerId};
use crate::search::{Found, Search};
use std::collections::BTreeMap;

/// The most conflicts that are named.
const MAX_CONFLICTS: usize = 16;
/// The steps that looking for one conflict may take.
const STEPS: u64 = 50_000;

/// What is known of the splitting sets of a pair.
#[derive(Clone, Debug)]
pub(crate) enum Splitting {
    /// These are all.
    All(Vec<Pattern>),
    /// The quorums need not meet at all.
    Never,
    /// There are too many.
    Unknown,
}

/// The condition under which nothing splits the two.
pub(crate) fn condition(exprs: &mut Exprs, splitting: &[Pattern]) -> NodeId {
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
    match all.len() {
        0 => TRUE,
        n => exprs.threshold(n as u64, all),
    }
}

/// The strongest TrustSafe, from the splitting sets of every pair (the smaller learner first).
pub(crate) fn strongest(
    graph: &LearnerGraph,
    splitting: impl Fn(LearnerId, LearnerId) -> Splitting,
    effort: &Effort,
) -> Strongest {
    let mut exprs = graph.exprs.clone();
    let mut result = Strongest::default();
    let mut known: BTreeMap<(LearnerId, LearnerId), NodeId> = BTreeMap::new();
    let name = |l: LearnerId| graph.learner_name(l).to_owned();
    for l1 in graph.learners() {
        for l2 in graph.learners().iter().filter(|l2| l1 <= *l2) {
            match splitting(l1, l2) {
                Splitting::All(patterns) => {
                    known.insert((l1, l2), condition(&mut exprs, &patterns));
                }
                Splitting::Never => result.never.push([name(l1), name(l2)]),
                Splitting::Unknown => result.undecided.push([name(l1), name(l2)]),
            }
        }
    }
    let mut search = Search::new(&exprs, effort);
    let of = |a: LearnerId, b: LearnerId| known.get(&(a.min(b), a.max(b))).copied();
    let unknown =
        |a: LearnerId, b: LearnerId| matches!(splitting(a.min(b), a.max(b)), Splitting::Unknown);
    'all: for l1 in graph.learners() {
        for l3 in graph.learners().iter().filter(|l3| l1 <= *l3) {
            if unknown(l1, l3) {
                continue;
            }
            for l2 in graph.learners().iter().filter(|l2| *l2 != l1 && *l2 != l3) {
                let (Some(first), Some(second)) = (of(l1, l2), of(l2, l3)) else {
                    continue;
                };
                if of(l1, l3).is_some_and(|third| third == first || third == second) {
                    continue;
                }
                if result.conflicts.len() == MAX_CONFLICTS || effort.is_stopped() {
                    break 'all;
                }
                search.allow(STEPS);
                let both = search.both(first, second);
                let outside: Vec<Family> = of(l1, l3).map(Family::Of).into_iter().collect();
                let all = graph.acceptors();
                if let Found::Yes(set) = search.separate(&all, &both, &outside) {
                    result.conflicts.push(Conflict {
                        by: name(l2),
                        between: [name(l1), name(l3)],
                        safe: set
                            .iter()
                            .map(|a| graph.acceptor_name(a).to_owned())
                            .collect(),
                    });
                    break;
                }
            }
        }
    }
    // Pairs with one condition that share learners are written as one entry.
    let mut groups: Vec<(NodeId, crate::LearnerSet)> = Vec::new();
    for ((l1, l2), when) in &known {
        let pair: crate::LearnerSet = [*l1, *l2].into_iter().collect();
        let all_alike = |set: &crate::LearnerSet| {
            let joined = *set | pair;
            joined
                .iter()
                .all(|a| joined.iter().all(|b| of(a, b) == Some(*when)))
        };
        match groups
            .iter_mut()
            .find(|(of, set)| of == when && all_alike(set))
        {
            Some((_, set)) => *set |= pair,
            None => groups.push((*when, pair)),
        }
    }
    // What larger entries say already is left out.
    let subset = |at: usize| {
        let (when, set) = groups[at];
        let others = groups.iter().enumerate();
        others.clone().any(|(other, (w, s))| {
            other != at && *w == when && set.is_subset(s) && (set != *s || other < at)
        })
    };
    let kept = (0..groups.len()).filter(|at| !subset(*at));
    result.agreements = kept
        .map(|at| Declared {
            between: groups[at].1.iter().map(name).collect(),
            when: graph.toml_of(&exprs, groups[at].0),
        })
        .collect();
    result
}
