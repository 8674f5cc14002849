//! The condensed graph: declared agreements that follow from the others.

use super::report::Redundant;
use crate::closure::Rule;
use crate::effort::Effort;
use crate::expr::NodeId;
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::known::Known;
use crate::search::{Found, Search};
use crate::set::LearnerSet;

/// The steps that one question may take.
const STEPS: u64 = 100_000;

/// Whether an entry follows from others, by their numbers.
pub(crate) type KnownRedundant = Known<(usize, Vec<usize>), Found<()>>;

/// Entries of the file that could be left out, one after the other from the last one, without
/// changing TrustSafe, and of how many others that was not decided; agreements as the graph has
/// them if it came from no file. Each question may take so many times as many steps as usual.
pub(crate) fn redundant(
    graph: &LearnerGraph,
    times: u64,
    effort: &Effort,
    known: &mut KnownRedundant,
) -> (Vec<Redundant>, usize) {
    let mut rest = entries(graph);
    // What is left of the entries, by their numbers.
    let mut numbers: Vec<usize> = (0..rest.rules.len()).collect();
    let place = |number: usize| graph.written.as_ref()?.safe_entry(number);
    let mut redundant: Vec<(Rule, Redundant)> = Vec::new();
    let mut undecided = 0;
    let mut search = Search::new(&graph.exprs, effort);
    for at in (0..rest.rules.len()).rev() {
        let rule = rest.rules.remove(at);
        let number = numbers.remove(at);
        let key = (number, numbers.clone());
        let found = known.get(&key, effort.is_stopped()).unwrap_or_else(|| {
            let found = match rest.rules.iter().any(|other| says_as_much(other, &rule)) {
                true => Found::Yes(()),
                // What stands alone follows from nothing.
                false if rest.rules.is_empty() => Found::No,
                false if effort.is_stopped() => Found::Undecided,
                false => follows(&rest, (rule.learners, rule.expr), times, &mut search),
            };
            known.keep(key, found, found != Found::Undecided, effort.is_stopped())
        });
        if matches!(found, Found::Yes(())) {
            let declared = graph.declared(&rule);
            let entry = Redundant {
                place: place(number),
                said_by: None,
                between: declared.between,
                when: declared.when,
            };
            redundant.push((rule, entry));
        } else {
            undecided += usize::from(matches!(found, Found::Undecided));
            rest.rules.insert(at, rule);
            numbers.insert(at, number);
        }
    }
    redundant.reverse();
    // Only what stays is named: another one that says the same may have gone later.
    let redundant = redundant.into_iter().map(|(rule, mut entry)| {
        let other = rest
            .rules
            .iter()
            .position(|other| says_as_much(other, &rule));
        entry.said_by = other.and_then(|other| place(numbers[other]));
        entry
    });
    (redundant.collect(), undecided)
}

/// Whether one agreement says all that another does, in the same words.
fn says_as_much(one: &Rule, other: &Rule) -> bool {
    one.expr == other.expr && other.learners.is_subset(&one.learners)
}

/// The graph with the agreements as they stand in its file: reading makes one of those that say the
/// same.
fn entries(graph: &LearnerGraph) -> LearnerGraph {
    let mut rest = graph.clone();
    if let Some(written) = &graph.written {
        let rules = written.safe.iter().map(|(_, learners, expr)| Rule {
            learners: *learners,
            expr: *expr,
            root: rest.flat.add(&graph.exprs, *expr),
        });
        rest.rules = rules.collect();
    }
    rest
}

/// Whether all that an agreement says follows from others over the same expressions.
pub(super) fn follows(
    others: &LearnerGraph,
    (learners, expr): (LearnerSet, NodeId),
    times: u64,
    search: &mut Search,
) -> Found<()> {
    let mut follows = Found::Yes(());
    for l1 in learners {
        let first = learners.iter().next().unwrap_or(l1);
        let Some(others_say) = Family::agreement(others, first, l1) else {
            return Found::No;
        };
        search.allow(STEPS.saturating_mul(times));
        let all = others.acceptors();
        match search.separate(&all, &Family::Of(expr), &[others_say]) {
            Found::No => {}
            Found::Yes(_) => return Found::No,
            Found::Undecided => follows = Found::Undecided,
        }
    }
    follows
}
