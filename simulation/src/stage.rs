//! Who takes part in a simulated network.

use super::adversary::Adversary;
use super::cast::{Cast, Part, key};
use super::oracle::Place;
use consensus::{Mode, Network};
use crypto::{MemberId, Signer};
use learner_graph::{AcceptorId, AcceptorSet, LearnerGraph, LearnerId, LearnerSet};
use std::sync::Arc;

/// A network, and who in it does not follow the protocol.
#[derive(Debug)]
pub struct Stage {
    pub(crate) cast: Cast,
    /// Per place, the node of the cast. Twins share one.
    nodes: Vec<usize>,
    /// Who lies, and how.
    pub adversaries: Vec<Adversary>,
    /// Who else lies, as a scenario says.
    distrusted: Vec<Place>,
    /// HPaxos: whether what happens is kept in the words of the specification.
    pub(crate) keeps_actions: bool,
}

/// Why a node cannot lie.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotLie {
    /// There is no such node.
    #[error("there is no node at place {0}")]
    NotThere(Place),
    /// The protocol stands crashes alone.
    #[error("{node} cannot be Byzantine: nobody lies in mode {}", .mode.name())]
    Mode {
        /// The node's name.
        node: String,
        /// The protocol.
        mode: Mode,
    },
    /// This node plays no acceptor.
    #[error("{0} cannot be Byzantine: it only learns and says nothing")]
    OnlyLearns(String),
    /// This node was named before.
    #[error("{0} is Byzantine twice; mixed does many things")]
    Twice(String),
}

impl Stage {
    /// A network in which these nodes lie.
    ///
    /// # Errors
    /// If one of them cannot.
    pub fn new(cast: Cast, adversaries: Vec<Adversary>) -> Result<Stage, CannotLie> {
        can_lie(&cast, &adversaries)?;
        let doubles = adversaries.iter().filter(|a| a.is_double());
        let doubles = doubles.map(|double| double.node);
        let nodes = (0..cast.parts.len()).chain(doubles).collect();
        Ok(Stage {
            cast,
            nodes,
            adversaries,
            distrusted: Vec::new(),
            keeps_actions: false,
        })
    }

    /// What all nodes have in common.
    #[must_use]
    pub fn network(&self) -> &Arc<Network> {
        &self.cast.network
    }

    /// Paxos: the graph of the read quorums.
    #[must_use]
    pub fn read_quorums(&self) -> &LearnerGraph {
        let read = self.cast.read_quorums.as_ref();
        read.unwrap_or(self.network().graph())
    }

    /// How many disks there are.
    #[must_use]
    pub fn disks(&self) -> usize {
        match self.cast.mode {
            Mode::Hpaxos | Mode::Paxos => 0,
            Mode::DiskPaxos => self.network().graph().n_acceptors(),
        }
    }

    /// How many places there are: one per node, and one more per twin.
    #[must_use]
    pub fn places(&self) -> usize {
        self.nodes.len()
    }

    /// The node at a place.
    #[must_use]
    pub fn node(&self, place: Place) -> &Part {
        &self.cast.parts[self.nodes[place]]
    }

    /// The name of a place.
    #[must_use]
    pub fn name(&self, place: Place) -> String {
        let name = &self.node(place).name;
        match self.nodes[..place].contains(&self.nodes[place]) {
            true => format!("{name}'"),
            false => name.clone(),
        }
    }

    /// Whom a place speaks for; `None` if it only learns.
    #[must_use]
    pub fn member(&self, place: Place) -> Option<MemberId> {
        self.node(place).member
    }

    /// The acceptor that is played there.
    #[must_use]
    pub fn acceptor(&self, place: Place) -> Option<AcceptorId> {
        self.node(place).acceptor
    }

    /// The signer of a place.
    #[must_use]
    pub fn signer(&self, place: Place) -> Option<Signer> {
        let id = self.network().id();
        Some(Signer::new(key(self.nodes[place]), self.member(place)?, id))
    }

    /// The node at this place does not follow the protocol: a scenario says what it does instead.
    pub fn distrust(&mut self, place: Place) {
        self.distrusted.push(place);
    }

    /// What the node at a place does that it should not, if anything.
    #[must_use]
    pub fn adversary(&self, place: Place) -> Option<&Adversary> {
        let lies = |a: &&Adversary| self.nodes[a.node] == self.nodes[place];
        self.adversaries.iter().find(lies)
    }

    /// The other place of a node that is two.
    #[must_use]
    pub fn twin(&self, place: Place) -> Option<Place> {
        let same = |p: &Place| *p != place && self.nodes[*p] == self.nodes[place];
        (0..self.places()).find(same)
    }

    /// Whether the node at a place follows the protocol.
    #[must_use]
    pub fn honest(&self, place: Place) -> bool {
        let is_it = |liar: &Place| self.nodes[*liar] == self.nodes[place];
        self.adversary(place).is_none() && !self.distrusted.iter().any(is_it)
    }

    /// Whether a member follows the protocol.
    #[must_use]
    pub fn is_honest(&self, member: MemberId) -> bool {
        let mut places = 0..self.places();
        !places.any(|p| self.member(p) == Some(member) && !self.honest(p))
    }

    /// HPaxos: SafeAcceptor.
    #[must_use]
    pub fn safe(&self) -> AcceptorSet {
        let honest = (0..self.places()).filter(|at| self.honest(*at));
        honest.filter_map(|at| self.acceptor(at)).collect()
    }

    /// HPaxos: Ent, a row per learner. Where nobody lies, all agree.
    #[must_use]
    pub fn entangled(&self) -> Vec<LearnerSet> {
        let graph = self.network().graph();
        let learners = graph.learners();
        match self.cast.mode {
            Mode::Hpaxos => graph.ent(&self.safe()),
            _ => learners.iter().map(|_| learners).collect(),
        }
    }

    /// The name of a learner.
    #[must_use]
    pub fn learner(&self, learner: LearnerId) -> &str {
        self.network().graph().learner_name(learner)
    }
}

/// Whether these nodes can lie: they sign, each is named once, and the protocol stands it.
fn can_lie(cast: &Cast, adversaries: &[Adversary]) -> Result<(), CannotLie> {
    for (i, adversary) in adversaries.iter().enumerate() {
        let Some(part) = cast.parts.get(adversary.node) else {
            return Err(CannotLie::NotThere(adversary.node));
        };
        let (node, mode) = (part.name.clone(), cast.mode);
        if mode != Mode::Hpaxos {
            return Err(CannotLie::Mode { node, mode });
        }
        if part.acceptor.is_none() {
            return Err(CannotLie::OnlyLearns(node));
        }
        if adversaries[..i].iter().any(|a| a.node == adversary.node) {
            return Err(CannotLie::Twice(node));
        }
    }
    Ok(())
}
