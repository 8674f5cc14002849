//! What happens to the engine, and what it asks of the network.
//!
//! ```text
//!   verify ───────Verified(inputs of the protocol)──┐
//!   http, network ──EngineHandle──Event─────────────┼──► queue ──► engine
//!   disks ──────────EngineHandle──Event─────────────┘
//! ```
//!
//! Only verification and the engine know the protocol; everybody else is the same for all.

use super::intake::Intake;
use crate::network::budget::Permit;
use crate::network::request::{Request, RequestKind};
use consensus::hpaxos::evidence::Certificate;
use consensus::storage::StorageError;
use consensus::{Batch, ClientValue, Slot, disk_paxos};
use crypto::MemberId;
use learner_graph::LearnerId;
use std::sync::Arc;
use std::sync::mpsc::TrySendError;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

/// A node of the configuration, by its place in `Config::nodes`.
pub(crate) type NodeIndex = usize;

/// Names a request of a peer until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// What stands in the engine's queue; `I` is an input of the protocol.
#[derive(Debug)]
pub(crate) enum Queued<I> {
    /// From those who do not know the protocol.
    Event(Event),
    /// Verified inputs from others, to be handled in this order.
    Verified {
        /// The inputs.
        inputs: Vec<I>,
        /// The share of what may wait that they came with, given back when the engine has taken all of it.
        permit: Arc<Permit>,
    },
}

impl<I> Queued<I> {
    /// How many inputs of the protocol come of it, at most.
    pub(super) fn inputs(&self) -> usize {
        match self {
            Queued::Event(Event::Submit { values, .. }) => values.len(),
            Queued::Event(_) => 1,
            Queued::Verified { inputs, .. } => inputs.len(),
        }
    }
}

impl<I> From<Event> for Queued<I> {
    fn from(event: Event) -> Self {
        Queued::Event(event)
    }
}

/// One thing for the engine to do, whatever the protocol.
#[derive(Debug)]
pub(crate) enum Event {
    /// Something came straight from this member: it is up.
    Alive(MemberId),
    /// Something happened on a disk. Must reach the engine: [`EngineHandle::send`].
    Disk(disk_paxos::Event),
    /// A client submits values.
    Submit {
        /// The values, within their bounds, each with the client's number for it.
        values: Vec<(usize, ClientValue)>,
        /// Told when a value is durable here, or refused.
        answer: UnboundedSender<(usize, Submitted)>,
    },
    /// A client asks for the certificate of a decision.
    Certificate {
        /// Whose decision.
        learner: LearnerId,
        /// In which slot.
        slot: Slot,
        /// Told what is known here, or why it cannot be read.
        answer: oneshot::Sender<Result<Option<Certified>, Unproved>>,
    },
    /// It is this peer's turn to be asked for what is missing here.
    AskPeer {
        /// The peer.
        peer: NodeIndex,
        /// By which question: the peer has none of this kind to answer.
        kind: RequestKind,
    },
    /// A peer asks for what is missing there.
    Request {
        /// Where the answer belongs.
        ticket: Ticket,
        /// What it asks for.
        request: Request,
    },
    /// The node ends.
    Stop,
}

/// A decision and what proves it.
#[derive(Debug)]
pub(crate) struct Certified {
    /// The proof.
    pub(crate) certificate: Certificate,
    /// The bytes behind the digest that it is of, if they are here.
    pub(crate) batch: Option<Arc<Batch>>,
}

/// Why a decision cannot be proved now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unproved {
    /// What is kept of it cannot be read.
    Unreadable(StorageError),
    /// Too many wait to be read.
    Full,
}

/// What became of a submitted value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Submitted {
    /// It is durable here and will be proposed.
    Accepted,
    /// Too many values wait already.
    Full,
}

/// What the engine asks of the network.
#[derive(Debug)]
pub(crate) enum Command {
    /// Gossip an encoded frame.
    Publish(Vec<u8>),
    /// Ask a peer; without one, any that is connected, in turn.
    Ask(Option<NodeIndex>, Request),
    /// Answer a peer with an encoded response.
    Answer(Ticket, Vec<u8>),
}

/// Why an event did not reach the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// Its queue is full.
    Full,
    /// It has stopped.
    Stopped,
}

/// The door to the engine for those who do not know the protocol.
#[derive(Clone)]
pub(crate) struct EngineHandle(Arc<dyn Door>);

impl EngineHandle {
    /// The door that this queue is behind.
    pub(crate) fn new<T: From<Event> + Send + 'static>(queue: impl Into<Intake<T>>) -> Self {
        EngineHandle(Arc::new(queue.into()))
    }

    /// Hands an event in without waiting.
    pub(crate) fn try_send(&self, event: Event) -> Result<(), NotSent> {
        self.0.try_put(event)
    }

    /// Hands an event in, waiting for room: for threads of their own only.
    pub(crate) fn send(&self, event: Event) -> Result<(), NotSent> {
        self.0.put(event)
    }
}

/// A queue that takes events, whatever else it takes.
trait Door: Send + Sync {
    fn try_put(&self, event: Event) -> Result<(), NotSent>;
    fn put(&self, event: Event) -> Result<(), NotSent>;
}

impl<T: From<Event> + Send> Door for Intake<T> {
    fn try_put(&self, event: Event) -> Result<(), NotSent> {
        self.try_send(event.into()).map_err(|error| match error {
            TrySendError::Full(_) => NotSent::Full,
            TrySendError::Disconnected(_) => NotSent::Stopped,
        })
    }

    fn put(&self, event: Event) -> Result<(), NotSent> {
        self.send(event.into()).map_err(|_| NotSent::Stopped)
    }
}
