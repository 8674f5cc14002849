//! The analysis against the slow oracle, on thousands of random graphs.

#![expect(
    clippy::needless_range_loop,
    reason = "the definitions are stated over pairs of learners, by number"
)]

mod oracle;

use learner_graph::{
    Borne, Declared, FaultReport, LearnerGraph, Options, Part, Steps, Units, Verdict, analyze,
    outline, parse_graph, parse_unchecked,
};
use oracle::{Bits, Graph, check, graph, minimal, set_of, sets_of};
use proptest::prelude::*;
use std::cell::Cell;

fn look(slow: &Graph, options: &Options) -> learner_graph::Analysis {
    let fast = slow.build();
    analyze(&fast, &units(slow), options, &mut |_, _, _| {})
}

fn names(slow: &Graph) -> Vec<String> {
    (0..slow.acceptors).map(|a| format!("a{a}")).collect()
}

fn units(slow: &Graph) -> Units {
    Units::single(names(slow))
}

fn number(name: &str) -> usize {
    name[1..].parse().expect("a name with a number")
}

fn bits(names: &[String]) -> Bits {
    names.iter().map(|name| 1 << number(name)).sum()
}

/// What fails as a whole: names with their members. A set of them is one of bits, by place.
type Groups = Vec<(String, Bits)>;

fn single(slow: &Graph) -> Groups {
    names(slow).into_iter().zip((0..).map(|a| 1 << a)).collect()
}

/// The sets of such units by their names.
fn places<S: AsRef<str>>(units: &Groups, names: &[S]) -> Bits {
    let places = units.iter().enumerate();
    let named = places.filter(|(_, (name, _))| names.iter().any(|n| n.as_ref() == name));
    named.map(|(at, _)| 1 << at).sum()
}

/// The members of some units.
fn members(units: &Groups, set: Bits) -> Bits {
    let chosen = units.iter().enumerate();
    let chosen = chosen.filter(|(at, _)| set & (1 << at) != 0);
    chosen.fold(0, |all, (_, (_, members))| all | members)
}

/// All sets of some patterns.
fn expanded(units: &Groups, patterns: &[Vec<Part>]) -> Vec<Bits> {
    let sets = sets_of(patterns).into_iter();
    let mut all: Vec<Bits> = sets.map(|set| places(units, &set)).collect();
    all.sort_unstable();
    all
}

/// The report is about the sets of units that pass a test; `given` failed before.
fn is_about(
    report: &FaultReport,
    units: &Groups,
    given: Bits,
    harm: impl Fn(Bits) -> bool,
) -> Result<(), TestCaseError> {
    if harm(given) {
        prop_assert_eq!(report.verdict, Verdict::Broken);
        return Ok(());
    }
    let sets = 0..1 << units.len();
    let mut expected = minimal(sets, |f| harm(members(units, f) | given));
    expected.sort_unstable();
    prop_assert!(report.minimal.complete);
    if expected.is_empty() {
        prop_assert_eq!(report.verdict, Verdict::Never);
        return Ok(());
    }
    prop_assert_eq!(expanded(units, &report.minimal.sets), expected.clone());
    prop_assert_eq!(report.sets, Some(expected.len() as u64));
    let least = expected.iter().map(|f| f.count_ones()).min().unwrap_or(0) as usize;
    prop_assert_eq!(report.verdict, Verdict::Exact);
    prop_assert_eq!(report.tolerated, Some(least - 1));
    prop_assert!(expected.contains(&places(units, &report.smallest)));
    prop_assert_eq!(report.smallest.len(), least);
    Ok(())
}

/// Whether quorums of the two have only these in common.
fn splits(slow: &Graph, x: usize, y: usize, faulty: Bits) -> bool {
    let all: Bits = (1 << slow.acceptors) - 1;
    slow.sets().filter(|q| slow.live[x].holds(*q)).any(|q| {
        // The largest set that meets it in faulty acceptors only.
        slow.live[y].holds((all & !q) | (q & faulty))
    })
}

