//! Voting: TypeOK, and that `maxBal` only grows.

use super::state::State;
use crate::oracle::{Verdict, Violation};
use consensus::{Ballot, Slot};
use learner_graph::AcceptorId;
use std::collections::BTreeMap;

/// Voting: TypeOK, for the votes of a slot: acceptors vote in ballots, and nobody votes above its `maxBal`.
/// That a value is a digest, and `maxBal` a number, is left to the types.
///
/// # Errors
/// If somebody else votes, or in something else.
pub fn check(state: &State, slot: Slot) -> Verdict {
    let acceptors = state.acceptors();
    for (b, _, a) in state.votes(slot) {
        let why = if !acceptors.contains(*a) {
            "is no acceptor"
        } else if !state.is_ballot(*b) {
            "votes where there is no ballot"
        } else if *b > state.max_bal(*a) {
            "votes above its maxBal"
        } else {
            continue;
        };
        let what = format!("slot {slot}, ballot {b}: {a:?} {why}");
        return Err(Violation::of("TypeOK", what));
    }
    Ok(())
}

/// `maxBal[a]' >= maxBal[a]`, which every step of the module keeps. `before` is brought up to date.
///
/// # Errors
/// If it has shrunk.
pub fn grows(before: &mut BTreeMap<AcceptorId, Ballot>, state: &State) -> Verdict {
    for a in state.acceptors().iter() {
        let (old, now) = (before.entry(a).or_default(), state.max_bal(a));
        if now < *old {
            let what = format!("maxBal of {a:?} falls from {old} to {now}");
            return Err(Violation::of("maxBal grows", what));
        }
        *old = now;
    }
    Ok(())
}

/// An acceptor has in mind what it has promised, or more that is not durable yet.
///
/// # Errors
/// If it has forgotten.
pub fn remembers(state: &State, a: AcceptorId, max_bal: Ballot) -> Verdict {
    let promised = state.max_bal(a);
    if max_bal < promised {
        let what = format!("{a:?} has promised {promised}, and knows of {max_bal}");
        return Err(Violation::of("maxBal is remembered", what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{SLOT, a, three, v, voted};
    use super::*;

    #[test]
    fn votes_of_nobody_in_no_ballot_and_above_a_promise_are_found() {
        let three = three();
        assert_eq!(check(&voted(&three, &[(1, 1, "v")]), SLOT), Ok(()));
        let found = |state: &State, why: &str| {
            let violation = check(state, SLOT).expect_err(why);
            assert_eq!(violation.invariant, "TypeOK");
            assert!(violation.what.contains(why), "{violation}");
        };
        found(&voted(&three, &[(4, 1, "v")]), "is no acceptor");
        found(&voted(&three, &[(1, 0, "v")]), "no ballot");
        let mut above = State::new(&three);
        above.vote(SLOT, a(1), Ballot(1), v("v"));
        found(&above, "above its maxBal");
    }

    #[test]
    fn a_promise_taken_back_or_forgotten_is_found() {
        let mut before = BTreeMap::new();
        let mut state = State::new(&three());
        state.promise(a(2), Ballot(3));
        assert_eq!(grows(&mut before, &state), Ok(()));
        assert_eq!(remembers(&state, a(2), Ballot(3)), Ok(()));
        let forgets = remembers(&state, a(2), Ballot(2)).expect_err("it promised 3");
        assert_eq!(forgets.invariant, "maxBal is remembered");
        state.promise(a(2), Ballot(2));
        let falls = grows(&mut before, &state).expect_err("it was 3");
        assert_eq!(falls.invariant, "maxBal grows");
    }
}
