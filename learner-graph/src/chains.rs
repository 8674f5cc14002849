//! Chains of agreements as expressions: what the closed TrustSafe of a pair asks for.
//!
//! ```text
//!    ┌─a─ l2 ─b─┐          ┌─[2 of a b]─┐
//!   l1          l3   ►    l1            l3   ►   l1 ─[1 of [2 of a b] c]─ l3
//!    └────c─────┘          └─────c──────┘
//! ```
//!
//! Groups of learners that agree are the edges of a network, and a pair agrees if edges that hold lead from the one to
//! the other. Dead ends lead nowhere, of edges between the same learners one is enough, and of two in a row both are
//! needed. Of chains, rings and trees nothing else is left: one expression, in which acceptors that do the same are
//! seen to be interchangeable.

use crate::expr::{Exprs, NodeId};
use crate::id::LearnerId;
use crate::set::LearnerSet;
use std::collections::HashMap;

/// When an edge holds.
enum When {
    Is(NodeId),
    /// While all of these hold, or while any does.
    Of(Vec<When>, bool),
}

struct Edge {
    learners: LearnerSet,
    when: When,
}

/// Groups and their conditions that lead from the one learner to the other, or from one to itself, if and only if the
/// given ones do: as few as are found. Without any the two never agree; a single one says when they do.
pub(crate) fn joined(
    from: LearnerId,
    to: LearnerId,
    groups: impl Iterator<Item = (LearnerSet, NodeId)>,
    exprs: &mut Exprs,
) -> (Vec<LearnerSet>, Vec<NodeId>) {
    let ends: LearnerSet = [from, to].into_iter().collect();
    let mut edges: Vec<Edge> = groups
        .map(|(learners, expr)| Edge {
            learners,
            when: When::Is(expr),
        })
        .collect();
    if from == to {
        // It agrees with itself if any agreement of it holds.
        edges.retain(|edge| edge.learners.contains(from));
        edges.iter_mut().for_each(|edge| edge.learners = ends);
        edges = parallel(edges);
    }
    let size = |edges: &[Edge]| edges.iter().map(|edge| edge.learners.len()).sum::<usize>();
    let mut before = usize::MAX;
    while from != to && size(&edges) < before {
        before = size(&edges);
        without_dead_ends(&mut edges, &ends);
        edges = parallel(edges);
        series(&mut edges, &ends);
    }
    let edges = edges.into_iter();
    edges.map(|e| (e.learners, e.when.expr(exprs))).unzip()
}

/// Nobody is led on by a learner that is in one group only.
fn without_dead_ends(edges: &mut Vec<Edge>, ends: &LearnerSet) {
    let (mut once, mut twice) = (LearnerSet::EMPTY, *ends);
    for edge in edges.iter() {
        twice |= once & edge.learners;
        once |= edge.learners;
    }
    edges.retain_mut(|edge| {
        edge.learners &= twice;
        edge.learners.len() > 1
    });
}

/// One edge between the same learners.
fn parallel(edges: Vec<Edge>) -> Vec<Edge> {
    let mut places: HashMap<LearnerSet, usize> = HashMap::new();
    let mut all: Vec<Edge> = Vec::new();
    for edge in edges {
        let at = *places.entry(edge.learners).or_insert(all.len());
        match all.get_mut(at) {
            Some(other) => other.when.join(edge.when, false),
            None => all.push(edge),
        }
    }
    all
}

/// One edge instead of two that meet in a learner in which nothing else does.
fn series(edges: &mut Vec<Edge>, ends: &LearnerSet) {
    let mut at: HashMap<LearnerId, Vec<usize>> = HashMap::new();
    let mut learners = LearnerSet::EMPTY;
    for (number, edge) in edges.iter().enumerate() {
        learners |= edge.learners;
        for l in edge.learners {
            at.entry(l).or_default().push(number);
        }
    }
    for middle in learners - *ends {
        let [first, second] = at[&middle][..] else {
            continue;
        };
        let mut outer = edges[first].learners | edges[second].learners;
        outer.remove(middle);
        let pairs = [first, second]
            .iter()
            .all(|e| edges[*e].learners.len() == 2);
        if !pairs || outer.len() != 2 {
            continue;
        }
        for l in edges[second].learners {
            let places = at.entry(l).or_default().iter_mut();
            places.for_each(|place| *place = if *place == second { first } else { *place });
        }
        edges[second].learners = LearnerSet::EMPTY;
        edges[first].learners = outer;
        let when = std::mem::replace(&mut edges[second].when, When::NEVER);
        edges[first].when.join(when, true);
    }
    edges.retain(|edge| !edge.learners.is_empty());
}

impl When {
    const NEVER: Self = Self::Of(Vec::new(), false);

    /// Holds while both do, or, unless all are asked for, while any does.
    fn join(&mut self, other: Self, all: bool) {
        let parts = |when| match when {
            Self::Of(parts, of_all) if of_all == all => parts,
            when => vec![when],
        };
        let mut joined = parts(std::mem::replace(self, Self::NEVER));
        joined.extend(parts(other));
        *self = Self::Of(joined, all);
    }

