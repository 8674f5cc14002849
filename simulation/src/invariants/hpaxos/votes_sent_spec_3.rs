//! VotesSentSpec3: every vote below a ballot is bounded by a maximal one of its learner,
//! `vote.bal < B => \E P \in votesSent[A] : MaxVote(A, B, P) /\ P.lr = vote.lr /\ vote.bal <= P.bal`.
//!
//! Of the variables nothing can break it: every finite set of votes has it. It is asked because the proof
//! uses it, and stands for MaxVote, by which 1b messages are made.

use super::{Broken, each_safe, must};
use crate::conformance::Spec;
use consensus::hpaxos::trace::Vote;
use consensus::{Ballot, Slot};
use std::collections::BTreeSet;

/// The paper's name.
pub const NAME: &str = "VotesSentSpec3";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    for (_, acc, at) in each_safe(spec, slot) {
        let unbounded = unbounded(&at.votes_sent, |b| at.max_votes(b));
        must(unbounded.is_none(), NAME, slot, || {
            let vote = unbounded.map(|vote| spec.name_of_vote(&vote));
            let (acc, vote) = (spec.name_of_acceptor(acc), vote.unwrap_or_default());
            format!("no maximal vote of {acc} stands for {vote}")
        })?;
    }
    Ok(())
}

/// A vote for which the formula does not hold. It is enough to ask for the B that follow a vote.
pub(super) fn unbounded(
    votes: &BTreeSet<Vote>,
    max_votes: impl Fn(Ballot) -> Vec<Vote>,
) -> Option<Vote> {
    let ballots: BTreeSet<Ballot> = votes.iter().map(|vote| vote.bal.next()).collect();
    ballots.into_iter().find_map(|b| {
        let max = max_votes(b);
        let below = votes.iter().filter(|vote| vote.bal < b);
        let mut free = below.filter(|vote| {
            let stands = |p: &Vote| p.lr == vote.lr && vote.bal <= p.bal;
            !max.iter().any(stands)
        });
        free.next().copied()
    })
}
