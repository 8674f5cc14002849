//! What is said of the file of a graph: which number would mend it, tried with every threshold and every number,
//! and which entries could be left out.

mod oracle;

use learner_graph::{
    AcceptorSet, Analysis, Change, LearnerGraph, LearnerId, Options, Place, Repair,
    UNIFORMITY_STEPS, Units, analyze, parse_unchecked,
};
use oracle::{Bits, Expr, Graph, check, graph, set_of};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeMap;
use toml::{Table, Value};

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

/// The graph of a file with other numbers at some places.
fn with(text: &str, numbers: &[(&str, i64)]) -> LearnerGraph {
    let mut file: Table = text.parse().expect("a table");
    let mut all = all_thresholds(&mut file);
    for (place, number) in numbers {
        let (need, _) = all
            .get_mut(*place)
            .unwrap_or_else(|| panic!("no {place} in\n{text}"));
        **need = *number;
    }
    written(&file)
}

fn written(file: &Table) -> LearnerGraph {
    let text = toml::to_string(file).expect("written");
    parse_unchecked(&text).unwrap_or_else(|e| panic!("{e:?}\n{text}"))
}

/// The graph of a file with some changes.
fn changed(text: &str, changes: &[&Change]) -> LearnerGraph {
    let mut file: Table = text.parse().expect("a table");
    let mut gone = Vec::new();
    for change in changes {
        let entry = |place: &Place| -> usize {
            let number = place.name.strip_prefix("[[safe]] ").expect("an entry");
            number.parse::<usize>().expect("a number") - 1
        };
        let safe = file.get_mut("safe").and_then(Value::as_array_mut);
        match change {
            Change::Raise {
                place, raise_to, ..
            } => {
                let mut all = all_thresholds(&mut file);
                let (need, _) = all.get_mut(&place.name).expect("a threshold");
                **need = *raise_to as i64;
            }
            Change::TakeOut { place, learner } => {
                let between = safe.expect("entries")[entry(place)].get_mut("between");
                let names = between.and_then(Value::as_array_mut).expect("learners");
                names.retain(|name| name.as_str() != Some(learner));
                assert!(!names.is_empty(), "somebody is left");
            }
            Change::Remove { place } => gone.push(entry(place)),
        }
    }
    gone.sort_unstable();
    if let Some(safe) = file.get_mut("safe").and_then(Value::as_array_mut) {
        for at in gone.iter().rev() {
            safe.remove(*at);
        }
    }
    written(&file)
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

/// Every threshold by itself: its place, its number, the least number that mends a pair, and how many pairs are
/// left; and how many thresholds would take the last quorum from somebody.
type Alone = (Vec<(String, i64, i64, usize)>, usize);

/// A file whose graph is not valid for a pair.
struct Bad<'a> {
    text: &'a str,
    graph: &'a LearnerGraph,
    pair: (LearnerId, LearnerId),
    available: AcceptorSet,
    before: &'a [(LearnerId, LearnerId)],
}

fn bad(graph: &LearnerGraph) -> Vec<(LearnerId, LearnerId)> {
    let pairs = pairs(graph).into_iter();
    pairs.filter(|(x, y)| !is_valid(graph, *x, *y)).collect()
}

