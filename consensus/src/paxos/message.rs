//! The messages of classic Paxos. Faults are crashes only, so they carry no signatures: the links are
//! authenticated, and whoever relays a message is believed.

use crate::{Ballot, Slot};
use crypto::{Digest, MemberId};
use serde::{Deserialize, Serialize};

/// The largest encoded message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 4 << 20;

/// A statement of one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub from: MemberId,
    /// What is said.
    pub body: Body,
}

/// What members say to each other. Slots are ascending wherever there are several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// Paxos: `[type |-> "1a", bal]`, for all slots at once. Sent by the owner of the ballot.
    OneA {
        /// The ballot that is started.
        ballot: Ballot,
    },
    /// Paxos: `[type |-> "1b", acc, bal, maxVbal, maxVal]`, for all slots at once.
    OneB {
        /// The ballot joined.
        ballot: Ballot,
        /// Below it every slot is decided here, and the acceptor votes no more.
        low_water: Slot,
        /// The highest vote of every slot in which the acceptor has voted.
        votes: Vec<Vote>,
    },
    /// Paxos: `[type |-> "2a", bal, val]`. Sent by the owner of the ballot.
    TwoA {
        /// The ballot.
        ballot: Ballot,
        /// One value per slot.
        values: Vec<(Slot, Digest)>,
    },
    /// Paxos: `[type |-> "2b", acc, bal, val]`.
    TwoB {
        /// The ballot, the `max_bal` of the sender.
        ballot: Ballot,
        /// One value per slot.
        values: Vec<(Slot, Digest)>,
    },
    /// The sender knows these slots to be decided.
    Decided {
        /// In each slot the ballot of the deciding quorum, and the value.
        votes: Vec<Vote>,
    },
    /// The acceptor has no patience left for ballots below this one (liveness only).
    Wish {
        /// The ballot that it would join.
        ballot: Ballot,
    },
}

/// A vote or decision: `maxVbal` and `maxVal` of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The slot.
    pub slot: Slot,
    /// The ballot of the vote.
    pub ballot: Ballot,
    /// The digest of the batch.
    pub value: Digest,
}

impl Body {
    /// The name of the kind, for logs and metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Body::OneA { .. } => "1a",
            Body::OneB { .. } => "1b",
            Body::TwoA { .. } => "2a",
            Body::TwoB { .. } => "2b",
            Body::Decided { .. } => "decided",
            Body::Wish { .. } => "wish",
        }
    }
}
