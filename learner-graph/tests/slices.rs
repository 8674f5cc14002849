//! Quorum slices against enumeration: small random systems with nodes that say nothing, nodes that are in no
//! quorum unless somebody lies, nodes that need the same, and some that lie or are silent already.

mod oracle;

use learner_graph::stellar::{Network, read};
use learner_graph::{
    AcceptorId, AcceptorSet, Effort, FaultReport, Options, SlicesAnalysis, VALIDITY_STEPS, Verdict,
    analyze_slices, parse_unchecked,
};
use oracle::{Bits, check, sets_of};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeSet;

/// What a node needs: so many of these nodes, and of sets of which so many are needed.
#[derive(Clone, Debug)]
struct Needs {
    threshold: usize,
    nodes: Vec<usize>,
    inner: Vec<(usize, Vec<usize>)>,
}

/// The most nodes of a system.
const MOST: usize = 6;

fn needs() -> impl Strategy<Value = Needs> {
    let nodes = || prop::sample::subsequence((0..MOST).collect::<Vec<_>>(), 1..=4);
    let inner = prop::collection::vec((1usize..=3, nodes()), 0..=1);
    (1usize..=4, nodes(), inner).prop_map(|(threshold, nodes, inner)| Needs {
        threshold,
        nodes,
        inner,
    })
}

/// A system in which a few nodes share what they need; who lies; who is silent.
fn system() -> impl Strategy<Value = (Vec<Option<Needs>>, Option<usize>, Option<usize>)> {
    let own = prop_oneof![2 => Just(None), 3 => needs().prop_map(Some), 6 => Just(None)];
    let node = (0u8..10, own);
    let nodes = prop::collection::vec(node, 3..=MOST);
    let failed = || prop::option::of(0..MOST);
    (nodes, needs(), failed(), failed()).prop_map(|(nodes, shared, liar, silent)| {
        let n = nodes.len();
        let within = |set: &Needs| Needs {
            threshold: set.threshold,
            nodes: set.nodes.iter().copied().filter(|a| *a < n).collect(),
            inner: set
                .inner
                .iter()
                .map(|(k, of)| (*k, of.iter().copied().filter(|a| *a < n).collect()))
                .collect(),
        };
        let nodes = nodes.into_iter().map(|(kind, own)| match kind {
            0..=5 => Some(within(&shared)),
            6 => None,
            _ => own.as_ref().map(within),
        });
        let liar = liar.filter(|a| *a < n);
        (
            nodes.collect(),
            liar,
            silent.filter(|a| *a < n && Some(*a) != liar),
        )
    })
}

fn network(nodes: &[Option<Needs>]) -> Network {
    let names = |of: &[usize]| of.iter().map(|a| format!("n{a}")).collect::<Vec<_>>();
    let list: Vec<serde_json::Value> = nodes
        .iter()
        .enumerate()
        .map(|(at, needs)| match needs {
            None => serde_json::json!({"publicKey": format!("n{at}")}),
            Some(set) => serde_json::json!({"publicKey": format!("n{at}"), "quorumSet": {
                "threshold": set.threshold,
                "validators": names(&set.nodes),
                "innerQuorumSets": set.inner.iter().map(|(k, of)| serde_json::json!({
                    "threshold": k, "validators": names(of), "innerQuorumSets": [],
                })).collect::<Vec<_>>(),
            }}),
        })
        .collect();
    read(&serde_json::Value::from(list).to_string()).expect("a list of nodes")
}

/// Whether every node of `set` has what it needs in `helped`; both are masks.
fn content(nodes: &[Option<Needs>], set: u32, helped: u32) -> bool {
    let count = |of: &[usize]| of.iter().filter(|a| helped >> **a & 1 == 1).count();
    let holds = |needs: &Needs| {
        let inner = needs.inner.iter().filter(|(k, of)| count(of) >= *k);
        count(&needs.nodes) + inner.count() >= needs.threshold
    };
    (0..nodes.len())
        .filter(|a| set >> a & 1 == 1)
        .all(|a| nodes[a].as_ref().is_some_and(holds))
}

/// Whether two sets without a common node are quorums if these nodes tell each what it likes to hear.
fn split(nodes: &[Option<Needs>], liars: u32) -> bool {
    let sets = 1u32..1 << nodes.len();
    sets.clone().any(|a| {
        let mut others = sets.clone().filter(|b| a & b == 0);
        others.any(|b| content(nodes, a, a | (liars & !b)) && content(nodes, b, b | (liars & !a)))
    })
}

fn halted(nodes: &[Option<Needs>], silent: u32) -> bool {
    !(1u32..1 << nodes.len()).any(|set| set & silent == 0 && content(nodes, set, set))
}

/// The minimal sets that do harm together with those given; none if that do it alone.
fn minimal(n: usize, given: Bits, harm: impl Fn(Bits) -> bool) -> Option<BTreeSet<Bits>> {
    let sets = oracle::minimal(0..1 << n, |set| harm(set | given));
    let without = |set: &Bits| set & given == 0;
    (!harm(given)).then(|| sets.into_iter().filter(without).collect())
}