impl Bad<'_> {
    fn is_mended(&self, changed: &LearnerGraph) -> bool {
        is_valid(changed, self.pair.0, self.pair.1)
    }

    fn stops_somebody(&self, changed: &LearnerGraph) -> bool {
        let quorum = |graph: &LearnerGraph, l| graph.is_quorum(l, &self.available);
        let mut learners = self.graph.learners().iter();
        learners.any(|l| quorum(self.graph, l) && !quorum(changed, l))
    }

    /// Every threshold with every number.
    fn alone(&self, thresholds: &[(String, i64, i64)]) -> Alone {
        let (mut found, mut that_stop) = (Vec::new(), 0);
        for (place, need, total) in thresholds {
            let with = |number: i64| with(self.text, &[(place, number)]);
            let Some(least) = (need + 1..=*total).find(|n| self.is_mended(&with(*n))) else {
                continue;
            };
            let changed = with(least);
            if self.stops_somebody(&changed) {
                that_stop += 1;
                continue;
            }
            let left = bad(&changed);
            assert!(left.iter().all(|pair| self.before.contains(pair)));
            found.push((place.clone(), *need, least, left.len()));
        }
        (found, that_stop)
    }

    /// The smallest number of acceptors that stop each learner, and that end the promise of each pair; none
    /// where there is no promise.
    fn stood(&self, graph: &LearnerGraph) -> [Vec<usize>; 2] {
        let fewest = |of: AcceptorSet, holds: &dyn Fn(&AcceptorSet) -> bool| {
            let all = 0..1 << graph.n_acceptors();
            let rests = all.map(|lost| (lost, of - set_of(lost)));
            let lost = rests.filter(|(_, rest)| !holds(rest));
            let least = lost.map(|(lost, _)| (of & set_of(lost)).len()).min();
            least.unwrap_or(usize::MAX)
        };
        let all = graph.acceptors();
        let learners = graph.learners().iter();
        let stop = learners.map(|l| fewest(self.available, &|s| graph.is_quorum(l, s)));
        let end = pairs(graph)
            .into_iter()
            .map(|(x, y)| match graph.trust_safe(x, y, &all) {
                true => fewest(all, &|s| graph.trust_safe(x, y, s)),
                false => usize::MAX,
            });
        [stop.collect(), end.collect()]
    }

    /// A proposal is enough, no change of it can be left out or be smaller, and what is said to come of it does.
    fn is_mended_by(&self, repair: &Repair) -> Result<(), TestCaseError> {
        let changes: Vec<&Change> = repair.changes.iter().collect();
        let after = changed(self.text, &changes);
        prop_assert!(repair.least && self.is_mended(&after) && !self.stops_somebody(&after));
        let leaves = repair.leaves.expect("decided");
        prop_assert_eq!(leaves, bad(&after).len());
        prop_assert_eq!(repair.mends, Some(self.before.len() - leaves));
        let all = self.graph.acceptors();
        let promised = |graph: &LearnerGraph, (x, y)| graph.trust_safe(x, y, &all);
        let ended = pairs(self.graph).into_iter();
        let ended = ended.filter(|pair| promised(self.graph, *pair) && !promised(&after, *pair));
        prop_assert_eq!(repair.ends, ended.count());
        let [old, new] = [self.graph, &after].map(|graph| self.stood(graph));
        let fewer = |at: usize| {
            let both = old[at].iter().zip(&new[at]);
            both.filter(|(before, after)| after < before).count()
        };
        prop_assert_eq!(repair.price.crashes, Some(fewer(0)));
        prop_assert_eq!(repair.price.lies, Some(fewer(1)));
        let uniform = [self.graph, &after].map(|g| g.uniformity(UNIFORMITY_STEPS).verdict());
        prop_assert_eq!(
            repair.price.uniformity,
            Some(uniform == [Some(true), Some(false)])
        );
        for at in 0..changes.len() {
            let mut fewer = changes.clone();
            let smaller = match fewer.remove(at) {
                Change::Raise {
                    place,
                    threshold,
                    raise_to,
                } if threshold + 1 < *raise_to => Some(Change::Raise {
                    place: place.clone(),
                    threshold: *threshold,
                    raise_to: raise_to - 1,
                }),
                _ => None,
            };
            fewer.extend(&smaller);
            prop_assert!(!self.is_mended(&changed(self.text, &fewer)));
        }
        Ok(())
    }
}

