//! The fast code against the slow oracle, on thousands of random graphs.

#![expect(
    clippy::needless_range_loop,
    reason = "the definitions are stated over pairs of learners, by number"
)]

mod oracle;

use learner_graph::{
    Check, LearnerSet, Meeting, Severity, Steps, Suspicion, parse_graph, parse_unchecked,
};
use oracle::{Bits, Expr, Graph, bits_of, check, expr, graph, learner, minimal, set_of};
use proptest::prelude::*;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Steps that no graph of these tests needs.
const PLENTY: u64 = 10_000_000;

#[test]
fn quorums() {
    let strategy = (1usize..9).prop_flat_map(|n| {
        prop::collection::vec(expr(n), 1..4).prop_map(move |live| Graph {
            acceptors: n,
            live,
            safe: Vec::new(),
        })
    });
    check(3000, &strategy, |slow| {
        let fast = slow.build();
        for (l, live) in slow.live.iter().enumerate() {
            let (all, others) = (
                fast.learners(),
                fast.learners() - LearnerSet::just(learner(l)),
            );
            for q in slow.sets() {
                let set = set_of(q);
                prop_assert_eq!(fast.is_quorum(learner(l), &set), live.holds(q));
                prop_assert_eq!(
                    fast.with_quorum(all, &set).contains(learner(l)),
                    live.holds(q)
                );
                prop_assert!(!fast.with_quorum(others, &set).contains(learner(l)));
            }
        }
        prop_assert!(!fast.is_quorum(learner(slow.live.len()), &fast.acceptors()));
        Ok(())
    });
}

#[test]
fn trust_safe_and_ent() {
    check(3000, &graph(4, 4), |slow| {
        let (fast, closed) = (slow.build(), slow.closed());
        for q in slow.sets() {
            let ent = fast.ent(&set_of(q));
            for x in 0..slow.live.len() {
                for y in 0..slow.live.len() {
                    let expected = closed[x][y][q as usize];
                    let found = fast.trust_safe(learner(x), learner(y), &set_of(q));
                    prop_assert_eq!(found, expected);
                    prop_assert_eq!(ent[x].contains(learner(y)), expected);
                }
            }
        }
        Ok(())
    });
}

#[test]
fn validity() {
    let (valid, not_valid) = (Cell::new(0), Cell::new(0));
    check(3000, &graph(4, 4), |slow| {
        let (fast, closed) = (slow.build(), slow.closed());
        let expected = slow.is_valid(&closed);
        let counter = if expected { &valid } else { &not_valid };
        counter.set(counter.get() + 1);
        let found = fast.validity(Steps {
            search: PLENTY,
            solver: 0,
        });
        prop_assert_eq!(found.holds(), expected);
        prop_assert!(found.undecided.is_empty());
        for v in &found.violations {
            let (from, to) = (usize::from(v.from.0), usize::from(v.to.0));
            let [q, q1, q2] = [v.safe, v.quorum_from, v.quorum_to].map(|s| bits_of(&s));
            prop_assert_eq!(q & q1 & q2, 0);
            let edges = minimal(slow.sets(), |s| closed[from][to][s as usize]);
            prop_assert!(edges.contains(&q));
            prop_assert!(minimal(slow.sets(), |s| slow.live[from].holds(s)).contains(&q1));
            prop_assert!(minimal(slow.sets(), |s| slow.live[to].holds(s)).contains(&q2));
        }
        match parse_graph(&slow.text()) {
            Ok((_, warnings)) => {
                prop_assert!(expected);
                prop_assert!(warnings.iter().all(|p| p.severity == Severity::Warning));
            }
            Err(_) => prop_assert!(!expected),
        }
        Ok(())
    });
    assert!(
        valid.get() > 300 && not_valid.get() > 300,
        "{valid:?} {not_valid:?}"
    );
}