/// Acceptors with the same letter fail together; those without one fail alone.
fn grouped(slow: &Graph, letters: &[Option<u8>]) -> Groups {
    let mut units: Groups = Vec::new();
    for (letter, name) in [(0, "x"), (1, "y"), (2, "z")] {
        let of = (0..slow.acceptors).filter(|a| letters[*a] == Some(letter));
        match of.map(|a| 1 << a).sum() {
            0 => {}
            members => units.push((name.to_owned(), members)),
        }
    }
    let alone = single(slow).into_iter().enumerate();
    let alone = alone.filter(|(a, _)| letters[*a].is_none());
    units.extend(alone.map(|(_, unit)| unit));
    units
}

/// The graph with such groups, read from a file.
fn with_groups(slow: &Graph, units: &Groups) -> learner_graph::LearnerGraph {
    let mut text = slow.text() + "[groups.owner]\n";
    for (name, members) in units.iter().filter(|(name, _)| !name.starts_with('a')) {
        let of = (0..slow.acceptors).filter(|a| members & (1 << a) != 0);
        let of: Vec<String> = of.map(|a| format!("a{a}")).collect();
        text.push_str(&format!("{name} = {of:?}\n"));
    }
    parse_unchecked(&text).unwrap_or_else(|e| panic!("{e:?}\n{text}"))
}

#[test]
fn faults() {
    let letters = prop::collection::vec(prop::option::of(0u8..3), 6);
    let groups = prop::option::of(letters);
    let strategy = (graph(6, 3), any::<Bits>(), any::<Bits>(), 0u8..3, groups);
    check(700, &strategy, |(slow, crashed, caught, some, letters)| {
        let all: Bits = (1 << slow.acceptors) - 1;
        let (crashed, caught) = if some == 0 {
            (crashed & all, caught & all & !crashed)
        } else {
            (0, 0)
        };
        let owner = String::from("owner");
        let mut options = Options {
            crashed: set_of(crashed),
            by: letters.is_some().then_some(owner),
            ..Options::default()
        };
        options.suspicion.caught = set_of(caught);
        let units = letters.map_or_else(|| single(&slow), |letters| grouped(&slow, &letters));
        let fast = with_groups(&slow, &units);
        let failing = fast.units(options.by.as_deref()).expect("a kind");
        let found = analyze(&fast, &failing, &options, &mut |_, _, _| {});
        let names: Vec<String> = units.iter().map(|(name, _)| name.clone()).collect();
        prop_assert_eq!(&found.units, &names);
        let closed = slow.closed();
        for learner in &found.learners {
            let live = &slow.live[number(&learner.name)];
            let stopped = |f: Bits| !live.holds(all & !f);
            is_about(&learner.stopped_by, &units, crashed | caught, stopped)?;
        }
        for pair in &found.pairs {
            let [x, y] = [number(&pair.between[0]), number(&pair.between[1])];
            is_about(&pair.quorums, &units, caught, |f| splits(&slow, x, y, f))?;
            let agree = |f: Bits| closed[x][y][(all & !f) as usize];
            prop_assert_eq!(pair.declared.is_some(), agree(0));
            if let Some(declared) = &pair.declared {
                is_about(declared, &units, caught, |f| !agree(f))?;
            }
        }
        Ok(())
    });
}

#[test]
fn weights() {
    check(500, &graph(5, 3), |slow| {
        let found = look(&slow, &Options::default());
        let closed = slow.closed();
        let all: Bits = (1 << slow.acceptors) - 1;
        let least = |given: Bits, harm: &dyn Fn(Bits) -> bool| {
            let sets = slow.sets().filter(|f| f & given == 0 && harm(f | given));
            sets.map(|f| f.count_ones()).min()
        };
        for weight in &found.weights {
            let own: Bits = 1 << number(&weight.name);
            let (mut stops, mut progress, mut agreement) = (0, 0, 0);
            for live in &slow.live {
                let harm = |f: Bits| !live.holds(all & !f);
                let (before, after) = (least(0, &harm), least(own, &harm));
                stops += usize::from(before > Some(0) && after == Some(0));
                progress += usize::from(before > Some(0) && after < before);
            }
            for x in 0..slow.live.len() {
                for y in x..slow.live.len() {
                    let harm = |f: Bits| !closed[x][y][(all & !f) as usize];
                    let (before, after) = (least(0, &harm), least(own, &harm));
                    agreement += usize::from(before > Some(0) && after.is_some() && after < before);
                }
            }
            prop_assert_eq!(weight.stops.len(), stops);
            prop_assert_eq!(weight.weakens_progress, progress);
            prop_assert_eq!(weight.weakens_agreement, agreement);
        }
        Ok(())
    });
}