/// The sets that the patterns of a report stand for.
fn sets(report: &FaultReport) -> BTreeSet<Bits> {
    let mask = |name: &String| -> Bits { 1 << name[1..].parse::<u32>().expect("a number") };
    let sets = sets_of(&report.minimal.sets).into_iter();
    sets.map(|set| set.into_iter().map(mask).sum()).collect()
}

fn agrees(report: &FaultReport, expected: Option<&BTreeSet<Bits>>) -> Result<(), TestCaseError> {
    let Some(expected) = expected else {
        prop_assert_eq!(report.verdict, Verdict::Broken);
        return Ok(());
    };
    prop_assert!(report.minimal.complete);
    prop_assert_eq!(&sets(report), expected);
    match expected.iter().map(|set| set.count_ones() as usize).min() {
        Some(least) => prop_assert_eq!(report.tolerated, Some(least - 1)),
        None => prop_assert_eq!(report.verdict, Verdict::Never),
    }
    Ok(())
}

fn set(of: Option<usize>) -> AcceptorSet {
    of.map(|a| AcceptorId(a as u16)).into_iter().collect()
}

fn mask(of: Option<usize>) -> u32 {
    of.map_or(0, |a| 1 << a)
}

fn look(network: &Network, liar: Option<usize>, silent: Option<usize>) -> SlicesAnalysis {
    let units = network.units(None).expect("single nodes");
    let mut options = Options {
        max_sets: 1000,
        steps: 1_000_000,
        crashed: set(silent),
        ..Options::default()
    };
    options.suspicion.caught = set(liar);
    analyze_slices(&network.slices, &units, &options, &mut |_, _, _| {})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn slices_are_what_enumeration_finds((nodes, liar, silent) in system()) {
        let found = look(&network(&nodes), liar, silent);
        let (n, lie, gone) = (nodes.len(), mask(liar), mask(liar) | mask(silent));
        prop_assert_eq!(found.intersect, Some(!split(&nodes, lie)));
        agrees(&found.halted_by, minimal(n, gone, |set| halted(&nodes, set)).as_ref())?;
        agrees(&found.split_by, minimal(n, lie, |set| split(&nodes, set)).as_ref())?;
    }
}

/// The quorums that contain a node, and what contains one of them.
fn decides(nodes: &[Option<Needs>], node: usize, set: Bits) -> bool {
    (1..=set).any(|q| q & set == q && q >> node & 1 == 1 && content(nodes, q, q))
}

/// Whatever becomes a learner has its quorums, however few steps are allowed; what does not is told.
#[test]
fn what_is_imported_is_right_or_told_as_missing() {
    let (whole, cut, promised, open) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let more = |count: &Cell<u32>| count.set(count.get() + 1);
    let steps = prop_oneof![Just(0u64), 1u64..300, Just(1_000_000)];
    check(600, &(system(), steps), |((nodes, ..), steps)| {
        let network = network(&nodes);
        let live: Vec<usize> = (0..nodes.len())
            .filter(|node| decides(&nodes, *node, (1 << nodes.len()) - 1))
            .collect();
        let Ok(made) = network.to_toml(&Effort::steps(steps)) else {
            prop_assert!(live.is_empty());
            return Ok(());
        };
        let missing = made.undecided.len() + made.too_many_quorums.len();
        prop_assert_eq!(made.learners(nodes.len()) + missing, live.len());
        more(if missing == 0 { &whole } else { &cut });
        let meet = !split(&nodes, 0);
        prop_assert!(made.meet.is_none_or(|it| it == meet));
        more(if made.meet == Some(true) {
            &promised
        } else {
            &open
        });
        if made.learners(nodes.len()) == 0 {
            return Ok(());
        }
        let graph = parse_unchecked(&made.toml).expect("a graph");
        for l in graph.learners() {
            let node: usize = graph.learner_name(l)[1..].parse().expect("a number");
            for set in 0..1 << nodes.len() {
                let names = (0..nodes.len()).filter(|a| set >> a & 1 == 1);
                let there = names
                    .filter_map(|a| graph.acceptor(&format!("n{a}")))
                    .collect();
                prop_assert_eq!(graph.is_quorum(l, &there), decides(&nodes, node, set));
            }
        }
        if made.meet == Some(true) {
            let valid = graph.validity(VALIDITY_STEPS);
            prop_assert!(valid.holds(), "{}", made.toml);
        } else {
            prop_assert!(graph.agreements().is_empty());
        }
        Ok(())
    });
    let counts = [&whole, &cut, &promised, &open].map(Cell::get);
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
}

/// A node that relies on one that says nothing is in no quorum, until that one lies: then it is one alone.
#[test]
fn a_node_that_only_a_liar_makes_content() {
    let core = Needs {
        threshold: 3,
        nodes: vec![0, 1, 2, 3],
        inner: Vec::new(),
    };
    let led = Needs {
        threshold: 1,
        nodes: vec![5],
        inner: Vec::new(),
    };
    let mut nodes: Vec<Option<Needs>> = vec![Some(core); 4];
    nodes.extend([Some(led), None]);
    let network = network(&nodes);
    let found = look(&network, None, None);
    assert_eq!(
        (found.intersect, found.split_by.tolerated),
        (Some(true), Some(0))
    );
    assert!(sets(&found.split_by).contains(&(1 << 5)));
    let found = look(&network, Some(5), None);
    assert_eq!(found.intersect, Some(false));
}
