//! HInv3: of two processors that have both read the other's block on a disk in their phases, at least one has
//! read the other's present block.

use super::state::State;
use crate::oracle::{Verdict, Violation};

/// HInv3.
///
/// # Errors
/// If it does not hold.
pub fn check(state: &State<'_>) -> Verdict {
    for p in state.procs().filter(|p| state.busy(*p)) {
        // It says the same of (p, q) as of (q, p); hasRead(p, d, p) never holds, by HInv2.
        for q in (p + 1..state.procs().end).filter(|q| state.busy(*q)) {
            for d in state.disks() {
                let both = state.has_read(p, d, q) && state.has_read(q, d, p);
                let one = state.read[p][d].contains(&(q, state.dblock[q]))
                    || state.read[q][d].contains(&(p, state.dblock[p]));
                if both && !one {
                    let what = format!("processors {p} and {q} have missed each other on disk {d}");
                    return Err(Violation::of("HInv3", what));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, blk};
    use super::*;

    #[test]
    fn two_that_miss_each_other_are_found() {
        let fixture = Fixture::new();
        let mut state = fixture.committing();
        assert_eq!(check(&state), Ok(()));
        // The other one is in phase 1, and has read what was there before the block of now.
        (state.phase[1], state.dblock[1]) = (1, blk(258, 0, None));
        state.read[1][0] = vec![(0, blk(257, 0, None))];
        assert_eq!(check(&state).expect_err("missed").invariant, "HInv3");
        for read in [blk(257, 257, Some("v")), blk(257, 0, None)] {
            state.read[1][0] = vec![(0, read)];
            let sees = read == state.dblock[0];
            assert_eq!(check(&state).is_ok(), sees);
        }
    }
}
