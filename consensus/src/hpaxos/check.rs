//! Which messages have the form that the protocol gives them, whoever signed them.

use super::message::{Entry, MAX_PAGE, Message, OneB, OneC, Scope, Votes};
use crate::{Ballot, Network, Slot};
use crypto::{Digest, Verified};
use learner_graph::LearnerSet;
use std::collections::BTreeMap;
use thiserror::Error;

/// What is wrong with a message whose signature is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum Invalid {
    /// A 1a or 1c of a ballot that belongs to somebody else.
    #[error("the signer does not own the ballot")]
    NotOwner,
    /// An acceptor's message from a member that plays none.
    #[error("the signer plays no acceptor")]
    NotAcceptor,
    /// Ballot 0, or an entry of a 1b that is not below its ballot.
    #[error("a ballot is out of range")]
    Ballot,
    /// A learner that the graph does not have, or an empty set of learners.
    #[error("a set of learners is empty or names an unknown learner")]
    Learners,
    /// Entries that are not in ascending order, repeated, or empty.
    #[error("entries are out of order, repeated or empty")]
    Order,
    /// A 1b reports a slot that it does not cover.
    #[error("a slot is below the message's own low-water mark, or of a page that it leaves out")]
    Slot,
    /// A ballot so far ahead that no honest node can be there.
    #[error("the ballot is too far ahead")]
    BallotTooHigh,
    /// A slot so far ahead that no honest node can be there.
    #[error("the slot is too far ahead")]
    SlotTooHigh,
    /// More statements about one slot and ballot than are kept.
    #[error("too many statements about one slot and ballot")]
    TooMany,
    /// Evidence that proves nothing.
    #[error("the evidence proves nothing")]
    Evidence,
    /// A batch or value over the limits.
    #[error("a value is over the limits")]
    Value,
}

impl Invalid {
    /// A short name, for metrics.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Invalid::NotOwner => "not_owner",
            Invalid::NotAcceptor => "not_acceptor",
            Invalid::Ballot => "ballot",
            Invalid::Learners => "learners",
            Invalid::Order => "order",
            Invalid::Slot => "slot",
            Invalid::BallotTooHigh => "ballot_too_high",
            Invalid::SlotTooHigh => "slot_too_high",
            Invalid::TooMany => "too_many",
            Invalid::Evidence => "evidence",
            Invalid::Value => "value",
        }
    }
}

/// Checks everything about a message that does not depend on what this node knows.
///
/// # Errors
/// [`Invalid`] names the first thing that is wrong.
pub fn check(message: &Verified<Message>, network: &Network) -> Result<(), Invalid> {
    let signer = message.signer();
    if message.ballot() < Ballot::FIRST {
        return Err(Invalid::Ballot);
    }
    match &**message {
        Message::OneA { .. } | Message::OneC(_)
            if network.owner(message.ballot()) != Some(signer) =>
        {
            return Err(Invalid::NotOwner);
        }
        Message::OneB(_) | Message::Votes(_) | Message::Wish { .. }
            if network.acceptor_of(signer).is_none() =>
        {
            return Err(Invalid::NotAcceptor);
        }
        _ => {}
    }
    let all = network.graph().learners();
    match &**message {
        Message::OneA { .. } | Message::Wish { .. } => Ok(()),
        Message::OneB(m) => one_b(m, all),
        Message::OneC(m) => one_c(m, all),
        Message::Votes(m) => votes(m, all),
    }
}

