//! States made by hand: acceptors `a1` … of a graph, each played by the node of its number, and values with
//! names. What is sent is received by everybody, unless a test takes single actions.

use crate::conformance::{Refused, Spec};
use consensus::hpaxos::Scope;
use consensus::hpaxos::trace::{Action, Msg, Said, Vote};
use consensus::{Ballot, Slot};
use crypto::Digest;
use learner_graph::{AcceptorId, AcceptorSet, LearnerId};

pub(crate) const SLOT: Slot = Slot(0);

pub(crate) fn value(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

pub(crate) fn acceptor(i: u16) -> AcceptorId {
    AcceptorId(i - 1)
}

/// The four acceptors of `four.toml` with alice, bob and carol, who are entangled.
pub(crate) const ALICE: LearnerId = LearnerId(0);
pub(crate) const BOB: LearnerId = LearnerId(1);
pub(crate) const CAROL: LearnerId = LearnerId(2);

pub(crate) fn vote(lr: LearnerId, bal: u64, val: &str) -> Vote {
    Vote {
        lr,
        bal: Ballot(bal),
        val: value(val),
    }
}

pub(crate) fn two_av(i: u16, vote: Vote) -> Action {
    Action::Send(Msg::TwoAv(acceptor(i), vote, SLOT))
}

pub(crate) fn two_b(i: u16, vote: Vote) -> Action {
    Action::Send(Msg::TwoB(acceptor(i), vote, SLOT))
}

/// Where a behaviour is played.
pub(crate) struct Stage(pub(crate) Spec);

impl Stage {
    pub(crate) fn new(graph: &str, faulty: &[u16]) -> Stage {
        let graph = learner_graph::parse_graph(graph).expect("a valid graph").0;
        let faulty: AcceptorSet = faulty.iter().map(|i| acceptor(*i)).collect();
        let safe = graph.acceptors() - faulty;
        Stage(Spec::new(graph, safe).expect("a small graph"))
    }

    pub(crate) fn act(&mut self, i: u16, action: &Action) -> Result<(), Refused> {
        self.0.apply(usize::from(i - 1), action)
    }

    /// An action that must be enabled.
    pub(crate) fn does(&mut self, i: u16, action: Action) {
        self.act(i, &action).unwrap_or_else(|e| panic!("{e}"));
    }

    /// An action that must not be; which conjunct does not hold.
    pub(crate) fn refuses(&mut self, i: u16, action: Action) -> &'static str {
        let before = format!("{:?}", self.0.slots);
        let refused = self
            .act(i, &action)
            .expect_err("a guard that does not hold");
        assert_eq!(before, format!("{:?}", self.0.slots), "nothing has changed");
        refused.conjunct
    }

    fn learners(&self) -> Vec<LearnerId> {
        self.0.graph().learners().iter().collect()
    }

    fn all(&self) -> std::ops::RangeInclusive<u16> {
        1..=self.0.graph().n_acceptors() as u16
    }

    /// Everybody receives a message.
    pub(crate) fn deliver(&mut self, m: &Msg) {
        for i in self.all() {
            self.does(i, Action::Recv(acceptor(i), m.clone()));
            if matches!(m, Msg::TwoB(..)) {
                self.does(i, Action::LearnerRecv(m.clone()));
            }
        }
    }

    /// An acceptor that is not safe says something, to everybody.
    pub(crate) fn lies(&mut self, m: Msg) {
        self.does(1, Action::FakeSend(m.clone()));
        self.deliver(&m);
    }

    /// It is sent, and everybody receives it.
    pub(crate) fn says(&mut self, i: u16, m: Msg) {
        self.does(i, Action::Send(m.clone()));
        self.deliver(&m);
    }

    pub(crate) fn starts(&mut self, bal: u64) {
        for lr in self.learners() {
            let bal = Ballot(bal);
            self.says(1, Msg::OneA { lr, bal });
        }
    }

    /// The 1b that an acceptor is to send.
    pub(crate) fn one_b(&self, i: u16, lr: LearnerId, bal: u64) -> Msg {
        let (acc, bal) = (acceptor(i), Ballot(bal));
        let said = |(slot, instance): (&Slot, &crate::conformance::Instance)| {
            let at = &instance.acceptors[usize::from(acc.0)];
            Said {
                slot: *slot,
                votes: at.max_votes(bal),
                proposals: at.proposals(lr, bal),
            }
        };
        let slots = self.0.slots.iter().map(said);
        let slots = slots.filter(|s| !s.votes.is_empty() || !s.proposals.is_empty());
        Msg::OneB {
            lr,
            acc,
            bal,
            low_water: Slot(0),
            scope: Scope::ALL,
            slots: slots.collect(),
        }
    }

    /// An acceptor joins a ballot for all learners.
    pub(crate) fn joins(&mut self, i: u16, bal: u64) {
        for lr in self.learners() {
            let m = self.one_b(i, lr, bal);
            self.says(i, m);
        }
    }

    pub(crate) fn announces(&mut self, bal: u64, val: &str) {
        for lr in self.learners() {
            self.says(1, Msg::OneC(vote(lr, bal, val), SLOT));
        }
    }

    pub(crate) fn proposes(&mut self, i: u16, bal: u64, val: &str) {
        for lr in self.learners() {
            self.says(i, Msg::TwoAv(acceptor(i), vote(lr, bal, val), SLOT));
        }
    }

    pub(crate) fn votes(&mut self, i: u16, lr: LearnerId, bal: u64, val: &str) {
        self.says(i, Msg::TwoB(acceptor(i), vote(lr, bal, val), SLOT));
    }

    /// Ballot 1 up to the 2av of a value: everybody has joined, `who` has sent them for all learners.
    pub(crate) fn proposed(graph: &str, who: &[u16]) -> Stage {
        let mut stage = Stage::new(graph, &[]);
        stage.starts(1);
        for i in stage.all() {
            stage.joins(i, 1);
        }
        stage.announces(1, "v");
        for i in who {
            stage.proposes(*i, 1, "v");
        }
        stage
    }
}