#[test]
fn repairs() {
    let counts = Counts::default();
    check(
        400,
        &(shared(), any::<Bits>()),
        |((slow, text), crashed)| {
            let graph = parse_unchecked(&text).expect("a graph");
            let crashed = crashed & crashed >> 8 & ((1 << slow.acceptors) - 1);
            let options = Options {
                crashed: set_of(crashed),
                ..Options::default()
            };
            let found = look(&graph, &options);
            let before = bad(&graph);
            let mut file: Table = text.parse().expect("a table");
            let thresholds: Vec<(String, i64, i64)> = all_thresholds(&mut file)
                .into_iter()
                .map(|(place, (need, total))| (place, *need, total))
                .collect();
            let highest = thresholds.iter();
            let highest: Vec<_> = highest.map(|(place, _, n)| (place.as_str(), *n)).collect();
            for v in &found.violations {
                prop_assert!(v.repairs_complete);
                let names = v.between.each_ref();
                let [x, y] = names.map(|l| graph.learner(l).expect("a learner"));
                let it = Bad {
                    text: &text,
                    graph: &graph,
                    pair: (x, y),
                    available: graph.acceptors() - set_of(crashed),
                    before: &before,
                };
                for repair in &v.repairs {
                    it.is_mended_by(repair)?;
                }
                prop_assert!(v.repairs.is_sorted_by_key(rank));
                // Whichever of the two gives up promises.
                let raises = |r: &&Repair| matches!(r.changes[0], Change::Raise { .. });
                let raising = v.repairs.iter().filter(raises).count();
                let learners = if x == y { 1 } else { 2 };
                prop_assert_eq!(v.repairs.len(), raising + learners, "{}", text);
                counts.given_up(learners);
                let (mut expected, stop_alone) = it.alone(&thresholds);
                let mut said = v.repairs.iter().filter_map(alone).collect::<Vec<_>>();
                said.sort();
                expected.sort();
                prop_assert_eq!(&said, &expected, "{}\n{:?}", text, v);
                counts.refused(stop_alone);
                for (place, ..) in &expected {
                    counts.nested(place.contains("member"));
                }
                if !said.is_empty() {
                    prop_assert_eq!(said.len(), raising);
                    prop_assert_eq!(v.repairs_that_stop.len(), stop_alone);
                    continue;
                }
                // All thresholds as high as they can be say whether any numbers are enough.
                let together = it.is_mended(&with(&text, &highest));
                let refused = v.repairs_that_stop.len();
                prop_assert_eq!(together, raising + refused > 0, "{}", text);
                prop_assert!(refused >= stop_alone && raising + refused <= stop_alone + 2);
                counts.together(raising);
            }
            Ok(())
        },
    );
    counts.are_many();
}

/// What stays bad, what is given up, and what else it costs.
fn rank(repair: &Repair) -> (usize, usize, usize) {
    let price = repair.price;
    let uniformity = usize::from(price.uniformity.expect("decided"));
    let lost = price.crashes.expect("decided") + price.lies.expect("decided");
    let left = repair.leaves.expect("decided");
    (left, repair.ends, lost + uniformity)
}

/// A proposal to raise one threshold, as it is expected.
fn alone(repair: &Repair) -> Option<(String, i64, i64, usize)> {
    let [
        Change::Raise {
            place,
            threshold,
            raise_to,
        },
    ] = &repair.changes[..]
    else {
        return None;
    };
    let name = place.name.clone();
    let leaves = repair.leaves.expect("decided");
    Some((name, *threshold as i64, *raise_to as i64, leaves))
}

/// How often each kind of proposal was made.
#[derive(Debug, Default)]
struct Counts {
    nested: Cell<usize>,
    refused: Cell<usize>,
    together: Cell<usize>,
    given_up: Cell<usize>,
}

impl Counts {
    fn nested(&self, one: bool) {
        self.nested.set(self.nested.get() + usize::from(one));
    }

    fn refused(&self, n: usize) {
        self.refused.set(self.refused.get() + n);
    }

    fn together(&self, n: usize) {
        self.together.set(self.together.get() + n);
    }

    fn given_up(&self, n: usize) {
        self.given_up.set(self.given_up.get() + n);
    }

    fn are_many(&self) {
        let all = [&self.nested, &self.refused, &self.together, &self.given_up];
        assert!(all.iter().all(|count| count.get() > 5), "{self:?}");
    }
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
