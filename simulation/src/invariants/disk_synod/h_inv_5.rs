//! HInv5: whoever is in phase 2 tries what all later blocks have, or will have to give its ballot up.

use super::state::State;
use crate::oracle::{Verdict, Violation};

/// HInv5.
///
/// # Errors
/// If it does not hold.
pub fn check(state: &State<'_>) -> Verdict {
    for p in state.procs().filter(|p| state.phase[*p] == 2) {
        let b = state.dblock[p];
        let has_to_abort = |q: usize| {
            state.on_a_majority(|d| state.disk[d][q].mbal > b.bal && !state.has_read(p, d, q))
        };
        if !state.max_bal_inp(b.bal, b.inp) && !state.procs().any(has_to_abort) {
            let what = format!("processor {p} may commit what is not the only value: {b:?}");
            return Err(Violation::of("HInv5", what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, blk};
    use super::*;

    #[test]
    fn another_value_in_a_later_ballot_that_is_not_read_is_found() {
        let fixture = Fixture::new();
        let mut state = fixture.committing();
        assert_eq!(check(&state), Ok(()));
        for d in 1..3 {
            state.disk[d][1] = blk(258, 258, Some("w"));
        }
        // It has read disks 0 and 1: the later block is on a majority, of which it has read one too early.
        assert_eq!(check(&state).expect_err("w").invariant, "HInv5");
        state.read[0][1].clear();
        assert_eq!(check(&state), Ok(()), "it has yet to read one of them");
        state.phase[0] = 1;
        state.read[0][1] = vec![(1, blk(0, 0, None))];
        assert_eq!(check(&state), Ok(()), "it is said of phase 2");
    }
}
