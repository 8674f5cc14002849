//! What the learner graph predicts: who must decide, and who must agree. No I/O.
//!
//! ```text
//!   acceptors alive and safe ──is_quorum──► learners that must decide
//!   acceptors safe ───────────────Ent─────► pairs of learners that must agree
//! ```
//!
//! Where nobody lies, every node has one learner, which must decide while the node lives and the living
//! acceptors, or disks, contain a quorum of each kind.

use crate::observe::{Learner, Node};
use learner_graph::{AcceptorId, AcceptorSet, LearnerGraph, LearnerId};
use node::agreement::Rules;
use node::config::Mode;

/// The predictions for a network with given Byzantine and dead acceptors.
#[derive(Clone, Debug)]
pub struct Expectation {
    mode: Mode,
    graph: LearnerGraph,
    /// The same in words.
    rules: Rules,
    /// Paxos: the read quorums; the graph has the write quorums.
    read: Option<LearnerGraph>,
    /// The node of each learner; none in mode hpaxos, where every node has all.
    homes: Vec<Node>,
    byzantine: AcceptorSet,
    dead: AcceptorSet,
    dead_nodes: Vec<Node>,
}

impl Expectation {
    /// Everybody lives; these acceptors are not safe.
    #[must_use]
    pub fn new(graph: LearnerGraph, byzantine: AcceptorSet) -> Self {
        Expectation {
            mode: Mode::Hpaxos,
            rules: Rules::read(&graph.canonical()),
            graph,
            read: None,
            homes: Vec::new(),
            byzantine,
            dead: AcceptorSet::EMPTY,
            dead_nodes: Vec::new(),
        }
    }

    /// Everybody lives, and nobody lies: each of these nodes has the learner of its own name. `read` are
    /// the read quorums, if they may differ from the graph's.
    #[must_use]
    pub fn of_quorums(
        mode: Mode,
        graph: LearnerGraph,
        read: Option<LearnerGraph>,
        nodes: &[String],
    ) -> Self {
        let home = |l| nodes.iter().position(|node| node == graph.learner_name(l));
        let homes = graph.learners().iter().filter_map(home).collect();
        Expectation {
            mode,
            read,
            homes,
            ..Expectation::new(graph, AcceptorSet::EMPTY)
        }
    }

    /// The protocol.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether every node has a learner of its own, and no other.
    #[must_use]
    pub fn one_each(&self) -> bool {
        self.mode != Mode::Hpaxos
    }

    /// Whether a node plays a learner.
    #[must_use]
    pub fn plays(&self, node: Node, learner: Learner) -> bool {
        !self.one_each() || self.homes.get(learner) == Some(&node)
    }

    /// The given learners where they are played: with each of the given nodes that does.
    pub fn places<'a>(
        &'a self,
        learners: &'a [Learner],
        nodes: &'a [Node],
    ) -> impl Iterator<Item = (Learner, Node)> + 'a {
        let all = learners
            .iter()
            .flat_map(move |l| nodes.iter().map(move |n| (*l, *n)));
        all.filter(|(learner, node)| self.plays(*node, *learner))
    }

    /// The graph behind the predictions.
    #[must_use]
    pub fn graph(&self) -> &LearnerGraph {
        &self.graph
    }

    /// An acceptor is not safe.
    pub fn misbehaves(&mut self, acceptor: AcceptorId) {
        self.byzantine.insert(acceptor);
    }

    /// A node has died, and with it the learner that it alone has.
    pub fn node_died(&mut self, node: Node) {
        self.dead_nodes.push(node);
    }

    /// A node is there again.
    pub fn node_returned(&mut self, node: Node) {
        self.dead_nodes.retain(|dead| *dead != node);
    }

    /// An acceptor or a disk has died. It stays safe: it says nothing more, and nothing wrong.
    pub fn died(&mut self, acceptor: AcceptorId) {
        self.dead.insert(acceptor);
    }

    /// An acceptor or a disk is there again, with what it had stored.
    pub fn returned(&mut self, acceptor: AcceptorId) {
        self.dead.remove(acceptor);
    }

    /// The acceptors that are assumed to be safe.
    #[must_use]
    pub fn safe(&self) -> AcceptorSet {
        self.graph.acceptors() - self.byzantine
    }

    /// TrustLive: whether a learner must decide everything submitted, since a quorum of it is both
    /// alive and safe. A Byzantine acceptor may help others to decide, but nobody can rely on it.
    #[must_use]
    pub fn must_decide(&self, learner: Learner) -> bool {
        self.can_decide(learner, &(self.safe() - self.dead))
    }

    fn can_decide(&self, learner: Learner, living: &AcceptorSet) -> bool {
        let write = id(learner).is_some_and(|l| self.graph.is_quorum(l, living));
        let read = self.read.as_ref();
        write && self.has_home(learner) && read.is_none_or(|r| r.is_quorum(LearnerId(0), living))
    }

    /// Whether a node is left that plays the learner.
    fn has_home(&self, learner: Learner) -> bool {
        let home = self.homes.get(learner);
        home.is_none_or(|node| !self.dead_nodes.contains(node))
    }

    /// Why a learner need not decide.
    #[must_use]
    pub fn excuse(&self, learner: Learner) -> Option<&'static str> {
        match (self.must_decide(learner), self.has_home(learner)) {
            (true, _) => None,
            (false, true) => Some("no quorum to rely on: need not decide"),
            (false, false) => Some("its node died"),
        }
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
        let learners = 0..self.graph.n_learners();
        learners.filter(|l| self.can_decide(*l, &living)).collect()
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

    /// Whether a pair may decide differently, and why, in the graph's words.
    #[must_use]
    pub fn verdict(&self, a: usize, b: usize) -> String {
        if self.one_each() {
            return "not allowed: nobody lies in this mode, and all learners must agree".to_owned();
        }
        let (Some(one), Some(other)) = (id(a), id(b)) else {
            return "not allowed: there is no such learner".to_owned();
        };
        let name = |id| self.graph.learner_name(id);
        let byzantine = self.byzantine.iter();
        let byzantine = byzantine.map(|a| self.graph.acceptor_name(a).to_owned());
        let judgement = self
            .rules
            .judge(name(one), name(other), &byzantine.collect(), false);
        let allowed = if self.must_agree(a, b) {
            "not allowed"
        } else {
            "allowed"
        };
        format!("{allowed}: {}", judgement.why)
    }
}

fn id(learner: usize) -> Option<LearnerId> {
    u16::try_from(learner).ok().map(LearnerId)
}

#[cfg(test)]
mod tests;
