//! What the learner graph predicts: who must decide, and who must agree. No I/O.
//!
//! ```text
//!   acceptors alive and safe ──is_quorum──► learners that must decide
//!   acceptors safe ───────────────Ent─────► pairs of learners that must agree
//! ```

use learner_graph::{AcceptorSet, LearnerGraph, LearnerId};

/// The predictions for a network with given Byzantine and dead acceptors.
#[derive(Clone, Debug)]
pub struct Expectation {
    graph: LearnerGraph,
    byzantine: AcceptorSet,
    dead: AcceptorSet,
}

impl Expectation {
    /// Everybody lives; these acceptors are not safe.
    #[must_use]
    pub fn new(graph: LearnerGraph, byzantine: AcceptorSet) -> Self {
        Expectation {
            graph,
            byzantine,
            dead: AcceptorSet::EMPTY,
        }
    }

    /// The graph behind the predictions.
    #[must_use]
    pub fn graph(&self) -> &LearnerGraph {
        &self.graph
    }

    /// An acceptor has died. It stays safe: it says nothing more, and nothing wrong.
    pub fn died(&mut self, acceptor: learner_graph::AcceptorId) {
        self.dead.insert(acceptor);
    }

    /// The acceptors that are assumed to be safe.
    #[must_use]
    pub fn safe(&self) -> AcceptorSet {
        self.graph.acceptors() - self.byzantine
    }

    /// TrustLive: whether a learner must decide everything submitted, since a quorum of it is both
    /// alive and safe. A Byzantine acceptor may help others to decide, but nobody can rely on it.
    #[must_use]
    pub fn must_decide(&self, learner: usize) -> bool {
        let live = self.safe() - self.dead;
        id(learner).is_some_and(|l| self.graph.is_quorum(l, &live))
    }

    /// The learners that must decide everything, in the order of the graph.
    #[must_use]
    pub fn deciders(&self) -> Vec<usize> {
        (0..self.graph.n_learners())
            .filter(|l| self.must_decide(*l))
            .collect()
    }

    /// The learners to wait for: those that must decide; if nobody must, those that can if the
    /// Byzantine acceptors let them.
    #[must_use]
    pub fn awaited(&self) -> Vec<usize> {
        let deciders = self.deciders();
        if !deciders.is_empty() {
            return deciders;
        }
        let living = self.graph.acceptors() - self.dead;
        let can = |l: &usize| id(*l).is_some_and(|l| self.graph.is_quorum(l, &living));
        (0..self.graph.n_learners()).filter(can).collect()
    }

    /// Ent: whether two learners must agree, since a TrustSafe set of theirs is safe. A learner
    /// that does not have to agree with itself may decide differently on every node.
    #[must_use]
    pub fn must_agree(&self, a: usize, b: usize) -> bool {
        let (Some(a), Some(b)) = (id(a), id(b)) else {
            return false;
        };
        self.graph.trust_safe(a, b, &self.safe())
    }

    /// Groups of learners of which every two must agree. Each learner is in exactly one; alone
    /// if it has to agree with nobody else.
    #[must_use]
    pub fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for learner in 0..self.graph.n_learners() {
            match groups
                .iter_mut()
                .find(|group| self.must_agree(group[0], learner))
            {
                Some(group) => group.push(learner),
                None => groups.push(vec![learner]),
            }
        }
        groups
    }

    /// The graph's words about a pair, for a message about its divergence.
    #[must_use]
    pub fn verdict(&self, a: usize, b: usize) -> &'static str {
        match (a == b, self.must_agree(a, b), self.byzantine.is_empty()) {
            (false, true, true) => "the graph entangles them: they must agree",
            (false, true, false) => {
                "the graph entangles them even with the Byzantine acceptors: they must agree"
            }
            (false, false, true) => "the graph does not entangle them: they may differ",
            (false, false, false) => {
                "the graph does not entangle them with these Byzantine acceptors: they may differ"
            }
            (true, true, _) => "all nodes must report the same log for one learner",
            (true, false, _) => "the graph does not entangle it with itself: it may fork",
        }
    }
}

