//! A slow, obviously right reading of the definitions: sets are enumerated one by one.

#![allow(dead_code, reason = "each file of tests uses a part of it")]
#![allow(
    clippy::needless_range_loop,
    reason = "the definitions are stated over pairs of learners, by number"
)]

use learner_graph::{
    AcceptorId, AcceptorSet, IdSet, LearnerGraph, LearnerId, Part, parse_unchecked,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// Tests some cases of a strategy.
pub(crate) fn check<S: Strategy>(
    cases: u32,
    strategy: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    // PROPTEST_RNG_SEED and PROPTEST_MAX_SHRINK_ITERS still work; no file of regressions is kept.
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    if let Err(error) = runner.run(strategy, test) {
        panic!("{error}");
    }
}

/// All sets that some patterns stand for, by the names of their members.
pub(crate) fn sets_of(patterns: &[Vec<Part>]) -> Vec<Vec<&String>> {
    let mut all = Vec::new();
    for pattern in patterns {
        let mut sets = vec![Vec::new()];
        for part in pattern {
            let choices =
                (0u32..1 << part.of.len()).filter(|c| c.count_ones() as usize == part.any);
            let chosen = |choice: u32| {
                let of = part.of.iter().enumerate();
                of.filter(move |(at, _)| choice & (1 << at) != 0)
                    .map(|(_, name)| name)
            };
            let longer = |set: &Vec<_>| -> Vec<Vec<_>> {
                let longer = choices
                    .clone()
                    .map(|c| set.iter().copied().chain(chosen(c)).collect());
                longer.collect()
            };
            sets = sets.iter().flat_map(longer).collect();
        }
        all.extend(sets);
    }
    all
}

/// A set of acceptors as bits of a number.
pub(crate) type Bits = u32;

/// An expression as a user would write it.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Acceptor(usize),
    Threshold(u64, Vec<(u64, Expr)>),
    Sets(Vec<Vec<usize>>),
}

impl Expr {
    /// The definition of an expression.
    pub(crate) fn holds(&self, set: Bits) -> bool {
        match self {
            Self::Acceptor(a) => set & (1 << a) != 0,
            Self::Threshold(need, members) => {
                let there = members.iter().filter(|(_, member)| member.holds(set));
                there.map(|(weight, _)| weight).sum::<u64>() >= *need
            }
            Self::Sets(sets) => sets.iter().any(|s| s.iter().all(|a| set & (1 << a) != 0)),
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Acceptor(a) => format!("\"a{a}\""),
            Self::Threshold(need, members) => {
                let member = |(weight, member): &(u64, Expr)| match weight {
                    1 => member.text(),
                    _ => format!("{{ weight = {weight}, of = {} }}", member.text()),
                };
                let members: Vec<_> = members.iter().map(member).collect();
                format!("{{ threshold = {need}, of = [{}] }}", members.join(", "))
            }
            Self::Sets(sets) => {
                let set = |s: &Vec<usize>| {
                    let names: Vec<_> = s.iter().map(|a| format!("\"a{a}\"")).collect();
                    format!("[{}]", names.join(", "))
                };
                let sets: Vec<_> = sets.iter().map(set).collect();
                format!("{{ sets = [{}] }}", sets.join(", "))
            }
        }
    }

    /// The same meaning with everything whose order is free in reverse.
    pub(crate) fn reversed(&self) -> Self {
        match self {
            Self::Acceptor(a) => Self::Acceptor(*a),
            Self::Threshold(need, members) => {
                let members = members.iter().rev();
                Self::Threshold(*need, members.map(|(w, m)| (*w, m.reversed())).collect())
            }
            Self::Sets(sets) => {
                let sets = sets.iter().rev();
                Self::Sets(sets.map(|s| s.iter().rev().copied().collect()).collect())
            }
        }
    }
}

/// A graph as a user would write it.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) acceptors: usize,
    pub(crate) live: Vec<Expr>,
    pub(crate) safe: Vec<(Vec<usize>, Expr)>,
}