/// With however few steps, whatever is said is true, and a check that goes on says all.
#[test]
fn what_few_steps_decide_is_right() {
    let (open, decided) = (Cell::new(0), Cell::new(0));
    let steps = prop_oneof![Just(0u64), 1u64..30, 30u64..2000];
    check(
        2000,
        &(graph(5, 4), steps, 0usize..4),
        |(slow, steps, until)| {
            let closed = slow.closed();
            let expected = slow.is_valid(&closed);
            let found = slow.build().validity(Steps {
                search: steps,
                solver: steps,
            });
            let counter = if found.verdict().is_none() {
                &open
            } else {
                &decided
            };
            counter.set(counter.get() + 1);
            prop_assert!(found.verdict().is_none_or(|it| it == expected));
            for v in &found.violations {
                let (from, to) = (usize::from(v.from.0), usize::from(v.to.0));
                let [q, q1, q2] = [v.safe, v.quorum_from, v.quorum_to].map(|s| bits_of(&s));
                prop_assert!(q & q1 & q2 == 0 && closed[from][to][q as usize]);
                prop_assert!(slow.live[from].holds(q1) && slow.live[to].holds(q2));
            }
            // The flag is raised after some pairs, and lowered again.
            let stop = Arc::new(AtomicBool::new(until == 0));
            let mut asked = Check::new("graph.toml", &slow.text(), None).expect("a graph");
            let mut told = 0;
            asked.ask(1, &stop, &mut |_, _, _| {
                told += 1;
                stop.fetch_or(told == until, Ordering::Relaxed);
            });
            prop_assert!(asked.verdict().is_none_or(|it| it == expected));
            prop_assert!(until > 0 || asked.verdict().is_none());
            prop_assert!(asked.verdict().is_some() || asked.report(&stop).is_err());
            stop.store(false, Ordering::Relaxed);
            asked.ask(8, &stop, &mut |_, _, _| {});
            prop_assert!(asked.is_decided());
            prop_assert_eq!(asked.verdict(), Some(expected));
            prop_assert_eq!(asked.report(&stop).is_ok(), expected);
            Ok(())
        },
    );
    assert!(
        open.get() > 100 && decided.get() > 100,
        "{open:?} {decided:?}"
    );
}

#[test]
fn every_edge_that_is_not_valid_is_found() {
    check(1000, &graph(4, 3), |slow| {
        let (fast, closed) = (slow.build(), slow.closed());
        let found = fast.validity(Steps {
            search: PLENTY,
            solver: 0,
        });
        // A counterexample stands for edges of learners with equal expressions; compare the
        // edges that have one by what makes them equal.
        let broken = |x: usize, y: usize| {
            let quorums = |l: usize| minimal(slow.sets(), |q| slow.live[l].holds(q));
            let (q1s, q2s) = (quorums(x), quorums(y));
            let edges: Vec<Bits> = slow.sets().filter(|q| closed[x][y][*q as usize]).collect();
            edges
                .iter()
                .any(|q| q1s.iter().any(|q1| q2s.iter().any(|q2| q & q1 & q2 == 0)))
        };
        let class = |l: usize| {
            let family = |l: usize| {
                slow.sets()
                    .map(|q| slow.live[l].holds(q))
                    .collect::<Vec<_>>()
            };
            (
                family(l),
                closed[l]
                    .iter()
                    .map(|f| f.contains(&true))
                    .collect::<Vec<_>>(),
            )
        };
        for x in 0..slow.live.len() {
            for y in x..slow.live.len() {
                let stands = found.violations.iter().any(|v| {
                    let (from, to) = (usize::from(v.from.0), usize::from(v.to.0));
                    (class(from) == class(x) && class(to) == class(y))
                        || (class(from) == class(y) && class(to) == class(x))
                });
                prop_assert!(!broken(x, y) || stands, "{} {}", x, y);
            }
        }
        Ok(())
    });
}

