//! What liars can do to whom, computed from the learner graph alone.

use learner_graph::{AcceptorSet, LearnerGraph, LearnerId, Suspicion};
use std::collections::BTreeSet;

/// A pair of learners, the first one not after the second.
pub type Pair = (LearnerId, LearnerId);

/// The pairs of learners that decide differently when the safe acceptors are split into two sides that do
/// not hear each other, and these liars tell each side a story of its own: one learner has a quorum of one
/// side and liars, the other a quorum of the other side and liars. A learner with both forks.
#[must_use]
pub fn disagree(
    graph: &LearnerGraph,
    liars: &AcceptorSet,
    sides: [&AcceptorSet; 2],
) -> BTreeSet<Pair> {
    let served = |side: &AcceptorSet| {
        let told = *side | *liars;
        let learners = graph.learners().iter();
        learners
            .filter(|l| graph.is_quorum(*l, &told))
            .collect::<Vec<_>>()
    };
    let (here, there) = (served(sides[0]), served(sides[1]));
    let pairs = |l1: &LearnerId| {
        let l1 = *l1;
        let pairs = there.iter().map(move |l2| (l1.min(*l2), l1.max(*l2)));
        pairs.collect::<Vec<_>>()
    };
    here.iter().flat_map(pairs).collect()
}

/// HPaxos: Disconnect. The pairs that have a TrustSafe set at all and that this evidence separates.
#[must_use]
pub fn disconnected(graph: &LearnerGraph, known: &Suspicion) -> BTreeSet<Pair> {
    let (before, after) = (
        graph.connected(&Suspicion::default()),
        graph.connected(known),
    );
    let mut gone = BTreeSet::new();
    for l1 in graph.learners() {
        let row = usize::from(l1.0);
        let lost = (before[row] - after[row]).iter();
        gone.extend(lost.filter(|l2| l1 <= *l2).map(|l2| (l1, l2)));
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    fn graph(text: &str) -> LearnerGraph {
        learner_graph::parse_graph(text).unwrap().0
    }

    fn acceptors(graph: &LearnerGraph, names: &[&str]) -> AcceptorSet {
        names.iter().map(|n| graph.acceptor(n).unwrap()).collect()
    }

    fn named(graph: &LearnerGraph, pairs: &BTreeSet<Pair>) -> Vec<String> {
        let name = |l: LearnerId| graph.learner_name(l).to_owned();
        pairs
            .iter()
            .map(|(l1, l2)| format!("{}-{}", name(*l1), name(*l2)))
            .collect()
    }

    const LG4: &str = include_str!("../../../examples/lg4.toml");
    const MIXED: &str = include_str!("../../../examples/mixed.toml");

    #[test]
    fn in_the_ring_a_liar_parts_the_two_that_only_it_joins() {
        let g = graph(LG4);
        let of = |names: &[&str]| acceptors(&g, names);
        let pairs = disagree(&g, &of(&["a1"]), [&of(&["a2"]), &of(&["a3"])]);
        assert_eq!(named(&g, &pairs), ["la-lc"]);
        // Without a liar neither side serves anybody but lb.
        let none = AcceptorSet::EMPTY;
        assert!(disagree(&g, &none, [&of(&["a1"]), &of(&["a2", "a3"])]).is_empty());
    }

    #[test]
    fn who_is_content_with_two_votes_forks_first() {
        let g = graph(MIXED);
        let of = |names: &[&str]| acceptors(&g, names);
        let pairs = disagree(&g, &of(&["a1"]), [&of(&["a2", "a4"]), &of(&["a3"])]);
        assert_eq!(
            named(&g, &pairs),
            ["alice-kiosk", "bob-kiosk", "kiosk-kiosk"]
        );
    }

    #[test]
    fn what_a_liar_is_caught_for_separates_exactly_who_relies_on_it() {
        let g = graph(LG4);
        let caught = acceptors(&g, &["a1"]);
        let known = Suspicion {
            caught,
            disagreements: Vec::new(),
        };
        assert_eq!(
            named(&g, &disconnected(&g, &known)),
            ["la-lc", "lb-lc", "lc-lc"]
        );
        assert!(disconnected(&g, &Suspicion::default()).is_empty());
    }

    /// HPaxos: Safety, as a property of graphs: whoever can be made to differ is not entangled.
    #[test]
    fn entangled_learners_are_never_among_them() {
        let examples = [
            LG4,
            MIXED,
            include_str!("../../../examples/four.toml"),
            include_str!("../../../examples/thr0.toml"),
            include_str!("../../../examples/uni0.toml"),
            include_str!("../../../examples/pair.toml"),
            include_str!("../../../examples/organisations.toml"),
        ];
        let mut chance = Chance::new(1, 0);
        let mut seen = 0;
        for text in examples {
            let g = graph(text);
            for _ in 0..500 {
                let mut parts = [AcceptorSet::EMPTY; 3];
                for a in g.acceptors() {
                    parts[chance.place(3)].insert(a);
                }
                let [liars, one, other] = parts;
                let ent = g.ent(&(g.acceptors() - liars));
                let pairs = disagree(&g, &liars, [&one, &other]);
                assert_eq!(pairs, disagree(&g, &liars, [&other, &one]));
                for (l1, l2) in pairs {
                    seen += 1;
                    assert!(!ent[usize::from(l1.0)].contains(l2), "{text}");
                }
            }
        }
        assert!(seen > 100, "{seen}");
    }
}
