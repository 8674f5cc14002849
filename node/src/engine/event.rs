//! What happens to the engine, and what it asks of the network.

use crate::network::budget::Permit;
use crate::network::request::{Request, Response};
use consensus::hpaxos::Input;
use consensus::hpaxos::evidence::Certificate;
use consensus::{ClientValue, Slot};
use learner_graph::LearnerId;
use std::sync::mpsc::{SyncSender, TrySendError};
use tokio::sync::oneshot;

/// A node of the configuration, by its place in `Config::nodes`.
pub(crate) type NodeIndex = usize;

/// Names a request of a peer until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// One thing for the engine to do.
#[derive(Debug)]
pub(crate) enum Event {
    /// Inputs from here, to be handled in this order.
    Inputs(Vec<Input>),
    /// Verified inputs from others, to be handled in this order.
    Verified {
        /// The inputs.
        inputs: Vec<Input>,
        /// Their share of what may wait, given back when the engine takes them.
        permit: Permit,
    },
    /// A client submits a value.
    Submit {
        /// The value, within its bounds.
        value: ClientValue,
        /// Told when the value is durable here, or refused.
        answer: oneshot::Sender<Submitted>,
    },
    /// A client asks for the certificate of a decision.
    Certificate {
        /// Whose decision.
        learner: LearnerId,
        /// In which slot.
        slot: Slot,
        /// Told what is known here.
        answer: oneshot::Sender<Option<Certificate>>,
    },
    /// It is this peer's turn to be asked for what is missing here.
    AskPeer {
        /// The peer.
        peer: NodeIndex,
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
    /// Answer a peer.
    Answer(Ticket, Response),
}

/// Why an event did not reach the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// Its queue is full.
    Full,
    /// It has stopped.
    Stopped,
}

/// The door to the engine.
#[derive(Clone, Debug)]
pub(crate) struct EngineHandle {
    sender: SyncSender<Event>,
}

impl EngineHandle {
    /// The door that this queue is behind.
    pub(crate) fn new(sender: SyncSender<Event>) -> Self {
        EngineHandle { sender }
    }

    /// Hands an event in without waiting.
    pub(crate) fn try_send(&self, event: Event) -> Result<(), NotSent> {
        self.sender.try_send(event).map_err(|error| match error {
            TrySendError::Full(_) => NotSent::Full,
            TrySendError::Disconnected(_) => NotSent::Stopped,
        })
    }

    /// Hands an event in, waiting for room: for threads of their own only.
    pub(crate) fn send(&self, event: Event) -> Result<(), NotSent> {
        self.sender.send(event).map_err(|_| NotSent::Stopped)
    }
}
