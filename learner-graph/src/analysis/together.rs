//! Promises that hold together, of some that do not.

use super::conditions::Conditions;
use super::strongest::entries;
use crate::effort::Effort;
use crate::expr::{Exprs, NodeId};
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::set::LearnerSet;
use crate::validity::{KnownPairs, Steps};
use std::collections::VecDeque;

/// So many promises may be tried.
const TRIES: u64 = 64;
/// The steps that asking whether one more can be kept may take.
const STEPS: Steps = Steps {
    search: 20_000,
    solver: 20_000,
};

/// Of promises over these expressions some that the quorums of a graph keep all together: those of learners with
/// themselves, which lead to nobody else, and then one entry after the other, or as many of its pairs as can be kept. No
/// pair could have its promise besides, as it stands. Nothing if that was not decided, with so many times as many tries and
/// steps as usual.
pub(super) fn together(
    graph: &LearnerGraph,
    exprs: &Exprs,
    promises: &Conditions,
    times: u64,
    effort: &Effort,
) -> Option<Conditions> {
    let mut kept = graph.clone();
    kept.exprs = exprs.clone();
    kept.rules.clear();
    let mut chosen = Conditions::new();
    for ((l1, l2), when) in promises.iter().filter(|((l1, l2), _)| l1 == l2) {
        kept.declare([*l1].into_iter().collect(), *when);
        chosen.insert((*l1, *l2), *when);
    }
    let mut left: VecDeque<(NodeId, LearnerSet)> = entries(promises).into();
    let (all, mut tried) = (graph.pairs(), 0);
    while let Some((when, learners)) = left.pop_front() {
        let among = |(l1, l2): &(LearnerId, LearnerId)| {
            l1 != l2 && learners.contains(*l1) && learners.contains(*l2)
        };
        let pairs: Vec<_> = all.iter().copied().filter(among).collect();
        if pairs.iter().all(|pair| chosen.contains_key(pair)) {
            continue;
        }
        tried += 1;
        if tried > TRIES.saturating_mul(times) {
            return None;
        }
        let mut more = kept.clone();
        more.declare(learners, when);
        let known = &mut KnownPairs::default();
        let valid = more.validity_until(STEPS.times(times), effort, known, &mut |_, _| {});
        if valid.verdict()? {
            kept = more;
            chosen.extend(pairs.into_iter().map(|pair| (pair, when)));
        } else if pairs.len() > 1 {
            left.extend(
                pairs
                    .iter()
                    .map(|(l1, l2)| (when, [*l1, *l2].into_iter().collect())),
            );
        }
    }
    Some(chosen)
}
