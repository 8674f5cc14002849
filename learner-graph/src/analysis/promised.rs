//! Whether a file promises already what its quorums can keep.

use super::redundant::follows;
use super::report::{Declared, Strongest};
use crate::closure::Rule;
use crate::effort::Effort;
use crate::graph::LearnerGraph;
use crate::search::{Found, Search};
use crate::text::parse_unchecked;
use std::fmt::Write;

/// Whether the declared agreements of a valid graph, which are not more than its quorums keep, are not less
/// either; nothing if that is not known.
pub(crate) fn is_strongest(
    graph: &LearnerGraph,
    strongest: &Strongest,
    effort: &Effort,
) -> Option<bool> {
    if !strongest.undecided.is_empty() {
        return None;
    }
    if !strongest.conflicts.is_empty() {
        return Some(false);
    }
    let declared = graph.agreements();
    let mut both = parse_unchecked(&text(graph, [&declared, &strongest.agreements])).ok()?;
    // Of the one file with both, the first are the graph's.
    let written = both.written.take()?;
    let rules = written.safe.iter().map(|(_, learners, expr)| Rule {
        learners: *learners,
        expr: *expr,
        root: both.flat.add(&both.exprs, *expr),
    });
    let mut rules: Vec<Rule> = rules.collect();
    let strongest = rules.split_off(declared.len());
    both.rules = rules;
    let mut search = Search::new(&both.exprs, effort);
    let mut all = true;
    for rule in &strongest {
        match follows(&both, rule, &mut search) {
            Found::Yes(()) => {}
            Found::No => all = false,
            Found::Undecided => return None,
        }
    }
    Some(all)
}

/// A file with these agreements; what the quorums are is no matter.
fn text(graph: &LearnerGraph, agreements: [&[Declared]; 2]) -> String {
    let acceptors = graph.acceptor_names(&graph.acceptors());
    let mut text = format!("acceptors = {acceptors:?}\n[learners]\n");
    for learner in graph.learner_names(&graph.learners()) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{learner:?} = {:?}", acceptors[0]);
    }
    for Declared { between, when } in agreements.into_iter().flatten() {
        let _ = write!(text, "[[safe]]\nbetween = {between:?}\nwhen = {when}\n");
    }
    text
}
