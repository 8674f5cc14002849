//! The messages of HPaxos as they are signed.
//!
//! The specification speaks of one message per learner. On the wire an acceptor says what it says in
//! one step for all learners and all slots under one signature; the message of the specification is
//! the expansion of that, one per learner named.

use crate::{Ballot, Page, Slot};
use crypto::{Body, Digest};
use learner_graph::LearnerSet;
use serde::{Deserialize, Serialize};

/// A signed statement of one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// HPaxos: `[type |-> "1a", lr, bal]` for every learner. Sent by the owner of the ballot.
    OneA {
        /// The ballot that is started.
        ballot: Ballot,
    },
    /// HPaxos: `[type |-> "1b", …]` for every learner.
    OneB(OneB),
    /// HPaxos: `[type |-> "1c", lr, bal, val]`. Sent by the owner of the ballot.
    OneC(OneC),
    /// HPaxos: `[type |-> "2av", …]` and `[type |-> "2b", …]`.
    Votes(Votes),
    /// The acceptor has no patience left for ballots below this one (liveness only).
    Wish {
        /// The ballot that it would join.
        ballot: Ballot,
    },
}

/// An acceptor joins a ballot and tells everything it ever said that could matter there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneB {
    /// The ballot joined; the acceptor's `max_bal` from now on, for all learners.
    pub ballot: Ballot,
    /// The low-water mark: below it this acceptor never signs again, and this message says nothing.
    pub low_water: Slot,
    /// The other slots that it says nothing about.
    pub scope: Scope,
    /// Slots in which the acceptor has sent a 2av or 2b, ascending. In any other slot that the message
    /// covers it has sent none.
    pub slots: Vec<SlotReport>,
}

/// The slots of a page, at most.
pub(super) const MAX_PAGE: u64 = 256;

/// Which slots a 1b is about, from its low-water mark on.
///
/// An acceptor says a 1b in parts, so that it does not grow with what some learner has not decided for long:
/// one about everything but the pages that it has frozen, with which it joins, and later one about each page
/// that it thaws in the same ballot, before it votes there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// Every slot but those of these pages, ascending: about them it has said nothing yet.
    AllBut(Vec<Page>),
    /// This page alone.
    Only(Page),
}

impl Scope {
    /// Every slot.
    pub const ALL: Scope = Scope::AllBut(Vec::new());

    /// The page that it is about alone.
    #[must_use]
    pub fn page(&self) -> Option<Page> {
        match self {
            Scope::AllBut(_) => None,
            Scope::Only(page) => Some(*page),
        }
    }

    /// Whether a slot is one of them.
    #[must_use]
    pub fn contains(&self, slot: Slot) -> bool {
        match self {
            Scope::AllBut(pages) => {
                let at = pages.partition_point(|page| page.end <= slot);
                !pages.get(at).is_some_and(|page| page.contains(slot))
            }
            Scope::Only(page) => page.contains(slot),
        }
    }
}

impl OneB {
    /// Whether the message says anything about a slot, be it that nothing was sent there.
    #[must_use]
    pub fn covers(&self, slot: Slot) -> bool {
        slot >= self.low_water && self.scope.contains(slot)
    }
}

/// What an acceptor has sent in one slot, before the ballot of the 1b around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotReport {
    /// The slot.
    pub slot: Slot,
    /// HPaxos: `votes`, the maximal vote of every learner, grouped by ballot and value.
    pub votes: Vec<Entry>,
    /// HPaxos: `proposals`; per learner and value only the highest ballot of a 2av, grouped.
    pub proposals: Vec<Entry>,
}

/// A vote or 2av for several learners at once: `[lr, bal, val]` for each of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// The ballot in which it was sent.
    pub ballot: Ballot,
    /// The digest of the batch.
    pub value: Digest,
    /// The learners it was sent for.
    pub learners: LearnerSet,
}

/// Values announced by the owner of a ballot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneC {
    /// The ballot.
    pub ballot: Ballot,
    /// At most one proposal per slot, slots ascending.
    pub proposals: Vec<Proposal>,
}

/// One value announced for one slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The slot.
    pub slot: Slot,
    /// The digest of the batch; the bytes travel beside the message or are fetched by digest.
    pub value: Digest,
    /// The learners it is announced for (HPaxos: `m.lr` of the 1c): it counts for no others.
    pub learners: LearnerSet,
}

/// The 2av and 2b that an acceptor sends in one step, all in one ballot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Votes {
    /// The ballot, the `max_bal` of the sender.
    pub ballot: Ballot,
    /// At most one entry per slot, slots ascending.
    pub slots: Vec<SlotVotes>,
}

/// The 2av and 2b of one slot. At least one of them is present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotVotes {
    /// The slot.
    pub slot: Slot,
    /// HPaxos: 2av of this value for each of these learners.
    pub two_av: Option<(Digest, LearnerSet)>,
    /// HPaxos: 2b of this value for each of these learners.
    pub two_b: Option<(Digest, LearnerSet)>,
}

impl Message {
    /// The ballot that the message belongs to.
    #[must_use]
    pub fn ballot(&self) -> Ballot {
        match self {
            Message::OneA { ballot } | Message::Wish { ballot } => *ballot,
            Message::OneB(m) => m.ballot,
            Message::OneC(m) => m.ballot,
            Message::Votes(m) => m.ballot,
        }
    }

    /// The name of the kind, for logs and metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Message::OneA { .. } => "1a",
            Message::OneB(m) if m.scope.page().is_some() => "1b-page",
            Message::OneB(_) => "1b",
            Message::OneC(_) => "1c",
            Message::Votes(_) => "votes",
            Message::Wish { .. } => "wish",
        }
    }
}

impl Body for Message {
    const DOMAIN: &'static str = "hpaxos/message/1";
    const MAX_BYTES: usize = 4 << 20;
}
