//! The specification as a program: module HPaxos, its variables and its actions, over all slots.
//!
//! ```text
//!   Action ──► allowed: every conjunct of the action's guard ──► take: the variables' next values
//!                 └─► Refused: which conjunct does not hold, and why
//! ```
//!
//! Each file is read beside the paper: a guard is a list of conjuncts with the paper's names. It shares no
//! code with the implementation: in particular `safe_at` says the vouching rule with its quantifiers.
//! What an acceptor does rests on what it had received at that moment; `received` only grows, so that
//! quorums are asked for, not told.
//!
//! The implementation restricts the module. These restrictions are conjuncts too, by the names that they
//! have in the list below:
//!
//! | conjunct | says |
//! |---|---|
//! | joined | 2av and 2b are sent in the ballot joined for all learners: `maxBal[L, a] = b` |
//! | one value | 2av of one slot and ballot have one value, whatever the learner; so have 2b and 1c |
//! | low water | nothing is signed below the own low-water mark; it never falls, and a slot below it has a certificate of every learner |
//! | received | an acceptor acts on a 1a and 1c that it received |
//! | once | 1b, 2av and 2b are sent once; repeating the bytes is no action |

mod acceptor;
mod learner;
mod minimal;
pub(crate) mod one_b;
mod proposer;
mod refused;
mod safe_at;
mod state;
#[cfg(test)]
pub(crate) mod tests;
mod words;

pub use refused::{Refused, TooLarge};
pub use safe_at::MAX_ACCEPTORS;
pub(crate) use state::{AtAcceptor, Instance};

use consensus::hpaxos::trace::{Action, Msg, Vote};
use consensus::{Ballot, Slot};
use learner_graph::{AcceptorId, AcceptorSet, LearnerGraph, LearnerId, LearnerSet};
use minimal::MinimalSets;
use one_b::OneBs;
use state::{Acceptor, Node};
use std::collections::{BTreeMap, BTreeSet};

/// HPaxos: the variables of the module, over all slots, and its constants.
///
/// Nodes are numbered by the caller. Each node follows all learners: what it received for one is a
/// learner of its own, as if the graph had that learner once per node.
#[derive(Clone, Debug)]
pub struct Spec {
    pub(crate) graph: LearnerGraph,
    /// HPaxos: `SafeAcceptor`.
    pub(crate) safe: AcceptorSet,
    /// HPaxos: `Ent`, a row per learner.
    pub(crate) ent: Vec<LearnerSet>,
    minimal: MinimalSets,
    /// HPaxos: the 1a of `msgs`.
    pub(crate) one_a: BTreeSet<(LearnerId, Ballot)>,
    /// HPaxos: the 1b of `msgs`, each with what it says about all slots.
    pub(crate) one_b: OneBs,
    /// Everything that the module has once per consensus instance.
    pub(crate) slots: BTreeMap<Slot, Instance>,
    pub(crate) acceptors: Vec<Acceptor>,
    pub(crate) nodes: Vec<Node>,
}

impl Spec {
    /// HPaxos: Init.
    ///
    /// # Errors
    /// [`TooLarge`] for graphs of more than [`MAX_ACCEPTORS`] acceptors.
    pub fn new(graph: LearnerGraph, safe: AcceptorSet) -> Result<Spec, TooLarge> {
        let acceptors = graph.n_acceptors();
        if acceptors > MAX_ACCEPTORS {
            return Err(TooLarge { acceptors });
        }
        Ok(Spec {
            ent: graph.ent(&safe),
            minimal: MinimalSets::new(&graph),
            one_a: BTreeSet::new(),
            one_b: OneBs::default(),
            slots: BTreeMap::new(),
            acceptors: vec![Acceptor::new(&graph); acceptors],
            nodes: Vec::new(),
            graph,
            safe,
        })
    }

    /// Says which acceptor a node plays. An acceptor of which this is not said is played by the first
    /// node that does something in its name.
    ///
    /// # Errors
    /// [`Refused`] if another node plays it, or the node another one.
    pub fn plays(&mut self, node: usize, acc: AcceptorId) -> Result<(), Refused> {
        self.player(node, acc).map_err(|why| Refused {
            action: self.name_of_acceptor(acc),
            conjunct: "played by one node",
            why,
            unsent: None,
        })?;
        self.bind(node, acc);
        Ok(())
    }

    /// One step of the behaviour: the action happens at this node, if it is enabled.
    ///
    /// # Errors
    /// [`Refused`] says which conjunct of the action does not hold; then nothing has changed.
    pub fn apply(&mut self, node: usize, action: &Action) -> Result<(), Refused> {
        self.allowed(node, action)?;
        self.take(node, action);
        Ok(())
    }

