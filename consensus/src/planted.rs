//! Bugs that the tests plant, to see that they are found.
//!
//! Without the feature `planted` there are none: every question is answered at compile time. With it a
//! bug holds for the thread that planted it, so that one test does not disturb another. The tests of the
//! whole workspace are built with it, their node binaries included: those have no way to plant anything.

use crate::disk_paxos::Block;
use crate::hpaxos::{Message, SlotReport};
use crate::{Ballot, Slot};
use learner_graph::{AcceptorSet, LearnerGraph, LearnerId, LearnerSet};

/// A way to break a protocol. Each takes away one rule that safety, or liveness, rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// HPaxos: an acceptor that restarts does not know which ballot it had joined, unless it voted there.
    ForgetPromise,
    /// HPaxos: an acceptor that restarts does not know its 2av and 2b, but the ballot that it had joined.
    ForgetVotes,
    /// HPaxos: a 1b shows the votes of the first learner only.
    HideVotes,
    /// HPaxos: a 1b shows no 2av. Safe, but votes of an earlier ballot block every value, and whoever
    /// sent a 2av is convicted.
    HideProposals,
    /// HPaxos: 2av and 2b are sent in the ballot below the joined one, too.
    VoteInLeftBallot,
    /// HPaxos: 2av and 2b are sent in the ballot above the joined one, too, without joining it.
    VoteWithoutJoining,
    /// HPaxos: an acceptor takes the proposer's word that a value is safe.
    TrustProposer,
    /// HPaxos: 2b for every learner need a quorum of the first one.
    QuorumOfAnother,
    /// HPaxos: anybody who shows a 2av vouches, whether surely safe or not.
    VouchUnsafe,
    /// HPaxos: KnowsSafeAt asks only for what l itself voted, not for the learners connected with it.
    IgnoreConnected,
    /// HPaxos: KnowsSafeAt2 as published. Safe, and it deadlocks.
    PublishedRule,
    /// HPaxos: an acceptor sends 2av for every value announced in its ballot, and 2b for every value
    /// that has a quorum of 2av: two, if a proposer equivocates.
    TwoValues,
    /// HPaxos: the low-water mark of a 1b is always 0.
    NoLowWater,
    /// HPaxos: a slot is dropped once some learner has decided it.
    SettleForAnother,
    /// HPaxos: evidence counts slots below the low-water mark of a 1b.
    ConvictSettled,
    /// HPaxos: a certificate in evidence counts without a quorum.
    BelieveCertificate,
    /// HPaxos: a learner decides when another learner's quorum has voted for it.
    DecideForAnother,
    /// HPaxos: one disagreement disconnects everybody.
    DisconnectAll,
    /// HPaxos: a learner does not wait for the slots before one that it has decided.
    SkipGaps,
    /// HPaxos: a proposer that restarts does not know what it had announced.
    ForgetAnnounced,
    /// HPaxos: statements leave before they are stored.
    SendBeforeStoring,
    /// HPaxos: votes are sent before the value's bytes are here.
    VoteWithoutBytes,
    /// HPaxos: a checkpoint leaves out what was voted.
    CheckpointWithoutVotes,
    /// HPaxos: a page that thaws comes back without what this acceptor voted there.
    ThawWithoutVotes,
    /// All: a value that is decided in two slots is delivered twice.
    DeliverTwice,
    /// HPaxos, Paxos: once many bytes have come, a slot leaves memory that is not delivered. (In Disk Paxos it does no
    /// harm: blocks and logs on disks have everything.)
    DropUndelivered,
    /// Paxos: an acceptor that restarts does not know which ballot it had joined, unless it voted there.
    PaxosForgetPromise,
    /// Paxos: a new leader does not look at what was voted before.
    PaxosIgnoreVotes,
    /// Paxos: a leader that restarts goes on in its ballot without knowing what it had proposed.
    PaxosForgetProposed,
    /// Paxos: a checkpoint leaves out an acceptor's votes.
    PaxosCheckpointWithoutVotes,
    /// Disk Paxos: a slot commits once it is written to a majority, whatever is read afterwards.
    CommitUnread,
    /// Disk Paxos: a block has the entry of the newest slot only, whether the others are in the log or not.
    ReuseBlock,
    /// Disk Paxos: values are tried below a floor.
    TryBelowFloor,
    /// Disk Paxos: a ballot starts with an empty block instead of this processor's own from a majority.
    SkipRecovery,
}

#[cfg(feature = "planted")]
mod switch {
    use super::Bug;
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Plants a bug in everything that this thread runs from now on, or takes the last one out.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    pub(crate) fn planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

#[cfg(feature = "planted")]
pub use switch::plant;
#[cfg(feature = "planted")]
pub(crate) use switch::planted;

#[cfg(not(feature = "planted"))]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}

/// What a 1b says about a slot, if it says anything: [`Bug::HideVotes`] and [`Bug::HideProposals`].
pub(crate) fn tampered(mut report: SlotReport) -> Option<SlotReport> {
    if planted(Bug::HideVotes) {
        let first = LearnerId(0);
        report.votes.retain(|e| e.learners.contains(first));
        for entry in &mut report.votes {
            entry.learners = [first].into_iter().collect();
        }
    }
    if planted(Bug::HideProposals) {
        report.proposals.clear();
    }
    (!report.votes.is_empty() || !report.proposals.is_empty()).then_some(report)
}

/// Whether a checkpoint has this statement: [`Bug::CheckpointWithoutVotes`].
pub(crate) fn checkpoints(message: &Message) -> bool {
    !(planted(Bug::CheckpointWithoutVotes) && matches!(message, Message::Votes(_)))
}

/// The ballot besides the joined one to vote in: [`Bug::VoteInLeftBallot`] and
/// [`Bug::VoteWithoutJoining`].
pub(crate) fn other_ballot(joined: Ballot) -> Option<Ballot> {
    if planted(Bug::VoteInLeftBallot) {
        joined.0.checked_sub(1).map(Ballot)
    } else {
        planted(Bug::VoteWithoutJoining).then(|| joined.next())
    }
}

/// The low-water mark that a 1b carries: [`Bug::NoLowWater`].
pub(crate) fn low_water(mark: Slot) -> Slot {
    if planted(Bug::NoLowWater) {
        Slot(0)
    } else {
        mark
    }
}

/// The first slot that stays in memory once many bytes have come, of this one that is not delivered:
/// [`Bug::DropUndelivered`].
pub(crate) fn stays(undelivered: Slot) -> Slot {
    if planted(Bug::DropUndelivered) {
        undelivered.next()
    } else {
        undelivered
    }
}

/// The learners of whom `set` contains a quorum; with [`Bug::QuorumOfAnother`] all if it has one of the first.
pub(crate) fn with_quorum(
    graph: &LearnerGraph,
    learners: LearnerSet,
    set: &AcceptorSet,
) -> LearnerSet {
    match planted(Bug::QuorumOfAnother) {
        false => graph.with_quorum(learners, set),
        true if graph.is_quorum(LearnerId(0), set) => learners,
        true => LearnerSet::EMPTY,
    }
}

/// A block as if it were for one slot at a time: [`Bug::ReuseBlock`].
pub(crate) fn keep_newest(block: &mut Block) {
    block.entries = block.entries.pop_last().into_iter().collect();
}
