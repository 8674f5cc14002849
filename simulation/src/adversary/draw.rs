//! Liars that the seed of a run chooses.

use super::{Adversary, Behaviour};
use crate::cast::Cast;
use crate::chance::Chance;
use crate::oracle::Place;
use learner_graph::{AcceptorId, AcceptorSet, LearnerGraph};

/// Of a hundred runs, how many have no liar.
const NONE: u64 = 15;

/// Draws a set of liars that some learner of the graph stands, or none, and what each of them does. A
/// learner stands them if it is entangled with itself all the same and has a quorum without them.
#[must_use]
pub fn draw(chance: &mut Chance, cast: &Cast) -> Vec<Adversary> {
    if chance.percent(NONE) {
        return Vec::new();
    }
    let (graph, parts) = (cast.network.graph(), &cast.parts);
    let most = 1 + chance.place(parts.len().div_ceil(2));
    let together = chance.percent(25);
    let mut liars: Vec<Adversary> = Vec::new();
    let mut safe = graph.acceptors();
    let mut left: Vec<(Place, AcceptorId)> = Vec::new();
    let players = parts.iter().enumerate();
    left.extend(players.filter_map(|(p, part)| Some((p, part.acceptor?))));
    while liars.len() < most && !left.is_empty() {
        let (node, acceptor) = left.swap_remove(chance.place(left.len()));
        let mut without = safe;
        without.remove(acceptor);
        if stands(graph, &without) {
            safe = without;
            let behaviour = match together {
                true => Behaviour::Collude(None),
                false => Behaviour::ALL[chance.place(Behaviour::ALL.len())].clone(),
            };
            liars.push(Adversary { node, behaviour });
        }
    }
    liars
}

/// Whether some learner stands it that only these acceptors are safe.
fn stands(graph: &LearnerGraph, safe: &AcceptorSet) -> bool {
    let mut learners = graph.learners().iter();
    learners.any(|l| graph.trust_safe(l, l, safe) && graph.is_quorum(l, safe))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn drawn(text: &str, n: u64) -> (LearnerGraph, Vec<Vec<Adversary>>) {
        let cast = Cast::hpaxos(text, 1).unwrap();
        let draws = (0..n).map(|seed| draw(&mut Chance::new(seed, 5), &cast));
        (cast.network.graph().clone(), draws.collect())
    }

    #[test]
    fn what_is_drawn_is_tolerated_and_of_every_kind_and_size() {
        let organisations = include_str!("../../../examples/organisations.toml");
        let (graph, draws) = drawn(organisations, 400);
        let mut words = BTreeSet::new();
        let mut sizes = BTreeSet::new();
        for liars in &draws {
            let nodes: BTreeSet<_> = liars.iter().map(|a| a.node).collect();
            assert_eq!(nodes.len(), liars.len(), "no node twice");
            let player = |place: Place| AcceptorId(u16::try_from(place).unwrap());
            let bad: AcceptorSet = nodes.into_iter().map(player).collect();
            assert!(bad.is_subset(&graph.acceptors()), "only acceptors lie");
            assert!(stands(&graph, &(graph.acceptors() - bad)));
            words.extend(liars.iter().map(|a| a.behaviour.word()));
            sizes.insert(liars.len());
        }
        assert_eq!(words.len(), Behaviour::ALL.len());
        // A whole organisation may lie, and one acceptor of each, that does not stand up to quorums.
        assert!(
            sizes.is_superset(&BTreeSet::from([0, 1, 2, 3])),
            "{sizes:?}"
        );
    }

    #[test]
    fn a_graph_that_stands_no_liar_gets_none() {
        let (_, draws) = drawn(include_str!("../../../examples/lg1.toml"), 50);
        assert!(draws.iter().all(Vec::is_empty));
        let (_, draws) = drawn(include_str!("../../../examples/four.toml"), 50);
        assert!(draws.iter().all(|liars| liars.len() <= 1));
        assert!(draws.iter().any(|liars| liars.len() == 1));
    }
}
