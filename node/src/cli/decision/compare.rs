//! Decisions that were verified, held against each other: each may be genuine, and two of them evidence
//! that not everybody who should be safe is.

use super::words::Place;
use crate::Config;
use crate::decision::Proved;
use consensus::Slot;
use crypto::Digest;
use learner_graph::{LearnerGraph, LearnerId, LearnerSet, Suspicion};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many decisions are remembered; further ones are held against these only.
const MAX_KEPT: usize = 1 << 20;

/// The decisions seen so far, one per slot and learner.
pub(super) struct Seen {
    kept: BTreeMap<(Slot, LearnerId), (Digest, String)>,
    /// For every learner, those that the graph lets it agree with under some condition.
    promised: Vec<LearnerSet>,
    max_kept: usize,
}

/// Two decisions of one slot with different batches.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Disagreement {
    slot: Slot,
    learners: [LearnerId; 2],
    places: [String; 2],
    /// Whether the graph promises, while some set of acceptors is safe, that this does not happen.
    pub(super) broken: bool,
}

impl Seen {
    pub(super) fn new(config: &Config) -> Seen {
        Seen {
            kept: BTreeMap::new(),
            promised: config.network.graph().connected(&Suspicion::default()),
            max_kept: MAX_KEPT,
        }
    }

    /// Remembers a decision and tells which ones, of those seen before, it is not compatible with.
    pub(super) fn add(&mut self, place: Place<'_>, proved: &Proved) -> Vec<Disagreement> {
        let slot = proved.slot;
        let all = (slot, LearnerId(0))..=(slot, LearnerId(u16::MAX));
        let others = self.kept.range(all);
        let others = others.filter(|(_, (digest, _))| *digest != proved.digest);
        let found = others.map(|((_, other), (_, where_))| Disagreement {
            slot,
            learners: [*other, proved.learner],
            places: [where_.clone(), place.to_string()],
            broken: self.promises(*other, proved.learner),
        });
        let found = found.collect();
        if self.kept.len() < self.max_kept {
            let entry = self.kept.entry((slot, proved.learner));
            entry.or_insert_with(|| (proved.digest, place.to_string()));
        }
        found
    }

    fn promises(&self, a: LearnerId, b: LearnerId) -> bool {
        let row = self.promised.get(usize::from(a.0));
        row.is_some_and(|row| row.contains(b))
    }

    /// Whether so many decisions were seen that some were not remembered.
    pub(super) fn is_full(&self) -> bool {
        self.kept.len() >= self.max_kept
    }
}

impl Disagreement {
    pub(super) fn words(&self, graph: &LearnerGraph) -> String {
        let [a, b] = self.learners.map(|l| graph.learner_name(l));
        let [here, there] = &self.places;
        let slot = self.slot;
        let (what, whom) = if a == b {
            (format!("{a} has two decisions in slot {slot}"), "itself")
        } else {
            (format!("{a} and {b} decided differently in slot {slot}"), b)
        };
        let why = if self.broken {
            format!("not all acceptors are safe whom {a} relies on to agree with {whom}")
        } else {
            format!("the graph never promises that {a} agrees with {whom}")
        };
        format!("{what} ({here}, {there}): {why}")
    }

    pub(super) fn json(&self, graph: &LearnerGraph) -> Value {
        json!({
            "event": "disagreement",
            "slot": self.slot,
            "learners": self.learners.map(|l| graph.learner_name(l)),
            "places": self.places,
            "promised": self.broken,
            "words": self.words(graph),
        })
    }
}
