//! Snapshots of real networks, and what an independent analyser (fbas_analyzer 0.7.4) prints for
//! them. Nodes are named by their places in the files.

mod oracle;

use learner_graph::stellar::{Network, read};
use learner_graph::{
    AcceptorId, Effort, FaultReport, Options, Part, SlicesAnalysis, Verdict, analyze_slices,
    parse_graph, parse_unchecked,
};
use oracle::sets_of;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn text(name: &str) -> String {
    let path = format!("{}/tests/stellar/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a file")
}

fn network(name: &str) -> Network {
    read(&text(name)).expect("a list of nodes")
}

fn look(network: &Network, options: &Options) -> SlicesAnalysis {
    let units = network.units(options.by.as_deref()).expect("a kind");
    analyze_slices(&network.slices, &units, options, &mut |_, _, _| {})
}

fn all_sets() -> Options {
    Options {
        max_sets: 1000,
        steps: 5_000_000,
        ..Options::default()
    }
}

fn place(network: &Network, name: &String) -> usize {
    let mut names = network.slices.names().iter();
    names.position(|n| n == name).expect("a node")
}

/// The sets of some patterns, by the places of their nodes.
fn sets(network: &Network, patterns: &[Vec<Part>]) -> BTreeSet<BTreeSet<usize>> {
    let places = |set: Vec<&String>| set.into_iter().map(|name| place(network, name)).collect();
    sets_of(patterns).into_iter().map(places).collect()
}

fn of(expected: &[&[usize]]) -> BTreeSet<BTreeSet<usize>> {
    expected
        .iter()
        .map(|set| set.iter().copied().collect())
        .collect()
}

fn harm(network: &Network, report: &FaultReport) -> BTreeSet<BTreeSet<usize>> {
    assert!(report.minimal.complete);
    let sets = sets(network, &report.minimal.sets);
    assert_eq!(report.sets, Some(sets.len() as u64));
    sets
}

#[test]
fn three_nodes_that_agree() {
    let network = network("correct_trivial");
    let found = look(&network, &all_sets());
    assert_eq!(found.intersect, Some(true));
    assert_eq!(
        (found.n_quorums, found.halted_by.sets, found.split_by.sets),
        (Some(3), Some(3), Some(3))
    );
}

#[test]
fn three_nodes_that_do_not() {
    let network = network("broken_trivial");
    let found = look(&network, &all_sets());
    assert_eq!(found.intersect, Some(false));
    assert_eq!(harm(&network, &found.halted_by), of(&[&[0, 1], &[0, 2]]));
    assert_eq!(found.split_by.verdict, Verdict::Broken);
}

#[test]
fn seventy_four_nodes_with_three_that_matter() {
    let network = network("correct");
    let found = look(&network, &all_sets());
    assert_eq!(network.slices.n_nodes(), 74);
    assert_eq!(found.intersect, Some(true));
    let pairs = of(&[&[0, 1], &[0, 10], &[1, 10]]);
    assert_eq!(sets(&network, &found.quorums.sets), pairs);
    assert_eq!(harm(&network, &found.halted_by), pairs);
    let splitting = harm(&network, &found.split_by);
    let single = splitting
        .iter()
        .filter(|set| set.len() == 1)
        .cloned()
        .collect();
    let single: BTreeSet<BTreeSet<usize>> = single;
    assert_eq!(single, of(&[&[0], &[1], &[4], &[10]]));
    // The analyser looks only at nodes that quorums need, or that could enlarge a slice to a
    // quorum; made of them there are as many sets as it prints.
    let candidates = BTreeSet::from([
        0, 1, 2, 3, 4, 5, 6, 10, 13, 14, 17, 18, 21, 22, 28, 29, 31, 35, 36, 38, 39, 54, 55, 66,
    ]);
    let of_them = splitting.iter().filter(|set| set.is_subset(&candidates));
    assert_eq!(of_them.count(), 153);
    // Others can split somebody as well.
    assert_eq!(splitting.len(), 532);
    for (at, set) in splitting.iter().enumerate() {
        // One in eight is enough to see that they are what they are said to be.
        assert!(at % 8 != 0 || splits(&network, set), "{set:?}");
        for node in set {
            let mut less = set.clone();
            less.remove(node);
            assert!(!splitting.contains(&less));
        }
    }
}

