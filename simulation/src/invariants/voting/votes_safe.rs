//! Voting: VotesSafe. Whatever has a vote is safe: nothing else was chosen in an earlier ballot, or can be.

use super::state::State;
use crate::oracle::{Verdict, Violation};
use consensus::{Ballot, Slot};
use crypto::Digest;
use std::collections::BTreeSet;

/// Voting: VotesSafe, in a slot.
///
/// # Errors
/// If a value has a vote in a ballot at which it is not safe.
pub fn check(state: &State, slot: Slot) -> Verdict {
    let voted: BTreeSet<(Ballot, Digest)> = state.votes(slot).map(|(b, v, _)| (*b, *v)).collect();
    match voted
        .into_iter()
        .find(|(b, v)| !state.safe_at(slot, *b, *v))
    {
        None => Ok(()),
        Some((b, _)) => {
            let what = format!("slot {slot}: what has a vote in ballot {b} is not safe there");
            Err(Violation::of("VotesSafe", what))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{SLOT, a, flexible, three, voted};
    use super::*;

    #[test]
    fn a_vote_for_what_is_not_safe_is_found() {
        let three = three();
        // v may still be chosen in ballot 1: only a3 has left it, or voted otherwise.
        let bad = voted(&three, &[(1, 1, "v"), (3, 2, "w")]);
        assert_eq!(check(&bad, SLOT).expect_err("w").invariant, "VotesSafe");
        let mut good = voted(&three, &[(1, 1, "v"), (3, 2, "w")]);
        good.promise(a(2), Ballot(2));
        assert_eq!(check(&good, SLOT), Ok(()));
    }

    #[test]
    fn three_of_five_that_left_do_not_keep_two_from_choosing() {
        let flexible = flexible();
        let mut state = voted(&flexible, &[(5, 2, "w")]);
        for n in 3..=4 {
            state.promise(a(n), Ballot(2));
        }
        assert_eq!(check(&state, SLOT).expect_err("w").invariant, "VotesSafe");
        state.promise(a(2), Ballot(2));
        assert_eq!(check(&state, SLOT), Ok(()));
    }
}
