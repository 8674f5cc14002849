//! What is not needed for a failure is left out, so that a person can read the rest.

use super::oracle::Violation;
use super::run::Outcome;

/// Runs that a search may take.
const MAX_RUNS: usize = 200;

/// The fewest of a run's faults, by their places, that the same invariant still fails with, as far as a
/// search by halves and then one by one finds them. `run` runs the seed with the faults it is given.
#[must_use]
pub fn fewest_faults(
    failed: &Violation,
    count: usize,
    run: impl Fn(&[usize]) -> Outcome,
) -> Vec<usize> {
    let mut runs = 0;
    let mut fails = |faults: &[usize]| {
        runs += 1;
        if runs > MAX_RUNS {
            return false;
        }
        let violation = run(faults).violation;
        violation.is_some_and(|(_, v)| v.invariant == failed.invariant)
    };
    let mut kept: Vec<usize> = (0..count).collect();
    let mut part = kept.len();
    while part > 0 && !kept.is_empty() {
        let mut at = 0;
        while at < kept.len() {
            let end = (at + part).min(kept.len());
            let without = [&kept[..at], &kept[end..]].concat();
            if fails(&without) {
                kept = without;
            } else {
                at = end;
            }
        }
        part /= 2;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Tally;
    use std::time::Duration;

    #[test]
    fn only_what_is_needed_is_kept() {
        let needs = [3, 11];
        let outcome = |faults: &[usize]| Outcome {
            seed: 0,
            tally: Tally::default(),
            violation: needs
                .iter()
                .all(|n| faults.contains(n))
                .then(|| (Duration::ZERO, Violation::of("Safety", ""))),
            history: Vec::new(),
            actions: Vec::new(),
            faults: Vec::new(),
        };
        let failed = Violation::of("Safety", "another time");
        assert_eq!(fewest_faults(&failed, 17, outcome), needs);
        let other = Violation::of("liveness", "");
        assert_eq!(fewest_faults(&other, 4, outcome), [0, 1, 2, 3]);
    }
}