/// Whether two quorums of the others have nobody in common, by taking one apart node by node.
fn splits(network: &Network, faulty: &BTreeSet<usize>) -> bool {
    // With the faulty nodes declared content, a quorum of the others is what is left of one.
    let file: serde_json::Value = serde_json::from_str(&text("correct")).expect("JSON");
    let nodes = file.as_array().expect("an array");
    let index = |key: &serde_json::Value| nodes.iter().position(|node| node["publicKey"] == *key);
    let honest: BTreeSet<usize> = (0..network.slices.n_nodes())
        .filter(|n| !faulty.contains(n))
        .collect();
    let content = |start: &BTreeSet<usize>| {
        let mut set = start.clone();
        loop {
            let holds = |node: &usize| {
                let needs = &nodes[*node]["quorumSet"];
                needs.is_object()
                    && satisfied(needs, &|key| {
                        index(key).is_some_and(|n| set.contains(&n) || faulty.contains(&n))
                    })
            };
            let rest: BTreeSet<usize> = set.iter().copied().filter(holds).collect();
            if rest == set {
                return set;
            }
            set = rest;
        }
    };
    // If there are two, one of them lacks some node, and is inside of what is content without it;
    // shrunk as far as it goes from every start, some end leaves another one.
    let all = content(&honest);
    all.iter().any(|first| {
        let mut set = all.clone();
        for node in all.iter().filter(|node| *node != first) {
            let mut less = set.clone();
            if !less.remove(node) {
                continue;
            }
            let less = content(&less);
            if less.contains(first) {
                set = less;
            }
        }
        !content(&honest.difference(&set).copied().collect()).is_empty()
    })
}

fn satisfied(needs: &serde_json::Value, present: &dyn Fn(&serde_json::Value) -> bool) -> bool {
    let validators = needs["validators"].as_array().into_iter().flatten();
    let inner = needs["innerQuorumSets"].as_array().into_iter().flatten();
    let there = validators.filter(|key| present(key)).count()
        + inner.filter(|inner| satisfied(inner, present)).count();
    there as u64 >= needs["threshold"].as_u64().expect("a number")
}

#[test]
fn seventy_eight_nodes_that_fall_apart() {
    let network = network("broken");
    let found = look(&network, &all_sets());
    assert_eq!(network.slices.n_nodes(), 78);
    assert_eq!(found.intersect, Some(false));
    let apart = found.apart.as_ref().expect("two quorums");
    let apart = apart
        .iter()
        .map(|q| q.iter().map(|name| place(&network, name)).collect());
    assert_eq!(
        apart.collect::<BTreeSet<BTreeSet<usize>>>(),
        of(&[&[3, 10], &[4, 6]])
    );
    assert_eq!(
        harm(&network, &found.halted_by),
        of(&[&[3, 4], &[4, 10], &[3, 6, 10]])
    );
}

#[test]
fn ten_nodes_by_eight() {
    let network = network("mobilecoin_nodes_2021-10-22");
    let found = look(&network, &all_sets());
    assert_eq!(found.intersect, Some(true));
    assert_eq!(
        (found.n_quorums, found.halted_by.sets, found.split_by.sets),
        (Some(45), Some(120), Some(210))
    );
    assert_eq!(found.halted_by.tolerated, Some(2));
    assert_eq!(found.split_by.tolerated, Some(5));
    // One node more that lies is one less that is tolerated; one that is silent as well.
    let mut options = all_sets();
    options.suspicion.caught.insert(AcceptorId(0));
    options.crashed.insert(AcceptorId(1));
    let found = look(&network, &options);
    assert_eq!(found.split_by.tolerated, Some(4));
    assert_eq!(found.halted_by.tolerated, Some(0));
}

#[test]
fn by_country() {
    let network = network("mobilecoin_nodes_2021-10-22");
    let options = Options {
        by: Some("country".into()),
        ..all_sets()
    };
    let found = look(&network, &options);
    assert_eq!(found.units.len(), 3);
    // Whole countries are larger than what one fault may be.
    let nodes = look(&network, &all_sets());
    assert!(found.halted_by.tolerated < nodes.halted_by.tolerated);
    assert!(network.units(Some("colour")).is_none());
}

