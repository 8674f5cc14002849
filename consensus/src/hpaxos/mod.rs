//! Heterogeneous Paxos (HPaxos): one node's proposer, acceptor and learners.
//!
//! ```text
//!             1a            1b             1c             2av            2b
//!   proposer ────► acceptors ────► everyone │ proposer ────► acceptors ────► acceptors ────► learners
//!             once per ballot, for all slots │            per slot, for all learners
//! ```
//!
//! Each file is one role or one concept, named after the paper's word where it has one. A branch that
//! implements a line of the specification names it.

mod acceptor;
mod batches;
mod check;
mod contradiction;
mod convictions;
mod entries;
pub mod evidence;
mod input;
mod learner;
mod message;
mod one_bs;
mod output;
mod proposer;
#[cfg(test)]
mod published;
mod received;
mod safe_at;
mod status;
mod sync;
#[cfg(test)]
mod tests;
mod waiting;

pub use check::{Invalid, check};
pub use contradiction::{Contradiction, contradiction};
pub use input::Input;
pub use message::{Entry, Message, OneB, OneC, Proposal, SlotReport, SlotVotes, Votes};
pub use output::{Decision, Fork, Output, Record};
pub use status::Status;
pub use sync::{SyncAnswer, SyncRequest};

use crate::pacemaker::Pacemaker;
use crate::{Ballot, Batch, ClientValue, Network, Slot, Time};
use acceptor::Acceptor;
use batches::{Batches, Claim};
use check::Horizon;
use convictions::Convictions;
use crypto::{Digest, MemberId, Signer, Verified};
use evidence::{Certificate, Evidence, Finding};
use learner::{Learned, Learners};
use learner_graph::{AcceptorId, LearnerId};
use proposer::{Proposer, Scene};
use received::{Novelty, Received};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use waiting::Waiting;

/// How far beyond the front of the log a slot may be to be heard.
const SLOT_RANGE: u64 = 4096;
/// How many turns of every proposer beyond the present ballot are heard.
const BALLOT_TURNS: u64 = 64;
/// The low-water mark is raised when so many slots are settled, and with every ballot joined.
const LOW_WATER_STEP: u64 = 256;
/// Values that a node spreads again at once, because nobody has decided them.
const SPREAD_AGAIN: usize = 64;

/// How one node takes part.
#[derive(Debug)]
pub struct Config {
    /// The node's signer; `None` for a node that is no member and only learns.
    pub signer: Option<Signer>,
    /// The time that an acceptor gives a ballot at first, before it wishes for the next.
    pub patience: Duration,
    /// How long a new leader waits for more 1b after the first quorum's before it proposes.
    pub grace: Duration,
    /// How many slots may be open at once.
    pub window: u64,
    /// How many client values may wait to be proposed.
    pub max_waiting: usize,
}

/// One node's part in HPaxos: proposer, acceptor and learners.
///
/// Which of the two first it plays follows from its signer's entry in the network. It follows all
/// learners of the graph.
pub struct HPaxos {
    network: Arc<Network>,
    config: Config,
    acceptor: Option<Acceptor>,
    proposer: Option<Proposer>,
    learners: Learners,
    received: Received,
    wishes: BTreeMap<AcceptorId, Verified<Message>>,
    convictions: Convictions,
    batches: Batches,
    waiting: Waiting,
    pacemaker: Pacemaker,
    /// The highest ballot known to be joined here or by a quorum of some learner.
    ballot: Ballot,
    /// Slots below are settled and forgotten; an acceptor's low-water mark.
    floor: Slot,
    /// Slots whose acceptor rules are to be looked at.
    dirty: BTreeSet<Slot>,
    all_dirty: bool,
    /// When this node's own waiting values are spread again.
    spread_at: Time,
    timer: Option<Time>,
    /// Whether a step was taken since what was stored was taken back.
    running: bool,
    refused: BTreeMap<&'static str, u64>,
}

