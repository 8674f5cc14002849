//! VotesSentSpec1: `\A A \in SafeAcceptor : \A vote \in votesSent[A] : VotedFor(vote.lr, A, vote.bal, vote.val)`.

use super::{Broken, each_safe, must};
use crate::conformance::Spec;
use consensus::Slot;

/// The paper's name.
pub const NAME: &str = "VotesSentSpec1";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    for (instance, acc, at) in each_safe(spec, slot) {
        for vote in &at.votes_sent {
            let sent = instance.two_b.get(vote);
            let voted_for = sent.is_some_and(|senders| senders.contains(acc));
            must(voted_for, NAME, slot, || {
                let (acc, vote) = (spec.name_of_acceptor(acc), spec.name_of_vote(vote));
                format!("{vote} is in votesSent of {acc}, and no such 2b was sent")
            })?;
        }
    }
    Ok(())
}