#[test]
fn the_strongest_trust_safe() {
    let (valid, conflicting, best) = (Cell::new(0), Cell::new(0), Cell::new(0));
    check(1000, &graph(5, 3), |slow| {
        let found = look(&slow, &Options::default());
        let (found, declared) = (found.strongest, found.strongest_is_declared);
        let n = slow.live.len();
        let allowed = |x: usize, y: usize, s: Bits| can_agree(&slow, x, y, s);
        let conflict = slow.sets().any(|s| {
            (0..n).any(|x| {
                (0..n).any(|y| {
                    (0..n).any(|z| {
                        x != y
                            && y != z
                            && x != z
                            && allowed(x, y, s)
                            && allowed(y, z, s)
                            && !allowed(x, z, s)
                    })
                })
            })
        });
        prop_assert!(found.undecided.is_empty());
        prop_assert_eq!(!found.conflicts.is_empty(), conflict);
        for c in &found.conflicts {
            let s = bits(&c.safe);
            let (x, y, z) = (number(&c.between[0]), number(&c.by), number(&c.between[1]));
            prop_assert!(allowed(x, y, s) && allowed(y, z, s) && !allowed(x, z, s));
        }
        let closed = slow.closed();
        let pairs = (0..n).flat_map(|x| (x..n).map(move |y| (x, y)));
        let differs = |(x, y): (usize, usize)| {
            let mut sets = slow.sets();
            sets.any(|s| allowed(x, y, s) != closed[x][y][s as usize])
        };
        let strongest = !conflict && !pairs.clone().any(differs);
        prop_assert_eq!(declared, Some(strongest));
        best.set(best.get() + u32::from(strongest));
        if conflict {
            conflicting.set(conflicting.get() + 1);
            return Ok(());
        }
        // A file with these agreements is valid and says of each set what the quorums allow.
        let (derived, text) = with_promises(&slow, &found.agreements);
        prop_assert!(parse_graph(&text).is_ok(), "{text}");
        for s in slow.sets() {
            for x in 0..n {
                for y in x..n {
                    let (l, k) = (oracle::learner(x), oracle::learner(y));
                    let says = derived.trust_safe(l, k, &set_of(s));
                    prop_assert_eq!(says, allowed(x, y, s), "{} {} {:b}\n{}", x, y, s, text);
                }
            }
        }
        valid.set(valid.get() + 1);
        Ok(())
    });
    assert!(
        valid.get() > 100 && conflicting.get() > 10 && best.get() > 10,
        "{valid:?} {conflicting:?} {best:?}"
    );
}

/// Whether the quorums of the two let them agree, and each with itself, while just these are safe.
fn can_agree(slow: &Graph, x: usize, y: usize, safe: Bits) -> bool {
    let all: Bits = (1 << slow.acceptors) - 1;
    let split = |x, y| splits(slow, x, y, all & !safe);
    !split(x, y) && !split(x, x) && !split(y, y)
}

/// The graph of a file with the quorums of another one and these promises.
fn with_promises(slow: &Graph, promises: &[Declared]) -> (LearnerGraph, String) {
    let live = Graph {
        safe: Vec::new(),
        ..slow.clone()
    };
    let entries = promises
        .iter()
        .map(|a| format!("[[safe]]\nbetween = {:?}\nwhen = {}\n", a.between, a.when));
    let text = live.text() + &entries.collect::<String>();
    (parse_unchecked(&text).expect("a graph"), text)
}

