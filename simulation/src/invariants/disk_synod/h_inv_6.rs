//! HInv6: what is chosen is the only value that can be, and there is no other output.

use super::state::State;
use crate::oracle::{Verdict, Violation};
use consensus::Ballot;
use crypto::Digest;
use std::collections::BTreeSet;

/// HInv6.
///
/// # Errors
/// If it does not hold.
pub fn check(state: &State<'_>) -> Verdict {
    if state.chosen.is_some_and(|v| !value_chosen(state, v)) {
        let what = format!("{:?} is chosen, and another value can be", state.chosen);
        return Err(Violation::of("HInv6", what));
    }
    let other = |p: &usize| state.output[*p].is_some() && state.output[*p] != state.chosen;
    if let Some(p) = state.procs().find(other) {
        let what = format!("processor {p} has another output than what is chosen");
        return Err(Violation::of("HInv6", what));
    }
    Ok(())
}

/// valueChosen(v). Of the ballots only those that are some block's `bal` matter: any other can be replaced by
/// the next larger one of them.
fn value_chosen(state: &State<'_>, v: Digest) -> bool {
    let ballots: BTreeSet<Ballot> = state.all_blocks().map(|bk| bk.bal).collect();
    let at = |b: Ballot| {
        let by = |p: usize| state.on_a_majority(|d| is_written(state, b, p, d));
        state.max_bal_inp(b, Some(v)) && state.procs().any(by)
    };
    ballots.into_iter().filter(|b| *b > Ballot::NONE).any(at)
}

/// What valueChosen says of a disk: p has written there, and nobody who is in phase 1 of a later ballot has missed
/// that. (The text of the paper has br.bal > b at the end; its explanation, and its proof, at least b.)
fn is_written(state: &State<'_>, b: Ballot, p: usize, d: usize) -> bool {
    state.disk[d][p].bal >= b
        && state.procs().all(|q| {
            let saw = |(of, br): &(usize, _)| -> bool {
                let br: &super::state::Blk = br;
                *of == p && br.bal >= b
            };
            state.phase[q] != 1
                || state.dblock[q].mbal < b
                || !state.has_read(q, d, p)
                || state.read[q][d].iter().any(saw)
        })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, blk, v};
    use super::*;

    fn refused(state: &State<'_>) {
        assert_eq!(check(state).expect_err("bad").invariant, "HInv6");
    }

    #[test]
    fn each_conjunct_is_missed_when_it_does_not_hold() {
        let fixture = Fixture::new();
        let good = fixture.committed();
        assert_eq!(check(&good), Ok(()));
        // Written to one disk only.
        let mut state = good.clone();
        state.disk[1][0] = blk(257, 0, None);
        refused(&state);
        // There is another value in a later ballot.
        let mut state = good.clone();
        state.disk[2][1] = blk(258, 258, Some("w"));
        refused(&state);
        // Somebody in phase 1 has read too early, and may try another value.
        let mut state = good.clone();
        (state.phase[1], state.dblock[1]) = (1, blk(258, 0, None));
        state.read[1][1] = vec![(0, blk(257, 0, None))];
        refused(&state);
        state.read[1][1] = vec![(0, blk(257, 257, Some("v")))];
        assert_eq!(check(&state), Ok(()));
        // Somebody has another output.
        let mut state = good;
        state.output[1] = Some(v("w"));
        refused(&state);
    }
}
