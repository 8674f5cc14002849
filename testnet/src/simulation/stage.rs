//! Who takes part in a simulated network.

use super::adversary::Adversary;
use super::oracle::Place;
use crate::failure::Failure;
use crate::launch::layout::{Layout, Ports};
use consensus::Network;
use crypto::{Keypair, MemberId, Signer};
use learner_graph::{AcceptorId, AcceptorSet, LearnerId, LearnerSet};
use node::Config;
use node::config::NodeConfig;
use std::path::PathBuf;
use std::sync::Arc;

/// The network's configuration, as its nodes would read it, and who in it does not follow the protocol.
#[derive(Debug)]
pub struct Stage {
    /// The configuration.
    pub config: Config,
    /// Per place, the node of the configuration. Twins share one.
    nodes: Vec<usize>,
    /// Who lies, and how.
    pub adversaries: Vec<Adversary>,
    /// Who else lies, as a scenario says.
    distrusted: Vec<Place>,
    /// HPaxos: where a trace of the run is written, if it is.
    pub trace: Option<PathBuf>,
}

impl Stage {
    /// A network of this layout.
    ///
    /// # Errors
    /// If the layout's configuration is refused.
    pub fn new(layout: &Layout, adversaries: Vec<Adversary>) -> Result<Stage, Failure> {
        let places = 0..layout.nodes.len();
        let keys: Vec<String> = places
            .clone()
            .map(|at| key(at).public().to_string())
            .collect();
        // Nobody listens there: addresses have to differ, and that is all.
        let port = |at: usize| u16::try_from(1000 + at).unwrap_or(u16::MAX);
        let ports: Vec<Ports> = places
            .clone()
            .map(|at| Ports {
                peers: port(2 * at),
                http: port(2 * at + 1),
            })
            .collect();
        let text = layout.config(&keys, &ports, |_| None)?;
        let config = Config::parse(&text, "the simulated network's configuration")
            .map_err(|e| Failure::Bad(vec![e.to_string()]))?;
        let place = |at: usize| {
            let name = &layout.nodes[at].name;
            let found = config.nodes.iter().position(|n| n.name == *name);
            found.ok_or_else(|| Failure::could_not_run(format!("node {name} is not configured")))
        };
        let mut nodes: Vec<usize> = places.map(place).collect::<Result<_, _>>()?;
        can_lie(layout, &adversaries)?;
        for double in adversaries.iter().filter(|a| a.is_double()) {
            nodes.push(nodes[double.node]);
        }
        Ok(Stage {
            config,
            nodes,
            adversaries,
            distrusted: Vec::new(),
            trace: None,
        })
    }

    /// What all nodes have in common.
    #[must_use]
    pub fn network(&self) -> &Arc<Network> {
        &self.config.network
    }

    /// How many places there are: one per node, and one more per twin.
    #[must_use]
    pub fn places(&self) -> usize {
        self.nodes.len()
    }

    /// The node at a place.
    #[must_use]
    pub fn node(&self, place: Place) -> &NodeConfig {
        &self.config.nodes[self.nodes[place]]
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
        // Keys are numbered as the layout numbers its nodes, before any twin.
        let first = self.nodes.iter().position(|n| *n == self.nodes[place])?;
        Some(Signer::new(key(first), self.member(place)?, id))
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
        match self.config.mode {
            node::config::Mode::Hpaxos => graph.ent(&self.safe()),
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
fn can_lie(layout: &Layout, adversaries: &[Adversary]) -> Result<(), Failure> {
    let refuse = |why: String| Err(Failure::usage(why));
    for (i, adversary) in adversaries.iter().enumerate() {
        let Some(plan) = layout.nodes.get(adversary.node) else {
            return refuse(format!("there is no node at place {}", adversary.node));
        };
        let name = &plan.name;
        if layout.mode != node::config::Mode::Hpaxos {
            let mode = layout.mode.name();
            return refuse(format!(
                "{name} cannot be Byzantine: nobody lies in mode {mode}"
            ));
        }
        if plan.acceptor.is_none() {
            return refuse(format!(
                "{name} cannot be Byzantine: it only learns and says nothing"
            ));
        }
        if adversaries[..i].iter().any(|a| a.node == adversary.node) {
            return refuse(format!("{name} is Byzantine twice; mixed does many things"));
        }
    }
    Ok(())
}

fn key(at: usize) -> Keypair {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&(at as u64).to_le_bytes());
    Keypair::from_seed(seed)
}
