//! What a step asks the caller to do, in this order.

use super::evidence::{Evidence, Finding};
use super::message::Message;
use crate::{Ballot, Batch, ClientValue, Slot, Time};
use crypto::{Digest, MemberId, Signed, Verified};
use learner_graph::{AcceptorSet, LearnerId};
use serde::{Deserialize, Serialize};

/// What survives a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// A statement, this node's own (durable before it leaves) or one received.
    Message(Signed<Message>),
    /// The bytes of a batch.
    Batch(Batch),
    /// A client's value that this node accepted.
    Value(ClientValue),
    /// Evidence.
    Evidence(Evidence),
    /// The raised low-water mark: nothing below it is ever signed again.
    LowWater(Slot),
}

/// An effect. The caller executes outputs in order; a `Send` or `Accepted` waits until every
/// `Persist` before it is durable.
#[derive(Clone, Debug)]
pub enum Output {
    /// Append to storage.
    Persist(Record),
    /// Gossip to everyone, and give back to this node as [`Input::Message`](super::Input::Message).
    Send(Verified<Message>),
    /// Gossip the bytes of a batch beside the 1c that announces it.
    SendBatch(Batch),
    /// Gossip a client's value, so that whoever leads can propose it.
    SendValue(ClientValue),
    /// Gossip evidence.
    SendEvidence(Evidence),
    /// A submitted value is kept: tell the client.
    Accepted(Digest),
    /// A submitted value is refused because too many wait already: tell the client to try later.
    Full(Digest),
    /// Bytes are missing: ask others for them by digest.
    Fetch(Digest),
    /// A learner has decided the next slot of its log.
    Decided(Decision),
    /// A learner saw a second, different decision in a slot (HPaxos: it is not entangled with itself).
    Fork(Fork),
    /// New evidence, already verified, with what it proves.
    Evidence(Evidence, Finding),
    /// Two learners are no longer connected (HPaxos: `Disconnect`).
    Disconnected(LearnerId, LearnerId),
    /// This node has learned of a higher ballot, joined by an acceptor.
    Ballot {
        /// The ballot.
        ballot: Ballot,
        /// Its owner.
        leader: MemberId,
    },
    /// Call `step` at this time at the latest, even with no inputs.
    SetTimer(Time),
}

/// A decision of one learner, delivered in slot order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The learner.
    pub learner: LearnerId,
    /// The slot.
    pub slot: Slot,
    /// The ballot in which a quorum sent its 2b.
    pub ballot: Ballot,
    /// The digest of the batch.
    pub value: Digest,
    /// The client values that are new to this learner: a value decided in two slots is delivered once.
    pub values: Vec<ClientValue>,
    /// When this node first heard of the oldest of them; `None` for an empty batch.
    pub heard: Option<Time>,
    /// The acceptors whose 2b make the decision.
    pub quorum: AcceptorSet,
}

/// Two decisions of one learner in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The learner.
    pub learner: LearnerId,
    /// The slot.
    pub slot: Slot,
    /// The values with the ballots they were decided in, the delivered one first.
    pub values: [(Ballot, Digest); 2],
}
