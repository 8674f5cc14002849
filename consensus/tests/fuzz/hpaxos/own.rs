//! What the node under test may say, judged by what it was told and by everything it ever stored: rules
//! 1 to 4 and 7 to 8, and that nobody can convict it.

use super::{Message, Output, Record, Verified};
use consensus::hpaxos::evidence::Finding;
use consensus::hpaxos::{Decision, Entry, Input, OneB, OneC, Scope, Votes, check, contradiction};
use consensus::{Ballot, Network, Slot, Status, Time};
use crypto::{Digest, MemberId};
use learner_graph::{AcceptorSet, LearnerId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// `[lr, bal, val]` in a slot.
type Vote = (Slot, Ballot, Digest, LearnerId);

pub(super) struct Own {
    network: Arc<Network>,
    me: MemberId,
    /// Everything it has said and stored, in order.
    said: Vec<Message>,
    stored: BTreeSet<Digest>,
    batches: BTreeSet<Digest>,
    values: BTreeSet<Digest>,
    max_bal: Ballot,
    started: Ballot,
    low_water: Slot,
    /// What the parts of its 1b of `max_bal` are about.
    reported: Vec<Scope>,
    /// HPaxos: `2avSent` and `votesSent`.
    two_av_sent: BTreeSet<Vote>,
    votes_sent: BTreeSet<Vote>,
    /// What it was told.
    one_a: BTreeSet<Ballot>,
    one_c: BTreeSet<Vote>,
    two_av: BTreeMap<Vote, AcceptorSet>,
    two_b: BTreeMap<Vote, AcceptorSet>,
    /// What its learners have delivered, and how far they are since the last restart.
    decided: BTreeMap<(LearnerId, Slot), Digest>,
    next: BTreeMap<LearnerId, Slot>,
}

impl Own {
    pub(super) fn new(network: Arc<Network>, me: MemberId) -> Self {
        Own {
            network,
            me,
            said: Vec::new(),
            stored: BTreeSet::new(),
            batches: BTreeSet::new(),
            values: BTreeSet::new(),
            max_bal: Ballot::NONE,
            started: Ballot::NONE,
            low_water: Slot(0),
            reported: Vec::new(),
            two_av_sent: BTreeSet::new(),
            votes_sent: BTreeSet::new(),
            one_a: BTreeSet::new(),
            one_c: BTreeSet::new(),
            two_av: BTreeMap::new(),
            two_b: BTreeMap::new(),
            decided: BTreeMap::new(),
            next: BTreeMap::new(),
        }
    }

    /// Everything that this node was told, before it acts on it.
    pub(super) fn heard(&mut self, input: &Input) {
        if let Input::Message(message) = input {
            self.knows(message);
        }
    }

    fn knows(&mut self, message: &Verified<Message>) {
        let from = message.signer();
        let owner = self.network.owner(message.ballot()) == Some(from);
        match (&**message, self.network.acceptor_of(from)) {
            (Message::OneA { ballot }, _) if owner => {
                self.one_a.insert(*ballot);
            }
            (Message::OneC(m), _) if owner => {
                self.one_a.insert(m.ballot);
                for p in &m.proposals {
                    let vote = |l| (p.slot, m.ballot, p.value, l);
                    self.one_c.extend(p.learners.iter().map(vote));
                }
            }
            (Message::Votes(m), Some(acceptor)) => {
                for (vote, is_2b) in expand(m) {
                    let tally = if is_2b {
                        &mut self.two_b
                    } else {
                        &mut self.two_av
                    };
                    tally.entry(vote).or_default().insert(acceptor);
                }
            }
            _ => {}
        }
    }

    /// A restart begins: learners deliver from the start again.
    pub(super) fn restarted(&mut self) {
        self.next.clear();
    }

    /// A restart takes this back: what it stored of its own it knows, although it may never have sent it.
    pub(super) fn restored(&mut self, record: &Record) {
        if let Record::Message(signed) = record {
            let message = signed.clone().verify(self.network.keyring());
            self.knows(&message.expect("stored as it was signed"));
        }
    }

    /// Whatever else it knows, a node knows what it has promised.
    pub(super) fn stands_at(&self, status: &Status) {
        assert_eq!(status.max_bal, self.max_bal, "max_bal");
        assert_eq!(status.low_water, self.low_water, "low-water mark");
    }

    /// An output that is executed.
    pub(super) fn told(&mut self, output: &Output, now: Time) {
        match output {
            Output::Persist(Record::Message(signed)) => {
                self.stored.insert(signed.id());
                if signed.signer() == self.me {
                    let message = signed.clone().verify(self.network.keyring());
                    self.says(&message.expect("its own signature"));
                }
            }
            Output::Persist(Record::Batch(batch)) => {
                self.batches.insert(batch.digest());
            }
            Output::Persist(Record::Value(value)) => {
                self.values.insert(value.id());
            }
            Output::Persist(Record::LowWater(mark)) => self.settles(*mark),
            Output::Persist(Record::Evidence(evidence)) => {
                evidence
                    .verify(&self.network)
                    .expect("stored evidence proves something");
            }
            Output::Send(message) => {
                let stored = self.stored.contains(&message.id());
                assert!(
                    stored || message.kind() == "wish",
                    "sent before it was stored"
                );
            }
            Output::Accepted(value) => {
                assert!(self.values.contains(value), "accepted before it was stored");
            }
            Output::Evidence(evidence, finding) => {
                assert_eq!(evidence.verify(&self.network).as_ref(), Ok(finding));
                let mine = self.network.acceptor_of(self.me);
                let me = match finding {
                    Finding::Caught(acceptor, _) => Some(*acceptor) == mine,
                    Finding::Equivocated(member, _) => *member == self.me,
                    Finding::NotEntangled { .. } => false,
                };
                assert!(!me, "it is convicted: {finding:?}");
            }
            Output::Decided(decision) => self.decides(decision),
            Output::SetTimer(at) => assert!(*at > now),
            _ => {}
        }
    }

    fn says(&mut self, message: &Verified<Message>) {
        assert_eq!(check(message, &self.network), Ok(()));
        for before in &self.said {
            assert_eq!(
                contradiction(before, message),
                None,
                "{before:?} and {message:?}"
            );
        }
        match &**message {
            Message::OneA { ballot } => {
                assert!(*ballot > self.started, "a ballot is started once");
                self.started = *ballot;
            }
            Message::OneB(m) => self.joins(m),
            Message::OneC(m) => self.announces(m),
            Message::Votes(m) => self.votes(m),
            Message::Wish { .. } => panic!("a wish need not be stored"),
        }
        self.said.push((**message).clone());
    }

    /// HPaxos: Phase1c.
    fn announces(&self, m: &OneC) {
        assert_eq!(m.ballot, self.started, "it announces in its last ballot");
    }

    /// HPaxos: Phase1b. It shows all of `votesSent` and `2avSent` that may matter, and nothing else.
    fn joins(&mut self, m: &OneB) {
        match &m.scope {
            Scope::AllBut(_) => {
                assert!(
                    m.ballot > self.max_bal,
                    "ballots are joined in ascending order"
                );
                assert!(
                    self.one_a.contains(&m.ballot),
                    "nobody has started the ballot"
                );
                self.reported.clear();
            }
            Scope::Only(page) => {
                assert_eq!(
                    m.ballot, self.max_bal,
                    "a part of the 1b with which it joined"
                );
                let said = |slot| self.reported.iter().any(|s| s.contains(slot));
                assert!(!page.slots().any(said), "every part is said once");
            }
        }
        assert_eq!(m.low_water, self.low_water, "the mark is stored first");
        self.max_bal = m.ballot;
        self.reported.push(m.scope.clone());
        let (mut votes, mut proposals) = (BTreeSet::new(), BTreeSet::new());
        for report in &m.slots {
            votes.extend(report.votes.iter().flat_map(|e| shown(report.slot, e)));
            proposals.extend(report.proposals.iter().flat_map(|e| shown(report.slot, e)));
        }
        let from_mark = |(slot, ..): &Vote| m.covers(*slot);
        let maximal = |v: &Vote| {
            !self
                .votes_sent
                .iter()
                .any(|w| (w.0, w.3) == (v.0, v.3) && w.1 > v.1)
        };
        let of_votes = self
            .votes_sent
            .iter()
            .copied()
            .filter(from_mark)
            .filter(maximal);
        assert_eq!(votes, of_votes.collect(), "votes");
        let highest = |v: &Vote| {
            let mut all = self.two_av_sent.iter();
            !all.any(|w| (w.0, w.2, w.3) == (v.0, v.2, v.3) && w.1 > v.1)
        };
        let of_2av = self
            .two_av_sent
            .iter()
            .copied()
            .filter(from_mark)
            .filter(highest);
        assert_eq!(proposals, of_2av.collect(), "proposals");
    }

    /// HPaxos: Phase2av and Phase2b.
    fn votes(&mut self, m: &Votes) {
        assert_eq!(m.ballot, self.max_bal, "it votes in its joined ballot only");
        for (vote, is_2b) in expand(m) {
            let (slot, _, value, learner) = vote;
            assert!(slot >= self.low_water, "nothing below the mark is signed");
            let reported = self.reported.iter().any(|s| s.contains(slot));
            assert!(reported, "a vote where the 1b has left out the slot");
            assert!(self.batches.contains(&value), "the bytes are stored first");
            let new = if is_2b {
                let senders = self.two_av.get(&vote).copied().unwrap_or_default();
                let graph = self.network.graph();
                assert!(
                    graph.is_quorum(learner, &senders),
                    "2b without a quorum of 2av"
                );
                self.votes_sent.insert(vote)
            } else {
                assert!(self.one_c.contains(&vote), "2av of what nobody announced");
                self.two_av_sent.insert(vote)
            };
            assert!(new, "a vote is cast once");
        }
    }

    /// Below the mark every learner has decided.
    fn settles(&mut self, mark: Slot) {
        assert!(mark > self.low_water, "the mark only rises");
        for slot in self.low_water.0..mark.0 {
            for learner in self.network.graph().learners() {
                let mut of_slot = self
                    .two_b
                    .iter()
                    .filter(|(v, _)| v.0.0 == slot && v.3 == learner);
                let graph = self.network.graph();
                let chosen = of_slot.any(|(_, senders)| graph.is_quorum(learner, senders));
                assert!(chosen, "slot {slot} is not settled");
            }
        }
        self.low_water = mark;
    }

    /// HPaxos: LearnerDecide(l, b), and delivery in the order of slots.
    fn decides(&mut self, d: &Decision) {
        for learner in d.learners {
            let next = self.next.entry(learner).or_default();
            assert_eq!(d.slot, *next, "slots are delivered in order");
            *next = d.slot.next();
            let vote = (d.slot, d.ballot, d.value, learner);
            let senders = self.two_b.get(&vote).copied().unwrap_or_default();
            assert!(d.quorum.is_subset(&senders), "2b that nobody sent");
            let is_quorum = self.network.graph().is_quorum(learner, &d.quorum);
            assert!(is_quorum, "no quorum");
            let first = *self.decided.entry((learner, d.slot)).or_insert(d.value);
            assert_eq!(first, d.value, "a restart changes no decision");
        }
        self.values.extend(d.values.iter().map(|v| v.id()));
    }
}

/// The 2av and 2b of a message, one by one; true for 2b.
fn expand(m: &Votes) -> Vec<(Vote, bool)> {
    let slots = m.slots.iter().flat_map(|s| {
        let two_av = s.two_av.iter().map(|said| (s.slot, *said, false));
        two_av.chain(s.two_b.iter().map(|said| (s.slot, *said, true)))
    });
    let of = |(slot, (value, learners), is_2b)| {
        let learners: learner_graph::LearnerSet = learners;
        learners
            .into_iter()
            .map(move |l| ((slot, m.ballot, value, l), is_2b))
    };
    slots.flat_map(of).collect()
}

fn shown(slot: Slot, e: &Entry) -> impl Iterator<Item = Vote> + use<> {
    let (ballot, value) = (e.ballot, e.value);
    e.learners
        .into_iter()
        .map(move |l| (slot, ballot, value, l))
}