/// TrustSafe, closed: `[l1][l2][set]`.
pub(crate) type Closed = Vec<Vec<Vec<bool>>>;

impl Graph {
    pub(crate) fn text(&self) -> String {
        let live = (0..)
            .zip(&self.live)
            .map(|(l, e)| format!("l{l} = {}\n", e.text()));
        let safe = self
            .safe
            .iter()
            .map(|(between, when)| safe_text(between, when));
        self.file(live.collect(), safe.collect())
    }

    /// Another text that means the same.
    pub(crate) fn reversed_text(&self) -> String {
        let live = self.live.iter().enumerate();
        let live = live
            .map(|(l, e)| format!("l{l} = {}\n", e.reversed().text()))
            .rev();
        let safe = self.safe.iter().rev().map(|(between, when)| {
            let between: Vec<_> = between.iter().rev().copied().collect();
            safe_text(&between, &when.reversed())
        });
        self.file(live.collect(), safe.collect())
    }

    fn file(&self, live: String, safe: String) -> String {
        let names: Vec<_> = (0..self.acceptors).map(|a| format!("\"a{a}\"")).collect();
        format!(
            "acceptors = [{}]\n[learners]\n{live}{safe}",
            names.join(", ")
        )
    }

    pub(crate) fn build(&self) -> LearnerGraph {
        parse_unchecked(&self.text()).unwrap_or_else(|e| panic!("{e:?}\n{}", self.text()))
    }

    pub(crate) fn sets(&self) -> std::ops::Range<Bits> {
        0..1 << self.acceptors
    }

    /// The edges of the minimal sets of what is declared, then the rules of
    /// `LearnerGraphAssumption` one by one until nothing is added.
    pub(crate) fn closed(&self) -> Closed {
        let n = self.live.len();
        let mut edges = vec![vec![vec![false; 1 << self.acceptors]; n]; n];
        for (between, when) in &self.safe {
            for q in minimal(self.sets(), |q| when.holds(q)) {
                if let [only] = between.as_slice() {
                    edges[*only][*only][q as usize] = true;
                }
                for x in between {
                    for y in between.iter().filter(|y| *y != x) {
                        edges[*x][*y][q as usize] = true;
                    }
                }
            }
        }
        loop {
            let before = edges.clone();
            for q in self.sets() {
                let at = q as usize;
                for x in 0..n {
                    for y in 0..n {
                        if !edges[x][y][at] {
                            continue;
                        }
                        edges[y][x][at] = true;
                        for z in 0..n {
                            if edges[y][z][at] {
                                edges[x][z][at] = true;
                            }
                        }
                        for a in 0..self.acceptors {
                            edges[x][y][at | 1 << a] = true;
                        }
                    }
                }
            }
            if edges == before {
                return edges;
            }
        }
    }

    pub(crate) fn is_valid(&self, closed: &Closed) -> bool {
        let quorums: Vec<Vec<Bits>> = self
            .live
            .iter()
            .map(|live| self.sets().filter(|q| live.holds(*q)).collect())
            .collect();
        let n = self.live.len();
        let edges = (0..n).flat_map(|x| (0..n).map(move |y| (x, y)));
        edges.clone().all(|(x, y)| {
            self.sets().filter(|q| closed[x][y][*q as usize]).all(|q| {
                quorums[x]
                    .iter()
                    .all(|q1| quorums[y].iter().all(|q2| q & q1 & q2 != 0))
            })
        })
    }

    /// Whether this learner has the same family with all that it has a TrustSafe set with.
    pub(crate) fn is_uniform(&self, closed: &Closed, l: usize) -> bool {
        let connected = (0..self.live.len()).filter(|x| closed[*x][l].contains(&true));
        connected
            .map(|x| &closed[x][l])
            .all(|family| *family == closed[l][l])
    }

