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

/// How many decisions are remembered; further ones are held against these only, and not against each other.
const MAX_KEPT: usize = 1 << 20;

/// The decisions seen so far, one per slot and learner.
pub(super) struct Seen {
    kept: BTreeMap<(Slot, LearnerId), (Digest, Place)>,
    /// For every learner, those that the graph lets it agree with under some condition.
    promised: Vec<LearnerSet>,
    max_kept: usize,
    not_kept: u64,
}

/// Two decisions of one slot with different batches.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Disagreement {
    slot: Slot,
    learners: [LearnerId; 2],
    places: [Place; 2],
    /// Whether the graph promises, while some set of acceptors is safe, that this does not happen.
    pub(super) broken: bool,
}

impl Seen {
    pub(super) fn new(config: &Config) -> Seen {
        Self::at_most(MAX_KEPT, config)
    }

    /// Remembers at most so many.
    pub(super) fn at_most(max_kept: usize, config: &Config) -> Seen {
        Seen {
            kept: BTreeMap::new(),
            promised: config.network.graph().connected(&Suspicion::default()),
            max_kept,
            not_kept: 0,
        }
    }

    /// Remembers a decision and tells which ones, of those seen before, it is not compatible with.
    pub(super) fn add(&mut self, place: &Place, proved: &Proved) -> Vec<Disagreement> {
        let slot = proved.slot;
        let all = (slot, LearnerId(0))..=(slot, LearnerId(u16::MAX));
        let others = self.kept.range(all);
        let others = others.filter(|(_, (digest, _))| *digest != proved.digest);
        let found = others.map(|((_, other), (_, where_))| Disagreement {
            slot,
            learners: [*other, proved.learner],
            places: [where_.clone(), place.clone()],
            broken: self.promises(*other, proved.learner),
        });
        let found = found.collect();
        let key = (slot, proved.learner);
        if self.kept.len() < self.max_kept {
            let entry = self.kept.entry(key);
            entry.or_insert_with(|| (proved.digest, place.clone()));
        } else if !self.kept.contains_key(&key) {
            self.not_kept += 1;
        }
        found
    }

    fn promises(&self, a: LearnerId, b: LearnerId) -> bool {
        let row = self.promised.get(usize::from(a.0));
        row.is_some_and(|row| row.contains(b))
    }

    /// How many decisions were not remembered, since there were too many before them: if they contradict
    /// each other, nobody has said so.
    pub(super) fn not_kept(&self) -> u64 {
        self.not_kept
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
            "places": self.places.each_ref().map(Place::to_string),
            "promised": self.broken,
            "words": self.words(graph),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Claim, write};
    use crate::testing::{batch, certificate, config, text};

    const ALICE: LearnerId = LearnerId(0);
    const BOB: LearnerId = LearnerId(1);

    fn decided(config: &Config, learner: LearnerId, slot: u64, value: &str) -> Proved {
        let batch = batch(&[value.as_bytes()]);
        let certificate = certificate(config, learner, slot, &batch, &[1, 2]);
        let line = write(&config.name, &config.network, &certificate, &batch);
        Claim::read(&line).unwrap().verify(config).unwrap()
    }

    fn place(line: u64) -> Place {
        let file = "f".into();
        Place { file, line }
    }

    #[test]
    fn only_another_batch_in_the_same_slot_is_a_disagreement() {
        let config = config("");
        let mut seen = Seen::new(&config);
        for (line, (learner, slot, value)) in (1..).zip([
            (ALICE, 0, "v"),
            (BOB, 0, "v"),
            (ALICE, 0, "v"),
            (ALICE, 1, "w"),
        ]) {
            let decided = decided(&config, learner, slot, value);
            assert_eq!(seen.add(&place(line), &decided), []);
        }
        let found = seen.add(&place(5), &decided(&config, BOB, 1, "v"));
        let expected = Disagreement {
            slot: Slot(1),
            learners: [ALICE, BOB],
            places: [place(4), place(5)],
            broken: true,
        };
        assert_eq!(found, [expected]);
        let found = seen.add(&place(6), &decided(&config, ALICE, 1, "v"));
        let words = found[0].words(config.network.graph());
        let expected = "alice has two decisions in slot 1 (f:4, f:6): \
                        not all acceptors are safe whom alice relies on to agree with itself";
        assert_eq!(words, expected);
    }

    #[test]
    fn nothing_is_broken_that_was_not_promised() {
        let only_alice = text("").replace("[\"alice\", \"bob\"]", "[\"alice\"]");
        let config = Config::parse(&only_alice, "t.toml").unwrap();
        let mut seen = Seen::new(&config);
        for (first, second, broken) in
            [(ALICE, BOB, false), (BOB, BOB, false), (ALICE, ALICE, true)]
        {
            seen.kept.clear();
            assert_eq!(seen.add(&place(1), &decided(&config, first, 0, "v")), []);
            let found = seen.add(&place(2), &decided(&config, second, 0, "w"));
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].broken, broken, "{first:?} {second:?}");
        }
    }

    #[test]
    fn what_is_not_remembered_is_counted() {
        let config = config("");
        let mut seen = Seen::at_most(1, &config);
        seen.add(&place(1), &decided(&config, ALICE, 0, "v"));
        seen.add(&place(2), &decided(&config, ALICE, 0, "v"));
        assert_eq!(seen.not_kept(), 0);
        seen.add(&place(3), &decided(&config, ALICE, 1, "v"));
        assert_eq!(seen.not_kept(), 1);
        assert_eq!(seen.add(&place(4), &decided(&config, BOB, 1, "w")), []);
        assert_eq!(seen.not_kept(), 2);
        assert_eq!(seen.add(&place(5), &decided(&config, BOB, 0, "w")).len(), 1);
    }
}
