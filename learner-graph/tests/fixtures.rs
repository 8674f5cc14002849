//! Graphs with known answers, and the default graph for any number of acceptors.

use learner_graph::{
    AcceptorSet, LearnerGraph, LearnerId, Problem, Suspicion, UNIFORMITY_STEPS, VALIDITY_STEPS,
    builtin, parse_graph, parse_unchecked,
};
use std::path::Path;

fn example(name: &str) -> (LearnerGraph, Vec<Problem>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    parse_graph(&text).unwrap_or_else(|problems| panic!("{name}: {problems:?}"))
}

fn acceptors(graph: &LearnerGraph, names: &str) -> AcceptorSet {
    learner_graph::acceptor_list(graph, names).expect("acceptors of the graph")
}

fn learner(graph: &LearnerGraph, name: &str) -> LearnerId {
    graph.learner(name).expect("a learner of the graph")
}

/// The pairs that are entangled if exactly these are safe, in words: `"la-la la-lb"`.
fn entangled(graph: &LearnerGraph, safe: &str) -> String {
    let ent = graph.ent(&acceptors(graph, safe));
    pairs(graph, &ent)
}

fn pairs(graph: &LearnerGraph, rows: &[learner_graph::LearnerSet]) -> String {
    let mut words = Vec::new();
    for (l1, row) in graph.learners().iter().zip(rows) {
        for l2 in row.iter().filter(|l2| l1 <= *l2) {
            words.push(format!(
                "{}-{}",
                graph.learner_name(l1),
                graph.learner_name(l2)
            ));
        }
    }
    words.join(" ")
}

fn uniform(graph: &LearnerGraph) -> bool {
    let found = graph.uniformity(UNIFORMITY_STEPS);
    assert!(found.undecided.is_empty());
    found.holds()
}

#[test]
fn lg1() {
    let (graph, warnings) = example("lg1.toml");
    assert!(warnings.is_empty() && uniform(&graph));
    let la = learner(&graph, "la");
    assert!(graph.is_quorum(la, &acceptors(&graph, "a1,a3")));
    assert!(!graph.is_quorum(la, &acceptors(&graph, "a3")));
    assert_eq!(entangled(&graph, "a1,a2,a3"), "la-la la-lb lb-lb");
    assert_eq!(entangled(&graph, "a1,a2"), "");
}

#[test]
fn lg2() {
    let (graph, warnings) = example("lg2.toml");
    assert!(warnings.is_empty() && uniform(&graph));
    assert!(!graph.is_quorum(learner(&graph, "la"), &acceptors(&graph, "a1,a3")));
    assert!(graph.is_quorum(learner(&graph, "lb"), &acceptors(&graph, "a1,a3")));
    assert_eq!(entangled(&graph, "a1,a2,a3"), "la-la la-lb lb-lb");
    assert_eq!(entangled(&graph, "a2,a3"), "");
}

#[test]
fn lg4_if_only_a1_is_malicious() {
    let (graph, _) = example("lg4.toml");
    assert_eq!(entangled(&graph, "a2,a3"), "la-la la-lb lb-lb");
    assert_eq!(entangled(&graph, "a1"), "la-la la-lc lc-lc");
    assert_eq!(
        entangled(&graph, "a1,a2,a3"),
        "la-la la-lb la-lc lb-lb lb-lc lc-lc"
    );
    let safe = acceptors(&graph, "a2,a3");
    assert!(!graph.is_quorum(learner(&graph, "la"), &safe));
    assert!(graph.is_quorum(learner(&graph, "lb"), &safe));
    // What the evidence against a1 leaves is just what is entangled.
    let caught = acceptors(&graph, "a1");
    let suspicion = Suspicion {
        caught,
        ..Suspicion::default()
    };
    assert_eq!(
        pairs(&graph, &graph.connected(&suspicion)),
        "la-la la-lb lb-lb"
    );
    // If la and lb have differed, a2 or a3 is not safe, and then lb has nothing left.
    let disagreements = vec![(learner(&graph, "la"), learner(&graph, "lb"))];
    let suspicion = Suspicion {
        disagreements,
        ..Suspicion::default()
    };
    assert_eq!(
        pairs(&graph, &graph.connected(&suspicion)),
        "la-la la-lc lc-lc"
    );
}

#[test]
fn pair_and_thr0_are_valid_but_not_uniform_and_uni0_is() {
    for (name, starved) in [("pair.toml", "l"), ("thr0.toml", "lB")] {
        let (graph, warnings) = example(name);
        assert!(graph.validity(VALIDITY_STEPS).holds());
        let found = graph.uniformity(UNIFORMITY_STEPS).differences;
        assert!(
            found
                .iter()
                .all(|d| graph.learner_name(d.learner) == starved)
        );
        assert!(!found.is_empty());
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0].what.starts_with("not uniform"),
            "{}",
            warnings[0]
        );
    }
    let (graph, warnings) = example("uni0.toml");
    assert!(uniform(&graph) && warnings.is_empty());
    let (graph, _) = example("pair.toml");
    assert_eq!(entangled(&graph, "a1"), "l-l");
    assert_eq!(entangled(&graph, "a2"), "k-k k-l l-l");
    let (graph, _) = example("thr0.toml");
    assert_eq!(entangled(&graph, "a4"), "lB-lB");
    assert_eq!(entangled(&graph, "a2,a3,a4"), "lA-lA lA-lB lB-lB");
}

#[test]
fn mixed_if_a1_is_malicious() {
    let (graph, _) = example("mixed.toml");
    assert_eq!(
        entangled(&graph, "a2,a3,a4"),
        "alice-alice alice-bob bob-bob"
    );
    let everybody = "alice-alice alice-bob alice-kiosk bob-bob bob-kiosk kiosk-kiosk";
    assert_eq!(entangled(&graph, "a1,a2,a3"), everybody);
    assert_eq!(entangled(&graph, "a1,a2"), "");
}

