//! Bugs that the tests plant, to see that they are found.
//!
//! Without the feature `planted` there are none: every question is answered at compile time. With it a
//! bug holds for the thread that planted it, so that one test does not disturb another.

/// A way to break a protocol. Each takes away one rule that safety, or liveness, rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "planted"), allow(dead_code))]
pub enum Bug {
    /// HPaxos: an acceptor that restarts does not know which ballot it had joined.
    ForgetPromise,
    /// HPaxos: a 1b shows the votes of the first learner only.
    HideVotes,
    /// HPaxos: a 1b shows no 2av.
    HideProposals,
    /// HPaxos: 2b are sent in a ballot that was left.
    VoteInLeftBallot,
    /// HPaxos: 2av and 2b are sent in a ballot that was not joined.
    VoteWithoutJoining,
    /// HPaxos: 2b for every learner need a quorum of the first one.
    QuorumOfAnother,
    /// HPaxos: anybody who shows a 2av vouches, whether surely safe or not.
    VouchUnsafe,
    /// HPaxos: KnowsSafeAt asks only for what l itself voted, not for the learners connected with it.
    IgnoreConnected,
    /// HPaxos: KnowsSafeAt2 as published. Safe, and it deadlocks.
    PublishedRule,
    /// HPaxos: two values in one slot and ballot.
    TwoValues,
    /// HPaxos: the low-water mark of a 1b is always 0.
    NoLowWater,
    /// HPaxos: evidence counts slots below the low-water mark of a 1b.
    ConvictSettled,
    /// HPaxos: a learner decides when another learner's quorum has voted for it.
    DecideForAnother,
    /// HPaxos: one disagreement disconnects everybody.
    DisconnectAll,
    /// HPaxos: a proposer that restarts does not know what it had announced.
    ForgetAnnounced,
    /// HPaxos: votes leave before they are stored.
    SendBeforeStoring,
    /// HPaxos: votes are sent before the value's bytes are here.
    VoteWithoutBytes,
    /// Paxos: an acceptor that restarts does not know which ballot it had joined.
    PaxosForgetPromise,
    /// Paxos: a new leader does not look at what was voted before.
    PaxosIgnoreVotes,
    /// Paxos: a leader that restarts goes on in its ballot without knowing what it had proposed.
    PaxosForgetProposed,
    /// Disk Paxos: a slot commits once it is written, whatever is read afterwards.
    CommitUnread,
    /// Disk Paxos: an entry leaves the block before its slot has committed.
    ReuseBlock,
    /// Disk Paxos: values are tried below a floor.
    TryBelowFloor,
    /// Disk Paxos: a processor starts with an empty block instead of its own from a majority.
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
#[allow(unused_imports)]
pub(crate) use switch::planted;

#[cfg(not(feature = "planted"))]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}
