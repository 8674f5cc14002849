//! What each learner has decided: a lane of slots for each, and where they differ.

use super::graph::{Trust, pair};
use hpaxos_client::{Decision, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Slots of a lane that are kept.
const KEPT: u64 = 512;
/// Slots in which learners differ that are kept, the first ones.
const APART: usize = 1000;
/// Characters of values that are kept of a decision.
const SHOWN_CHARS: usize = 200;

/// One learner's decision of one slot, as the first node has told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) digest: String,
    pub(super) ballot: u64,
    pub(super) latency_ms: Option<u64>,
    /// The values in words.
    pub(super) words: String,
}

/// All lanes.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    cells: BTreeMap<String, BTreeMap<u64, Cell>>,
    apart: BTreeMap<u64, Apart>,
    /// The newest decision, with its learner and slot.
    latest: Option<(String, u64)>,
}

/// A slot in which not all have decided the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Apart {
    /// What each learner has decided; more than one if nodes differ about it.
    pub(super) digests: BTreeMap<String, BTreeSet<String>>,
}

impl Apart {
    /// The pairs that differ; one name twice for a learner that differs from itself.
    pub(super) fn pairs(&self) -> BTreeSet<[String; 2]> {
        let mut pairs = BTreeSet::new();
        for (a, of_a) in &self.digests {
            for (b, of_b) in self.digests.range(a.clone()..) {
                if of_a.union(of_b).nth(1).is_some() {
                    pairs.insert(pair(a, b));
                }
            }
        }
        pairs
    }
}

impl Lanes {
    /// Takes a decision in; whether it is the first that is told of this slot of this learner.
    pub(super) fn decided(&mut self, decision: &Decision) -> bool {
        let (learner, slot) = (&decision.learner, decision.slot);
        let lane = self.cells.entry(learner.clone()).or_default();
        let new = !lane.contains_key(&slot);
        let differs = lane
            .get(&slot)
            .is_some_and(|cell| cell.digest != decision.digest);
        if new {
            lane.insert(slot, Cell::of(decision));
            let oldest = slot.saturating_sub(KEPT);
            while lane
                .first_key_value()
                .is_some_and(|(slot, _)| *slot < oldest)
            {
                lane.pop_first();
            }
            self.latest = Some((learner.clone(), slot));
        }
        self.compare(
            slot,
            differs.then(|| (learner.clone(), decision.digest.clone())),
        );
        new
    }

    /// Looks whether all that is told of a slot is the same.
    fn compare(&mut self, slot: u64, other: Option<(String, String)>) {
        let told = self.cells.iter().filter_map(|(learner, lane)| {
            let cell = lane.get(&slot)?;
            Some((learner.clone(), cell.digest.clone()))
        });
        let told: Vec<(String, String)> = told.chain(other).collect();
        let all_same = told.windows(2).all(|two| two[0].1 == two[1].1);
        if all_same || (self.apart.len() >= APART && !self.apart.contains_key(&slot)) {
            return;
        }
        let apart = self.apart.entry(slot).or_default();
        for (learner, digest) in told {
            apart.digests.entry(learner).or_default().insert(digest);
        }
    }

    /// The learners that have decided something.
    pub(super) fn learners(&self) -> impl Iterator<Item = &str> {
        self.cells.keys().map(String::as_str)
    }

    pub(super) fn cell(&self, learner: &str, slot: u64) -> Option<&Cell> {
        self.cells.get(learner)?.get(&slot)
    }

    /// The last slot that anybody has decided.
    pub(super) fn last(&self) -> Option<u64> {
        let lasts = self.cells.values().filter_map(|lane| lane.last_key_value());
        lasts.map(|(slot, _)| *slot).max()
    }

    pub(super) fn latest(&self) -> Option<(&str, u64, &Cell)> {
        let (learner, slot) = self.latest.as_ref()?;
        Some((learner, *slot, self.cell(learner, *slot)?))
    }

    /// The slots in which not all have decided the same.
    pub(super) fn apart(&self) -> &BTreeMap<u64, Apart> {
        &self.apart
    }

    pub(super) fn is_apart(&self, slot: u64) -> bool {
        self.apart.contains_key(&slot)
    }

    /// Who differs, with what the graph says of them; `None` if nobody does.
    pub(super) fn disputes(&self, trust: &Trust) -> Option<String> {
        let pairs: BTreeSet<_> = self.apart.values().flat_map(Apart::pairs).collect();
        let words = pairs.iter().map(|[a, b]| {
            if a == b {
                return format!("{a} differs from itself");
            }
            let promised = match trust.promises(a, b) {
                true => "whose agreement rests on acceptors that were not all safe",
                false => "of whom the graph promises no agreement",
            };
            format!("{a} and {b}, {promised}")
        });
        let words: Vec<String> = words.collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

impl Cell {
    fn of(decision: &Decision) -> Cell {
        Cell {
            digest: decision.digest.clone(),
            ballot: decision.ballot,
            latency_ms: decision.latency_ms,
            words: words(&decision.values),
        }
    }
}

/// Values in words.
fn words(values: &[Value]) -> String {
    let one = |value: &Value| match value.text() {
        Some(text) => crate::cli::printable(text),
        None => format!("{} bytes", value.bytes.len()),
    };
    let words: Vec<String> = values.iter().map(one).collect();
    match words.is_empty() {
        true => "nothing new".to_owned(),
        false => words.join(" | ").chars().take(SHOWN_CHARS).collect(),
    }
}
