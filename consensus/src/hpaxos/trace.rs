//! What happened, in the words of the specification: the actions of module HPaxos.
//!
//! On the wire one signed statement stands for many messages of the module, one per learner and slot.
//! Here it is taken apart again. A caller that shows the inputs of every step to [`Recorder::heard`] and
//! then its outputs to [`Recorder::told`] gets the actions of that node.

use super::evidence::Finding;
use super::message::{Entry, Message, OneB, OneC, Scope, Votes};
use super::{Input, Output, Record};
use crate::{Ballot, Network, Slot};
use crypto::{Digest, MemberId, Signed, Verified};
use learner_graph::{AcceptorId, AcceptorSet, LearnerId};
use std::sync::Arc;

/// An action of module HPaxos, or of this implementation where the module has none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// HPaxos: Phase1a, Phase1c, Phase1b, Phase2av, Phase2b: the message is sent.
    Send(Msg),
    /// HPaxos: FakeSend(a), or a proposer's message that its sender was not to send.
    FakeSend(Msg),
    /// HPaxos: Recv(l, a): the acceptor receives the message.
    Recv(AcceptorId, Msg),
    /// HPaxos: LearnerRecv(l): the learner, as this node follows it, receives a 2b that is for it.
    LearnerRecv(Msg),
    /// HPaxos: LearnerDecide(l, b).
    LearnerDecide {
        /// The learner, as this node follows it.
        lr: LearnerId,
        /// The ballot of the 2b.
        bal: Ballot,
        /// The slot.
        slot: Slot,
        /// The value.
        val: Digest,
    },
    /// HPaxos: Disconnect(a), with the evidence that led to it.
    Disconnect {
        /// The acceptor that learns of it.
        acc: AcceptorId,
        /// The pairs that are no longer connected; both directions of each are meant.
        pairs: Vec<(LearnerId, LearnerId)>,
        /// Acceptors proved not to be safe.
        caught: AcceptorSet,
        /// Learners proved not to be entangled by what they decided.
        apart: Vec<(LearnerId, LearnerId)>,
    },
}

impl Action {
    /// The same of an acceptor that is not safe: what it says is FakeSend, and it has no other actions of
    /// acceptors but Recv.
    #[must_use]
    pub fn of_unsafe(self) -> Option<Action> {
        match self {
            Action::Send(m @ (Msg::OneB { .. } | Msg::TwoAv(..) | Msg::TwoB(..))) => {
                Some(Action::FakeSend(m))
            }
            Action::Disconnect { .. } => None,
            other => Some(other),
        }
    }
}

/// HPaxos: an element of `Message`, about one slot where its kind is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Msg {
    /// `[type |-> "1a", lr, bal]`, for all slots.
    OneA {
        /// HPaxos: `lr`.
        lr: LearnerId,
        /// HPaxos: `bal`.
        bal: Ballot,
    },
    /// `[type |-> "1b", lr, acc, bal, votes, proposals]`, for every slot of `scope` from `low_water` on.
    OneB {
        /// HPaxos: `lr`.
        lr: LearnerId,
        /// HPaxos: `acc`.
        acc: AcceptorId,
        /// HPaxos: `bal`.
        bal: Ballot,
        /// About slots below, the message says nothing.
        low_water: Slot,
        /// About other slots, the message says nothing either.
        scope: Scope,
        /// `votes` and `proposals` where one of them is not empty, slots ascending.
        slots: Vec<Said>,
    },
    /// `[type |-> "1c", lr, bal, val]`.
    OneC(Vote, Slot),
    /// `[type |-> "2av", lr, acc, bal, val]`.
    TwoAv(AcceptorId, Vote, Slot),
    /// `[type |-> "2b", lr, acc, bal, val]`.
    TwoB(AcceptorId, Vote, Slot),
}

/// HPaxos: `[lr, bal, val]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vote {
    /// HPaxos: `lr`.
    pub lr: LearnerId,
    /// HPaxos: `bal`.
    pub bal: Ballot,
    /// HPaxos: `val`, the digest of a batch.
    pub val: Digest,
}

