//! 2avSentSpec1: `\A A \in SafeAcceptor : \A p \in 2avSent[A] : Proposed(p.lr, A, p.bal, p.val)`.

use super::{Broken, each_safe, must};
use crate::conformance::Spec;
use consensus::Slot;

/// The paper's name.
pub const NAME: &str = "2avSentSpec1";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    for (instance, acc, at) in each_safe(spec, slot) {
        for p in &at.two_av_sent {
            let sent = instance.two_av.get(p);
            let proposed = sent.is_some_and(|senders| senders.contains(acc));
            must(proposed, NAME, slot, || {
                let (acc, p) = (spec.name_of_acceptor(acc), spec.name_of_vote(p));
                format!("{p} is in 2avSent of {acc}, and no such 2av was sent")
            })?;
        }
    }
    Ok(())
}