/// What is proposed where not all can be kept, though each by itself can: it can be, nobody loses agreement with itself, and no pair could have its
/// promise besides.
#[test]
fn promises_that_hold_together() {
    let (conflicting, some, all) = (Cell::new(0), Cell::new(0), Cell::new(0));
    check(1000, &graph(5, 4), |slow| {
        let found = look(&slow, &Options::default()).strongest;
        let together = found.together.expect("decided");
        if found.conflicts.is_empty() {
            prop_assert_eq!(together, found.agreements);
            all.set(all.get() + 1);
            return Ok(());
        }
        conflicting.set(conflicting.get() + 1);
        for alone in &found.agreements {
            let (_, text) = with_promises(&slow, std::slice::from_ref(alone));
            prop_assert!(parse_graph(&text).is_ok(), "{text}");
        }
        let (derived, text) = with_promises(&slow, &together);
        prop_assert!(parse_graph(&text).is_ok(), "{text}");
        let n = slow.live.len();
        let allowed = |x: usize, y: usize, s: Bits| can_agree(&slow, x, y, s);
        let says = |x: usize, y: usize, s: Bits| {
            derived.trust_safe(oracle::learner(x), oracle::learner(y), &set_of(s))
        };
        for x in 0..n {
            for y in x..n {
                let kept = slow.sets().all(|s| !allowed(x, y, s) || says(x, y, s));
                some.set(some.get() + u32::from(kept && x < y));
                if kept {
                    continue;
                }
                prop_assert!(x < y, "{} loses agreement with itself\n{}", x, text);
                // By transitivity it would be said of two whose quorums do not allow it.
                let refused = |s: Bits| {
                    let with = |l: usize| (0..n).filter(move |u| *u == l || says(l, *u, s));
                    let joined: Vec<usize> = with(x).chain(with(y)).collect();
                    let forbidden = |u: &usize| joined.iter().any(|v| !allowed(*u, *v, s));
                    allowed(x, y, s) && joined.iter().any(forbidden)
                };
                prop_assert!(slow.sets().any(refused), "{} {}\n{}", x, y, text);
            }
        }
        Ok(())
    });
    assert!(
        conflicting.get() > 50 && some.get() > 100 && all.get() > 100,
        "{conflicting:?} {some:?} {all:?}"
    );
}

/// The least number of acceptors in three sets that break validity of an edge.
fn least(slow: &Graph, closed: &oracle::Closed, x: usize, y: usize) -> usize {
    let safe = minimal(slow.sets(), |s| closed[x][y][s as usize]);
    let [q1, q2] = [x, y].map(|l| minimal(slow.sets(), |q| slow.live[l].holds(q)));
    let sizes = safe.iter().flat_map(|s| {
        let pairs = q1.iter().flat_map(|a| q2.iter().map(move |b| (a, b)));
        pairs
            .filter(move |(a, b)| s & *a & *b == 0)
            .map(move |(a, b)| s.count_ones() + a.count_ones() + b.count_ones())
    });
    sizes.min().unwrap_or(0) as usize
}

/// The solver finds what the search may not.
#[test]
fn undecided_by_the_search() {
    check(500, &graph(5, 3), |slow| {
        let valid = slow.is_valid(&slow.closed());
        let found = slow.build().validity(Steps {
            search: 0,
            solver: 1_000_000,
        });
        prop_assert!(found.undecided.is_empty());
        prop_assert_eq!(found.violations.is_empty(), valid);
        Ok(())
    });
}

#[test]
fn counterexamples() {
    check(1500, &graph(5, 2), |slow| {
        let found = look(&slow, &Options::default());
        let closed = slow.closed();
        let valid = slow.is_valid(&closed);
        prop_assert_eq!(found.valid, Some(valid));
        prop_assert_eq!(found.violations.is_empty(), valid);
        for pair in &found.pairs {
            let [x, y] = [number(&pair.between[0]), number(&pair.between[1])];
            let declared = closed[x][y].contains(&true);
            let kept = declared.then(|| least(&slow, &closed, x, y) == 0);
            prop_assert_eq!(pair.kept, kept);
        }
        for v in &found.violations {
            let common = bits(&v.safe) & bits(&v.quorums[0]) & bits(&v.quorums[1]);
            prop_assert_eq!(common, 0);
            let [x, y] = [number(&v.between[0]), number(&v.between[1])];
            prop_assert!(slow.live[x].holds(bits(&v.quorums[0])));
            prop_assert!(slow.live[y].holds(bits(&v.quorums[1])));
            prop_assert!(closed[x][y][bits(&v.safe) as usize]);
            let size = v.safe.len() + v.quorums[0].len() + v.quorums[1].len();
            prop_assert_eq!(size, least(&slow, &closed, x, y));
        }
        Ok(())
    });
}

