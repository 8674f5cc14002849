//! What is said of the file of a graph: which number would mend it, tried with every threshold and every number,
//! and which entries could be left out.

#![expect(
    clippy::needless_range_loop,
    reason = "the definitions are stated over pairs of learners, by number"
)]

mod oracle;

use learner_graph::{
    AcceptorSet, Analysis, LearnerGraph, LearnerId, Options, Place, Repair, Units, analyze,
    parse_unchecked,
};
use oracle::{Bits, Expr, Graph, graph, set_of};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use std::collections::BTreeMap;
use toml::{Table, Value};

fn check<S: Strategy>(
    cases: u32,
    strategy: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    if let Err(error) = runner.run(strategy, test) {
        panic!("{error}");
    }
}

fn look(graph: &LearnerGraph, options: &Options) -> Analysis {
    let names = graph.acceptor_names(&graph.acceptors());
    analyze(graph, &Units::single(names), options, &mut |_, _, _| {})
}

/// A file in which the expression of the first learner, or its first member, is a definition that
/// whoever needs the same refers to; and who needs the same is drawn.
fn shared() -> impl Strategy<Value = (Graph, String)> {
    let some = (graph(4, 3), any::<u8>(), any::<bool>());
    some.prop_map(|(mut graph, alike, whole)| {
        let first = graph.live[0].clone();
        let alike = |at: usize| alike & (1 << at) != 0;
        for at in (1..graph.live.len()).filter(|at| alike(*at)) {
            graph.live[at] = first.clone();
        }
        for at in (0..graph.safe.len()).filter(|at| alike(at + 3)) {
            graph.safe[at].1 = first.clone();
        }
        let part = match &first {
            Expr::Threshold(_, members) if !whole => members[0].1.clone(),
            _ => first,
        };
        let plain = graph.text();
        if matches!(part, Expr::Acceptor(_)) {
            return (graph, plain);
        }
        let (head, rest) = plain.split_once('\n').expect("acceptors first");
        let words = part.text();
        let rest = rest.replace(&words, "\"it\"");
        let text = format!("{head}\n[define]\nit = {words}\n{rest}");
        // A name may stand in a threshold only once; an expression may stand there twice.
        match parse_unchecked(&text) {
            Ok(_) => (graph, text),
            Err(_) => (graph, plain),
        }
    })
}

/// All thresholds of an expression by their places, with what they could be raised to.
fn thresholds<'a>(it: &'a mut Value, place: &str, all: &mut BTreeMap<String, (&'a mut i64, i64)>) {
    let Value::Table(table) = it else { return };
    let weight = |member: &Value| {
        let weight = member.get("weight").and_then(Value::as_integer);
        weight.unwrap_or(1)
    };
    let of = table.get("of").and_then(Value::as_array);
    let total: i64 = of.map_or(0, |of| of.iter().map(weight).sum());
    for (key, value) in table.iter_mut() {
        match (key.as_str(), value) {
            ("threshold", Value::Integer(need)) => {
                all.insert(place.to_owned(), (need, total));
            }
            ("of", Value::Array(members)) => {
                for (member, at) in members.iter_mut().zip(1..) {
                    thresholds(member, &format!("{place}, member {at}"), all);
                }
            }
            ("of", inner) => thresholds(inner, place, all),
            ("sets", Value::Array(sets)) => {
                for (set, at) in sets.iter_mut().zip(1..) {
                    let members = set.as_array_mut().into_iter().flatten();
                    for (member, n) in members.zip(1..) {
                        thresholds(member, &format!("{place}, set {at}, member {n}"), all);
                    }
                }
            }
            _ => {}
        }
    }
}

