//! What pairs of learners have of the steps that a check of validity may take.

mod irregular;

use irregular::irregular_text;
use learner_graph::{LearnerGraph, Steps, parse_unchecked};

/// An easy pair that is not valid, after one that nobody can decide.
#[test]
fn a_hard_pair_hides_no_easy_one() {
    let text = irregular_text(200, 2);
    let easy = "{ threshold = 2, of = [\"a1\", \"a2\", \"a3\", \"a4\"] }";
    let text = text.replace("[[safe]]", &format!("x = {easy}\n[[safe]]"));
    let text = format!("{text}\n[[safe]]\nbetween = [\"x\"]\nwhen = {easy}\n");
    let graph = parse_unchecked(&text).expect("a graph");
    let x = graph.learner("x").expect("it is there");
    for (search, solver) in [(1_000, 0), (0, 50_000)] {
        let found = graph.validity(Steps { search, solver });
        assert!(!found.undecided.is_empty(), "{search} {solver}");
        let bad: Vec<_> = found.violations.iter().map(|v| (v.from, v.to)).collect();
        assert_eq!(bad, [(x, x)], "{search} {solver}");
    }
}

/// Learners that agree each with itself alone, for no reason that a count would show.
fn hermits(learners: usize) -> LearnerGraph {
    let text = irregular_text(10, learners);
    let (graph, safe) = text.split_once("[[safe]]").expect("an entry");
    let when = safe.split_once("when").expect("a condition").1;
    let entry = |l: usize| format!("[[safe]]\nbetween = [\"l{l}\"]\nwhen{when}");
    let entries: String = (0..learners).map(entry).collect();
    parse_unchecked(&format!("{graph}{entries}")).expect("a graph")
}

/// However many pairs are hard, a node does not look at them for longer.
#[test]
fn the_steps_of_the_solver_are_those_of_all_pairs() {
    let open = |learners: usize, solver: u64| {
        let found = hermits(learners).validity(Steps { search: 0, solver });
        found.undecided.len()
    };
    let enough = (0..20).map(|power| 1 << power).find(|n| open(1, *n) == 0);
    let enough = enough.expect("it can be decided");
    assert!(open(4, enough) > 0, "{enough}");
    assert_eq!(open(4, 16 * enough), 0, "{enough}");
}
