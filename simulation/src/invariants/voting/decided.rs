//! Paxos: what learners decide and deliver is what Voting has chosen, and somebody has submitted it.

use super::state::State;
use crate::oracle::{Verdict, Violation};
use consensus::{Ballot, ClientValue, Slot};
use crypto::Digest;
use std::collections::BTreeSet;

/// A node has decided a value that Voting has chosen in this ballot.
///
/// # Errors
/// If not.
pub fn check(state: &State, slot: Slot, b: Ballot, v: Digest) -> Verdict {
    if state.chosen_at(slot, b, v) {
        return Ok(());
    }
    let what = format!("slot {slot}: what is decided was not chosen in ballot {b}");
    Err(Violation::of("what is decided is chosen", what))
}

/// Voting: `votes \in [Acceptor -> SUBSET (Ballot \X Value)]`: the values are clients'.
///
/// # Errors
/// If nobody submitted one of them.
pub fn was_submitted(submitted: &BTreeSet<Digest>, values: &[ClientValue]) -> Verdict {
    match values.iter().find(|v| !submitted.contains(&v.id())) {
        None => Ok(()),
        Some(value) => {
            let what = format!(
                "nobody submitted {:?}",
                String::from_utf8_lossy(&value.bytes)
            );
            Err(Violation::of("what is decided was submitted", what))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{SLOT, three, v, voted};
    use super::*;

    #[test]
    fn a_decision_without_a_quorum_is_found() {
        let three = three();
        let decide = |state: &State| check(state, SLOT, Ballot(2), v("v"));
        // Two votes, but of different ballots.
        let state = voted(&three, &[(1, 1, "v"), (2, 2, "v")]);
        let violation = decide(&state).expect_err("one vote in ballot 2");
        assert_eq!(violation.invariant, "what is decided is chosen");
        assert_eq!(decide(&voted(&three, &[(1, 2, "v"), (2, 2, "v")])), Ok(()));
    }

    #[test]
    fn a_value_out_of_nowhere_is_found() {
        let value = ClientValue::new(Vec::new(), b"mine".to_vec()).expect("small");
        let submitted = [value.id()].into();
        assert_eq!(
            was_submitted(&submitted, std::slice::from_ref(&value)),
            Ok(())
        );
        let violation = was_submitted(&BTreeSet::new(), &[value]).expect_err("nobody's");
        assert_eq!(violation.invariant, "what is decided was submitted");
    }
}