    /// Whether an action is enabled, by every conjunct of its guard.
    ///
    /// # Errors
    /// [`Refused`] says which one does not hold.
    pub fn allowed(&self, node: usize, action: &Action) -> Result<(), Refused> {
        let guard = match action {
            Action::Send(m) => self.can_send(node, m),
            Action::FakeSend(m) => self.fake_send(m),
            Action::Recv(acc, m) => self.recv(node, *acc, m),
            Action::LearnerRecv(m) => self.learner_recv(m),
            Action::LearnerDecide { lr, bal, slot, val } => {
                let (lr, bal, val) = (*lr, *bal, *val);
                self.learner_decide(node, *slot, &Vote { lr, bal, val })
            }
            Action::Disconnect { acc, pairs, .. } => self.disconnect(node, *acc, pairs),
        };
        guard.map_err(|guard| guard.of(self.name_of(action)))
    }

    fn can_send(&self, node: usize, m: &Msg) -> refused::Guard {
        match m {
            Msg::OneA { lr, bal } => self.phase_1a(*lr, *bal),
            Msg::OneC(vote, slot) => self.phase_1c(*slot, vote),
            Msg::OneB { acc, .. } => {
                self.may_act(node, *acc)?;
                self.phase_1b(node, m)
            }
            Msg::TwoAv(acc, vote, slot) => {
                self.may_act(node, *acc)?;
                self.phase_2av(*acc, *slot, vote)
            }
            Msg::TwoB(acc, vote, slot) => {
                self.may_act(node, *acc)?;
                self.phase_2b(*acc, *slot, vote)
            }
        }
    }

    /// The next values of the variables, whether the action is enabled or not: for looking at the
    /// invariants of behaviours that do not follow the specification.
    pub fn take(&mut self, node: usize, action: &Action) {
        match action {
            Action::Send(m) => self.send(node, m),
            Action::FakeSend(m) => self.add(m),
            Action::Recv(acc, m) => self.receive(node, *acc, m),
            Action::LearnerRecv(m) => self.learner_receives(node, m),
            Action::LearnerDecide { lr, bal, slot, val } => {
                let (lr, bal, val) = (*lr, *bal, *val);
                let at = self.instance(*slot).at_node(node);
                at.decision.insert(Vote { lr, bal, val });
            }
            Action::Disconnect {
                acc,
                pairs,
                caught,
                apart,
            } => {
                self.bind(node, *acc);
                self.acceptors[usize::from(acc.0)].disconnect(pairs, *caught, apart);
            }
        }
    }

    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &LearnerGraph {
        &self.graph
    }

    /// HPaxos: `SafeAcceptor`.
    #[must_use]
    pub fn safe(&self) -> AcceptorSet {
        self.safe
    }

    /// The node that plays an acceptor, once that is known.
    #[must_use]
    pub fn player_of(&self, acc: AcceptorId) -> Option<usize> {
        self.acceptors.get(usize::from(acc.0))?.node
    }

    /// The slots of which anything was said.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.slots.keys().copied()
    }

    /// HPaxos: `decision[lr, bal]` in a slot, for all learners, ballots and nodes: `[lr, bal, val]`.
    pub fn decisions(&self, slot: Slot) -> impl Iterator<Item = (usize, Vote)> {
        let nodes = self.slots.get(&slot).map_or(&[][..], |i| &i.nodes);
        let of = |(node, at): (usize, &state::AtNode)| {
            let decided = at.decision.iter().copied();
            decided.map(move |vote| (node, vote)).collect::<Vec<_>>()
        };
        nodes.iter().enumerate().flat_map(of)
    }

    pub(crate) fn instance(&mut self, slot: Slot) -> &mut Instance {
        let n = self.acceptors.len();
        self.slots.entry(slot).or_insert_with(|| Instance::new(n))
    }

    /// An acceptor is played by one node, which plays no other.
    fn player(&self, node: usize, acc: AcceptorId) -> Result<(), String> {
        let name = self.name_of_acceptor(acc);
        match self.acceptors.get(usize::from(acc.0)).map(|a| a.node) {
            None => return Err(format!("the graph has no acceptor {}", acc.0)),
            // One that is not safe may have twins.
            Some(Some(other)) if other != node && self.safe.contains(acc) => {
                return Err(format!("{name} is played by another node"));
            }
            Some(_) => {}
        }
        match self.nodes.get(node).and_then(|n| n.acc) {
            Some(other) if other != acc => {
                let other = self.name_of_acceptor(other);
                Err(format!("this node plays {other}, and not {name}"))
            }
            _ => Ok(()),
        }
    }

    /// HPaxos: AcceptorSendAction and AcceptorDisconnectAction are of safe acceptors.
    fn may_act(&self, node: usize, acc: AcceptorId) -> refused::Guard {
        use refused::{no, require};
        self.player(node, acc)
            .map_err(|why| no("played by one node", why))?;
        require(self.safe.contains(acc), "acc \\in SafeAcceptor", || {
            let name = self.name_of_acceptor(acc);
            format!("{name} is not safe: what it says is FakeSend")
        })
    }

    fn bind(&mut self, node: usize, acc: AcceptorId) {
        if self.nodes.len() <= node {
            self.nodes.resize(node + 1, Node::default());
        }
        if let Some(acceptor) = self.acceptors.get_mut(usize::from(acc.0)) {
            self.nodes[node].acc.get_or_insert(acc);
            acceptor.node.get_or_insert(node);
        }
    }
}