fn all_thresholds(file: &mut Table) -> BTreeMap<String, (&mut i64, i64)> {
    let mut all = BTreeMap::new();
    for (kind, value) in file.iter_mut() {
        match (kind.as_str(), value) {
            ("define" | "learners", Value::Table(named)) => {
                for (name, value) in named.iter_mut() {
                    thresholds(value, &format!("[{kind}].{name}"), &mut all);
                }
            }
            ("safe", Value::Array(entries)) => {
                for (entry, at) in entries.iter_mut().zip(1..) {
                    let when = entry.get_mut("when").expect("a condition");
                    thresholds(when, &format!("[[safe]] {at}, when"), &mut all);
                }
            }
            _ => {}
        }
    }
    all
}

/// The graph of a file with another number at a place.
fn with(text: &str, place: &str, number: i64) -> LearnerGraph {
    let mut file: Table = text.parse().expect("a table");
    let mut all = all_thresholds(&mut file);
    let (need, _) = all
        .get_mut(place)
        .unwrap_or_else(|| panic!("no {place} in\n{text}"));
    **need = number;
    let text = toml::to_string(&file).expect("written");
    parse_unchecked(&text).unwrap_or_else(|e| panic!("{e:?}\n{text}"))
}

/// Whether any three sets of a pair meet, as the definition says.
fn is_valid(graph: &LearnerGraph, x: LearnerId, y: LearnerId) -> bool {
    let sets = || (0..1u32 << graph.n_acceptors()).map(|bits| (bits, set_of(bits)));
    let quorums = |l| -> Vec<Bits> {
        let sets = sets().filter(|(_, set)| graph.is_quorum(l, set));
        sets.map(|(bits, _)| bits).collect()
    };
    let (first, second) = (quorums(x), quorums(y));
    let mut safe = sets().filter(|(_, set)| graph.trust_safe(x, y, set));
    let meet = |s, a: &Bits| second.iter().all(|b| s & a & b != 0);
    safe.all(|(s, _)| first.iter().all(|a| meet(s, a)))
}

fn pairs(graph: &LearnerGraph) -> Vec<(LearnerId, LearnerId)> {
    let learners = || graph.learners().iter();
    learners()
        .flat_map(|a| learners().filter(move |b| a <= *b).map(move |b| (a, b)))
        .collect()
}

#[test]
fn repairs() {
    let (mended, hopeless) = (Cell::new(0), Cell::new(0));
    let (nested, of_several, refused) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let more = |count: &Cell<u32>| count.set(count.get() + 1);
    check(
        300,
        &(shared(), any::<Bits>()),
        |((slow, text), crashed)| {
            let graph = parse_unchecked(&text).expect("a graph");
            let crashed = crashed & crashed >> 8 & ((1 << slow.acceptors) - 1);
            let options = Options {
                crashed: set_of(crashed),
                ..Options::default()
            };
            let available = graph.acceptors() - set_of(crashed);
            let found = look(&graph, &options);
            let bad = |graph: &LearnerGraph| -> Vec<(LearnerId, LearnerId)> {
                let pairs = pairs(graph).into_iter();
                pairs.filter(|(x, y)| !is_valid(graph, *x, *y)).collect()
            };
            let before = bad(&graph);
            let mut file: Table = text.parse().expect("a table");
            let written: Vec<(String, i64, i64)> = all_thresholds(&mut file)
                .into_iter()
                .map(|(place, (need, total))| (place, *need, total))
                .collect();
            let quorum = |graph: &LearnerGraph, l, of: &AcceptorSet| graph.is_quorum(l, of);
            for v in &found.violations {
                prop_assert!(v.repairs_complete);
                let [x, y] = v
                    .between
                    .each_ref()
                    .map(|l| graph.learner(l).expect("a learner"));
                let mut expected = Vec::new();
                let mut that_stop = 0;
                for (place, need, total) in &written {
                    let mends = |number: &i64| is_valid(&with(&text, place, *number), x, y);
                    let Some(least) = (need + 1..=*total).find(mends) else {
                        continue;
                    };
                    let changed = with(&text, place, least);
                    let stopped =
                        |l| quorum(&graph, l, &available) && !quorum(&changed, l, &available);
                    if graph.learners().iter().any(stopped) {
                        more(&refused);
                        that_stop += 1;
                        continue;
                    }
                    let left = bad(&changed);
                    prop_assert!(left.iter().all(|pair| before.contains(pair)));
                    expected.push((place.clone(), *need, least, left.len()));
                    if place.contains("member") {
                        more(&nested);
                    }
                    if before.len() > left.len() + 1 {
                        more(&of_several);
                    }
                }
                let said = |r: &Repair| {
                    prop_assert!(r.least);
                    let leaves = r.leaves.expect("decided");
                    prop_assert_eq!(r.mends, Some(before.len() - leaves));
                    let (from, to) = (r.threshold as i64, r.raise_to as i64);
                    Ok((r.place.name.clone(), from, to, leaves))
                };
                let mut said = v.repairs.iter().map(said).collect::<Result<Vec<_>, _>>()?;
                prop_assert!(said.is_sorted_by_key(|(_, _, _, left)| *left));
                said.sort();
                expected.sort();
                prop_assert_eq!(&said, &expected, "{}\n{:?}", text, v);
                prop_assert_eq!(v.repairs_that_stop, that_stop);
                more(if said.is_empty() { &hopeless } else { &mended });
            }
            Ok(())
        },
    );
    let counts = [&mended, &hopeless, &nested, &of_several, &refused].map(Cell::get);
    assert!(counts.iter().all(|count| *count > 5), "{counts:?}");
}

