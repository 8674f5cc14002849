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
mod act;
mod check;
mod contradiction;
mod convictions;
mod entries;
pub mod evidence;
mod learn;
mod learner;
mod message;
mod one_bs;
mod pages;
mod proposer;
#[cfg(any(test, feature = "planted"))]
mod published;
mod receive;
mod received;
mod restore;
mod safe_at;
mod status;
mod sync;
mod tally;
#[cfg(test)]
mod tests;
pub mod trace;

pub use crate::{Decision, Fork, SyncRequest};
pub use check::{Invalid, check};
pub use contradiction::{Contradiction, contradiction};
pub use message::{Entry, Message, OneB, OneC, Proposal, Scope, SlotReport, SlotVotes, Votes};
pub use sync::SyncAnswer;

use crate::history::{History, Keep, Kept};
use crate::log::batches::Batches;
use crate::log::queue::Load;
use crate::log::timer::Timer;
use crate::log::waiting::Waiting;
use crate::pacemaker::Pacemaker;
use crate::{Ballot, Batch, Batching, Network, Slot, Status, Time};
use acceptor::Acceptor;
use check::Horizon;
use convictions::Convictions;
use crypto::{Digest, MemberId, Signed, Signer, Verified};
use evidence::{Certificate, Evidence, Finding};
use learner::Learners;
use learner_graph::{AcceptorId, LearnerId};
use pages::Pages;
use proposer::Proposer;
use received::Received;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What a step of HPaxos consumes.
pub type Input = crate::Input<Verified<Message>, Evidence>;
/// What a step of HPaxos asks for.
pub type Output = crate::Output<Verified<Message>, Signed<Message>, Evidence, Finding>;
/// What a node of HPaxos stores.
pub type Record = crate::Record<Signed<Message>, Evidence>;

/// The slots of a page. A peer that asks is told about so many after the first that it lacks.
pub const PAGE: u64 = message::MAX_PAGE;
/// How far beyond the front of the log a slot may be to be heard.
const SLOT_RANGE: u64 = 4096;
/// How many turns of every proposer beyond the present ballot are heard.
const BALLOT_TURNS: u64 = 8;

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
    /// How many waiting values share a slot.
    pub batching: Batching,
    /// How many values of this node's own clients may wait to be proposed; of others, four times as many.
    pub max_waiting: usize,
    /// The same bound in bytes.
    pub max_waiting_bytes: usize,
    /// So many slots stay in memory after every learner has them: then the low-water mark rises above them all, as it
    /// does with every ballot joined.
    pub recent: u64,
    /// It rises as well, however few slots that are, once so many bytes of values have come into memory since anything
    /// last left it, and what some learner has got leaves memory, whoever waits for it still:
    /// [`RECENT_BYTES`](crate::RECENT_BYTES) but for tests.
    pub recent_bytes: usize,
    /// What some learner has not decided leaves memory, and comes back, in pages of so many slots: the same
    /// number for all nodes and at every start, [`PAGE`] but for tests.
    pub page: u64,
}

impl Config {
    /// So many slots of a learner that catches up a leader announces at once.
    fn step(&self) -> u64 {
        self.window.min(self.page)
    }
}

/// One node's part in HPaxos: proposer, acceptor and learners.
///
/// Which of the two first it plays follows from its signer's entry in the network. It follows all
/// learners of the graph.
pub struct HPaxos {
    network: Arc<Network>,
    config: Config,
    history: Arc<dyn History<Signed<Message>>>,
    acceptor: Option<Acceptor>,
    proposer: Option<Proposer>,
    learners: Learners,
    received: Received,
    wishes: BTreeMap<AcceptorId, Verified<Message>>,
    convictions: Convictions,
    batches: Batches,
    /// The ballot whose announcements name what is wanted beside decisions.
    claimed: Ballot,
    waiting: Waiting,
    pacemaker: Pacemaker,
    /// The highest ballot known to be joined here or by a quorum of some learner. For people to see:
    /// nothing is decided by it, since the quorum may be of liars.
    ballot: Ballot,
    /// Slots below are settled and forgotten; an acceptor's low-water mark.
    floor: Slot,
    /// Which pages are in memory.
    pages: Pages,
    /// Whether some page could not be frozen, and whether anything of its own has come back since.
    unfrozen: bool,
    heard_own: bool,
    /// Slots whose acceptor rules are to be looked at.
    dirty: BTreeSet<Slot>,
    all_dirty: bool,
    timer: Timer,
    /// Whether a step was taken since what was stored was taken back.
    running: bool,
    refused: BTreeMap<&'static str, u64>,
}

