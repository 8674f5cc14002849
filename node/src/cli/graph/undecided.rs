//! What a picture leaves open.

use super::export::tolerance;
use learner_graph::{Analysis, FaultReport, Weight};

/// What of that which a picture shows was not decided, in words; nothing if all was.
pub(super) fn undecided(found: &Analysis) -> Vec<String> {
    let is_open = |report: &FaultReport| tolerance(report) == "?";
    let promises = || found.pairs.iter().filter(|pair| pair.declared.is_some());
    let kept = promises().filter(|pair| pair.kept.is_none()).count();
    let stands = promises().filter(|pair| pair.kept != Some(false));
    let stands = stands.filter(|pair| pair.declared.as_ref().is_some_and(is_open));
    let survive = found.learners.iter().filter(|l| is_open(&l.stopped_by));
    let weighed = |w: &&Weight| w.undecided_progress + w.undecided_agreement == 0;
    let known = found.weights.iter().filter(weighed).count() + found.idle.len();
    let of = |open: usize, all: usize, what: &str| match open {
        0 => None,
        open => Some(format!("{open} of {all} {what}")),
    };
    [
        of(
            kept,
            promises().count(),
            "promises: whether quorums keep them",
        ),
        of(
            stands.count(),
            promises().count(),
            "promises: how many lies they stand",
        ),
        of(
            survive.count(),
            found.learners.len(),
            "learners: how many crashes they survive",
        ),
        of(
            found.units.len().saturating_sub(known),
            found.units.len(),
            "acceptors: all that hangs on them",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
