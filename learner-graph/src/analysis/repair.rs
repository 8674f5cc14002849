//! Which change of one threshold would make a pair of learners valid.

use super::report::Repair;
use crate::effort::Effort;
use crate::expr::{Exprs, Node, NodeId};
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::search::{Found, Search};
use crate::validity::Violation;

/// The steps that one attempt may take.
const STEPS: u64 = 200_000;

/// Changes each of which is enough for the pair of a violation: larger quorums of the one, of the
/// other, or larger safe sets.
pub(crate) fn repairs(graph: &LearnerGraph, v: &Violation, effort: &Effort) -> Vec<Repair> {
    let Some(safe) = Family::agreement(graph, v.from, v.to) else {
        return Vec::new();
    };
    let live = [v.from, v.to].map(|l| graph.live[usize::from(l.0)].0);
    let mut repairs = Vec::new();
    let mut attempt = |what: String, root: NodeId, changed: &dyn Fn(NodeId) -> [Family; 3]| {
        let found = least(graph, root, |exprs, raised| {
            let [safe, from, to] = changed(raised);
            let mut search = Search::new(exprs, &effort.again(STEPS));
            matches!(search.disjoint([&safe, &from, &to]), Found::No)
        });
        if let Some((threshold, raise_to)) = found {
            repairs.push(Repair {
                what,
                threshold,
                raise_to,
            });
        }
    };
    let name = |l| format!("the quorums of '{}'", graph.learner_name(l));
    if v.from == v.to {
        attempt(name(v.from), live[0], &|raised| {
            [safe.clone(), Family::Of(raised), Family::Of(raised)]
        });
    } else {
        attempt(name(v.from), live[0], &|raised| {
            [safe.clone(), Family::Of(raised), Family::Of(live[1])]
        });
        attempt(name(v.to), live[1], &|raised| {
            [safe.clone(), Family::Of(live[0]), Family::Of(raised)]
        });
    }
    for condition in safe.roots() {
        let what = format!("the safe sets when = {}", graph.toml(*condition));
        attempt(what, *condition, &|raised| {
            [
                safe.map(|id| if id == *condition { raised } else { id }),
                Family::Of(live[0]),
                Family::Of(live[1]),
            ]
        });
    }
    repairs
}

/// The threshold of an expression, and the least larger one that passes a test, if one does.
fn least(
    graph: &LearnerGraph,
    root: NodeId,
    test: impl Fn(&Exprs, NodeId) -> bool,
) -> Option<(u64, u64)> {
    let (need, members) = match graph.exprs.node(root) {
        Node::Threshold { need, members } => (*need, members.to_vec()),
        Node::Constant(_) | Node::Acceptor(_) => return None,
    };
    let total = members.iter().map(|(_, weight)| weight).sum();
    let enough = |need: u64| {
        let mut exprs = graph.exprs.clone();
        let raised = exprs.threshold(need, members.iter().copied());
        test(&exprs, raised)
    };
    let (mut below, mut at) = (need, total);
    if need >= total || !enough(total) {
        return None;
    }
    while at - below > 1 {
        let middle = below + (at - below) / 2;
        if enough(middle) {
            at = middle;
        } else {
            below = middle;
        }
    }
    Some((need, at))
}
