//! Promises that hold together, of some that do not.

use crate::closure::Rule;
use crate::effort::Effort;
use crate::expr::{Exprs, NodeId};
use crate::graph::LearnerGraph;
use crate::set::LearnerSet;
use crate::validity::{KnownPairs, Steps};

/// The most promises of which some are chosen.
const MAX_PROMISES: usize = 64;
/// The steps that asking whether one more can be kept may take.
const STEPS: Steps = Steps {
    search: 20_000,
    solver: 10_000,
};

/// Of promises over these expressions some that the quorums of a graph keep all together: one after the other is taken
/// if it can be, so that none of the others can be added. Nothing if they are too many, or that was not decided.
pub(super) fn together(
    graph: &LearnerGraph,
    exprs: &Exprs,
    promises: &[(NodeId, LearnerSet)],
    times: u64,
    effort: &Effort,
) -> Option<Vec<(NodeId, LearnerSet)>> {
    if promises.len() > MAX_PROMISES {
        return None;
    }
    let mut kept = graph.clone();
    kept.exprs = exprs.clone();
    kept.rules.clear();
    let mut chosen = Vec::new();
    for (when, learners) in promises {
        let mut more = kept.clone();
        let root = more.flat.add(exprs, *when);
        more.rules.push(Rule {
            learners: *learners,
            expr: *when,
            root,
        });
        let known = &mut KnownPairs::default();
        let valid = more.validity_until(STEPS.times(times), effort, known, &mut |_, _| {});
        if valid.verdict()? {
            kept = more;
            chosen.push((*when, *learners));
        }
    }
    Some(chosen)
}
