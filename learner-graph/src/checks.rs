//! What the checks of a whole graph found, in words.

use crate::effort::Effort;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::problem::Problem;
use crate::read::Read;
use crate::set::AcceptorSet;
use crate::uniform::UNIFORMITY_STEPS;
use crate::validity::{VALIDITY_STEPS, Violation};
use std::ops::Range;

/// The most counterexamples of one kind that are spelled out.
const MAX_SHOWN: usize = 8;

/// The problems of a well-formed graph: validity, self-agreement, uniformity.
pub(crate) fn problems(read: &Read) -> Vec<Problem> {
    let mut problems = validity(read);
    if problems.is_empty() {
        problems.extend(uniformity(read));
    }
    problems.extend(no_self_agreement(read));
    problems
}

fn validity(read: &Read) -> Vec<Problem> {
    let graph = &read.graph;
    let found = graph.validity_until(VALIDITY_STEPS, &Effort::steps(0));
    let mut problems = Vec::new();
    for violation in found.violations.iter().take(MAX_SHOWN) {
        let span = edge(read, violation);
        let mend = "use larger quorums or larger safe sets";
        problems.push(Problem::error(span, words(graph, violation), mend));
    }
    if found.violations.len() > MAX_SHOWN {
        let more = found.violations.len() - MAX_SHOWN;
        let what = format!("{more} more pairs of learners have such quorums");
        problems.push(Problem::error(None, what, ""));
    }
    if let Some((l1, l2)) = found.undecided.first() {
        let pairs = found.undecided.len();
        let what = format!(
            "not decided within {} steps whether the graph is valid ({pairs} pairs \
             are open, the first is {})",
            VALIDITY_STEPS.search,
            pair(graph, *l1, *l2),
        );
        let mend = "a graph is used only if it is known to be valid; simplify its expressions";
        problems.push(Problem::error(span(read, *l1), what, mend));
    }
    problems
}

/// A counterexample spelled out: the edge, the two quorums, and what they share.
fn words(graph: &LearnerGraph, v: &Violation) -> String {
    let (from, to) = (graph.learner_name(v.from), graph.learner_name(v.to));
    let set = |s: &AcceptorSet| graph.names(s);
    let share = |a: &str, b: &str, x: &AcceptorSet, y: &AcceptorSet| match *x & *y {
        AcceptorSet::EMPTY => format!("{a} and {b} share nobody"),
        both => format!("{a} and {b} share {}", set(&both)),
    };
    let (whom, q1, q2) = if v.from == v.to {
        (
            format!("'{from}' shall agree with itself"),
            "the quorum",
            "the other",
        )
    } else {
        let (q1, q2) = ("the first quorum", "the second");
        (format!("'{from}' and '{to}' shall agree"), q1, q2)
    };
    format!(
        "not valid: {whom} while {} is safe, but quorum {} of '{from}' and quorum {} of '{to}' \
         have no acceptor of it in common: {}; {}; {}",
        set(&v.safe),
        set(&v.quorum_from),
        set(&v.quorum_to),
        share(q1, q2, &v.quorum_from, &v.quorum_to),
        share("the safe set", q1, &v.safe, &v.quorum_from),
        share("the safe set", q2, &v.safe, &v.quorum_to),
    )
}

/// The `[[safe]]` entry with which the chain from one learner to the other starts.
fn edge(read: &Read, violation: &Violation) -> Option<Range<usize>> {
    let graph = &read.graph;
    let starts = || {
        read.safe.iter().filter(|(_, learners, expr)| {
            learners.contains(violation.from) && graph.exprs.holds(*expr, &violation.safe)
        })
    };
    let direct = starts().find(|(_, learners, _)| learners.contains(violation.to));
    direct
        .or_else(|| starts().next())
        .map(|(span, ..)| span.clone())
}

fn span(read: &Read, learner: LearnerId) -> Option<Range<usize>> {
    read.learners.get(usize::from(learner.0)).cloned()
}

fn pair(graph: &LearnerGraph, l1: LearnerId, l2: LearnerId) -> String {
    let (a, b) = (graph.learner_name(l1), graph.learner_name(l2));
    if l1 == l2 {
        format!("'{a}' with itself")
    } else {
        format!("'{a}' and '{b}'")
    }
}

fn no_self_agreement(read: &Read) -> Vec<Problem> {
    let graph = &read.graph;
    let mut problems = Vec::new();
    for learner in graph.learners() {
        if graph.trust_safe(learner, learner, &graph.acceptors()) {
            continue;
        }
        let name = graph.learner_name(learner);
        let what = format!(
            "learner '{name}' has no TrustSafe set at all: it agrees with nobody, not even with \
             itself, and may see several different decisions however well the acceptors behave"
        );
        let mend = format!("add a [[safe]] entry with '{name}' in its 'between'");
        problems.push(Problem::warning(span(read, learner), what, mend));
    }
    problems
}

fn uniformity(read: &Read) -> Vec<Problem> {
    let graph = &read.graph;
    let found = graph.uniformity(UNIFORMITY_STEPS);
    let mut problems = Vec::new();
    let by_learner = found.differences.chunk_by(|a, b| a.learner == b.learner);
    for differences in by_learner.clone().take(MAX_SHOWN) {
        let Some(difference) = differences.first() else {
            continue;
        };
        let name = graph.learner_name(difference.learner);
        let other = graph.learner_name(difference.other);
        let set = graph.names(&difference.set);
        let more = match differences.len() {
            1 => String::new(),
            others => format!(" ({} such learners in all)", others),
        };
        let what = format!(
            "not uniform: while {set} is safe, '{name}' agrees with itself but need not agree \
             with '{other}'{more}; old votes for '{other}' can keep '{name}' from ever deciding"
        );
        let mend = format!(
            "give '{name}' the same safe sets with '{other}' as with itself, or accept it: \
             agreement is not in danger"
        );
        problems.push(Problem::warning(span(read, difference.learner), what, mend));
    }
    let learners = by_learner.count();
    if learners > MAX_SHOWN {
        let what = format!("{} more learners are not uniform", learners - MAX_SHOWN);
        problems.push(Problem::warning(None, what, ""));
    }
    if let Some((l1, l2)) = found.undecided.first() {
        let what = format!(
            "not decided within {UNIFORMITY_STEPS} steps whether the graph is uniform ({} pairs \
             are open, the first is {})",
            found.undecided.len(),
            pair(graph, *l1, *l2),
        );
        let mend = "liveness is promised for uniform graphs only";
        problems.push(Problem::warning(span(read, *l1), what, mend));
    }
    problems
}