impl HPaxos {
    /// A node that has said and heard nothing yet. What it stored before is given to `restore`.
    #[must_use]
    pub fn new(network: Arc<Network>, config: Config) -> Self {
        let graph = network.graph();
        let me = config.signer.as_ref().map(Signer::member);
        let member = me.and_then(|m| network.member(m));
        HPaxos {
            acceptor: member.and_then(|m| m.acceptor).map(Acceptor::new),
            proposer: member.filter(|m| m.proposer).map(|_| Proposer::default()),
            learners: Learners::new(graph.n_learners()),
            received: Received::default(),
            wishes: BTreeMap::new(),
            convictions: Convictions::new(graph),
            batches: Batches::default(),
            waiting: Waiting::default(),
            pacemaker: Pacemaker::new(graph, config.patience),
            ballot: Ballot::NONE,
            floor: Slot(0),
            dirty: BTreeSet::new(),
            all_dirty: true,
            spread_at: Time::ZERO,
            timer: None,
            running: false,
            refused: BTreeMap::new(),
            network,
            config,
        }
    }

    /// Takes back one stored record, in the order of storage, before the first `step`.
    /// Returns what observers learn from it; there is nothing to send or persist.
    pub fn restore(&mut self, record: Record) -> Vec<Output> {
        let mut out = Vec::new();
        match record {
            Record::Message(signed) => match signed.verify(self.network.keyring()) {
                Ok(message) => {
                    self.restore_own(&message);
                    self.take_in(&message, Time::ZERO, &mut out);
                }
                Err(refusal) => self.refuse(refusal.reason()),
            },
            Record::Batch(batch) => {
                self.batches.keep(batch.digest(), batch);
                self.deliver(Time::ZERO, &mut out);
            }
            Record::Value(value) => {
                let id = value.id();
                self.waiting.add(id, value, Time::ZERO);
                self.waiting.take_charge(&id);
            }
            Record::Evidence(evidence) => {
                self.admit(evidence, &mut out);
            }
            Record::LowWater(mark) => self.raise_floor(mark),
        }
        if let Some(acceptor) = &self.acceptor {
            self.pacemaker.joined(acceptor.max_bal, Time::ZERO);
        }
        out.retain_mut(|o| match o {
            Output::Decided(decision) => {
                // How long ago it was heard was not stored.
                decision.heard = None;
                true
            }
            Output::Persist(_) | Output::SendEvidence(_) | Output::Fetch(_) => false,
            _ => true,
        });
        out
    }

    fn restore_own(&mut self, message: &Verified<Message>) {
        if Some(message.signer()) != self.me() {
            return;
        }
        match (&**message, &mut self.acceptor, &mut self.proposer) {
            (Message::OneB(m), Some(acceptor), _) => acceptor.restore_1b(m),
            (Message::Votes(m), Some(acceptor), _) => acceptor.restore_votes(m),
            (Message::OneA { ballot }, _, Some(proposer)) => proposer.restore_1a(*ballot),
            (Message::OneC(m), _, Some(proposer)) => proposer.restore_1c(m, &self.batches),
            _ => {}
        }
    }

    /// Consumes everything that happened since the last step and answers with what to do. `now` never
    /// goes back.
    pub fn step(&mut self, now: Time, inputs: Vec<Input>) -> Vec<Output> {
        let mut out = Vec::new();
        if !std::mem::replace(&mut self.running, true) {
            // What was asked for before a restart has to be asked for again.
            out.extend(self.batches.wanted().map(Output::Fetch));
        }
        if let Some(acceptor) = &self.acceptor {
            self.pacemaker.heard(acceptor.id, now);
        }
        for input in inputs {
            self.absorb(now, input, &mut out);
        }
        self.act(now, &mut out);
        self.set_timer(now, &mut out);
        out
    }