impl HPaxos {
    /// A node that has said and heard nothing yet. What it stored before is given to `restore`.
    #[must_use]
    pub fn new(
        network: Arc<Network>,
        config: Config,
        history: Arc<dyn History<Signed<Message>>>,
    ) -> Self {
        let max_waiting = Load {
            values: config.max_waiting,
            bytes: config.max_waiting_bytes,
        };
        let graph = network.graph();
        let me = config.signer.as_ref().map(Signer::member);
        let member = me.and_then(|m| network.member(m));
        HPaxos {
            acceptor: member.and_then(|m| m.acceptor).map(Acceptor::new),
            proposer: member.filter(|m| m.proposer).map(|_| Proposer::default()),
            learners: Learners::new(graph.n_learners(), Arc::clone(&history)),
            received: Received::default(),
            wishes: BTreeMap::new(),
            convictions: Convictions::new(graph),
            batches: Batches::new(Arc::clone(&history)),
            claimed: Ballot::NONE,
            waiting: Waiting::new(max_waiting, config.patience, Arc::clone(&history)),
            pacemaker: Pacemaker::new(graph, config.patience),
            ballot: Ballot::NONE,
            floor: Slot(0),
            pages: Pages::default(),
            unfrozen: false,
            heard_own: false,
            dirty: BTreeSet::new(),
            all_dirty: true,
            timer: Timer::default(),
            running: false,
            refused: BTreeMap::new(),
            network,
            config,
            history,
        }
    }

    /// Consumes everything that happened since the last step and answers with what to do. `now` never
    /// goes back.
    fn step(&mut self, now: Time, inputs: Vec<Input>) -> Vec<Output> {
        let mut out = Vec::new();
        if !std::mem::replace(&mut self.running, true) {
            self.claim_open(&mut out);
        }
        if let Some(acceptor) = &self.acceptor {
            self.pacemaker.heard(acceptor.id, now);
        }
        for input in inputs {
            self.absorb(now, input, &mut out);
        }
        self.turn_pages(now, &mut out);
        self.act(now, &mut out);
        self.set_timer(now, &mut out);
        out
    }

    fn raise_floor(&mut self, mark: Slot) {
        self.floor = self.floor.max(mark);
        if let Some(acceptor) = &mut self.acceptor {
            acceptor.raise_low_water(mark);
        }
        self.received.drop_below(self.floor);
        self.dirty = self.dirty.split_off(&self.floor);
        self.learners.forget_below(self.floor);
        if let Some(proposer) = &mut self.proposer {
            proposer.forget_below(self.floor, &self.waiting);
        }
        self.history.keep(Keep::Settled(self.floor));
        self.forget_batches();
    }

    /// What nothing in memory names is in the history, or was never decided.
    fn forget_batches(&mut self) {
        let acceptor = self.acceptor.iter().flat_map(Acceptor::named);
        let proposer = self.proposer.iter().flat_map(Proposer::announced);
        let named = acceptor.chain(proposer).chain(self.received.named());
        let named: BTreeSet<Digest> = named.chain(self.learners.undelivered()).collect();
        self.batches
            .retain(|digest| named.contains(digest), &mut self.waiting);
    }

    /// The bytes of what some learner has got are in the history, where those find them that have not.
    fn forget_old_bytes(&mut self) {
        let kept = self.batches.kept().map(|named| named.digest);
        let old: BTreeSet<Digest> = kept.filter(|digest| self.batches.are_old(digest)).collect();
        self.batches
            .retain(|digest| !old.contains(digest), &mut self.waiting);
    }

    fn refuse(&mut self, reason: &'static str) {
        *self.refused.entry(reason).or_default() += 1;
    }

    fn me(&self) -> Option<MemberId> {
        self.config.signer.as_ref().map(Signer::member)
    }