    /// A set is possible if it has no caught member and no TrustSafe set of a pair that has
    /// disagreed as a subset.
    pub(crate) fn possible(
        &self,
        closed: &Closed,
        q: Bits,
        caught: Bits,
        broken: &[(usize, usize)],
    ) -> bool {
        let inside = |sub: &Bits| sub & q == *sub;
        q & caught == 0
            && broken.iter().all(|(x, y)| {
                !self
                    .sets()
                    .filter(inside)
                    .any(|s| closed[*x][*y][s as usize])
            })
    }
}

fn safe_text(between: &[usize], when: &Expr) -> String {
    let names: Vec<_> = between.iter().map(|l| format!("\"l{l}\"")).collect();
    let when = when.text();
    format!(
        "[[safe]]\nbetween = [{}]\nwhen = {when}\n",
        names.join(", ")
    )
}

/// The minimal ones of the sets that pass a test.
pub(crate) fn minimal(sets: std::ops::Range<Bits>, test: impl Fn(Bits) -> bool) -> Vec<Bits> {
    let members: Vec<Bits> = sets.filter(|q| test(*q)).collect();
    let smaller = |q: &Bits| members.iter().any(|m| m != q && m & q == *m);
    members.iter().copied().filter(|q| !smaller(q)).collect()
}

pub(crate) fn set_of(bits: Bits) -> AcceptorSet {
    (0..32)
        .filter(|a| bits & (1 << a) != 0)
        .map(AcceptorId)
        .collect()
}

pub(crate) fn bits_of<I: learner_graph::Id, const W: usize>(set: &IdSet<I, W>) -> Bits {
    set.iter().map(|id| 1 << id.index()).sum()
}

pub(crate) fn learner(l: usize) -> LearnerId {
    LearnerId(l as u16)
}

/// Expressions over acceptors `0..n`, nested up to three deep.
pub(crate) fn expr(n: usize) -> impl Strategy<Value = Expr> {
    let acceptors = prop::sample::subsequence((0..n).collect::<Vec<_>>(), 1..=n);
    let flat = (acceptors.clone(), any::<prop::sample::Index>()).prop_map(|(members, at)| {
        let need = at.index(members.len()) as u64 + 1;
        Expr::Threshold(
            need,
            members
                .into_iter()
                .map(|a| (1, Expr::Acceptor(a)))
                .collect(),
        )
    });
    let sets = prop::collection::vec(acceptors, 1..4).prop_map(Expr::Sets);
    let leaf = prop_oneof![2 => (0..n).prop_map(Expr::Acceptor), 3 => flat, 1 => sets];
    leaf.prop_recursive(2, 24, 4, |inner| {
        let member = (prop_oneof![3 => Just(1u64), 1 => 2u64..4], inner);
        let members = prop::collection::vec(member, 1..4);
        (members, any::<prop::sample::Index>()).prop_map(|(mut members, at)| {
            // A plain name may stand in a threshold only once.
            let mut seen = Vec::new();
            members.retain(|(_, m)| match m {
                Expr::Acceptor(a) if seen.contains(a) => false,
                Expr::Acceptor(a) => {
                    seen.push(*a);
                    true
                }
                _ => true,
            });
            let total: u64 = members.iter().map(|(weight, _)| weight).sum();
            Expr::Threshold(at.index(total as usize) as u64 + 1, members)
        })
    })
}

/// Graphs of up to so many acceptors and learners; `when` is often everybody, so that valid
/// graphs are not rare.
pub(crate) fn graph(acceptors: usize, learners: usize) -> impl Strategy<Value = Graph> {
    (1..=acceptors, 1..=learners).prop_flat_map(|(n, l)| {
        let everybody = Expr::Sets(vec![(0..n).collect()]);
        let when = prop_oneof![2 => expr(n), 1 => Just(everybody)];
        let between = prop::sample::subsequence((0..l).collect::<Vec<_>>(), 1..=l.min(3));
        let safe = prop::collection::vec((between, when), 0..5);
        (prop::collection::vec(expr(n), l), safe).prop_map(move |(live, safe)| Graph {
            acceptors: n,
            live,
            safe,
        })
    })
}
