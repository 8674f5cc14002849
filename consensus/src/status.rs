//! What a node tells a person about itself.

use crate::{Ballot, Slot};
use crypto::MemberId;
use learner_graph::{AcceptorSet, LearnerSet};
use std::collections::BTreeMap;
use std::time::Duration;

/// Where a node stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The highest ballot that this node knows to be joined, by itself or by a quorum.
    pub ballot: Ballot,
    /// Its owner; `None` before the first.
    pub leader: Option<MemberId>,
    /// The acceptor's `max_bal`, the processor's `mbal`; 0 for a node that is neither.
    pub max_bal: Ballot,
    /// Per learner, how long something may be outstanding for it now before this node gives a ballot up; none for a
    /// node that gives none up, which is neither acceptor nor processor.
    pub patience: Vec<Duration>,
    /// The acceptor's low-water mark, the processor's `floor`.
    pub low_water: Slot,
    /// HPaxos: slots that some learner has not decided, and that have left memory for the history.
    pub frozen: u64,
    /// Per learner, the first slot that it has not decided here.
    pub next: Vec<Slot>,
    /// Client values that wait to be decided.
    pub waiting: usize,
    /// HPaxos: `connected`, a row per learner. Where nobody lies, all are connected.
    pub connected: Vec<LearnerSet>,
    /// Acceptors proved not safe.
    pub caught: AcceptorSet,
    /// What was refused in spite of a valid signature, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// The disks as this processor sees them, in the order of the graph; none in other protocols.
    pub disks: Vec<DiskStatus>,
}

/// How a disk is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskStatus {
    /// Whether it answers. If not, [`DiskStatus::problem`] says why.
    pub up: bool,
    /// Whether an operation is in progress.
    pub busy: bool,
    /// Why it cannot be used now; empty if it can.
    pub problem: String,
    /// The `mbal` of this processor's block on it, as far as known.
    pub mbal: Ballot,
    /// The first slot that this processor's log on it lacks.
    pub logged: Slot,
    /// Operations done.
    pub operations: u64,
}