fn one_b(m: &OneB, all: LearnerSet) -> Result<(), Invalid> {
    match &m.scope {
        Scope::AllBut(pages) => {
            // Neighbours are one page.
            let ends = pages.iter().flat_map(|page| [page.start, page.end]);
            ascending(ends)?;
        }
        Scope::Only(page) if page.start < page.end && page.len() <= MAX_PAGE => {}
        Scope::Only(_) => return Err(Invalid::Order),
    }
    ascending(m.slots.iter().map(|r| r.slot))?;
    for report in &m.slots {
        if !m.covers(report.slot) {
            return Err(Invalid::Slot);
        }
        if report.votes.is_empty() && report.proposals.is_empty() {
            return Err(Invalid::Order);
        }
        entries(&report.votes, m.ballot, all)?;
        entries(&report.proposals, m.ballot, all)?;
        // One maximal vote per learner, one highest 2av per learner and value.
        let mut voted = LearnerSet::EMPTY;
        report
            .votes
            .iter()
            .try_for_each(|e| add_new(&mut voted, e.learners))?;
        let mut proposed: BTreeMap<Digest, LearnerSet> = BTreeMap::new();
        for e in &report.proposals {
            add_new(proposed.entry(e.value).or_default(), e.learners)?;
        }
    }
    Ok(())
}

fn entries(entries: &[Entry], below: Ballot, all: LearnerSet) -> Result<(), Invalid> {
    // One value per ballot (rule 4).
    ascending(entries.iter().map(|e| e.ballot))?;
    for e in entries {
        if e.ballot < Ballot::FIRST || e.ballot >= below {
            return Err(Invalid::Ballot);
        }
        learners(&e.learners, all)?;
    }
    Ok(())
}

/// Adds learners to a set that holds none of them yet.
fn add_new(seen: &mut LearnerSet, learners: LearnerSet) -> Result<(), Invalid> {
    if seen.intersects(&learners) {
        return Err(Invalid::Order);
    }
    *seen |= learners;
    Ok(())
}

fn one_c(m: &OneC, all: LearnerSet) -> Result<(), Invalid> {
    if m.proposals.is_empty() {
        return Err(Invalid::Order);
    }
    ascending(m.proposals.iter().map(|p| p.slot))?;
    m.proposals
        .iter()
        .try_for_each(|p| learners(&p.learners, all))
}

fn votes(m: &Votes, all: LearnerSet) -> Result<(), Invalid> {
    if m.slots.is_empty() {
        return Err(Invalid::Order);
    }
    ascending(m.slots.iter().map(|s| s.slot))?;
    for s in &m.slots {
        if s.two_av.is_none() && s.two_b.is_none() {
            return Err(Invalid::Order);
        }
        for (_, set) in s.two_av.iter().chain(&s.two_b) {
            learners(set, all)?;
        }
    }
    Ok(())
}

fn learners(set: &LearnerSet, all: LearnerSet) -> Result<(), Invalid> {
    if set.is_empty() || !set.is_subset(&all) {
        Err(Invalid::Learners)
    } else {
        Ok(())
    }
}

fn ascending<T: PartialOrd>(items: impl Iterator<Item = T>) -> Result<(), Invalid> {
    if items.is_sorted_by(|a, b| a < b) {
        Ok(())
    } else {
        Err(Invalid::Order)
    }
}

/// How far ahead of what this node knows a message may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Horizon {
    /// The highest ballot that is kept.
    pub(super) ballot: Ballot,
    /// The highest slot that is kept.
    pub(super) slot: Slot,
}

impl Horizon {
    /// Refuses what is beyond the horizon. A 1b with which an acceptor joins may report any slot: it is as
    /// long as it is.
    pub(super) fn check(self, message: &Message) -> Result<(), Invalid> {
        if message.ballot() > self.ballot && !matches!(message, Message::Wish { .. }) {
            return Err(Invalid::BallotTooHigh);
        }
        let last = match message {
            Message::OneC(m) => m.proposals.last().map(|p| p.slot),
            Message::Votes(m) => m.slots.last().map(|s| s.slot),
            Message::OneB(m) => m.scope.page().map(|page| page.start),
            _ => None,
        };
        if last.is_some_and(|slot| slot > self.slot) {
            Err(Invalid::SlotTooHigh)
        } else {
            Ok(())
        }
    }
}
