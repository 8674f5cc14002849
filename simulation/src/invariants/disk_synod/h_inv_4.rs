//! HInv4: how `mbal` and `bal` of a processor stand to those of its blocks.

use super::state::State;
use crate::oracle::{Verdict, Violation};

/// HInv4.
///
/// # Errors
/// If it does not hold.
pub fn check(state: &State<'_>) -> Verdict {
    for p in state.procs() {
        let (b, phase) = (state.dblock[p], state.phase[p]);
        let on = |d: usize| state.disk[d][p];
        let mut blocks = state.blocks_of(p);
        let why = if phase != 0 && blocks.clone().any(|bk| b.mbal < bk.bal) {
            "has a block with a bal above its mbal"
        } else if phase != 0
            && !state.in_every_majority(|d| b.mbal >= on(d).mbal && b.bal >= on(d).bal)
        {
            "is behind its blocks on a majority"
        } else if phase == 1 && blocks.clone().any(|bk| b.mbal <= bk.bal) {
            "is in phase 1 of a ballot in which it has entered phase 2"
        } else if phase >= 2 && !state.on_a_majority(|d| on(d).mbal == b.bal) {
            "is in phase 2 and has not written phase 1 to a majority"
        } else if blocks.any(|bk| !state.on_a_majority(|d| on(d).mbal >= bk.bal)) {
            "has a bal that no majority has as mbal"
        } else {
            continue;
        };
        let what = format!("processor {p} {why}: {b:?}, phase {phase}");
        return Err(Violation::of("HInv4", what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, blk};
    use super::*;

    fn found(fixture: &Fixture, spoil: impl Fn(&mut State<'_>), why: &str) {
        let mut state = fixture.committing();
        assert_eq!(check(&state), Ok(()));
        spoil(&mut state);
        let violation = check(&state).expect_err(why);
        assert_eq!(violation.invariant, "HInv4");
        assert!(violation.what.contains(why), "{violation}");
    }

    #[test]
    fn each_conjunct_is_missed_when_it_does_not_hold() {
        let f = Fixture::new();
        found(
            &f,
            |s| s.disk[2][0] = blk(513, 513, Some("v")),
            "above its mbal",
        );
        let behind = |s: &mut State<'_>| {
            (s.phase[0], s.dblock[0]) = (1, blk(1, 0, None));
            for d in 0..3 {
                s.disk[d][0] = blk(257, 0, None);
            }
        };
        found(&f, behind, "behind its blocks");
        found(&f, |s| s.phase[0] = 1, "has entered phase 2");
        let unwritten = |s: &mut State<'_>| s.disk[1][0] = blk(1, 0, None);
        found(&f, unwritten, "not written phase 1");
        let forgotten = |s: &mut State<'_>| {
            s.phase[0] = 0;
            s.dblock[0] = blk(0, 0, None);
            s.disk[1][0] = blk(1, 0, None);
        };
        found(&f, forgotten, "no majority has as mbal");
    }
}
