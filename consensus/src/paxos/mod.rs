//! Classic Paxos for a log (Multi-Paxos): one node's proposer, acceptor and learners.
//!
//! ```text
//!             1a            1b               2a            2b
//!   proposer ────► acceptors ────► proposer │ ────► acceptors ────► learners
//!            once per leader, for all slots │       per slot
//! ```
//!
//! Faults are crashes only. Phase 1 needs a read quorum, a decision a write quorum; every read quorum
//! meets every write quorum, which is checked before a network starts. Learners differ in name only.

mod acceptor;
mod checkpoint;
mod forget;
mod message;
mod proposer;
mod received;
mod step;
mod sync;
#[cfg(test)]
mod tests;

pub use message::{Body, MAX_MESSAGE_BYTES, Message, Vote};

use crate::history::{History, Kept};
use crate::hpaxos::evidence::Certificate;
use crate::log::batches::{Batches, Named};
use crate::log::queue::Load;
use crate::log::timer::Timer;
use crate::log::waiting::Waiting;
use crate::pacemaker::Pacemaker;
use crate::{Ballot, Batch, Batching, Network, NoEvidence, Slot, Status, Time};
use acceptor::Acceptor;
use crypto::{Digest, MemberId, codec};
use learner_graph::{AcceptorId, LearnerGraph, LearnerId, Suspicion};
use proposer::Proposer;
use received::Received;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What a step of Paxos consumes.
pub type Input = crate::Input<Message, NoEvidence>;
/// What a step of Paxos asks for.
pub type Output = crate::Output<Message, Message, NoEvidence, NoEvidence>;
/// What a node of Paxos stores.
pub type Record = crate::Record<Message, NoEvidence>;

/// How far beyond the first slot that is not delivered a slot may be to be heard.
const SLOT_RANGE: u64 = 4096;

/// How one node takes part.
#[derive(Debug)]
pub struct Config {
    /// The node as a member; `None` for a node that only learns.
    pub me: Option<MemberId>,
    /// The learner whose decisions this node delivers.
    pub learner: LearnerId,
    /// The phase 1 quorums: a graph over the network's acceptors with one learner, whose quorums they
    /// are. The network's own graph has the phase 2 quorums.
    pub read: LearnerGraph,
    /// The time that an acceptor gives a ballot at first, before it wishes for the next.
    pub patience: Duration,
    /// How many slots may be open at once.
    pub window: u64,
    /// How many waiting values share a slot.
    pub batching: Batching,
    /// How many values of this node's own clients may wait to be proposed; of others, four times as many.
    pub max_waiting: usize,
    /// The same bound in bytes.
    pub max_waiting_bytes: usize,
    /// How many delivered slots stay in memory, for peers that are a little behind.
    pub recent: u64,
    /// None of them stays, and the low-water mark rises, once so many bytes of values have come into memory since anything
    /// last left it: [`RECENT_BYTES`](crate::RECENT_BYTES) but for tests.
    pub recent_bytes: usize,
}

/// One node's part in Paxos. Which roles it plays follows from its entry in the network.
pub struct Paxos {
    network: Arc<Network>,
    config: Config,
    history: Arc<dyn History<Message>>,
    acceptor: Option<Acceptor>,
    proposer: Option<Proposer>,
    received: Received,
    wishes: BTreeMap<MemberId, Ballot>,
    /// Paxos: `Chosen`, by slot, with the ballot of the quorum that was seen; from `oldest` on.
    decided: BTreeMap<Slot, (Ballot, Digest)>,
    /// Slots below have left memory: the history has them.
    oldest: Slot,
    /// The first slot without a decision.
    undecided: Slot,
    /// The first slot not delivered: below `undecided` while bytes are missing.
    next: Slot,
    batches: Batches,
    waiting: Waiting,
    pacemaker: Pacemaker,
    /// Nobody lies.
    trust: Suspicion,
    /// The highest ballot known to be joined.
    ballot: Ballot,
    timer: Timer,
    running: bool,
}

impl Paxos {
    /// A node that has said nothing, and heard nothing but what the history has. What it stored before is
    /// given to `restore`.
    #[must_use]
    pub fn new(network: Arc<Network>, config: Config, history: Arc<dyn History<Message>>) -> Self {
        let member = config.me.and_then(|m| network.member(m));
        let max_waiting = Load {
            values: config.max_waiting,
            bytes: config.max_waiting_bytes,
        };
        let next = history.next(Paxos::ANY);
        Paxos {
            acceptor: member.and_then(|m| m.acceptor).map(Acceptor::new),
            proposer: member.filter(|m| m.proposer).map(|_| Proposer::default()),
            received: Received::default(),
            wishes: BTreeMap::new(),
            decided: BTreeMap::new(),
            oldest: next,
            undecided: next,
            next,
            batches: Batches::new(Arc::clone(&history)),
            waiting: Waiting::new(max_waiting, config.patience, Arc::clone(&history)),
            pacemaker: Pacemaker::new(network.graph(), config.patience),
            trust: Suspicion::default(),
            ballot: Ballot::NONE,
            timer: Timer::default(),
            running: false,
            network,
            config,
            history,
        }
    }

