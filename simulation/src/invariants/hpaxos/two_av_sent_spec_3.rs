//! 2avSentSpec3: entangled learners get 2av of one value from a safe acceptor in one ballot,
//! `<<L1, L2>> \in Ent /\ [L1, B, V1] \in 2avSent[A] /\ [L2, B, V2] \in 2avSent[A] => V1 = V2`.

use super::{Broken, each_safe, must};
use crate::conformance::Spec;
use consensus::Slot;

/// The paper's name.
pub const NAME: &str = "2avSentSpec3";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    for (_, acc, at) in each_safe(spec, slot) {
        for p1 in &at.two_av_sent {
            for p2 in at.two_av_sent.iter().filter(|p| p.bal == p1.bal) {
                let apart = !spec.are_entangled(p1.lr, p2.lr);
                must(apart || p1.val == p2.val, NAME, slot, || {
                    let (one, two) = (spec.name_of_vote(p1), spec.name_of_vote(p2));
                    format!("{} sent 2av {one} and {two}", spec.name_of_acceptor(acc))
                })?;
            }
        }
    }
    Ok(())
}