#[test]
fn uniformity() {
    let (uniform, not_uniform) = (Cell::new(0), Cell::new(0));
    check(3000, &graph(4, 4), |slow| {
        let (fast, closed) = (slow.build(), slow.closed());
        let found = fast.uniformity(PLENTY);
        prop_assert!(found.undecided.is_empty());
        for l in 0..slow.live.len() {
            let expected = slow.is_uniform(&closed, l);
            let counter = if expected { &uniform } else { &not_uniform };
            counter.set(counter.get() + 1);
            let mine = found.differences.iter().filter(|d| d.learner == learner(l));
            prop_assert_eq!(mine.clone().count() == 0, expected);
            for d in mine {
                let q = bits_of(&d.set) as usize;
                let other = usize::from(d.other.0);
                prop_assert!(closed[l][l][q] && !closed[l][other][q]);
                prop_assert!(closed[l][other].contains(&true));
            }
        }
        Ok(())
    });
    assert!(uniform.get() > 300 && not_uniform.get() > 300);
}

#[test]
fn possible_sets_and_connected() {
    let answers = [Cell::new(0), Cell::new(0)];
    let pair = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let pairs = prop::collection::vec(pair, 0..3);
    let bits = prop::array::uniform5(any::<Bits>());
    check(
        6000,
        &(graph(4, 3), pairs, bits),
        |(slow, pairs, [w1, w2, c1, c2, c3])| {
            let (fast, closed) = (slow.build(), slow.closed());
            let n = slow.live.len();
            let broken: Vec<_> = pairs
                .iter()
                .map(|(x, y)| (x.index(n), y.index(n)))
                .collect();
            let all = slow.sets().end - 1;
            let (within, caught) = ((w1 | w2) & all, c1 & c2 & c3 & all);
            let suspicion = Suspicion {
                caught: set_of(caught),
                disagreements: broken
                    .iter()
                    .map(|(x, y)| (learner(*x), learner(*y)))
                    .collect(),
            };
            let rows = fast.connected(&suspicion);
            for x in 0..n {
                for y in 0..n {
                    let is_possible = |q: &Bits| slow.possible(&closed, *q, caught, &broken);
                    let mut inside = slow.sets().filter(|q| q & within == *q).filter(is_possible);
                    let expected = inside.any(|q| closed[x][y][q as usize]);
                    let (l1, l2) = (learner(x), learner(y));
                    let found = fast.possible_set_within(l1, l2, &set_of(within), &suspicion);
                    prop_assert_eq!(found, expected);
                    if !broken.is_empty() {
                        let counter = &answers[usize::from(found)];
                        counter.set(counter.get() + 1);
                    }
                    let sets = minimal(slow.sets(), |q| closed[x][y][q as usize]);
                    let connected = sets.iter().any(is_possible);
                    prop_assert_eq!(rows[x].contains(l2), connected);
                }
            }
            Ok(())
        },
    );
    assert!(answers.iter().all(|a| a.get() > 250), "{answers:?}");
}

#[test]
fn quorums_that_do_not_meet() {
    let answers = [Cell::new(0), Cell::new(0)];
    check(4000, &graph(5, 2), |slow| {
        let fast = slow.build();
        let (first, last) = (&slow.live[0], &slow.live[slow.live.len() - 1]);
        let ids = (learner(0), learner(slow.live.len() - 1));
        let quorums = |of: &Expr| minimal(slow.sets(), |q| of.holds(q));
        let (firsts, lasts) = (quorums(first), quorums(last));
        let meet = firsts.iter().all(|a| lasts.iter().all(|b| a & b != 0));
        match fast.meeting(ids.0, ids.1, 10_000) {
            Meeting::Always => prop_assert!(meet),
            Meeting::Not(a, b) => {
                let (a, b) = (bits_of(&a), bits_of(&b));
                prop_assert!(firsts.contains(&a) && lasts.contains(&b) && a & b == 0);
            }
            Meeting::Undecided => prop_assert!(false, "five acceptors are few"),
        }
        let hasty = fast.meeting(ids.0, ids.1, 0);
        prop_assert!(hasty == Meeting::Undecided || (hasty == Meeting::Always && meet));
        let counter = &answers[usize::from(meet)];
        counter.set(counter.get() + 1);
        Ok(())
    });
    assert!(answers.iter().all(|a| a.get() > 500), "{answers:?}");
}

