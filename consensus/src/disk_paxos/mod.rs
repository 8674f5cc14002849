//! Disk Paxos for a log: one processor of module DiskSynod.
//!
//! ```text
//!                 ┌──────────────── a ballot ────────────────┐
//!   disks ──own──►│ phase 1, once: write, read the others    │
//!        ──others►│ phase 2, per group of slots: write, read │──► committed ──► log on the disks
//!                 └──────────────────────────────────────────┘         └──────► gossip
//! ```
//!
//! One processor and a majority of disks make progress. There is one block for all slots: its
//! entries are the slots in flight, one `mbal` stands for all of them, and one write adds many. What a
//! leader commits it moves into its log on the disks from time to time; the others learn it by gossip, or
//! from there.

mod act;
mod block;
mod disk;
mod drive;
mod election;
mod forget;
mod learn;
mod message;
mod step;
mod synod;
#[cfg(test)]
mod tests;

pub use block::{Block, Entry, LogRecord, MAX_BLOCK_BYTES, MAX_LOG_RECORD_BYTES, ProcessorId};
pub use disk::{Action, DiskId, Event, Operation, Report};
pub use message::{Decided, MAX_MESSAGE_BYTES};

use crate::history::{History, Kept};
use crate::hpaxos::evidence::Certificate;
use crate::io::NoEvidence;
use crate::log::batches::Batches;
use crate::log::pipeline::Pipeline;
use crate::log::queue::Load;
use crate::log::timer::Timer;
use crate::log::waiting::Waiting;
use crate::paxos::Vote;
use crate::{Ballot, Batch, Batching, Network, Slot, Status, SyncRequest, Time};
use crypto::{Digest, MemberId, Refusal, codec};
use drive::Drive;
use election::Election;
use learner_graph::{AcceptorId, AcceptorSet, LearnerId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use synod::Synod;

/// What a step of Disk Paxos consumes.
pub type Input = crate::Input<Decided, NoEvidence>;
/// What a step of Disk Paxos asks for.
pub type Output = crate::Output<Decided, Decided, NoEvidence, NoEvidence>;
/// What a node of Disk Paxos stores apart from its disks: the values that its clients gave to it.
pub type Record = crate::Record<Decided, NoEvidence>;
/// What a node of Disk Paxos answers to one that asks.
pub type SyncAnswer = crate::SyncAnswer<Decided, NoEvidence>;

/// How far beyond the first undecided slot a slot may be to be heard of.
const SLOT_RANGE: u64 = 4096;

/// How one node takes part.
#[derive(Clone, Debug)]
pub struct Config {
    /// The processor that the node is; `None` for one that only learns, by gossip.
    pub me: Option<ProcessorId>,
    /// All processors of the configuration, with the members that they are.
    pub processors: BTreeMap<ProcessorId, MemberId>,
    /// The learner whose decisions this node delivers.
    pub learner: LearnerId,
    /// How long a processor waits at first, before it starts a ballot of its own.
    pub patience: Duration,
    /// How many slots may be open at once.
    pub window: u64,
    /// How many waiting values share a slot.
    pub batching: Batching,
    /// How many values of this node's own clients may wait to be proposed; of others, four times as many.
    pub max_waiting: usize,
    /// The same bound in bytes.
    pub max_waiting_bytes: usize,
    /// How many delivered slots stay in memory, for nodes and disks that are a little behind.
    pub recent: u64,
    /// None of them stays once so many bytes of values have come into memory since anything
    /// last left it: [`RECENT_BYTES`](crate::RECENT_BYTES) but for tests.
    pub recent_bytes: usize,
}

/// A slot known to be committed.
#[derive(Clone, Copy, Debug)]
struct Known {
    ballot: Ballot,
    value: Digest,
    /// The disks that are known here to hold it.
    disks: AcceptorSet,
}

impl Known {
    fn vote(&self, slot: Slot) -> Vote {
        Vote {
            slot,
            ballot: self.ballot,
            value: self.value,
        }
    }
}

/// One node's part in Disk Paxos.
pub struct DiskPaxos {
    network: Arc<Network>,
    config: Config,
    history: Arc<dyn History<Decided>>,
    /// The disks, by their place in the learner graph.
    drives: Vec<Drive>,
    synod: Synod,
    /// The slots of this ballot, as this processor fills them.
    pipeline: Pipeline,
    /// The disks whose blocks were looked through for slots that others left unfinished.
    looked: AcceptorSet,
    election: Election,
    /// DiskSynod: `output[p]`, and what others are known to have committed; from `oldest` on.
    decided: BTreeMap<Slot, Known>,
    /// Slots below have left memory: the history has them.
    oldest: Slot,
    /// The first slot not delivered: without a decision, or without its bytes.
    next: Slot,
    batches: Batches,
    waiting: Waiting,
    /// The first slot not delivered, if a block shows that somebody tried it, and since when it does.
    open: Option<(Slot, Time)>,
    /// When the disks are read again to see what others do.
    read_at: Time,
    /// When a log is read again, although one is being read or the last one did not help.
    log_at: Time,
    /// When committed slots move to the log at the latest.
    flush_at: Option<Time>,
    timer: Timer,
}

impl DiskPaxos {
    /// A node that has said nothing, and heard nothing but what the history has.
    #[must_use]
    pub fn new(network: Arc<Network>, config: Config, history: Arc<dyn History<Decided>>) -> Self {
        let max_waiting = Load {
            values: config.max_waiting,
            bytes: config.max_waiting_bytes,
        };
        let next = history.next(DiskPaxos::LOG);
        let n_disks = network.graph().n_acceptors();
        DiskPaxos {
            drives: (0..n_disks).map(|_| Drive::default()).collect(),
            synod: Synod::default(),
            pipeline: Pipeline::default(),
            looked: AcceptorSet::EMPTY,
            election: Election::new(config.patience),
            decided: BTreeMap::new(),
            oldest: next,
            next,
            batches: Batches::new(Arc::clone(&history)),
            waiting: Waiting::new(max_waiting, config.patience, Arc::clone(&history)),
            open: None,
            read_at: Time::ZERO,
            log_at: Time::ZERO,
            flush_at: None,
            timer: Timer::default(),
            network,
            config,
            history,
        }
    }

    /// In the history all learners have one log.
    const LOG: LearnerId = LearnerId(0);

    /// DiskSynod: `dblock[p]`; `None` in phase 0.
    #[must_use]
    pub fn dblock(&self) -> Option<&Arc<Block>> {
        self.synod.in_ballot().then_some(&self.synod.dblock)
    }

    /// DiskSynod: `disk[d][p]`, where that is known for sure.
    fn own_blocks(&self) -> impl Iterator<Item = &Block> {
        self.drives.iter().filter_map(Drive::own).map(|b| &**b)
    }

    /// DiskSynod: IsMajority.
    fn is_majority(&self, disks: &AcceptorSet) -> bool {
        self.network.graph().is_quorum(self.config.learner, disks)
    }
}

impl crate::Protocol for DiskPaxos {
    type Message = Decided;
    type Wire = Decided;
    type Evidence = NoEvidence;
    type Finding = NoEvidence;

    const MAX_WIRE_BYTES: usize = MAX_MESSAGE_BYTES;

    /// Nobody lies: whoever tells what is decided is believed.
    fn open(wire: Decided, _: &Network) -> Result<Decided, Refusal> {
        Ok(wire)
    }

    fn wire(message: &Decided) -> &Decided {
        message
    }

    fn id(wire: &Decided) -> Digest {
        Digest::of_encoded(wire)
    }

    fn wire_bytes(wire: &Decided) -> usize {
        codec::encoded_len(wire)
    }

    fn evidence_bytes(evidence: &NoEvidence) -> usize {
        match *evidence {}
    }

    fn kind(_: &Decided) -> &'static str {
        "decided"
    }

    fn examine(evidence: &NoEvidence, _: &Network) -> Option<NoEvidence> {
        match *evidence {}
    }

    fn describe(finding: &NoEvidence, _: &Network) -> (Option<AcceptorId>, String) {
        match *finding {}
    }

    fn restore(&mut self, record: Record) -> Vec<Output> {
        // Everything else is on the disks.
        if let Record::Value(value) = record {
            self.waiting.restore(value);
        }
        Vec::new()
    }

    fn checkpoint(&self) -> Vec<Record> {
        // Everything else is on the disks.
        self.waiting.own().cloned().map(Record::Value).collect()
    }

    fn remembered(&self) -> Slot {
        self.oldest
    }

    fn step(&mut self, now: Time, inputs: Vec<Input>) -> Vec<Output> {
        DiskPaxos::step(self, now, inputs)
    }

    fn sync_request(&self) -> SyncRequest {
        let learners = self.network.graph().learners();
        SyncRequest {
            next: learners.iter().map(|_| self.undecided()).collect(),
            have: Vec::new(),
        }
    }

    fn answer(&self, request: &SyncRequest, _: usize) -> SyncAnswer {
        DiskPaxos::answer(self, request)
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
        self.undecided()
    }

    fn status(&self) -> Status {
        let learners = self.network.graph().learners();
        let ballot = self.election.highest();
        let leader = ProcessorId::owner(ballot);
        Status {
            ballot,
            leader: leader.and_then(|p| self.config.processors.get(&p).copied()),
            max_bal: self.synod.dblock.mbal,
            patience: match self.config.me {
                Some(_) => learners.iter().map(|_| self.election.patience()).collect(),
                None => Vec::new(),
            },
            low_water: self.own_blocks().map(|b| b.floor).max().unwrap_or_default(),
            next: learners.iter().map(|_| self.undecided()).collect(),
            waiting: self.waiting.len(),
            connected: learners.iter().map(|_| learners).collect(),
            disks: self.drives.iter().map(Drive::status).collect(),
            ..Status::default()
        }
    }
}
