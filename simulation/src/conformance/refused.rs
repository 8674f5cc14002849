//! Why an action is not enabled.

use super::MAX_ACCEPTORS;
use consensus::hpaxos::trace::Msg;

/// An action that the specification does not allow in the present state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{action}: the conjunct '{conjunct}' does not hold: {why}")]
pub struct Refused {
    /// The action, in the words of the module.
    pub action: String,
    /// The conjunct, as the module or the list of restrictions has it.
    pub conjunct: &'static str,
    /// Why it does not hold.
    pub why: String,
    /// The message that was received and is not in `msgs`: the action may be enabled later.
    pub unsent: Option<Box<Msg>>,
}

/// A graph whose sets of acceptors are too many to be enumerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the graph has {acceptors} acceptors; traces of at most {MAX_ACCEPTORS} can be checked, because every set of acceptors is looked at"
)]
pub struct TooLarge {
    /// How many acceptors it has.
    pub acceptors: usize,
}

/// A guard: all conjuncts hold, or the first one that does not.
pub(super) type Guard = Result<(), Failed>;

/// A conjunct that does not hold.
#[derive(Debug)]
pub(super) struct Failed {
    conjunct: &'static str,
    why: String,
    unsent: Option<Box<Msg>>,
}

impl Failed {
    pub(super) fn of(self, action: String) -> Refused {
        Refused {
            action,
            conjunct: self.conjunct,
            why: self.why,
            unsent: self.unsent,
        }
    }

    /// It may hold once this message is sent.
    pub(super) fn waits_for(mut self, m: &Msg) -> Self {
        self.unsent = Some(Box::new(m.clone()));
        self
    }
}

/// A conjunct does not hold.
pub(super) fn no(conjunct: &'static str, why: String) -> Failed {
    Failed {
        conjunct,
        why,
        unsent: None,
    }
}

/// A conjunct; the words are only made when it does not hold.
pub(super) fn require(holds: bool, conjunct: &'static str, why: impl FnOnce() -> String) -> Guard {
    if holds {
        Ok(())
    } else {
        Err(no(conjunct, why()))
    }
}
