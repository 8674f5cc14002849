//! DecisionSpec: `\A L, B, V : V \in decision[L, B] => ChosenIn(L, B, V)`, at every node.

use super::{Broken, must};
use crate::conformance::Spec;
use consensus::Slot;

/// The paper's name.
pub const NAME: &str = "DecisionSpec";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    for (node, vote) in spec.decisions(slot) {
        must(spec.chosen_in(node, slot, &vote), NAME, slot, || {
            let vote = spec.name_of_vote(&vote);
            format!("node {node} has decided {vote} without a quorum of 2b")
        })?;
    }
    Ok(())
}
