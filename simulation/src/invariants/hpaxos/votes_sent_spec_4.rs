//! VotesSentSpec4: `\A A \in SafeAcceptor : \A vote1, vote2 \in votesSent[A] :
//! <<vote1.lr, vote2.lr>> \in Ent /\ vote1.bal = vote2.bal => vote1.val = vote2.val`.

use super::{Broken, each_safe, must};
use crate::conformance::Spec;
use consensus::Slot;

/// The paper's name.
pub const NAME: &str = "VotesSentSpec4";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    for (_, acc, at) in each_safe(spec, slot) {
        for vote1 in &at.votes_sent {
            let same_ballot = at.votes_sent.iter().filter(|v| v.bal == vote1.bal);
            for vote2 in same_ballot {
                let apart = !spec.are_entangled(vote1.lr, vote2.lr);
                must(apart || vote1.val == vote2.val, NAME, slot, || {
                    let (one, two) = (spec.name_of_vote(vote1), spec.name_of_vote(vote2));
                    format!("{} voted {one} and {two}", spec.name_of_acceptor(acc))
                })?;
            }
        }
    }
    Ok(())
}
