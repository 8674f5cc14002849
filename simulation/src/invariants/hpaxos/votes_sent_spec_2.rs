//! VotesSentSpec2: `\A L, A \in SafeAcceptor, B, V : VotedFor(L, A, B, V) => [L, B, V] \in votesSent[A]`.

use super::{Broken, each_safe, must};
use crate::conformance::Spec;
use consensus::Slot;

/// The paper's name.
pub const NAME: &str = "VotesSentSpec2";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    for (instance, acc, at) in each_safe(spec, slot) {
        let voted_for = instance.two_b.iter().filter(|(_, by)| by.contains(acc));
        for (vote, _) in voted_for {
            must(at.votes_sent.contains(vote), NAME, slot, || {
                let (acc, vote) = (spec.name_of_acceptor(acc), spec.name_of_vote(vote));
                format!("{acc} sent the 2b {vote}, which is not in its votesSent")
            })?;
        }
    }
    Ok(())
}
