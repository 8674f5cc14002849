//! The variables of the module that are kept per acceptor, per node and per slot.

use super::{AcceptorId, Ballot, LearnerGraph, LearnerId, LearnerSet, Slot, Vote};
use crypto::Digest;
use learner_graph::AcceptorSet;
use std::collections::{BTreeMap, BTreeSet};

/// Messages `[lr, acc, bal, val]` of one type: of each `[lr, bal, val]` the `acc` that sent it.
pub(crate) type Senders = BTreeMap<Vote, AcceptorSet>;

/// The variables of an acceptor that are not per slot.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor {
    /// HPaxos: `maxBal[l, a]`, by learner.
    pub(crate) max_bal: Vec<Ballot>,
    /// The low-water mark of its last 1b.
    pub(crate) low_water: Slot,
    /// HPaxos: the 1a of `received[a]`.
    pub(crate) one_a: BTreeSet<(LearnerId, Ballot)>,
    /// HPaxos: the 1b of `received[a]`, by ballot.
    pub(crate) one_b: BTreeMap<Ballot, BTreeSet<usize>>,
    /// HPaxos: `connected[a]`, a row per learner.
    pub(crate) connected: Vec<LearnerSet>,
    /// Acceptors proved not to be safe.
    pub(crate) caught: AcceptorSet,
    /// Pairs of learners proved not to be entangled.
    pub(crate) apart: BTreeSet<(LearnerId, LearnerId)>,
    /// The node that plays it, once that is known.
    pub(crate) node: Option<usize>,
}

impl Acceptor {
    pub(super) fn new(graph: &LearnerGraph) -> Self {
        let learners = graph.n_learners();
        Acceptor {
            max_bal: vec![Ballot::NONE; learners],
            low_water: Slot(0),
            one_a: BTreeSet::new(),
            one_b: BTreeMap::new(),
            // HPaxos: Init, connected[A] = Learner \X Learner.
            connected: vec![graph.learners(); learners],
            caught: AcceptorSet::EMPTY,
            apart: BTreeSet::new(),
            node: None,
        }
    }

    /// HPaxos: Disconnect(a), connected' = connected \ P, with the evidence that led to it.
    pub(super) fn disconnect(
        &mut self,
        pairs: &[(LearnerId, LearnerId)],
        caught: AcceptorSet,
        apart: &[(LearnerId, LearnerId)],
    ) {
        for (l1, l2) in pairs {
            for (one, other) in [(l1, l2), (l2, l1)] {
                if let Some(row) = self.connected.get_mut(usize::from(one.0)) {
                    row.remove(*other);
                }
            }
        }
        self.caught |= caught;
        self.apart.extend(apart);
    }
}

/// What is known of a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    /// The acceptor that it plays.
    pub(crate) acc: Option<AcceptorId>,
}

/// One consensus instance: the variables of the module in one slot.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    /// HPaxos: the 1c of `msgs`.
    pub(crate) one_c: BTreeSet<Vote>,
    /// What owners of ballots announced by Phase1c.
    pub(crate) announced: BTreeMap<Ballot, Digest>,
    /// HPaxos: the 2av of `msgs`.
    pub(crate) two_av: Senders,
    /// HPaxos: the 2b of `msgs`.
    pub(crate) two_b: Senders,
    /// By acceptor.
    pub(crate) acceptors: Vec<AtAcceptor>,
    /// By node.
    pub(crate) nodes: Vec<AtNode>,
}

/// The variables of an acceptor in one slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct AtAcceptor {
    /// HPaxos: `votesSent[a]`.
    pub(crate) votes_sent: BTreeSet<Vote>,
    /// HPaxos: `2avSent[a]`.
    pub(crate) two_av_sent: BTreeSet<Vote>,
    /// HPaxos: the 1c of `received[a]`.
    pub(crate) one_c: BTreeSet<Vote>,
    /// HPaxos: the 2av of `received[a]`.
    pub(crate) two_av: Senders,
    /// HPaxos: the 2b of `received[a]`.
    pub(crate) two_b: Senders,
}

/// The variables of a node's learners in one slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct AtNode {
    /// HPaxos: `receivedByLearner[l]`, for all l.
    pub(crate) received: Senders,
    /// HPaxos: `decision[l, b]`, as `[l, b, v]`.
    pub(crate) decision: BTreeSet<Vote>,
}

impl Instance {
    pub(super) fn new(acceptors: usize) -> Self {
        Instance {
            one_c: BTreeSet::new(),
            announced: BTreeMap::new(),
            two_av: Senders::new(),
            two_b: Senders::new(),
            acceptors: vec![AtAcceptor::default(); acceptors],
            nodes: Vec::new(),
        }
    }

    pub(crate) fn at_node(&mut self, node: usize) -> &mut AtNode {
        if self.nodes.len() <= node {
            self.nodes.resize(node + 1, AtNode::default());
        }
        &mut self.nodes[node]
    }
}

/// Whether `acc` sent this.
pub(crate) fn sent(by: &Senders, acc: AcceptorId, vote: &Vote) -> bool {
    by.get(vote).is_some_and(|senders| senders.contains(acc))
}
