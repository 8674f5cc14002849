//! What a step consumes and what it asks for, the same for every protocol.
//!
//! `M` is a message as a step takes it, `W` the same as it travels and is stored, `E` evidence and
//! `F` what it proves. Each protocol names its own, as in [`hpaxos::Input`](crate::hpaxos::Input).

use crate::{Ballot, Batch, ClientValue, GivenUp, Page, Slot, Time, Values, disk_paxos};
use crypto::{Digest, MemberId};
use learner_graph::{AcceptorSet, LearnerId, LearnerSet};
use serde::{Deserialize, Serialize};

/// There is no evidence in a protocol in which nobody lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoEvidence {}

/// One thing that happened to this node. That time has passed is no input: every step is told.
#[derive(Clone, Debug)]
pub enum Input<M, E> {
    /// A message that may be believed to be its sender's, or this node's own come back.
    Message(M),
    /// A client submitted a value to this node: it is kept and spread.
    Submit(ClientValue),
    /// Another node spread a client's value.
    Value(ClientValue),
    /// The bytes of a batch, with a proposal or on request.
    Batch(Batch),
    /// Evidence that another node found; checked here again.
    Evidence(E),
    /// Something authentic, of whatever content, came straight from this member: it is up. Told at
    /// least four times per patience while that holds.
    Alive(MemberId),
    /// Disk Paxos: something happened on a disk.
    Disk(disk_paxos::Event),
}

/// What survives a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record<W, E> {
    /// A statement, this node's own (durable before it leaves) or one received.
    Message(W),
    /// The bytes of a batch.
    Batch(Batch),
    /// A client's value that this node accepted.
    Value(ClientValue),
    /// Evidence.
    Evidence(E),
    /// The raised low-water mark: nothing below it is ever signed again.
    LowWater(Slot),
    /// A client's value that waits because this learner decided otherwise where others had it.
    Owed(ClientValue, LearnerId),
    /// HPaxos: what is known of these slots is in the history, and nowhere else.
    Frozen(Page),
}

/// An effect. The caller executes outputs in order; a `Send` or `Accepted` waits until every
/// `Persist` before it is durable.
#[derive(Clone, Debug)]
pub enum Output<M, W, E, F> {
    /// Append to storage.
    Persist(Record<W, E>),
    /// Disk Paxos: something to do on a disk.
    Disk(disk_paxos::Operation),
    /// Gossip to everyone, and give back to this node as [`Input::Message`].
    Send(M),
    /// Gossip the bytes of a batch beside the proposal that announces it.
    SendBatch(Batch),
    /// Gossip a client's value, so that whoever leads can propose it.
    SendValue(ClientValue),
    /// Gossip evidence.
    SendEvidence(E),
    /// A submitted value is kept: tell the client.
    Accepted(Digest),
    /// A submitted value is refused because too many wait already: tell the client to try later.
    Full(Digest),
    /// These bytes are [wanted](crate::Protocol::wanted) from now on: worth asking somebody for them at once.
    Fetch(Digest),
    /// Learners have decided the next slot of their logs.
    Decided(Decision),
    /// A learner saw a second, different decision in a slot (HPaxos: it is not entangled with itself).
    Fork(Fork),
    /// New evidence, already verified, with what it proves.
    Evidence(E, F),
    /// Two learners are no longer connected (HPaxos: `Disconnect`).
    Disconnected(LearnerId, LearnerId),
    /// This node has learned of a higher ballot, joined by an acceptor.
    Ballot {
        /// The ballot.
        ballot: Ballot,
        /// Its owner.
        leader: MemberId,
    },
    /// This node no longer waits for the leader of a ballot.
    GivenUp(GivenUp),
    /// Call `step` at this time at the latest, even with no inputs.
    SetTimer(Time),
}

/// A decision that learners have in common, delivered to each in slot order. The same messages prove it to all of
/// them, and the same values are new to them; whoever differs in any of that has a decision of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The learners, at least one.
    pub learners: LearnerSet,
    /// The slot.
    pub slot: Slot,
    /// The ballot in which a quorum sent its 2b.
    pub ballot: Ballot,
    /// The digest of the batch.
    pub value: Digest,
    /// The client values that are new to these learners: a value decided in two slots is delivered once.
    pub values: Values,
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

/// What a node tells a peer so that it can send what is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRequest {
    /// Per learner, the first slot that it has not decided here.
    pub next: Vec<Slot>,
    /// Short names of the messages and the evidence that are here already and would be sent else.
    pub have: Vec<u64>,
}

/// What a peer sends to a node that asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncAnswer<W, E> {
    /// Messages that the asking node lacks.
    pub messages: Vec<W>,
    /// Evidence that it lacks.
    pub evidence: Vec<E>,
}

/// A name that is short and good enough to leave out what a peer has.
pub(crate) fn short_name(id: &Digest) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&id.0[..8]);
    u64::from_le_bytes(first)
}