    /// Takes back one stored record, in the order of storage, before the first `step`.
    /// Returns what observers learn from it; there is nothing to send or persist.
    fn restore(&mut self, record: Record) -> Vec<Output> {
        let mut out = Vec::new();
        match record {
            Record::Message(message) => {
                if let Some(acceptor) = &mut self.acceptor {
                    acceptor.restore(&message.body);
                    self.pacemaker.joined(acceptor.max_bal, Time::ZERO);
                }
                if let Some(proposer) = &mut self.proposer {
                    proposer.restore(&message.body, self.next, &self.batches);
                }
                self.take_in(message, Time::ZERO, &mut out);
            }
            Record::Batch(batch) => {
                let digest = batch.digest();
                if !self.batches.stored(&digest) {
                    self.batches.keep(Named::new(digest, Arc::new(batch)));
                }
                self.deliver(Time::ZERO, &mut out);
            }
            Record::Value(value) => {
                self.waiting.restore(value);
            }
            Record::LowWater(mark) => {
                if let Some(acceptor) = &mut self.acceptor {
                    acceptor.raise_low_water(mark);
                }
            }
            // Learners do not differ.
            Record::Owed(..) | Record::Frozen(_) => {}
            Record::Evidence(never) => match never {},
        }
        self.trim(false);
        out.retain_mut(|o| match o {
            Output::Decided(decision) => {
                // How long ago it was heard was not stored.
                decision.heard = None;
                true
            }
            _ => false,
        });
        out
    }

    /// The acceptor's `max_bal`; 0 for a node that plays none.
    fn max_bal(&self) -> Ballot {
        self.acceptor.as_ref().map_or(Ballot::NONE, |a| a.max_bal)
    }

    /// Any learner: all have the same quorums, and one log.
    const ANY: LearnerId = LearnerId(0);
}

impl crate::Protocol for Paxos {
    type Message = Message;
    type Wire = Message;
    type Evidence = NoEvidence;
    type Finding = NoEvidence;

    const MAX_WIRE_BYTES: usize = MAX_MESSAGE_BYTES;

    /// Nobody lies: whoever relays a message is believed.
    fn open(wire: Message, _: &Network) -> Result<Message, crypto::Refusal> {
        Ok(wire)
    }

    fn wire(message: &Message) -> &Message {
        message
    }

    fn id(wire: &Message) -> Digest {
        Digest::of_encoded(wire)
    }

    fn wire_bytes(wire: &Message) -> usize {
        codec::encoded_len(wire)
    }

    fn evidence_bytes(evidence: &NoEvidence) -> usize {
        match *evidence {}
    }

    fn kind(message: &Message) -> &'static str {
        message.body.kind()
    }

    fn examine(evidence: &NoEvidence, _: &Network) -> Option<NoEvidence> {
        match *evidence {}
    }

    fn describe(finding: &NoEvidence, _: &Network) -> (Option<AcceptorId>, String) {
        match *finding {}
    }

    fn restore(&mut self, record: Record) -> Vec<Output> {
        Paxos::restore(self, record)
    }

    fn checkpoint(&self) -> Vec<Record> {
        Paxos::checkpoint(self)
    }

    fn remembered(&self) -> Slot {
        self.oldest
    }

    fn step(&mut self, now: Time, inputs: Vec<Input>) -> Vec<Output> {
        Paxos::step(self, now, inputs)
    }

    fn sync_request(&self) -> crate::SyncRequest {
        Paxos::sync_request(self)
    }

    fn answer(
        &self,
        request: &crate::SyncRequest,
        max_bytes: usize,
    ) -> crate::SyncAnswer<Message, NoEvidence> {
        Paxos::answer(self, request, max_bytes)
    }

    fn wanted(&self) -> &BTreeSet<Digest> {
        self.batches.wanted()
    }

    fn batch(&self, digest: &Digest) -> Option<Arc<Batch>> {
        self.batches.in_memory(digest)
    }

    fn certificate(&self, _: LearnerId, _: Slot) -> Option<Certificate> {
        None
    }

    fn certificate_of(_: LearnerId, _: Slot, _: Kept<Self::Wire>) -> Option<Certificate> {
        None
    }

    fn next(&self, _: LearnerId) -> Slot {
        self.undecided
    }

    fn status(&self) -> Status {
        let learners = self.network.graph().learners();
        Status {
            ballot: self.ballot,
            leader: self.network.owner(self.ballot),
            max_bal: self.max_bal(),
            patience: match self.acceptor {
                Some(_) => self.pacemaker.patience().to_vec(),
                None => Vec::new(),
            },
            low_water: self.low_water(),
            next: learners.iter().map(|_| self.undecided).collect(),
            waiting: self.waiting.len(),
            connected: learners.iter().map(|_| learners).collect(),
            ..Status::default()
        }
    }
}
