//! Voting: THEOREM Refinement. `chosen` of Voting behaves as `chosen` of module Consensus: it is empty, and
//! once it has a value it stays as it is.

use crate::oracle::{Verdict, Violation};
use crypto::Digest;
use std::collections::BTreeSet;

/// `[C!Next]_chosen`, with `C!Next == chosen = {} /\ \E v \in Value : chosen' = {v}`. `chosen` is brought up
/// to date.
///
/// # Errors
/// If the step is none of Consensus.
pub fn check(chosen: &mut BTreeSet<Digest>, after: BTreeSet<Digest>) -> Verdict {
    let next = chosen.is_empty() && after.len() == 1;
    if !next && *chosen != after {
        let what = format!("chosen goes from {chosen:?} to {after:?}");
        return Err(Violation::of("Refinement: C!Spec", what));
    }
    *chosen = after;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::v;
    use super::*;

    #[test]
    fn a_choice_that_changes_or_is_taken_back_is_found() {
        let (none, v, w) = (BTreeSet::new(), [v("v")].into(), [v("w")].into());
        let both: BTreeSet<Digest> = &v | &w;
        let steps = [(&none, &none), (&none, &v), (&v, &v)];
        for (before, after) in steps {
            let mut chosen = before.clone();
            assert_eq!(check(&mut chosen, after.clone()), Ok(()));
            assert_eq!(chosen, *after);
        }
        for (before, after) in [(&none, &both), (&v, &w), (&v, &both), (&v, &none)] {
            let violation = check(&mut before.clone(), after.clone()).expect_err("no step");
            assert_eq!(violation.invariant, "Refinement: C!Spec");
        }
    }
}
