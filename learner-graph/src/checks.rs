//! The checks of a whole graph, and what they found in words.

use crate::analysis::words::whole;
use crate::effort::{Effort, out_of};
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::kinds::Kinds;
use crate::problem::Problem;
use crate::read::Read;
use crate::set::AcceptorSet;
use crate::through::{chain, in_words, links};
use crate::uniform::{KnownDifferences, UNIFORMITY_STEPS, Uniformity};
use crate::validity::{KnownPairs, VALIDITY_STEPS, Validity, Violation};
use std::ops::Range;

/// The most counterexamples of one kind that are spelled out.
const MAX_SHOWN: usize = 8;
/// So many are looked at for those that are easy to see.
const MAX_COMPARED: usize = 256;

/// What the checks of a well-formed graph have found. They can go on with more steps.
#[derive(Default)]
pub(crate) struct Checks {
    pairs: KnownPairs,
    differences: KnownDifferences,
    /// Whether any two quorums meet where they must.
    pub(crate) validity: Validity,
    /// Whether all learners are uniform; that is asked only of a valid graph.
    pub(crate) uniformity: Option<Uniformity>,
    /// Whether validity was open after the steps that a node allows.
    slow: bool,
    /// Whether they were stopped.
    stopped: bool,
}

impl Checks {
    /// Asks whatever is not decided, with so many times as many steps as a node allows when it reads its
    /// configuration, until the flag of `until` is raised.
    pub(crate) fn ask(
        &mut self,
        graph: &LearnerGraph,
        times: u64,
        until: &Effort,
        progress: &mut dyn FnMut(&str, usize, usize),
    ) {
        self.pairs.again();
        self.differences.again();
        let mut pairs = |done, all| progress("validity", done, all);
        let steps = VALIDITY_STEPS.times(times);
        self.validity = graph.validity_until(steps, until, &mut self.pairs, &mut pairs);
        if times == 1 {
            self.slow = !self.validity.undecided.is_empty();
        }
        self.uniformity = self.validity.holds().then(|| {
            progress("uniformity", 0, 1);
            let effort = until.again(UNIFORMITY_STEPS.saturating_mul(times));
            graph.uniformity_within(&effort, &mut self.differences)
        });
        self.stopped = until.is_stopped();
    }

    /// Whether more steps can tell nothing more.
    pub(crate) fn are_decided(&self) -> bool {
        let uniform = self.uniformity.as_ref();
        self.validity.undecided.is_empty() && uniform.is_none_or(|u| u.undecided.is_empty())
    }

    /// What was found, in words.
    pub(crate) fn problems(&self, read: &Read) -> Vec<Problem> {
        let mut problems = self.not_valid(read);
        let uniform = self.uniformity.iter();
        problems.extend(uniform.flat_map(|found| uniformity(read, found, self.stopped)));
        problems.extend(no_self_agreement(read));
        if self.slow && self.validity.holds() {
            let what = "that this graph is valid was decided with more steps than a node takes when it starts";
            let mend = "a node may refuse it as not decided; simplify its expressions";
            problems.push(Problem::warning(None, what, mend));
        }
        problems
    }

    fn not_valid(&self, read: &Read) -> Vec<Problem> {
        let (graph, found) = (&read.graph, &self.validity);
        let mut problems = Vec::new();
        // Those of few entries tell most.
        let mut shown: Vec<&Violation> = found.violations.iter().take(MAX_COMPARED).collect();
        shown.sort_by_cached_key(|v| links(graph, (v.from, v.to), &v.safe).len());
        for violation in shown.into_iter().take(MAX_SHOWN) {
            let span = edge(read, violation);
            let mend = "use larger quorums or larger safe sets";
            problems.push(Problem::error(span, words(graph, violation), mend));
        }
        if found.holds() {
            return problems;
        }
        let kinds = Kinds::of(graph);
        let bad = kinds.alike(graph, found.violations.iter().map(|v| (v.from, v.to)));
        let shown = found.violations.len().min(MAX_SHOWN);
        if bad > shown {
            let what = format!("{} more pairs of learners have such quorums", bad - shown);
            problems.push(Problem::error(None, what, ""));
        }
        if let Some(first) = found.undecided.first() {
            let all = kinds.alike(graph, found.undecided.iter().copied());
            let (open, out) = (open_pairs(graph, *first, all), out_of(self.stopped));
            problems.push(match bad {
                0 => Problem::error(
                    span(read, first.0),
                    format!("not decided whether the graph is valid, for {out} ran out ({open})"),
                    "a graph is used only if it is known to be valid, after no more steps than a node takes: simplify \
                     the expressions of these learners; hpaxos graph check --seconds 600 may tell whether it is",
                ),
                _ => Problem::error(
                    None,
                    format!("not decided of others whether they have such quorums, for {out} ran out ({open})"),
                    "",
                ),
            });
        }
        problems
    }
}

/// How many pairs are open, and one of them.
fn open_pairs(graph: &LearnerGraph, (l1, l2): (LearnerId, LearnerId), all: usize) -> String {
    let first = pair(graph, l1, l2);
    match all {
        1 => format!("{first} is open"),
        n => format!("{n} pairs are open, the first is {first}"),
    }
}

/// A counterexample spelled out: the edge, the two quorums, and what they share.
fn words(graph: &LearnerGraph, v: &Violation) -> String {
    let (from, to) = (graph.learner_name(v.from), graph.learner_name(v.to));
    let set = |s: &AcceptorSet| whole(&graph.acceptor_names(s));
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
        let through = in_words(from, &links(graph, (v.from, v.to), &v.safe));
        (format!("'{from}' and '{to}' shall agree{through}"), q1, q2)
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
fn edge(read: &Read, v: &Violation) -> Option<Range<usize>> {
    let written = read.graph.written.as_ref()?;
    let chain = chain(&read.graph, written, (v.from, v.to), &v.safe);
    let (first, _) = chain.first()?;
    read.safe.get(*first).map(|(span, ..)| span.clone())
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

fn uniformity(read: &Read, found: &Uniformity, stopped: bool) -> Vec<Problem> {
    let graph = &read.graph;
    let mut problems = Vec::new();
    let by_learner = found.differences.chunk_by(|a, b| a.learner == b.learner);
    for differences in by_learner.clone().take(MAX_SHOWN) {
        let Some(difference) = differences.first() else {
            continue;
        };
        let name = graph.learner_name(difference.learner);
        let other = graph.learner_name(difference.other);
        let set = whole(&graph.acceptor_names(&difference.set));
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
    if let Some(first) = found.undecided.first() {
        let what = format!(
            "not decided whether the graph is uniform, for {} ran out ({})",
            out_of(stopped),
            open_pairs(graph, *first, found.undecided.len())
        );
        let mend = "liveness is promised for uniform graphs only";
        problems.push(Problem::warning(span(read, first.0), what, mend));
    }
    problems
}