    /// The ballot that this node is in: the one its acceptor has joined, or, where it plays none, the
    /// one that it would join.
    fn present(&self) -> Ballot {
        self.acceptor
            .as_ref()
            .map_or(self.pacemaker.wish(), |a| a.max_bal)
    }

    fn horizon(&self) -> Horizon {
        let turns = BALLOT_TURNS * self.network.proposers().len() as u64;
        let front = self.learners.front().max(self.floor);
        Horizon {
            ballot: Ballot(self.pacemaker.wish().0.saturating_add(turns)),
            slot: front.plus(SLOT_RANGE),
        }
    }

    /// All evidence known here, with what it proves.
    #[must_use]
    pub fn evidence(&self) -> &[(Evidence, Finding)] {
        self.convictions.evidence()
    }
}

impl crate::Protocol for HPaxos {
    type Message = Verified<Message>;
    type Wire = Signed<Message>;
    type Evidence = Evidence;
    type Finding = Finding;

    const MAX_WIRE_BYTES: usize = Signed::<Message>::MAX_ENCODED;

    fn open(wire: Self::Wire, network: &Network) -> Result<Self::Message, crypto::Refusal> {
        wire.verify(network.keyring())
    }

    fn wire(message: &Self::Message) -> &Self::Wire {
        message.signed()
    }

    fn id(wire: &Self::Wire) -> Digest {
        wire.id()
    }

    fn wire_bytes(wire: &Self::Wire) -> usize {
        wire.body().len() + (Signed::<Message>::MAX_ENCODED - <Message as crypto::Body>::MAX_BYTES)
    }

    fn evidence_bytes(evidence: &Evidence) -> usize {
        let all = |messages: &[Self::Wire]| messages.iter().map(Self::wire_bytes).sum::<usize>();
        match evidence {
            Evidence::Contradiction { first, second } => {
                16 + Self::wire_bytes(first) + Self::wire_bytes(second)
            }
            Evidence::Disagreement { first, second } => {
                256 + all(&first.two_b) + all(&second.two_b)
            }
        }
    }

    fn kind(message: &Self::Message) -> &'static str {
        message.kind()
    }

    fn examine(evidence: &Evidence, network: &Network) -> Option<Finding> {
        evidence.verify(network).ok()
    }

    fn describe(finding: &Finding, network: &Network) -> (Option<AcceptorId>, String) {
        let acceptor = match finding {
            Finding::Caught(acceptor, _) => Some(*acceptor),
            Finding::Equivocated(..) | Finding::NotEntangled { .. } => None,
        };
        (acceptor, finding.describe(network))
    }

    fn culprit(finding: &Finding, network: &Network) -> Option<MemberId> {
        match finding {
            Finding::Caught(acceptor, _) => network.player(*acceptor),
            Finding::Equivocated(member, _) => Some(*member),
            Finding::NotEntangled { .. } => None,
        }
    }

    fn restore(&mut self, record: Record) -> Vec<Output> {
        HPaxos::restore(self, record)
    }

    fn checkpoint(&self) -> Vec<Record> {
        HPaxos::checkpoint(self)
    }

    fn remembered(&self) -> Slot {
        self.learners.remembered()
    }

    fn step(&mut self, now: Time, inputs: Vec<Input>) -> Vec<Output> {
        HPaxos::step(self, now, inputs)
    }

    fn sync_request(&self) -> SyncRequest {
        HPaxos::sync_request(self)
    }

    fn answer(&self, request: &SyncRequest, max_bytes: usize) -> SyncAnswer {
        HPaxos::answer(self, request, max_bytes)
    }

    fn wanted(&self) -> &BTreeSet<Digest> {
        self.batches.wanted()
    }

    fn batch(&self, digest: &Digest) -> Option<Arc<Batch>> {
        self.batches.in_memory(digest)
    }

    fn certificate(&self, learner: LearnerId, slot: Slot) -> Option<Certificate> {
        self.learners.certificate_in_memory(learner, slot)
    }

    fn certificate_of(
        learner: LearnerId,
        slot: Slot,
        kept: Kept<Signed<Message>>,
    ) -> Option<Certificate> {
        Some(learner::kept(learner, slot, kept))
    }

    fn next(&self, learner: LearnerId) -> Slot {
        self.learners.undecided(learner)
    }

    fn status(&self) -> Status {
        HPaxos::status(self)
    }
}
