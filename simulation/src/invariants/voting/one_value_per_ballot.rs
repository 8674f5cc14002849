//! Voting: OneValuePerBallot. All acceptors vote for one value in a ballot.

use super::state::State;
use crate::oracle::{Verdict, Violation};
use consensus::{Ballot, Slot};
use crypto::Digest;
use std::collections::BTreeMap;

/// Voting: OneValuePerBallot, in a slot.
///
/// # Errors
/// If two values have votes in one ballot.
pub fn check(state: &State, slot: Slot) -> Verdict {
    let mut first: BTreeMap<Ballot, Digest> = BTreeMap::new();
    for (b, v, _) in state.votes(slot) {
        if *first.entry(*b).or_insert(*v) != *v {
            let what = format!("slot {slot}: two values have votes in ballot {b}");
            return Err(Violation::of("OneValuePerBallot", what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{SLOT, three, voted};
    use super::*;

    #[test]
    fn two_values_of_two_acceptors_are_found() {
        let three = three();
        let good = voted(&three, &[(1, 1, "v"), (2, 1, "v"), (3, 2, "w")]);
        assert_eq!(check(&good, SLOT), Ok(()));
        let bad = voted(&three, &[(1, 1, "v"), (2, 1, "w")]);
        let violation = check(&bad, SLOT).expect_err("two");
        assert_eq!(violation.invariant, "OneValuePerBallot");
    }
}