/// The outline says what the analysis does, in fewer words.
#[test]
fn outlines() {
    let strategy = (graph(6, 3), any::<Bits>(), any::<Bits>());
    check(300, &strategy, |(slow, crashed, caught)| {
        let all: Bits = (1 << slow.acceptors) - 1;
        let mut options = Options {
            crashed: set_of(crashed & all),
            ..Options::default()
        };
        options.suspicion.caught = set_of(caught & all & !crashed);
        let long = look(&slow, &options);
        let short = outline(&slow.build(), &units(&slow), &options);
        prop_assert!(short.complete);
        for learner in &long.learners {
            let of = short.learners.iter();
            let with_it = of.filter(|o| o.names.contains(&learner.name));
            let found: Vec<_> = with_it.map(|o| &o.stopped_by).collect();
            prop_assert_eq!(found, [&Borne::from(learner.stopped_by.clone())]);
        }
        for pair in &long.pairs {
            let of = short.pairs.iter();
            let with_it = of.filter(|o| o.between.contains(&pair.between));
            let found: Vec<_> = with_it.map(|o| (&o.declared, &o.quorums)).collect();
            let declared = pair.declared.clone().map(Borne::from);
            let quorums = Borne::from(pair.quorums.clone());
            let expected: Vec<_> = declared.iter().map(|d| (d, &quorums)).collect();
            prop_assert_eq!(found, expected);
        }
        let counted: usize = short.pairs.iter().map(|o| o.count).sum();
        prop_assert_eq!(
            counted,
            long.pairs.iter().filter(|p| p.declared.is_some()).count()
        );
        for weight in &long.weights {
            let of = short.weights.iter();
            let with_it = of.filter(|o| o.names.contains(&weight.name));
            let found: Vec<_> = with_it
                .map(|o| {
                    (
                        &o.stops,
                        &o.disentangles,
                        o.weakens_progress,
                        o.weakens_agreement,
                    )
                })
                .collect();
            let expected = (
                &weight.stops,
                &weight.disentangles,
                weight.weakens_progress,
                weight.weakens_agreement,
            );
            prop_assert_eq!(found, [expected]);
        }
        Ok(())
    });
}

/// What was stopped says of nothing that it is decided which was not, and names no sets.
#[test]
fn whoever_is_stopped_says_so() {
    let nested = |n: usize| {
        let organisation = |i: usize| {
            let names: Vec<String> = (0..3).map(|j| format!("\"a{}\"", 3 * i + j)).collect();
            format!("{{ threshold = 2, of = [{}] }}", names.join(", "))
        };
        let all: Vec<String> = (0..n).map(organisation).collect();
        format!(
            "{{ threshold = {}, of = [{}] }}",
            2 * n / 3 + 1,
            all.join(", ")
        )
    };
    let names: Vec<String> = (0..18).map(|a| format!("\"a{a}\"")).collect();
    let of = nested(6);
    let text = format!(
        "acceptors = [{}]\n[learners]\nx = {of}\ny = {of}\n[[safe]]\nbetween = [\"x\", \"y\"]\nwhen = {of}\n",
        names.join(", ")
    );
    let graph = parse_unchecked(&text).expect("a graph");
    let units = graph.units(None).expect("single acceptors");
    let options = Options::default();
    options
        .stop
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let found = analyze(&graph, &units, &options, &mut |_, _, _| {});
    assert_eq!(found.valid, None);
    assert!(!found.complete && found.weights.is_empty(), "{found:?}");
    let reports = found.learners.iter().map(|l| &l.stopped_by);
    let reports = reports.chain(found.pairs.iter().map(|p| &p.quorums));
    for report in reports {
        assert_eq!(report.verdict, Verdict::Undecided);
        assert!(report.minimal.sets.is_empty() && !report.minimal.complete);
    }
    assert!(!outline(&graph, &units, &options).complete);
}
