//! Voting: OneVote. An acceptor votes for one value in a ballot.

use super::state::State;
use crate::oracle::{Verdict, Violation};
use consensus::{Ballot, Slot};
use crypto::Digest;
use learner_graph::AcceptorId;
use std::collections::BTreeMap;

/// Voting: OneVote, in a slot.
///
/// # Errors
/// If an acceptor has voted for two values in one ballot.
pub fn check(state: &State, slot: Slot) -> Verdict {
    let mut first: BTreeMap<(AcceptorId, Ballot), Digest> = BTreeMap::new();
    for (b, v, a) in state.votes(slot) {
        if *first.entry((*a, *b)).or_insert(*v) != *v {
            let what = format!("slot {slot}: {a:?} votes for two values in ballot {b}");
            return Err(Violation::of("OneVote", what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{SLOT, three, voted};
    use super::*;

    #[test]
    fn two_votes_in_one_ballot_are_found() {
        let three = three();
        let good = voted(&three, &[(1, 1, "v"), (1, 2, "w"), (2, 1, "v")]);
        assert_eq!(check(&good, SLOT), Ok(()));
        let bad = voted(&three, &[(1, 1, "v"), (1, 1, "w")]);
        assert_eq!(check(&bad, SLOT).expect_err("two").invariant, "OneVote");
    }
}
