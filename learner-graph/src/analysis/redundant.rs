//! The condensed graph: declared agreements that follow from the others.

use super::report::Declared;
use crate::effort::Effort;
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::search::{Found, Search};

/// The steps that one question may take.
const STEPS: u64 = 100_000;

/// Declared agreements that could be left out, one after the other, without changing TrustSafe, and
/// of how many others that was not decided.
pub(crate) fn redundant(graph: &LearnerGraph, effort: &Effort) -> (Vec<Declared>, usize) {
    let mut rest = graph.clone();
    let mut redundant = Vec::new();
    let mut undecided = 0;
    let mut search = Search::new(&graph.exprs, effort);
    for rule in graph.rules.iter().rev() {
        if effort.is_stopped() {
            undecided += 1;
            continue;
        }
        let mut without = rest.clone();
        without
            .rules
            .retain(|other| other.expr != rule.expr || other.learners != rule.learners);
        let mut open = false;
        let follows = rule.learners.iter().all(|l1| {
            let first = rule.learners.iter().next().unwrap_or(l1);
            let Some(others) = Family::agreement(&without, first, l1) else {
                return false;
            };
            search.allow(STEPS);
            let all = graph.acceptors();
            let found = search.separate(&all, &Family::Of(rule.expr), &[others]);
            open = matches!(found, Found::Undecided);
            matches!(found, Found::No)
        });
        undecided += usize::from(open);
        if follows {
            redundant.push(graph.declared(rule));
            rest = without;
        }
    }
    (redundant, undecided)
}
