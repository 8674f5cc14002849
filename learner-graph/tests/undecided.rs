//! Graphs that are too irregular to be decided: the work ends with the steps and with the flag, and
//! what is not known is told as not known.

mod irregular;

use irregular::irregular;
use learner_graph::PATTERNS_SHOWN;
use learner_graph::{
    Analysis, Analyzer, LearnerGraph, Limit, Options, Scope, Verdict, analyze, compare, outline,
    parse_unchecked,
};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn analyzed(graph: &LearnerGraph, options: &Options) -> Analysis {
    let units = graph.units(None).expect("acceptors");
    analyze(graph, &units, options, &mut |_, _, _| {})
}

/// Nothing is said to be tolerated, minimal, redundant, free of conflicts or without weight that was
/// not looked at.
fn says_that_nothing_is_known(graph: &LearnerGraph, found: &Analysis) {
    assert!(!found.complete);
    let pairs = graph.n_learners() * (graph.n_learners() + 1) / 2;
    assert_eq!(found.pairs.len(), pairs);
    let declared = found.pairs.iter().flat_map(|pair| &pair.declared);
    let reports = found.learners.iter().map(|l| &l.stopped_by);
    let reports = reports.chain(found.pairs.iter().map(|pair| &pair.quorums));
    for report in reports.chain(declared) {
        assert_eq!(
            (report.verdict, report.tolerated),
            (Verdict::Undecided, None)
        );
        assert!(!report.minimal.complete);
        assert!(report.minimal.sets.is_empty());
    }
    assert!(found.strongest.agreements.is_empty());
    assert_eq!(found.strongest.undecided.len(), pairs);
    // One entry follows from nothing.
    assert_eq!(found.redundant_undecided, 0);
    assert!(found.weights.is_empty());
    let text = found.showing(PATTERNS_SHOWN).to_string();
    for words in [
        "how many crashes stop l0",
        "how many lies end what is promised to l0",
        "how many lies split the quorums of l0",
        "what could be promised to l0",
        "what hangs on each of the acceptors",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn a_raised_flag_ends_everything() {
    let graph = irregular(200, 3);
    let options = Options {
        stop: Arc::new(AtomicBool::new(true)),
        ..Options::default()
    };
    let found = analyzed(&graph, &options);
    assert_eq!(found.valid, None);
    says_that_nothing_is_known(&graph, &found);
    let units = graph.units(None).expect("acceptors");
    let outlined = outline(&graph, &units, &options);
    assert!(!outlined.complete);
    assert!(outlined.weights.is_empty());
    let before = (&graph, &found);
    let compared = compare(before, before, &options, 1);
    assert!(!compared.complete);
    assert!(
        compared.to_string().is_empty() || !compared.to_string().contains("No learner of both")
    );
}

#[test]
fn a_comparison_can_take_more_steps() {
    let graph = irregular(8, 2);
    let found = analyzed(&graph, &Options::default());
    let both = (&graph, &found);
    let options = Options {
        steps: 1,
        ..Options::default()
    };
    assert!(!compare(both, both, &options, 1).is_decided());
    assert!(compare(both, both, &options, 1_000_000).is_decided());
}

/// The flag is raised by what the analysis itself tells, at every place where it tells something.
#[test]
fn a_flag_that_is_raised_on_the_way_ends_the_rest() {
    let graph = irregular(8, 2);
    let units = graph.units(None).expect("acceptors");
    let mut stages = 0;
    for at in 0.. {
        let options = Options::default();
        let mut told = 0;
        let found = analyze(&graph, &units, &options, &mut |_, _, _| {
            if told == at {
                options.stop.store(true, Ordering::Relaxed);
            }
            told += 1;
        });
        // What is still to come is told, and not done.
        assert_eq!(found.complete, told <= at);
        if told <= at {
            stages = told;
            break;
        }
        assert_eq!(found.weights.len(), if at > 8 { 8 } else { 0 });
    }
    // Validity of three pairs, two learners, three pairs, weights, promises, three counterexamples, what mends them,
    // the end.
    assert_eq!(stages, 15);
}

#[test]
fn what_hangs_on_an_acceptor_may_be_more_than_is_known() {
    let graph = irregular(12, 1);
    let mut found = analyzed(&graph, &Options::default());
    for weight in &mut found.weights {
        weight.stops.clear();
        weight.disentangles.clear();
        (weight.weakens_progress, weight.weakens_agreement) = (0, 0);
        (weight.undecided_progress, weight.undecided_agreement) = (1, 1);
    }
    let text = found.to_string();
    assert!(text.contains("0 to 1    0 to 1  –"), "{text}");
    assert!(text.contains("all that hangs on a0, a1"), "{text}");
}

/// Learners that agree in a chain, each two of which have quorums that do not meet: counterexamples, which are many,
/// come after whatever else is asked.
#[test]
fn counterexamples_come_last() {
    let n = 8;
    let names: Vec<String> = (0..=n).map(|a| format!("\"a{a}\"")).collect();
    let mut text = format!("acceptors = [{}]\n[learners]\n", names.join(", "));
    for l in 0..n {
        let _ = writeln!(text, "l{l} = {{ sets = [[\"a{l}\", \"a{}\"]] }}", l + 1);
    }
    for l in 1..n {
        let _ = writeln!(
            text,
            "[[safe]]\nbetween = [\"l{}\", \"l{l}\"]\nwhen = \"a{l}\"",
            l - 1
        );
    }
    let graph = parse_unchecked(&text).expect("a graph");
    let units = graph.units(None).expect("acceptors");
    let options = Options::default();
    let mut told = Vec::new();
    let found = analyze(&graph, &units, &options, &mut |what, _, _| {
        if what == "counterexamples" {
            options.stop.store(true, Ordering::Relaxed);
        }
        told.push(what.to_owned());
    });
    let known = |verdict| verdict != Verdict::Undecided;
    assert!(found.learners.iter().all(|l| known(l.stopped_by.verdict)));
    assert!(found.pairs.iter().all(|pair| known(pair.quorums.verdict)));
    assert!(!found.weights.is_empty() && !found.strongest.agreements.is_empty());
    assert_eq!(found.valid, Some(false));
    // Each two that are no neighbours.
    assert_eq!(found.violations.len(), (n - 1) * (n - 2) / 2);
    let counted = told.iter().filter(|what| *what == "counterexamples");
    assert_eq!(counted.count(), found.violations.len());
    // A picture shows none of them.
    let options = Options {
        scope: Scope::Picture,
        ..Options::default()
    };
    let found = analyze(&graph, &units, &options, &mut |what, _, _| {
        assert!(!["counterexamples", "what mends them"].contains(&what));
    });
    assert_eq!(found.violations.len(), (n - 1) * (n - 2) / 2);
}

/// More patterns than are asked for are no matter of time, and what hangs on each of too many is none either.
#[test]
fn what_is_beyond_a_limit_is_said() {
    let graph = irregular(8, 1);
    let options = Options {
        max_sets: 1,
        ..Options::default()
    };
    let found = analyzed(&graph, &options);
    assert_eq!(found.strongest.undecided.len(), 1);
    assert_eq!(found.strongest.too_many, 1);
    assert_eq!(found.limits, [Limit::Patterns]);
    assert!(!found.complete && found.is_decided(&options));
    let text = found.to_string();
    assert!(text.contains("\nNot decided:\n"), "{text}");
    assert!(text.contains("(--sets 1000 asks for more)"), "{text}");
    // Each acceptor stands in other places, and the quorums of each learner are others.
    let learners = 150;
    let mut text = String::from("acceptors = [\"a0\"");
    for a in 1..=learners {
        let _ = write!(text, ", \"a{a}\"");
    }
    text.push_str("]\n[learners]\n");
    for l in 0..learners {
        let _ = writeln!(text, "l{l} = {{ sets = [[\"a{l}\", \"a{}\"]] }}", l + 1);
    }
    let graph = parse_unchecked(&text).expect("a graph");
    let options = Options {
        scope: Scope::Picture,
        ..Options::default()
    };
    let found = analyzed(&graph, &options);
    assert_eq!(found.limits, [Limit::Weights]);
    assert!(!found.complete && found.is_decided(&options));
    assert!(
        found
            .to_string()
            .contains("of the acceptors: too many of them")
    );
}

/// What more sets than a number holds are listed by is told without a number.
#[test]
fn counts_beyond_numbers_are_absent() {
    let names: Vec<String> = (0..80).map(|a| format!("\"a{a}\"")).collect();
    let names = names.join(", ");
    let text =
        format!("acceptors = [{names}]\n[learners]\nl = {{ threshold = 40, of = [{names}] }}\n");
    let found = analyzed(
        &parse_unchecked(&text).expect("a graph"),
        &Options::default(),
    );
    let report = &found.learners[0].stopped_by;
    assert_eq!((report.sets, report.minimal.complete), (None, true));
    assert!(found.to_string().contains("more than 10^19: any 41 of"));
    assert!(
        serde_json::to_value(&found).expect("json")["learners"][0]["stopped_by"]["sets"].is_null()
    );
}

const FOUR: &str = "acceptors = [\"a\", \"b\", \"c\", \"d\"]\n";

fn of_four(learner: &str, quorum: usize, safe: usize) -> LearnerGraph {
    let all = "[\"a\", \"b\", \"c\", \"d\"]";
    let text = format!(
        "{FOUR}[learners]\n{learner} = {{ threshold = {quorum}, of = {all} }}\n\
         [[safe]]\nbetween = [\"{learner}\"]\nwhen = {{ threshold = {safe}, of = {all} }}\n"
    );
    parse_unchecked(&text).expect("a graph")
}

fn compared(old: &LearnerGraph, new: &LearnerGraph) -> learner_graph::Comparison {
    let of = |scope| Options {
        scope,
        max_sets: 0,
        ..Options::default()
    };
    let before = analyzed(old, &of(Scope::Tolerances));
    let after = analyzed(new, &of(Scope::Change));
    compare((old, &before), (new, &after), &Options::default(), 1)
}

#[test]
fn graphs_without_a_common_learner_are_not_compared() {
    let found = compared(&of_four("old", 3, 3), &of_four("new", 2, 4));
    assert_eq!(found.compared, 0);
    let text = found.to_string();
    assert!(
        text.contains("The graphs have no learner in common: nothing can be compared."),
        "{text}"
    );
    assert!(!text.contains("as before"), "{text}");
}

#[test]
fn promises_that_are_not_kept_come_first() {
    // It promises to stand two lies instead of one, and its quorums stand none.
    let found = compared(&of_four("l", 3, 3), &of_four("l", 2, 2));
    assert_eq!(found.valid, [Some(true), Some(false)]);
    assert!(found.agreement[0].not_kept);
    let text = found.to_string();
    assert!(text.contains("1 → 2, NOT KEPT"), "{text}");
    let (agreement, progress) = (text.find("\nAgreement"), text.find("\nProgress"));
    assert!(agreement.is_some() && agreement < progress, "{text}");
    // Nothing has changed, and it is not kept all the same.
    let bad = of_four("l", 2, 3);
    let found = compared(&bad, &of_four("l", 2, 3));
    assert!(found.agreement[0].not_kept);
    // What is kept is no such thing.
    let found = compared(&of_four("l", 3, 4), &of_four("l", 3, 3));
    assert!(found.agreement.iter().all(|change| !change.not_kept));
}

#[test]
fn only_what_is_asked_for_is_looked_at() {
    let graph = of_four("l", 3, 3);
    let of = |scope| {
        let mut told = Vec::new();
        let options = Options {
            scope,
            ..Options::default()
        };
        let units = graph.units(None).expect("acceptors");
        let found = analyze(&graph, &units, &options, &mut |what, _, _| {
            told.push(what.to_owned())
        });
        (found, told)
    };
    let (found, told) = of(Scope::Picture);
    assert_eq!(
        told,
        [
            "validity",
            "blocking sets",
            "splitting sets",
            "what hangs on each",
            "done"
        ]
    );
    assert_eq!((found.valid, found.weights.len()), (Some(true), 4));
    assert_eq!(
        found.pairs[0].declared.as_ref().and_then(|d| d.tolerated),
        Some(1)
    );
    assert_eq!(found.pairs[0].quorums.verdict, Verdict::Undecided);
    let (found, told) = of(Scope::Tolerances);
    assert_eq!(
        told,
        ["validity", "blocking sets", "splitting sets", "done"]
    );
    assert_eq!(found.pairs[0].quorums.tolerated, Some(1));
}

/// Stars of learners: any learner could agree with each of its two neighbours, which cannot agree
/// with each other.
#[test]
fn conflicts_that_are_not_named_are_counted() {
    let n = 40;
    let graph = ring(n);
    let found = analyzed(&graph, &Options::default());
    let strongest = &found.strongest;
    assert_eq!(strongest.conflicts.len(), 16);
    assert_eq!(strongest.conflicts_left_out, n - 16);
    assert_eq!(strongest.conflicts_undecided, 0);
    let text = found.to_string();
    assert!(
        text.contains("and for 24 more pairs, which are not named"),
        "{text}"
    );
}

/// To say which promises hold together takes a question for each, of which so many are asked.
#[test]
fn more_promises_are_tried_with_more_steps() {
    let graph = ring(65);
    let (units, options) = (graph.units(None).expect("acceptors"), Options::default());
    let mut analyzer = Analyzer::new(&graph, &units, &options);
    let mut ask = |times| analyzer.ask(times, &mut |_, _, _| {});
    let few = ask(1);
    assert!(few.strongest.together.is_none() && !few.complete);
    let text = few.to_string();
    let words = "\nNot decided, for the steps ran out (--seconds 60 allows more, up to a minute):\n  which promises can be kept \
                 all together\n";
    assert!(text.ends_with(words), "{text}");
    let more = ask(2);
    let together = more.strongest.together.as_ref().map(Vec::len);
    assert_eq!((together, more.complete), (Some(65 + 32), true));
}

/// Learners in a ring, each of which could agree with its neighbours.
fn ring(n: usize) -> LearnerGraph {
    let mut text = String::from("acceptors = [\"x\"");
    for a in 0..n {
        let _ = write!(text, ", \"a{a}\"");
    }
    text.push_str("]\n[learners]\n");
    for l in 0..n {
        let _ = writeln!(
            text,
            "l{l} = {{ sets = [[\"a{l}\", \"a{}\"]] }}",
            (l + 1) % n
        );
    }
    parse_unchecked(&text).expect("a graph")
}

#[test]
fn organisations_that_can_change_places_are_listed_at_once() {
    // Any 5 of 7 organisations, each by any 2 of its 3.
    let org = |o: usize| format!("{{ threshold = 2, of = [\"o{o}a\", \"o{o}b\", \"o{o}c\"] }}");
    let orgs: Vec<String> = (0..7).map(org).collect();
    let names = (0..7).flat_map(|o| ["a", "b", "c"].map(|m| format!("\"o{o}{m}\"")));
    let names: Vec<String> = names.collect();
    let text = format!(
        "acceptors = [{}]\n[learners]\nl = {{ threshold = 5, of = [{}] }}\n",
        names.join(", "),
        orgs.join(", ")
    );
    let graph = parse_unchecked(&text).expect("a graph");
    let found = analyzed(&graph, &Options::default());
    let blocking = &found.learners[0].stopped_by;
    assert_eq!(
        (blocking.sets, blocking.minimal.sets.len()),
        (Some(945), 35)
    );
    assert!(blocking.minimal.complete);
    let splitting = &found.pairs[0].quorums;
    assert_eq!(
        (splitting.sets, splitting.minimal.sets.len()),
        (Some(945), 35)
    );
    assert!(splitting.minimal.complete);
}
