//! Which two statements of one member can not both come from a member that follows the protocol.

use super::message::{Entry, Message, OneB, OneC, Scope, SlotVotes, Votes};
use crate::planted::{Bug, planted};
use crate::{Ballot, Slot};
use std::fmt;

/// Two statements that contradict each other, by what is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// Two 2av of one slot and ballot with different values.
    TwoAv {
        /// The slot.
        slot: Slot,
        /// The ballot.
        ballot: Ballot,
    },
    /// Two 2b of one slot and ballot with different values.
    TwoB {
        /// The slot.
        slot: Slot,
        /// The ballot.
        ballot: Ballot,
    },
    /// Two 1b of one ballot that differ.
    OneB {
        /// The ballot.
        ballot: Ballot,
    },
    /// A 2b, and a 1b of a later ballot that hides it.
    HiddenVote {
        /// The slot.
        slot: Slot,
        /// The ballot of the 2b.
        ballot: Ballot,
        /// The ballot of the 1b.
        joined: Ballot,
    },
    /// A 2av, and a 1b of a later ballot that hides it.
    HiddenProposal {
        /// The slot.
        slot: Slot,
        /// The ballot of the 2av.
        ballot: Ballot,
        /// The ballot of the 1b.
        joined: Ballot,
    },
    /// Two 1c of one slot and ballot with different values.
    OneC {
        /// The slot.
        slot: Slot,
        /// The ballot.
        ballot: Ballot,
    },
}

/// What is wrong with two statements of one member, if anything is. The order does not matter.
#[must_use]
pub fn contradiction(first: &Message, second: &Message) -> Option<Contradiction> {
    match (first, second) {
        (Message::Votes(a), Message::Votes(b)) => votes(a, b),
        (Message::OneB(a), Message::OneB(b)) => {
            differ(a, b).then_some(Contradiction::OneB { ballot: a.ballot })
        }
        (Message::Votes(v), Message::OneB(j)) | (Message::OneB(j), Message::Votes(v)) => {
            hidden(v, j)
        }
        (Message::OneC(a), Message::OneC(b)) => one_c(a, b),
        _ => None,
    }
}

fn votes(a: &Votes, b: &Votes) -> Option<Contradiction> {
    if a.ballot != b.ballot {
        return None;
    }
    let ballot = a.ballot;
    a.slots.iter().find_map(|x| {
        let y = find(&b.slots, x.slot, |y| y.slot)?;
        let differ = |p: &Option<(_, _)>, q: &Option<(_, _)>| match (p, q) {
            (Some((v, _)), Some((w, _))) => v != w,
            _ => false,
        };
        let slot = x.slot;
        if differ(&x.two_av, &y.two_av) {
            Some(Contradiction::TwoAv { slot, ballot })
        } else if differ(&x.two_b, &y.two_b) {
            Some(Contradiction::TwoB { slot, ballot })
        } else {
            None
        }
    })
}

/// Whether two parts of one 1b cannot both be: the one with which an acceptor joins is said once, and about each
/// slot one part.
fn differ(a: &OneB, b: &OneB) -> bool {
    if a.ballot != b.ballot {
        return false;
    }
    if let (Scope::AllBut(_), Scope::AllBut(_)) = (&a.scope, &b.scope) {
        return a != b;
    }
    let slots = a.slots.iter().chain(&b.slots).map(|r| r.slot);
    let mut both = slots.filter(|slot| a.covers(*slot) && b.covers(*slot));
    both.any(|slot| find(&a.slots, slot, |r| r.slot) != find(&b.slots, slot, |r| r.slot))
}

/// Compares what was voted with what a 1b of a later ballot says was voted. Only slots that both
/// messages cover count.
fn hidden(votes: &Votes, one_b: &OneB) -> Option<Contradiction> {
    if votes.ballot >= one_b.ballot {
        return None;
    }
    votes
        .slots
        .iter()
        .filter(|s| one_b.covers(s.slot) || planted(Bug::ConvictSettled))
        .find_map(|said| {
            let report = find(&one_b.slots, said.slot, |r| r.slot);
            let (shown_votes, shown_proposals): (&[Entry], &[Entry]) =
                report.map_or((&[], &[]), |r| (&r.votes, &r.proposals));
            let (slot, ballot, joined) = (said.slot, votes.ballot, one_b.ballot);
            if hides_vote(said, ballot, shown_votes) {
                Some(Contradiction::HiddenVote {
                    slot,
                    ballot,
                    joined,
                })
            } else if hides_proposal(said, ballot, shown_proposals) {
                Some(Contradiction::HiddenProposal {
                    slot,
                    ballot,
                    joined,
                })
            } else {
                None
            }
        })
}

/// The 1b must show, for every learner of the 2b, a vote above its ballot, or this very vote.
fn hides_vote(said: &SlotVotes, ballot: Ballot, shown: &[Entry]) -> bool {
    let Some((value, learners)) = &said.two_b else {
        return false;
    };
    learners.iter().any(|l| {
        !shown.iter().any(|e| {
            e.learners.contains(l) && (e.ballot > ballot || e.ballot == ballot && e.value == *value)
        })
    })
}

/// The 1b must show, for every learner of the 2av, a 2av of this value at its ballot or above.
fn hides_proposal(said: &SlotVotes, ballot: Ballot, shown: &[Entry]) -> bool {
    let Some((value, learners)) = &said.two_av else {
        return false;
    };
    learners.iter().any(|l| {
        !shown
            .iter()
            .any(|e| e.learners.contains(l) && e.ballot >= ballot && e.value == *value)
    })
}

fn one_c(a: &OneC, b: &OneC) -> Option<Contradiction> {
    if a.ballot != b.ballot {
        return None;
    }
    let clash = a
        .proposals
        .iter()
        .find(|x| find(&b.proposals, x.slot, |y| y.slot).is_some_and(|y| x.value != y.value))?;
    Some(Contradiction::OneC {
        slot: clash.slot,
        ballot: a.ballot,
    })
}

/// The item of a slot among items in ascending order of slots.
fn find<T>(items: &[T], slot: Slot, of: impl Fn(&T) -> Slot) -> Option<&T> {
    items.get(items.binary_search_by_key(&slot, of).ok()?)
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contradiction::TwoAv { slot, ballot } => {
                write!(
                    f,
                    "two 2av with different values in slot {slot}, ballot {ballot}"
                )
            }
            Contradiction::TwoB { slot, ballot } => {
                write!(
                    f,
                    "two 2b with different values in slot {slot}, ballot {ballot}"
                )
            }
            Contradiction::OneB { ballot } => write!(f, "two different 1b for ballot {ballot}"),
            Contradiction::HiddenVote {
                slot,
                ballot,
                joined,
            } => write!(
                f,
                "a 2b in slot {slot}, ballot {ballot}, that its 1b for ballot {joined} does not show"
            ),
            Contradiction::HiddenProposal {
                slot,
                ballot,
                joined,
            } => write!(
                f,
                "a 2av in slot {slot}, ballot {ballot}, that its 1b for ballot {joined} does not show"
            ),
            Contradiction::OneC { slot, ballot } => {
                write!(
                    f,
                    "two 1c with different values in slot {slot}, ballot {ballot}"
                )
            }
        }
    }
}