#[test]
fn entangled_learners_stay_connected() {
    // ConnectedSpec: whatever evidence a run of the protocol can produce is true of the real
    // safe set, and does not separate learners that it entangles.
    check(2000, &(graph(4, 4), any::<Bits>()), |(slow, safe)| {
        let (fast, closed) = (slow.build(), slow.closed());
        let safe = safe % slow.sets().end;
        let n = slow.live.len();
        let pairs = (0..n).flat_map(|x| (0..n).map(move |y| (x, y)));
        let entangled = |(x, y): &(usize, usize)| closed[*x][*y][safe as usize];
        let suspicion = Suspicion {
            caught: fast.acceptors() - set_of(safe),
            disagreements: pairs
                .clone()
                .filter(|pair| !entangled(pair))
                .map(|(x, y)| (learner(x), learner(y)))
                .collect(),
        };
        let rows = fast.connected(&suspicion);
        for (x, y) in pairs {
            prop_assert_eq!(rows[x].contains(learner(y)), entangled(&(x, y)));
        }
        Ok(())
    });
}

#[test]
fn canonical_text_ignores_free_order_only() {
    let (same, other) = (Cell::new(0), Cell::new(0));
    check(2000, &(graph(3, 3), graph(3, 3)), |(a, b)| {
        let text = a.build().canonical();
        let reversed = parse_unchecked(&a.reversed_text());
        prop_assert_eq!(&text, &reversed.expect("the same graph").canonical());
        if a.acceptors != b.acceptors || a.live.len() != b.live.len() {
            return Ok(());
        }
        let families = |g: &Graph| {
            let live = g.live.iter().flat_map(|l| g.sets().map(|q| l.holds(q)));
            (live.collect::<Vec<_>>(), g.closed())
        };
        let equal = text == b.build().canonical();
        prop_assert!(!equal || families(&a) == families(&b));
        let counter = if equal { &same } else { &other };
        counter.set(counter.get() + 1);
        Ok(())
    });
    assert!(same.get() > 0 && other.get() > 100, "{same:?} {other:?}");
}

#[test]
fn reports_list_all_minimal_sets() {
    check(1000, &graph(4, 3), |slow| {
        let (fast, closed) = (slow.build(), slow.closed());
        let report = learner_graph::explain(&fast, Vec::new(), None);
        let named = |sets: Vec<Bits>| {
            let name = |q: &Bits| {
                let members = (0..slow.acceptors).filter(|a| q & (1 << a) != 0);
                members.map(|a| format!("a{a}")).collect::<Vec<_>>()
            };
            let mut names: Vec<_> = sets.iter().map(name).collect();
            names.sort_by_key(|set| (set.len(), set.clone()));
            names
        };
        for (live, row) in slow.live.iter().zip(&report.learners) {
            prop_assert!(row.quorums.complete);
            let expected = named(minimal(slow.sets(), |q| live.holds(q)));
            prop_assert_eq!(&row.quorums.sets, &expected);
        }
        let mut expected = Vec::new();
        for x in 0..slow.live.len() {
            for y in x..slow.live.len() {
                let sets = minimal(slow.sets(), |q| closed[x][y][q as usize]);
                if !sets.is_empty() {
                    expected.push(([format!("l{x}"), format!("l{y}")], named(sets)));
                }
            }
        }
        let found = report.agreements.iter();
        let found: Vec<_> = found
            .map(|a| (a.between.clone(), a.safe_sets.sets.clone()))
            .collect();
        prop_assert_eq!(found, expected);
        Ok(())
    });
}
