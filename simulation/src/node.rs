//! One simulated node.

use super::adversary::Liar;
use super::clock::Clock;
use super::disks::{Drive, Visit};
use super::oracle::Place;
use super::protocols::Simulated;
use consensus::history::MemoryHistory;
use consensus::storage::MemoryStorage;
use consensus::{Batch, ClientValue, InputOf, OutputOf, Protocol, Status, SyncRequest, Time};
use crypto::Digest;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What travels between nodes.
pub(super) enum Packet<P: Protocol> {
    Message(P::Message),
    Batch(Batch),
    Value(ClientValue),
    Evidence(P::Evidence),
    /// It is up.
    Ping,
    /// What it lacks.
    Ask(SyncRequest, Vec<Digest>),
}

// Derived, it would ask for a protocol that can be cloned.
impl<P: Protocol> Clone for Packet<P> {
    fn clone(&self) -> Self {
        match self {
            Packet::Message(m) => Packet::Message(m.clone()),
            Packet::Batch(b) => Packet::Batch(b.clone()),
            Packet::Value(v) => Packet::Value(v.clone()),
            Packet::Evidence(e) => Packet::Evidence(e.clone()),
            Packet::Ping => Packet::Ping,
            Packet::Ask(request, wanted) => Packet::Ask(request.clone(), wanted.clone()),
        }
    }
}

/// Something that waits for the next step.
pub(super) struct Arrival<P: Protocol> {
    pub(super) input: InputOf<P>,
    /// Disk Paxos: what was written and read on this disk, if the input tells that.
    pub(super) visit: Option<(usize, Visit)>,
}

/// One node: a state machine, its storage, its clock.
pub(super) struct Node<P: Simulated> {
    /// `None` while it is down.
    pub(super) machine: Option<P>,
    pub(super) storage: MemoryStorage,
    pub(super) history: Arc<MemoryHistory<P::Wire>>,
    pub(super) clock: Clock,
    pub(super) liar: Option<Box<dyn Liar<P>>>,
    /// Counts its starts: events of an earlier life mean nothing.
    pub(super) life: u64,
    pub(super) inbox: Vec<Arrival<P>>,
    /// By its own clock.
    pub(super) timer: Option<Time>,
    /// When the next step is planned.
    pub(super) wake: Option<Time>,
    /// What the last step asked for and waits for its records to be durable.
    pub(super) syncing: Option<Vec<OutputOf<P>>>,
    /// Records of steps that did not wait for them: they become durable with the next that does.
    pub(super) unsynced: Vec<OutputOf<P>>,
    /// What others asked for in the meantime, and who: nothing is handed out before it is durable.
    pub(super) asked: Vec<(Place, SyncRequest, Vec<Digest>)>,
    /// The next sync fails.
    pub(super) storage_fails: bool,
    /// Values that clients were told to be kept.
    pub(super) accepted: BTreeSet<Digest>,
    pub(super) drives: Vec<Drive>,
}

impl<P: Simulated> Node<P> {
    pub(super) fn new(clock: Clock, disks: usize, liar: Option<Box<dyn Liar<P>>>) -> Self {
        Node {
            machine: None,
            storage: MemoryStorage::default(),
            history: Arc::default(),
            clock,
            liar,
            life: 0,
            inbox: Vec::new(),
            timer: None,
            wake: None,
            syncing: None,
            unsynced: Vec::new(),
            asked: Vec::new(),
            storage_fails: false,
            accepted: BTreeSet::new(),
            drives: (0..disks).map(|_| Drive::Closed).collect(),
        }
    }

    pub(super) fn status(&self) -> Option<Status> {
        self.machine.as_ref().map(Protocol::status)
    }

    /// Whether a step would have something to do.
    pub(super) fn is_due(&self, now: Time) -> bool {
        let shows = self.clock.shows(now);
        !self.inbox.is_empty() || self.timer.is_some_and(|t| t <= shows)
    }

    /// Everything that is only in memory is gone.
    pub(super) fn forget(&mut self) {
        self.machine = None;
        self.history.crash();
        self.inbox.clear();
        self.asked.clear();
        self.unsynced.clear();
        (self.timer, self.wake, self.syncing) = (None, None, None);
        self.storage_fails = false;
    }
}