/// What a 1b says about one slot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// The slot.
    pub slot: Slot,
    /// HPaxos: `votes`, of all learners.
    pub votes: Vec<Vote>,
    /// HPaxos: `proposals`, of the message's learner; of each value the one with the highest ballot.
    pub proposals: Vec<Vote>,
}

/// The messages of the module that a signed statement stands for; none for those that it does not know.
#[must_use]
pub fn messages(message: &Message, signer: MemberId, network: &Network) -> Vec<Msg> {
    let learners = network.graph().learners();
    match (message, network.acceptor_of(signer)) {
        (Message::OneA { ballot: bal }, _) => {
            let one_a = |lr| Msg::OneA { lr, bal: *bal };
            learners.iter().map(one_a).collect()
        }
        (Message::OneB(m), Some(acc)) => learners.iter().map(|lr| one_b(m, acc, lr)).collect(),
        (Message::OneC(m), _) => one_c(m),
        (Message::Votes(m), Some(acc)) => votes(m, acc),
        _ => Vec::new(),
    }
}

fn one_b(m: &OneB, acc: AcceptorId, lr: LearnerId) -> Msg {
    let said = m.slots.iter().map(|report| {
        let proposals = report.proposals.iter().filter(|e| e.learners.contains(lr));
        Said {
            slot: report.slot,
            votes: report.votes.iter().flat_map(each).collect(),
            proposals: proposals.map(|e| vote(e, lr)).collect(),
        }
    });
    Msg::OneB {
        lr,
        acc,
        bal: m.ballot,
        low_water: m.low_water,
        scope: m.scope.clone(),
        slots: said
            .filter(|s| !s.votes.is_empty() || !s.proposals.is_empty())
            .collect(),
    }
}

fn each(entry: &Entry) -> impl Iterator<Item = Vote> {
    entry.learners.into_iter().map(|lr| vote(entry, lr))
}

fn vote(entry: &Entry, lr: LearnerId) -> Vote {
    Vote {
        lr,
        bal: entry.ballot,
        val: entry.value,
    }
}

fn one_c(m: &OneC) -> Vec<Msg> {
    let of = |p: &super::Proposal| {
        let (bal, val, slot) = (m.ballot, p.value, p.slot);
        let learners = p.learners.into_iter();
        learners.map(move |lr| Msg::OneC(Vote { lr, bal, val }, slot))
    };
    m.proposals.iter().flat_map(of).collect()
}

/// All 2av before all 2b, as they were sent.
fn votes(m: &Votes, acc: AcceptorId) -> Vec<Msg> {
    let mut all = Vec::new();
    for said in &m.slots {
        let vote = |lr, val| Vote {
            lr,
            bal: m.ballot,
            val,
        };
        if let Some((val, learners)) = said.two_av {
            all.extend(
                learners
                    .iter()
                    .map(|lr| Msg::TwoAv(acc, vote(lr, val), said.slot)),
            );
        }
        if let Some((val, learners)) = said.two_b {
            all.extend(
                learners
                    .iter()
                    .map(|lr| Msg::TwoB(acc, vote(lr, val), said.slot)),
            );
        }
    }
    all
}

/// Tells the actions of one node.
#[derive(Clone, Debug)]
pub struct Recorder {
    network: Arc<Network>,
    me: Option<MemberId>,
}

impl Recorder {
    /// For the node that is this member, or for one that only learns.
    #[must_use]
    pub fn new(network: Arc<Network>, me: Option<MemberId>) -> Self {
        Recorder { network, me }
    }

    fn acceptor(&self) -> Option<AcceptorId> {
        self.network.acceptor_of(self.me?)
    }

