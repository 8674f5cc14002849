//! Voting: Next. Each statement of an acceptor is a step of the module, or the protocol does not refine it.

use super::state::State;
use crate::oracle::{Verdict, Violation};
use consensus::{Ballot, Slot};
use crypto::Digest;
use learner_graph::AcceptorId;

/// Voting: IncreaseMaxBal(a, b).
///
/// # Errors
/// If the ballot is not above all that the acceptor has promised.
pub fn increase_max_bal(state: &mut State, a: AcceptorId, b: Ballot) -> Verdict {
    // b > maxBal[a]
    if b <= state.max_bal(a) {
        let promised = state.max_bal(a);
        let what = format!("{a:?} joins ballot {b} after {promised}");
        return Err(Violation::of("Next: IncreaseMaxBal", what));
    }
    state.promise(a, b);
    Ok(())
}

/// Voting: VoteFor(a, b, v).
///
/// # Errors
/// If the acceptor must not vote so.
pub fn vote_for(state: &mut State, slot: Slot, a: AcceptorId, b: Ballot, v: Digest) -> Verdict {
    let refuse = |why: String| {
        let what = format!("slot {slot}: {a:?} votes in ballot {b}, {why}");
        Err(Violation::of("Next: VoteFor", what))
    };
    // maxBal[a] =< b
    if state.max_bal(a) > b {
        return refuse(format!("having promised {}", state.max_bal(a)));
    }
    // \A vt \in votes[a] : vt[1] # b
    if !state.did_not_vote_at(slot, a, b) {
        return refuse("where it has voted".into());
    }
    // \A c \in Acceptor \ {a} : \A vt \in votes[c] : (vt[1] = b) => (vt[2] = v)
    if state.votes(slot).any(|(c, w, _)| *c == b && *w != v) {
        return refuse("where others vote for another value".into());
    }
    // \E Q \in Quorum : ShowsSafeAt(Q, b, v)
    if !state.shows_safe_at(slot, b, v) {
        return refuse("and no quorum shows the value safe".into());
    }
    state.vote(slot, a, b, v);
    state.promise(a, b);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{SLOT, a, flexible, three, v, voted};
    use super::*;

    fn refused(verdict: Verdict, name: &str, why: &str) {
        let violation = verdict.expect_err("a step of the module");
        assert_eq!(violation.invariant, name);
        assert!(violation.what.contains(why), "{violation}");
    }

    #[test]
    fn a_promise_that_is_none_is_no_step() {
        let mut state = State::new(&three());
        increase_max_bal(&mut state, a(1), Ballot(2)).expect("the first promise");
        for b in [1, 2] {
            let again = increase_max_bal(&mut state, a(1), Ballot(b));
            refused(again, "Next: IncreaseMaxBal", "after 2");
        }
    }

    #[test]
    fn each_guard_of_vote_for_refuses() {
        let name = "Next: VoteFor";
        let cast =
            |state: &mut State, n, b, value| vote_for(state, SLOT, a(n), Ballot(b), v(value));
        let three = three();
        let mut state = voted(&three, &[(1, 1, "v"), (2, 1, "v")]);
        state.promise(a(3), Ballot(2));
        refused(cast(&mut state, 3, 1, "v"), name, "having promised 2");
        refused(cast(&mut state, 1, 1, "v"), name, "has voted");
        let mut state = voted(&three, &[(1, 1, "v")]);
        state.promise(a(2), Ballot(1));
        refused(cast(&mut state, 2, 1, "w"), name, "another value");
        cast(&mut state, 2, 1, "v").expect("the same value");
        // v is chosen: w is not safe whoever promises.
        for n in 1..=3 {
            state.promise(a(n), Ballot(2));
        }
        refused(cast(&mut state, 3, 2, "w"), name, "no quorum shows");
        cast(&mut state, 3, 2, "v").expect("the chosen value");
    }

    #[test]
    fn a_value_is_shown_safe_by_read_quorums_not_by_write_quorums() {
        let mut state = State::new(&flexible());
        for n in 1..=3 {
            state.promise(a(n), Ballot(1));
        }
        let cast = vote_for(&mut state, SLOT, a(1), Ballot(1), v("v"));
        refused(cast, "Next: VoteFor", "no quorum shows");
        state.promise(a(4), Ballot(1));
        vote_for(&mut state, SLOT, a(1), Ballot(1), v("v")).expect("four have promised");
    }
}
