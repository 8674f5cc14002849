//! Safety: `\A L1, L2, B1, B2, V1, V2 : <<L1, L2>> \in Ent /\ V1 \in decision[L1, B1] /\ V2 \in decision[L2, B2]
//! => V1 = V2`. A learner is followed by all nodes, and entangled as it is with itself.

use super::{Broken, must};
use crate::conformance::Spec;
use consensus::Slot;
use consensus::hpaxos::trace::Vote;
use std::collections::BTreeMap;

/// The paper's name.
pub const NAME: &str = "Safety";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    let decided: BTreeMap<Vote, usize> = spec.decisions(slot).map(|(n, v)| (v, n)).collect();
    for (one, at1) in &decided {
        for (two, at2) in &decided {
            let apart = !spec.are_entangled(one.lr, two.lr);
            must(apart || one.val == two.val, NAME, slot, || {
                let (one, two) = (spec.name_of_vote(one), spec.name_of_vote(two));
                format!("node {at1} has decided {one}, and node {at2} {two}")
            })?;
        }
    }
    Ok(())
}