    /// Before everything else: the pairs that no TrustSafe set joins were never connected.
    #[must_use]
    pub fn init(&self) -> Vec<Action> {
        let graph = self.network.graph();
        let connected = graph.connected(&learner_graph::Suspicion::default());
        let learners = graph.learners();
        let of = |l1: LearnerId| {
            let apart = (learners - connected[usize::from(l1.0)]).into_iter();
            apart.filter(move |l2| l1 <= *l2).map(move |l2| (l1, l2))
        };
        let pairs: Vec<_> = learners.iter().flat_map(of).collect();
        let acceptor = self.acceptor().filter(|_| !pairs.is_empty());
        acceptor
            .map(|acc| disconnect(acc, pairs))
            .into_iter()
            .collect()
    }

    /// What a step is given.
    #[must_use]
    pub fn heard(&self, input: &Input) -> Vec<Action> {
        match input {
            Input::Message(m) => self.received(m),
            _ => Vec::new(),
        }
    }

    fn received(&self, message: &Verified<Message>) -> Vec<Action> {
        let acceptor = self.acceptor();
        let mut actions = Vec::new();
        for m in messages(message, message.signer(), &self.network) {
            if matches!(m, Msg::TwoB(..)) {
                actions.push(Action::LearnerRecv(m.clone()));
            }
            actions.extend(acceptor.map(|acc| Action::Recv(acc, m)));
        }
        actions
    }

    /// What a restart takes back with a record: whatever is stored counts as received again, this node's
    /// own statements among it, which may not have come back to it before.
    #[must_use]
    pub fn restored(&self, record: &Record) -> Vec<Action> {
        let Record::Message(signed) = record else {
            return Vec::new();
        };
        let message = signed.clone().verify(self.network.keyring());
        message.map_or_else(|_| Vec::new(), |m| self.received(&m))
    }

    /// What a step tells its caller to do, in order: a record once it is durable, the rest when it is
    /// executed.
    #[must_use]
    pub fn told(&self, output: &Output) -> Vec<Action> {
        let action = match output {
            Output::Persist(Record::Message(signed)) => return self.stored(signed),
            Output::Decided(d) => {
                let decide = |lr| Action::LearnerDecide {
                    lr,
                    bal: d.ballot,
                    slot: d.slot,
                    val: d.value,
                };
                return d.learners.iter().map(decide).collect();
            }
            Output::Fork(f) => {
                let [_, (bal, val)] = f.values;
                let (lr, slot) = (f.learner, f.slot);
                Some(Action::LearnerDecide { lr, bal, slot, val })
            }
            Output::Disconnected(l1, l2) => {
                let pairs = vec![(*l1, *l2)];
                self.acceptor().map(|acc| disconnect(acc, pairs))
            }
            Output::Evidence(_, finding) => self.acceptor().and_then(|acc| proved(acc, finding)),
            _ => None,
        };
        action.into_iter().collect()
    }

    fn stored(&self, signed: &Signed<Message>) -> Vec<Action> {
        self.own(signed).map_or_else(Vec::new, |m| {
            let sent = messages(&m, m.signer(), &self.network);
            sent.into_iter().map(Action::Send).collect()
        })
    }

    /// The node's own statement, if a stored message is one: received messages are stored as well.
    #[must_use]
    pub fn own(&self, signed: &Signed<Message>) -> Option<Verified<Message>> {
        if Some(signed.signer()) != self.me {
            return None;
        }
        signed.clone().verify(self.network.keyring()).ok()
    }
}

fn disconnect(acc: AcceptorId, pairs: Vec<(LearnerId, LearnerId)>) -> Action {
    Action::Disconnect {
        acc,
        pairs,
        caught: AcceptorSet::EMPTY,
        apart: Vec::new(),
    }
}

/// Evidence narrows which sets may be safe, even where no pair is lost by it.
fn proved(acc: AcceptorId, finding: &Finding) -> Option<Action> {
    let (caught, apart) = match finding {
        Finding::Caught(a, _) => ([*a].into_iter().collect(), Vec::new()),
        Finding::NotEntangled { first, second, .. } => {
            (AcceptorSet::EMPTY, vec![(*first, *second)])
        }
        Finding::Equivocated(..) => return None,
    };
    Some(Action::Disconnect {
        acc,
        pairs: Vec::new(),
        caught,
        apart,
    })
}