#[test]
fn organisations() {
    let (graph, warnings) = example("organisations.toml");
    assert!(warnings.is_empty() && uniform(&graph));
    let auditor = learner(&graph, "auditor");
    let without_bank = "city-1,city-2,shop-1,shop-3,univ-2,univ-3";
    assert!(graph.is_quorum(learner(&graph, "public"), &acceptors(&graph, without_bank)));
    assert!(!graph.is_quorum(auditor, &acceptors(&graph, without_bank)));
    assert!(!graph.is_quorum(
        auditor,
        &acceptors(&graph, "bank-1,city-1,city-2,shop-1,shop-2")
    ));
}

#[test]
fn four_is_the_builtin_graph() {
    let (four, warnings) = example("four.toml");
    assert!(warnings.is_empty() && uniform(&four));
    let (built, _) = parse_graph(&builtin(4)).expect("a valid graph");
    assert_eq!(four.canonical(), built.canonical());
    let bob = learner(&four, "bob");
    assert!(four.is_quorum(bob, &acceptors(&four, "a1,a3,a4")));
    assert!(!four.is_quorum(bob, &acceptors(&four, "a2,a3,a4")));
    assert!(!four.is_quorum(learner(&four, "carol"), &acceptors(&four, "a1,a2,a3")));
}

#[test]
fn builtin_graphs_are_valid_and_uniform() {
    for n in (1..=40).chain([100]) {
        let text = builtin(n);
        let (graph, warnings) = parse_graph(&text).unwrap_or_else(|p| panic!("{n}: {p:?}"));
        assert_eq!((graph.n_acceptors(), graph.n_learners()), (n, 3));
        assert!(warnings.is_empty(), "{n}: {warnings:?}");
        let faulty = (n - 1) / 3;
        let alice = learner(&graph, "alice");
        // Live without the faulty ones, and no smaller quorums or safe sets would do.
        assert!(graph.is_quorum(alice, &AcceptorSet::first(n - faulty)));
        let quorum = (1..=n).find(|k| graph.is_quorum(alice, &AcceptorSet::first(*k)));
        let quorum = quorum.expect("all acceptors are a quorum");
        assert!(2 * quorum > n + faulty && 2 * (quorum - 1) <= n + faulty);
        assert!(graph.trust_safe(alice, alice, &AcceptorSet::first(n - faulty)));
        assert!(!graph.trust_safe(alice, alice, &AcceptorSet::first(n - faulty - 1)));
    }
}

#[test]
fn names_and_numbers() {
    let (graph, _) = example("lg4.toml");
    assert_eq!(graph.n_acceptors(), 3);
    assert_eq!(graph.acceptors().len(), 3);
    assert_eq!(graph.learners().len(), 3);
    for acceptor in graph.acceptors() {
        assert_eq!(
            graph.acceptor(graph.acceptor_name(acceptor)),
            Some(acceptor)
        );
    }
    assert_eq!(graph.acceptor("la"), None);
    assert_eq!(graph.learner_name(LearnerId(3)), "?");
    assert!(!graph.trust_safe(LearnerId(3), LearnerId(3), &graph.acceptors()));
    assert!(!graph.is_quorum(LearnerId(u16::MAX), &graph.acceptors()));
}

#[test]
fn the_order_of_acceptors_is_part_of_the_canonical_text() {
    let text = builtin(4);
    let swapped = text.replacen("[\"a1\", \"a2\"", "[\"a2\", \"a1\"", 1);
    let canonical = |text: &str| parse_graph(text).expect("a valid graph").0.canonical();
    assert_ne!(text, swapped);
    assert_ne!(canonical(&text), canonical(&swapped));
}

#[test]
fn different_spellings_of_one_expression_have_one_canonical_text() {
    let canonical = |live: &str, safe: &str| {
        let text = format!(
            "acceptors = [\"a\", \"b\", \"c\"]\n[define]\nall = {{ sets = [[\"a\", \"b\", \"c\"]] }}\n\
             [learners]\nl = {live}\nk = \"a\"\nm = \"a\"\n{safe}"
        );
        parse_unchecked(&text).expect("a graph").canonical()
    };
    let expected = canonical(
        "{ threshold = 2, of = [{ weight = 2, of = \"a\" }, \"b\", \"c\"] }",
        "",
    );
    for same in [
        "{ threshold = 2, of = [\"c\", \"b\", { weight = 9, of = \"a\" }] }",
        "{ threshold = 4, of = [{ weight = 2, of = \"b\" }, { weight = 2, of = \"c\" }, \
         { weight = 4, of = { sets = [[\"a\"]] } }] }",
        "{ threshold = 1, of = [{ threshold = 2, of = [{ weight = 2, of = \"a\" }, \"b\", \"c\"] }] }",
    ] {
        assert_eq!(canonical(same, ""), expected, "{same}");
    }
    assert_ne!(
        canonical("{ threshold = 2, of = [\"a\", \"b\", \"c\"] }", ""),
        expected
    );
    let pairs = "[[safe]]\nbetween = [\"k\", \"l\"]\nwhen = \"all\"\n\
                 [[safe]]\nbetween = [\"m\", \"l\"]\nwhen = { threshold = 3, of = [\"a\", \"b\", \"c\"] }\n";
    let together = "[[safe]]\nbetween = [\"k\", \"l\", \"m\"]\nwhen = \"all\"\n";
    assert_eq!(canonical("\"a\"", pairs), canonical("\"a\"", together));
}