#[test]
fn as_a_learner_graph() {
    for name in ["correct_trivial", "mobilecoin_nodes_2021-10-22", "correct"] {
        let network = network(name);
        let made = network.to_toml(&Effort::steps(1_000_000)).expect("a graph");
        let (graph, _) = parse_graph(&made.toml).expect("valid");
        assert!(graph.n_learners() >= 3);
        assert_eq!(made.meet, Some(true));
        // Every node is something, or it is said why not.
        let left_out = [&made.silent, &made.in_no_quorum].map(Vec::len);
        let nodes = network.slices.n_nodes();
        assert_eq!(nodes, graph.n_acceptors() + left_out.iter().sum::<usize>());
        let no_learners = made.too_many_quorums.len();
        assert!(made.undecided.is_empty(), "{made:?}");
        assert_eq!(made.learners(nodes), graph.n_learners());
        assert_eq!(graph.n_acceptors(), graph.n_learners() + no_learners);
        assert_eq!(name == "correct", no_learners > 0, "{made:?}");
        // A learner's quorums are the sets with a quorum that has it.
        for learner in graph.learners() {
            let at = place(&network, &graph.learner_name(learner).to_owned());
            for left_out in graph.acceptors() {
                let mut set = graph.acceptors();
                set.remove(left_out);
                let nodes = set.iter().map(|a| {
                    AcceptorId(place(&network, &graph.acceptor_name(a).to_owned()) as u16)
                });
                let quorum = network.slices.quorum_within(&nodes.collect());
                let expected = quorum.contains(AcceptorId(at as u16));
                assert_eq!(graph.is_quorum(learner, &set), expected);
            }
        }
    }
    // Of quorums that do not meet no agreement is claimed.
    let network = network("broken_trivial");
    let made = network.to_toml(&Effort::steps(1_000_000)).expect("a graph");
    assert_eq!(made.meet, Some(false));
    let graph = parse_unchecked(&made.toml).expect("well-formed");
    assert!(graph.agreements().is_empty());
}

/// What was not decided is not said to be too many.
#[test]
fn a_graph_that_is_made_in_no_time_says_so() {
    let stopped = Effort::until(1_000_000, Arc::new(AtomicBool::new(true)));
    for effort in [stopped, Effort::steps(0)] {
        let made = network("broken_trivial").to_toml(&effort).expect("a graph");
        assert!(made.too_many_quorums.is_empty(), "{made:?}");
        assert!(!made.undecided.is_empty(), "{made:?}");
        assert_eq!((made.meet, made.too_many_to_meet), (None, false));
        assert!(made.toml.contains("work that was allowed ended"));
        assert!(!made.toml.contains("too many"), "{}", made.toml);
    }
}

#[test]
fn whoever_is_stopped_says_so() {
    let options = Options {
        stop: Arc::new(AtomicBool::new(true)),
        ..all_sets()
    };
    let found = look(&network("correct"), &options);
    assert!(!found.complete);
    assert_eq!(found.intersect, None);
    assert!(
        !found.to_string().contains("Any two quorums have"),
        "{found}"
    );
}

/// No node has what it needs, or liars have it alone.
#[test]
fn nobody_can_decide_or_liars_can() {
    let text = r#"[{"publicKey": "A", "quorumSet": {"threshold": 1, "validators": ["B"]}}, {"publicKey": "B"}]"#;
    let none = read(text).expect("a list");
    let found = look(&none, &all_sets());
    assert_eq!(found.in_quorums, 0);
    assert!(
        found.to_string().contains("there is no quorum at all"),
        "{found}"
    );
    assert!(
        !found.to_string().contains("Any two quorums have"),
        "{found}"
    );
    let network = network("broken_trivial");
    let mut options = all_sets();
    let found = look(&network, &options);
    assert!(found.quorum_of_liars.is_empty());
    options.suspicion.caught = network.slices.all();
    let found = look(&network, &options);
    assert!(
        found.to_string().contains("LIARS ALONE ARE A QUORUM: {"),
        "{found}"
    );
}

#[test]
fn lists_that_make_no_sense() {
    let wrong = |text: &str| read(text).map(|_| ()).expect_err("refused").to_string();
    assert!(wrong("{").contains("not a list of nodes"));
    assert!(wrong("[]").contains("0 nodes"));
    let node = r#"{"publicKey": "A", "quorumSet": {"threshold": 1, "validators": ["A"]}}"#;
    assert!(wrong(&format!("[{node}, {node}]")).contains("\"A\" is listed twice"));
    let mut set = String::from(r#"{"threshold": 1, "validators": ["A"]}"#);
    for _ in 0..9 {
        set = format!(r#"{{"threshold": 1, "innerQuorumSets": [{set}]}}"#);
    }
    let deep = format!(r#"[{{"publicKey": "A", "quorumSet": {set}}}]"#);
    assert!(wrong(&deep).contains("nested deeper"));
}