    fn absorb(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Message(message) => self.receive(&message, now, out),
            Input::Submit(value) => self.submit(value, now, out),
            Input::Value(value) => {
                // Every node may have as many of its own; what is dropped is spread again.
                let room = self.waiting.len() < self.config.max_waiting.saturating_mul(4);
                match value.check() {
                    Ok(()) if room => {
                        self.waiting.add(value.id(), value, now);
                    }
                    Ok(()) => self.refuse("waiting_full"),
                    Err(_) => self.refuse(Invalid::Value.reason()),
                }
            }
            Input::Batch(batch) if !batch.in_bounds() => self.refuse(Invalid::Value.reason()),
            Input::Batch(batch) => {
                if let Some((_, batch)) = self.batches.arrived(batch) {
                    out.push(Output::Persist(Record::Batch(Batch::clone(&batch))));
                    self.all_dirty = true;
                    self.deliver(now, out);
                }
            }
            Input::Evidence(evidence) => {
                self.admit(evidence, out);
            }
            Input::Alive(member) => {
                if let Some(acceptor) = self.network.acceptor_of(member) {
                    self.pacemaker.heard(acceptor, now);
                }
            }
        }
    }

    fn submit(&mut self, value: ClientValue, now: Time, out: &mut Vec<Output>) {
        let id = value.id();
        if value.check().is_err() {
            self.refuse(Invalid::Value.reason());
            return;
        }
        if !self.waiting.knows(&id) {
            if self.waiting.len() >= self.config.max_waiting {
                out.push(Output::Full(id));
                return;
            }
            self.waiting.add(id, value.clone(), now);
        }
        if self.waiting.take_charge(&id) {
            out.push(Output::Persist(Record::Value(value.clone())));
            out.push(Output::SendValue(value));
        }
        out.push(Output::Accepted(id));
    }

    /// HPaxos: Recv and LearnerRecv.
    fn receive(&mut self, message: &Verified<Message>, now: Time, out: &mut Vec<Output>) {
        let valid = check(message, &self.network).and_then(|()| self.horizon().check(message));
        if let Err(invalid) = valid {
            return self.refuse(invalid.reason());
        }
        self.take_in(message, now, out);
    }

    fn take_in(&mut self, message: &Verified<Message>, now: Time, out: &mut Vec<Output>) {
        let acceptor = self.network.acceptor_of(message.signer());
        let novelty = match (&**message, acceptor) {
            (Message::OneA { .. }, _) => self.received.one_a(message),
            (Message::OneC(m), _) => {
                let (novelty, slots) = self.received.one_c(m, message, self.floor, now);
                for slot in slots {
                    self.dirty.insert(slot);
                    let announced = self.received.slot(slot).and_then(|s| s.announced(m.ballot));
                    if let Some(value) = announced.map(|a| a.value) {
                        self.claim(value, out);
                    }
                }
                novelty
            }
            (Message::OneB(m), Some(a)) => {
                self.pacemaker.wanted(a, m.ballot);
                self.all_dirty = true;
                self.received.one_b(a, message)
            }
            (Message::Wish { ballot }, Some(a)) => {
                self.pacemaker.wanted(a, *ballot);
                let kept = self.wishes.entry(a).or_insert_with(|| message.clone());
                if kept.ballot() >= *ballot && kept.id() != message.id() {
                    return;
                }
                *kept = message.clone();
                self.pacemaker.heard(a, now);
                return;
            }
            (Message::Votes(m), Some(a)) => {
                match self.received.votes(m, a, message, self.floor, now) {
                    Ok((novelty, slots)) => {
                        for slot in slots {
                            self.dirty.insert(slot);
                            self.decide(slot, m.ballot, now, out);
                        }
                        novelty
                    }
                    Err(invalid) => return self.refuse(invalid.reason()),
                }
            }
            _ => return,
        };
        if matches!(novelty, Novelty::Known) {
            return;
        }
        if let Some(a) = acceptor {
            self.pacemaker.heard(a, now);
        }
        if Some(message.signer()) != self.me() {
            out.push(Output::Persist(Record::Message(message.signed().clone())));
        }
        if let Novelty::Contradicts(evidence) = novelty {
            self.found(*evidence, out);
        }
    }

    /// HPaxos: LearnerDecide, as far as new 2b of one slot and ballot allow it.
    fn decide(&mut self, slot: Slot, ballot: Ballot, now: Time, out: &mut Vec<Output>) {
        let Some(received) = self.received.slot(slot) else {
            return;
        };
        let since = received.since;
        for learned in self
            .learners
            .decide(self.network.graph(), slot, ballot, received)
        {
            match learned {
                Learned::Decided(learner) => {
                    self.pacemaker.progress(learner, now.saturating_sub(since));
                    if let Some(value) = self.learners.decision(learner, slot).map(|d| d.value) {
                        self.claim(value, out);
                    }
                    self.compare(learner, slot, out);
                }
                Learned::Fork(fork, evidence) => {
                    out.push(Output::Fork(fork));
                    self.found(*evidence, out);
                }
            }
        }
        self.deliver(now, out);
    }

    /// Compares a new decision with those of the other learners in the slot.
    fn compare(&mut self, learner: LearnerId, slot: Slot, out: &mut Vec<Output>) {
        let Some(mine) = self.learners.decision(learner, slot).map(|d| d.value) else {
            return;
        };
        for other in self.learners.ids() {
            let Some(theirs) = self.learners.decision(other, slot).map(|d| d.value) else {
                continue;
            };
            if theirs == mine {
                continue;
            }
            let certificates = (
                self.certificate(learner, slot),
                self.certificate(other, slot),
            );
            if let (Some(first), Some(second)) = certificates {
                self.found(Evidence::Disagreement { first, second }, out);
            }
            // What one delivered here, the other may have to get in another slot.
            for (value, misses) in [(theirs, learner), (mine, other)] {
                let batch = self.batches.get(&value).cloned();
                for v in batch.iter().flat_map(|b| &b.values) {
                    self.waiting.missed(v, misses);
                    if let Some(proposer) = &mut self.proposer {
                        proposer.release(&v.id());
                    }
                }
            }
        }
    }

    /// Delivers to every learner what its log has next, as far as the bytes are here.
    fn deliver(&mut self, now: Time, out: &mut Vec<Output>) {
        for learner in self.learners.ids() {
            while let Some((slot, decided)) = self.learners.next_delivery(learner) {
                let Some(batch) = self.batches.get(&decided.value).cloned() else {
                    break;
                };
                let (ballot, value, quorum) = (decided.ballot, decided.value, decided.quorum);
                let (mut values, mut heard) = (Vec::new(), None);
                for v in &batch.values {
                    // A value decided in two slots is delivered once.
                    let (new, since) = self.waiting.deliver(v.id(), learner, now);
                    if new {
                        values.push(v.clone());
                        heard = heard.map_or(Some(since), |h: Time| Some(h.min(since)));
                    }
                }
                self.learners.delivered(learner);
                let decision = Decision {
                    learner,
                    slot,
                    ballot,
                    value,
                    values,
                    heard,
                    quorum,
                };
                out.push(Output::Decided(decision));
            }
        }
    }

    fn claim(&mut self, value: Digest, out: &mut Vec<Output>) {
        match self.batches.claim(value) {
            Claim::Store(batch) => out.push(Output::Persist(Record::Batch(Batch::clone(&batch)))),
            Claim::Fetch => out.push(Output::Fetch(value)),
            Claim::Kept | Claim::Awaited => {}
        }
    }

    /// Evidence that this node found itself: if it is news, everyone gets it.
    fn found(&mut self, evidence: Evidence, out: &mut Vec<Output>) {
        if self.admit(evidence.clone(), out) {
            out.push(Output::SendEvidence(evidence));
        }
    }

    /// HPaxos: Disconnect, when evidence proves it. True if the evidence is news.
    fn admit(&mut self, evidence: Evidence, out: &mut Vec<Output>) -> bool {
        let Ok(finding) = evidence.verify(&self.network) else {
            self.refuse(Invalid::Evidence.reason());
            return false;
        };
        let graph = self.network.graph();
        let Some(admitted) = self.convictions.admit(evidence.clone(), finding, graph) else {
            return false;
        };
        out.push(Output::Persist(Record::Evidence(evidence.clone())));
        out.push(Output::Evidence(evidence, admitted.finding));
        for (l1, l2) in admitted.disconnected {
            out.push(Output::Disconnected(l1, l2));
        }
        // More values may be safe than before.
        self.all_dirty = true;
        if let Some(proposer) = &mut self.proposer {
            proposer.look_again();
        }
        true
    }

    /// What this node says by itself, given what it knows.
    fn act(&mut self, now: Time, out: &mut Vec<Output>) {
        let supported = self.run_pacemaker(now, out);
        self.join(now, out);
        self.propose(supported, now, out);
        self.vote(out);
        let settled = self.learners.settled();
        if settled.0 >= self.floor.0 + LOW_WATER_STEP {
            self.settle(out);
        }
        self.watch_ballot(out);
        self.spread(now, out);
    }

    /// Runs patience down and follows the others'. Returns the highest ballot that surely some safe
    /// acceptor wants.
    fn run_pacemaker(&mut self, now: Time, out: &mut Vec<Output>) -> Ballot {
        let graph = self.network.graph();
        let supported = self
            .pacemaker
            .supported(graph, self.convictions.suspicion(), now);
        let mut changed = self.pacemaker.follow(supported, now);
        if self.acceptor.is_some() {
            let oldest = |l| outstanding(l, &self.learners, &self.received, &self.waiting);
            let lost = |b| {
                self.convictions
                    .lost_turns(self.network.owner(b), &self.network)
            };
            changed |= self.pacemaker.tick(graph, oldest, lost, now);
            if lost(self.pacemaker.wish()) {
                self.pacemaker.advance(lost, now);
                changed = true;
            }
        }
        if changed && self.acceptor.is_some() {
            self.say(
                Message::Wish {
                    ballot: self.pacemaker.wish(),
                },
                out,
            );
        }
        supported
    }

    /// HPaxos: Phase1b, for the highest ballot that was started and that this node would join.
    fn join(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(max_bal) = self.acceptor.as_ref().map(|a| a.max_bal) else {
            return;
        };
        // HPaxos: InitializedBallot(l, b).
        let Some(ballot) = self.received.initialized(max_bal, self.pacemaker.wish()) else {
            return;
        };
        if self
            .convictions
            .lost_turns(self.network.owner(ballot), &self.network)
        {
            return;
        }
        self.settle(out);
        let Some(one_b) = self.acceptor.as_mut().and_then(|a| a.phase_1b(ballot)) else {
            return;
        };
        self.pacemaker.joined(ballot, now);
        self.all_dirty = true;
        self.say(Message::OneB(one_b), out);
    }

    /// HPaxos: Phase1a and Phase1c.
    fn propose(&mut self, supported: Ballot, now: Time, out: &mut Vec<Output>) {
        let me = self.me();
        let supported = supported.max(self.ballot);
        let Some(proposer) = &mut self.proposer else {
            return;
        };
        let mine = self.network.owner(supported) == me;
        let lost = self.convictions.lost_turns(me, &self.network);
        if mine && !lost && supported > proposer.ballot() {
            proposer.phase_1a(supported);
            self.say(Message::OneA { ballot: supported }, out);
            return;
        }
        // Whoever is overtaken announces no more.
        if proposer.ballot() == Ballot::NONE || proposer.ballot() < supported {
            return;
        }
        let Some(one_bs) = self.received.one_bs(proposer.ballot()) else {
            return;
        };
        let (made, one_c) = proposer.phase_1c(Scene {
            now,
            grace: self.config.grace,
            window: self.config.window,
            one_bs,
            learners: &self.learners,
            waiting: &self.waiting,
            batches: &self.batches,
            trust: self.convictions.trust(self.network.graph()),
        });
        for batch in made {
            out.push(Output::Persist(Record::Batch(batch.clone())));
            out.push(Output::SendBatch(batch.clone()));
            self.batches.keep(batch.digest(), batch);
        }
        if let Some(one_c) = one_c {
            self.say(Message::OneC(one_c), out);
        }
    }

    /// HPaxos: Phase2av and Phase2b, in the slots where something changed.
    fn vote(&mut self, out: &mut Vec<Output>) {
        let mut dirty = std::mem::take(&mut self.dirty);
        let all = std::mem::take(&mut self.all_dirty);
        let Some(acceptor) = &mut self.acceptor else {
            return;
        };
        if all {
            dirty = self
                .received
                .slots_from(acceptor.low_water)
                .map(|(s, _)| s)
                .collect();
        }
        let trust = self.convictions.trust(self.network.graph());
        let mut missing = Vec::new();
        let votes = acceptor.phase_2(&dirty, &self.received, &self.batches, trust, &mut missing);
        for value in missing {
            self.claim(value, out);
            // If the bytes were at hand, they are stored now and the vote can follow.
            self.all_dirty |= self.batches.get(&value).is_some();
        }
        if let Some(votes) = votes {
            self.say(Message::Votes(votes), out);
        }
        if self.all_dirty {
            self.vote(out);
        }
    }

    /// Raises the low-water mark to where every learner's certificate is held.
    fn settle(&mut self, out: &mut Vec<Output>) {
        let settled = self.learners.settled();
        if settled > self.floor {
            if self.acceptor.is_some() {
                out.push(Output::Persist(Record::LowWater(settled)));
            }
            self.raise_floor(settled);
        }
    }

    fn raise_floor(&mut self, mark: Slot) {
        self.floor = self.floor.max(mark);
        if let Some(acceptor) = &mut self.acceptor {
            acceptor.raise_low_water(mark);
        }
        self.received.drop_below(self.floor);
        self.dirty = self.dirty.split_off(&self.floor);
    }

    /// Tells observers when a higher ballot is joined, here or by a quorum of some learner.
    fn watch_ballot(&mut self, out: &mut Vec<Output>) {
        let graph = self.network.graph();
        let by_quorum = |senders| {
            graph
                .learners()
                .iter()
                .any(|l| graph.is_quorum(l, &senders))
        };
        let elsewhere = self
            .received
            .joined_ballots()
            .take_while(|(b, _)| *b > self.ballot)
            .find(|(_, one_bs)| by_quorum(one_bs.senders()))
            .map_or(Ballot::NONE, |(b, _)| b);
        let here = self.acceptor.as_ref().map_or(Ballot::NONE, |a| a.max_bal);
        let ballot = here.max(elsewhere);
        if ballot > self.ballot
            && let Some(leader) = self.network.owner(ballot)
        {
            self.ballot = ballot;
            self.spread_at = Time::ZERO;
            out.push(Output::Ballot { ballot, leader });
        }
    }

    /// Spreads again what clients gave to this node and nobody has decided for long: gossip loses
    /// messages, and a restarted node has spread nothing yet.
    fn spread(&mut self, now: Time, out: &mut Vec<Output>) {
        if now >= self.spread_at {
            self.spread_at = now.saturating_add(self.config.patience / 2);
            out.extend(
                self.waiting
                    .own()
                    .take(SPREAD_AGAIN)
                    .cloned()
                    .map(Output::SendValue),
            );
        }
    }

    fn set_timer(&mut self, now: Time, out: &mut Vec<Output>) {
        let oldest = |l| outstanding(l, &self.learners, &self.received, &self.waiting);
        let patience = self
            .acceptor
            .as_ref()
            .and_then(|_| self.pacemaker.deadline(self.network.graph(), oldest, now));
        let grace = self
            .proposer
            .as_ref()
            .and_then(|p| p.deadline(self.config.grace));
        let spread = self.waiting.own().next().map(|_| self.spread_at);
        let timer = [patience, grace, spread]
            .into_iter()
            .flatten()
            .filter(|t| *t > now)
            .min();
        if timer != self.timer {
            self.timer = timer;
            out.extend(timer.map(Output::SetTimer));
        }
    }

    /// Signs, stores and sends a statement of this node.
    fn say(&mut self, message: Message, out: &mut Vec<Output>) {
        let Some(signer) = &self.config.signer else {
            return;
        };
        match signer.sign(message) {
            Ok(message) => {
                // A wish binds nobody, so nothing is lost with it.
                if !matches!(*message, Message::Wish { .. }) {
                    out.push(Output::Persist(Record::Message(message.signed().clone())));
                }
                out.push(Output::Send(message));
            }
            // Unsaid is safe: it was counted as said, and will be left out for good.
            Err(_) => self.refuse("own_message_too_large"),
        }
    }

    fn refuse(&mut self, reason: &'static str) {
        *self.refused.entry(reason).or_default() += 1;
    }

    fn me(&self) -> Option<MemberId> {
        self.config.signer.as_ref().map(Signer::member)
    }

    fn horizon(&self) -> Horizon {
        let turns = BALLOT_TURNS * self.network.proposers().len() as u64;
        let front = self.learners.front().max(self.floor);
        Horizon {
            ballot: Ballot(
                self.pacemaker
                    .wish()
                    .max(self.ballot)
                    .0
                    .saturating_add(turns),
            ),
            slot: front.plus(SLOT_RANGE),
        }
    }

    /// The bytes of a batch, while its entry lives.
    #[must_use]
    pub fn batch(&self, digest: &Digest) -> Option<Arc<Batch>> {
        self.batches.get(digest).cloned()
    }

    /// The certificate of a decision.
    #[must_use]
    pub fn certificate(&self, learner: LearnerId, slot: Slot) -> Option<Certificate> {
        self.learners.certificate(learner, slot)
    }

    /// All evidence known here, with what it proves.
    #[must_use]
    pub fn evidence(&self) -> &[(Evidence, Finding)] {
        self.convictions.evidence()
    }
}

/// Since when something is outstanding for a learner: the oldest of a waiting value and of an open
/// slot without its decision.
fn outstanding(
    learner: LearnerId,
    learners: &Learners,
    received: &Received,
    waiting: &Waiting,
) -> Option<Time> {
    let open = received.slots_from(learners.undecided(learner)).next();
    [waiting.oldest(), open.map(|(_, s)| s.since)]
        .into_iter()
        .flatten()
        .min()
}