#[test]
fn what_can_be_left_out() {
    let (some, same) = (Cell::new(0), Cell::new(0));
    let twice = (graph(4, 4), any::<bool>()).prop_map(|(mut slow, twice)| {
        // Somebody says a thing again.
        if twice && !slow.safe.is_empty() {
            slow.safe.push(slow.safe[0].clone());
        }
        slow
    });
    check(500, &twice, |slow| {
        let fast = slow.build();
        let found = look(&fast, &Options::default());
        let ent = |kept: &[usize]| -> Vec<_> {
            let rest = Graph {
                safe: kept.iter().map(|at| slow.safe[*at].clone()).collect(),
                ..slow.clone()
            };
            let rest = rest.build();
            slow.sets().map(|s| rest.ent(&set_of(s))).collect()
        };
        let whole: Vec<_> = slow.sets().map(|s| fast.ent(&set_of(s))).collect();
        // The last one that is not needed goes first.
        let mut kept: Vec<usize> = (0..slow.safe.len()).collect();
        for at in (0..slow.safe.len()).rev() {
            let without: Vec<usize> = kept.iter().copied().filter(|other| *other != at).collect();
            if ent(&without) == whole {
                kept = without;
            }
        }
        let number = |place: &Place| -> usize {
            let number = place.name.strip_prefix("[[safe]] ").expect("an entry");
            number.parse::<usize>().expect("a number") - 1
        };
        let named = found.redundant.iter();
        let named: Vec<usize> = named
            .map(|r| number(r.place.as_ref().expect("a file")))
            .collect();
        let expected = (0..slow.safe.len()).filter(|at| !kept.contains(at));
        prop_assert_eq!(named, expected.collect::<Vec<_>>());
        for entry in &found.redundant {
            some.set(some.get() + 1);
            let Some(by) = entry.said_by.as_ref().map(number) else {
                continue;
            };
            same.set(same.get() + 1);
            let [own, by] =
                [number(entry.place.as_ref().expect("a file")), by].map(|at| &slow.safe[at]);
            prop_assert!(own.0.iter().all(|l| by.0.contains(l)));
            let alike = |s| own.1.holds(s) == by.1.holds(s);
            prop_assert!(slow.sets().all(alike));
        }
        Ok(())
    });
    assert!(some.get() > 50 && same.get() > 50, "{some:?} {same:?}");
}