fn id(learner: usize) -> Option<LearnerId> {
    u16::try_from(learner).ok().map(LearnerId)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(text: &str, byzantine: &[u16]) -> Expectation {
        let (graph, _) = learner_graph::parse_graph(text).expect("a valid graph");
        let byzantine = byzantine
            .iter()
            .map(|a| learner_graph::AcceptorId(*a))
            .collect();
        Expectation::new(graph, byzantine)
    }

    const ALICE: usize = 0;
    const BOB: usize = 1;
    const CAROL: usize = 2;

    #[test]
    fn quorums_that_are_left_decide() {
        let mut expect = expect(&learner_graph::builtin(4), &[]);
        assert_eq!(expect.deciders(), [ALICE, BOB, CAROL]);
        expect.died(learner_graph::AcceptorId(3));
        assert_eq!(expect.deciders(), [ALICE, BOB], "carol needs all four");
        expect.died(learner_graph::AcceptorId(3));
        assert_eq!(expect.deciders(), [ALICE, BOB], "nobody dies twice");
        expect.died(learner_graph::AcceptorId(0));
        assert!(expect.deciders().is_empty());
    }

    #[test]
    fn nobody_can_rely_on_a_byzantine_acceptor() {
        let mut expect = expect(&learner_graph::builtin(4), &[0]);
        assert_eq!(expect.deciders(), [ALICE], "bob needs a1, carol all four");
        expect.died(learner_graph::AcceptorId(0));
        assert_eq!(expect.deciders(), [ALICE], "it was not counted on before");
    }

    #[test]
    fn who_can_decide_is_awaited_if_nobody_must() {
        let mut two_bad = expect(&learner_graph::builtin(4), &[2, 3]);
        assert!(two_bad.deciders().is_empty());
        assert_eq!(two_bad.awaited(), [ALICE, BOB, CAROL]);
        two_bad.died(learner_graph::AcceptorId(3));
        assert_eq!(two_bad.awaited(), [ALICE, BOB]);
        two_bad.died(learner_graph::AcceptorId(2));
        assert!(two_bad.awaited().is_empty());
        let one_bad = expect(&learner_graph::builtin(4), &[3]);
        assert_eq!(one_bad.awaited(), [ALICE, BOB], "carol is not waited for");
    }

    #[test]
    fn the_dead_are_safe_and_the_byzantine_are_not() {
        let mut one = expect(&learner_graph::builtin(4), &[3]);
        one.died(learner_graph::AcceptorId(2));
        assert!(one.must_agree(ALICE, CAROL) && one.must_agree(BOB, BOB));
        assert_eq!(one.groups(), [[ALICE, BOB, CAROL]]);
        assert!(one.verdict(ALICE, BOB).contains("must agree"));
        let two = expect(&learner_graph::builtin(4), &[2, 3]);
        assert!(!two.must_agree(ALICE, CAROL) && !two.must_agree(BOB, BOB));
        assert_eq!(two.groups(), [[ALICE], [BOB], [CAROL]]);
        assert!(two.verdict(ALICE, BOB).contains("may differ"));
        assert!(two.verdict(BOB, BOB).contains("may fork"));
    }

    #[test]
    fn groups_follow_the_graph() {
        let text = r#"
            acceptors = ["a1", "a2", "a3"]
            [learners]
            x = { threshold = 2, of = ["a1", "a2", "a3"] }
            y = { threshold = 2, of = ["a1", "a2", "a3"] }
            z = "a1"
            [[safe]]
            between = ["x", "y"]
            when = { threshold = 3, of = ["a1", "a2", "a3"] }
            [[safe]]
            between = ["z"]
            when = "a1"
        "#;
        let all_safe = expect(text, &[]);
        assert_eq!(all_safe.groups(), [vec![0, 1], vec![2]]);
        assert!(all_safe.must_agree(0, 1) && !all_safe.must_agree(1, 2));
        let one_bad = expect(text, &[2]);
        assert_eq!(one_bad.groups(), [[0], [1], [2]]);
        assert!(one_bad.must_agree(2, 2) && !one_bad.must_agree(0, 0));
    }
}
