//! What every protocol is to its caller.

use crate::history::Kept;
use crate::hpaxos::evidence::Certificate;
use crate::{Batch, Input, Network, Output, Record, Slot, Status, SyncAnswer, SyncRequest, Time};
use crypto::{Digest, MemberId, Refusal};
use learner_graph::{AcceptorId, LearnerId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

/// One node's part in a protocol, as a state machine.
///
/// The caller restores what is stored, then calls [`step`](Protocol::step) whenever something
/// happened or the timer is due, and executes the outputs in order.
pub trait Protocol: Sized + Send + 'static {
    /// A message as a step takes it.
    type Message: Clone + Debug + Send + Sync + 'static;
    /// The same as it travels and is stored.
    type Wire: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Evidence that somebody breaks the protocol.
    type Evidence: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What evidence proves.
    type Finding: Clone + Debug + Send + Sync + 'static;

    /// The largest encoded [`Protocol::Wire`], in bytes.
    const MAX_WIRE_BYTES: usize;

    /// Whether a message may be believed to be its sender's.
    ///
    /// # Errors
    /// [`Refusal`] if not.
    fn open(wire: Self::Wire, network: &Network) -> Result<Self::Message, Refusal>;

    /// The form in which a message travels.
    fn wire(message: &Self::Message) -> &Self::Wire;

    /// What tells a message from all others.
    fn id(wire: &Self::Wire) -> Digest;

    /// About how many bytes a message takes on its way, and no fewer.
    fn wire_bytes(wire: &Self::Wire) -> usize;

    /// About how many bytes a piece of evidence takes on its way, and no fewer.
    fn evidence_bytes(evidence: &Self::Evidence) -> usize;

    /// The name of a message's kind, for logs and metrics.
    fn kind(message: &Self::Message) -> &'static str;

    /// What evidence proves; `None` if it proves nothing.
    fn examine(evidence: &Self::Evidence, network: &Network) -> Option<Self::Finding>;

    /// The acceptor that a finding catches, if it does, and the finding in words.
    fn describe(finding: &Self::Finding, network: &Network) -> (Option<AcceptorId>, String);

    /// The member that did what a finding proves, if it proves anything of one.
    fn culprit(_finding: &Self::Finding, _network: &Network) -> Option<MemberId> {
        None
    }

    /// Takes back one stored record, in the order of storage, before the first `step`.
    /// Returns what observers learn from it; there is nothing to send or persist.
    fn restore(&mut self, record: RecordOf<Self>) -> Vec<OutputOf<Self>>;

    /// Records that stand for everything that was stored so far: a node that is given these, and the
    /// history as it is now, goes on as this one would after a restart. Asked for between steps, when the
    /// node has heard everything that it said itself.
    fn checkpoint(&self) -> Vec<RecordOf<Self>>;

    /// Consumes everything that happened since the last step and answers with what to do. `now` never
    /// goes back.
    fn step(&mut self, now: Time, inputs: Vec<InputOf<Self>>) -> Vec<OutputOf<Self>>;

    /// From this slot on [`answer`](Protocol::answer) has every decision. Those before are in the history
    /// alone, and the caller serves them from there.
    fn remembered(&self) -> Slot;

    /// What to ask a peer for.
    fn sync_request(&self) -> SyncRequest;

    /// What helps a peer that asks, at most about `max_bytes` of it.
    fn answer(&self, request: &SyncRequest, max_bytes: usize) -> AnswerOf<Self>;

    /// The digests whose bytes are missing here: peers are to be asked for them until they come, or are needed no more.
    ///
    /// The slots in memory bound them, none of which is more than 4096 beyond the front of the log: of each, what the
    /// leader that this node follows announced and what a quorum of 2av names (in mode paxos the highest 2a and the 2b, in
    /// mode disk-paxos nothing), and what each learner has decided and not delivered. What is not needed after all goes
    /// with its slot, if not before.
    fn wanted(&self) -> &BTreeSet<Digest>;

    /// The bytes of a batch, while they are in memory. Others are in the history: see
    /// [`remembered`](Protocol::remembered).
    fn batch(&self, digest: &Digest) -> Option<Arc<Batch>>;

    /// The signed certificate of a decision that is in memory, in protocols that have any. The others are in the
    /// history, which takes longer: [`certificate_of`](Protocol::certificate_of).
    fn certificate(&self, learner: LearnerId, slot: Slot) -> Option<Certificate>;

    /// What the history has of a decision that was delivered, as a certificate.
    fn certificate_of(
        learner: LearnerId,
        slot: Slot,
        kept: Kept<Self::Wire>,
    ) -> Option<Certificate>;

    /// The first slot that a learner has not decided here.
    fn next(&self, learner: LearnerId) -> Slot;

    /// Where this node stands.
    fn status(&self) -> Status;
}

/// [`Input`] of a protocol.
pub type InputOf<P> = Input<<P as Protocol>::Message, <P as Protocol>::Evidence>;
/// The [`History`](crate::history::History) of a protocol.
pub type HistoryOf<P> = dyn crate::history::History<<P as Protocol>::Wire>;
/// [`Output`] of a protocol.
pub type OutputOf<P> = Output<
    <P as Protocol>::Message,
    <P as Protocol>::Wire,
    <P as Protocol>::Evidence,
    <P as Protocol>::Finding,
>;
/// [`Record`] of a protocol.
pub type RecordOf<P> = Record<<P as Protocol>::Wire, <P as Protocol>::Evidence>;
/// [`SyncAnswer`] of a protocol.
pub type AnswerOf<P> = SyncAnswer<<P as Protocol>::Wire, <P as Protocol>::Evidence>;