    fn expr(self, exprs: &mut Exprs) -> NodeId {
        let (parts, all) = match self {
            Self::Is(expr) => return expr,
            Self::Of(parts, all) => (parts, all),
        };
        let mut parts: Vec<_> = parts.into_iter().map(|part| part.expr(exprs)).collect();
        parts.sort_unstable();
        // What is asked for twice counts once.
        parts.dedup();
        let need = if all { parts.len() as u64 } else { 1 };
        exprs.threshold(need, parts.into_iter().map(|part| (part, 1)))
    }
}

#[cfg(test)]
mod tests {
    use crate::expr::{Exprs, TRUE};
    use crate::family::{Family, Status};
    use crate::graph::LearnerGraph;
    use crate::id::LearnerId;
    use crate::parse_unchecked;
    use crate::set::AcceptorSet;

    /// The graph of learners x0 to x6 with these groups, each with what it agrees while it is safe.
    fn graph(groups: &[(Vec<u16>, String)]) -> LearnerGraph {
        let mut text =
            String::from("acceptors = [\"a\", \"b\", \"c\", \"d\", \"e\"]\n[learners]\n");
        for l in 0..7 {
            text.push_str(&format!("x{l} = \"a\"\n"));
        }
        for (learners, when) in groups {
            let names: Vec<String> = learners.iter().map(|l| format!("\"x{l}\"")).collect();
            let names = names.join(", ");
            text.push_str(&format!("[[safe]]\nbetween = [{names}]\nwhen = {when}\n"));
        }
        parse_unchecked(&text).expect("a graph")
    }

    fn is_in(family: &Family, exprs: &Exprs, set: &AcceptorSet) -> bool {
        let held = family.roots().iter().map(|root| exprs.holds(*root, set));
        let held: Vec<_> = held
            .map(|holds| if holds { TRUE } else { crate::expr::FALSE })
            .collect();
        family.status(&held) == Status::In
    }

    #[test]
    fn what_is_joined_agrees_as_before() {
        let mut seed = 7u64;
        let mut below = |n: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1);
            (seed >> 33) % n
        };
        let (mut single, mut several) = (0, 0);
        for _ in 0..300 {
            let groups = (0..3 + below(7)).map(|_| {
                let size = [1, 2, 2, 2, 2, 3][below(6) as usize];
                let mut learners: Vec<u16> = (0..size).map(|_| below(7) as u16).collect();
                learners.sort_unstable();
                learners.dedup();
                let one = char::from(b'a' + below(5) as u8);
                let two = char::from(b'a' + below(5) as u8);
                let when = match one == two {
                    true => format!("\"{one}\""),
                    false => format!("{{ threshold = 2, of = [\"{one}\", \"{two}\"] }}"),
                };
                (learners, when)
            });
            let graph = graph(&groups.collect::<Vec<_>>());
            for (l1, l2) in graph.pairs() {
                let Some(family) = Family::agreement(&graph, l1, l2) else {
                    continue;
                };
                let mut exprs = graph.exprs.clone();
                let joined = family.joined(&mut exprs);
                match joined {
                    Family::Of(_) => single += 1,
                    Family::Agreement { .. } => several += 1,
                }
                for bits in 0..32u32 {
                    let set = graph.acceptors().iter();
                    let set: AcceptorSet = set.filter(|a| bits >> a.0 & 1 == 1).collect();
                    assert_eq!(
                        is_in(&joined, &exprs, &set),
                        graph.trust_safe(l1, l2, &set),
                        "{l1:?} {l2:?} {set:?} {joined:?}"
                    );
                }
            }
        }
        assert!(single > 2000 && several > 100, "{single}, {several}");
    }

    #[test]
    fn chains_and_rings_are_one_expression() {
        let pair = |a: u16, b: u16, when: &str| (vec![a, b], format!("\"{when}\""));
        let mut groups = vec![pair(0, 1, "a"), pair(1, 2, "b"), pair(2, 3, "c")];
        let said = |groups: &[(Vec<u16>, String)]| {
            let graph = graph(groups);
            let mut exprs = graph.exprs.clone();
            let family = Family::agreement(&graph, LearnerId(0), LearnerId(2)).expect("a chain");
            match family.joined(&mut exprs) {
                Family::Of(root) => graph.toml_of(&exprs, root),
                other => format!("{other:?}"),
            }
        };
        let both = "{ threshold = 2, of = [\"a\", \"b\"] }";
        assert_eq!(said(&groups), both, "x3 leads nowhere");
        let twice = [pair(0, 3, "a"), pair(3, 4, "b"), pair(4, 2, "a")];
        assert_eq!(said(&twice), both, "a is asked for once");
        let chain = graph(&groups);
        let itself = Family::agreement(&chain, LearnerId(1), LearnerId(1)).expect("agreements");
        let itself = itself.joined(&mut chain.exprs.clone());
        assert!(matches!(itself, Family::Of(_)), "{itself:?}");
        groups.push(pair(3, 0, "d"));
        let ring =
            format!("{{ threshold = 1, of = [{both}, {{ threshold = 2, of = [\"c\", \"d\"] }}] }}");
        assert_eq!(said(&groups), ring);
    }
}
