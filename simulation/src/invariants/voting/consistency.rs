//! Voting: Consistency. At most one value is chosen.

use super::state::State;
use crate::oracle::{Verdict, Violation};
use consensus::Slot;

/// Voting: Consistency, in a slot.
///
/// # Errors
/// If two values are chosen.
pub fn check(state: &State, slot: Slot) -> Verdict {
    let chosen = state.chosen(slot);
    if chosen.len() > 1 {
        let what = format!("slot {slot}: {} values are chosen", chosen.len());
        return Err(Violation::of("Consistency", what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{SLOT, flexible, three, voted};
    use super::*;

    #[test]
    fn two_chosen_values_are_found() {
        let three = three();
        let votes = [(1, 1, "v"), (2, 1, "v"), (2, 2, "w"), (3, 2, "w")];
        assert_eq!(check(&voted(&three, &votes[..3]), SLOT), Ok(()));
        let violation = check(&voted(&three, &votes), SLOT).expect_err("two");
        assert_eq!(violation.invariant, "Consistency");
        // With quorums of two out of five, two values may be chosen by four acceptors in one ballot.
        let votes = [(1, 1, "v"), (2, 1, "v"), (3, 1, "w"), (4, 1, "w")];
        let violation = check(&voted(&flexible(), &votes), SLOT).expect_err("two");
        assert_eq!(violation.invariant, "Consistency");
    }
}
