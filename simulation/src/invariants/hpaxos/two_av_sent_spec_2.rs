//! 2avSentSpec2: `\A L, A \in SafeAcceptor, B, V : Proposed(L, A, B, V) => [L, B, V] \in 2avSent[A]`.

use super::{Broken, each_safe, must};
use crate::conformance::Spec;
use consensus::Slot;

/// The paper's name.
pub const NAME: &str = "2avSentSpec2";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    for (instance, acc, at) in each_safe(spec, slot) {
        let proposed = instance.two_av.iter().filter(|(_, by)| by.contains(acc));
        for (p, _) in proposed {
            must(at.two_av_sent.contains(p), NAME, slot, || {
                let (acc, p) = (spec.name_of_acceptor(acc), spec.name_of_vote(p));
                format!("{acc} sent the 2av {p}, which is not in its 2avSent")
            })?;
        }
    }
    Ok(())
}
