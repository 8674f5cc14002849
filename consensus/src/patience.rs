//! What a node tells a person when it gives a ballot up. Liveness only: nothing is decided by it.

use crate::Ballot;
use learner_graph::LearnerSet;
use std::time::Duration;

/// A node no longer waits for whoever leads a ballot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// The ballot that it gives up.
    pub ballot: Ballot,
    /// The ballot that it wishes for, or starts, instead.
    pub next: Ballot,
    /// Why.
    pub why: Why,
}

/// Why a ballot is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The node's own patience has run out.
    Patience {
        /// The learners for which something was outstanding.
        learners: LearnerSet,
        /// The patience that ran out, and the longest if it was that of several.
        patience: Duration,
    },
    /// Others gave it up, enough of them that one is surely honest.
    Others,
    /// Its owner is proved to have announced two values for one slot, and leads no more.
    Equivocated,
}

impl Why {
    /// Every [`Why::name`].
    pub const NAMES: [&str; 3] = ["patience", "others", "equivocated"];

    /// Its name for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        let [patience, others, equivocated] = Self::NAMES;
        match self {
            Why::Patience { .. } => patience,
            Why::Others => others,
            Why::Equivocated => equivocated,
        }
    }
}
