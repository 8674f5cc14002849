//! What each learner has decided: a lane of slots for each, and where they differ.

use super::graph::{Known, Trust, pair};
use crate::agreement::Judgement;
use hpaxos_client::{Decision, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Slots of a lane that are kept.
const KEPT: u64 = 512;
/// Slots in which learners differ that are kept, the first ones.
const APART: usize = 1000;
/// Slots that are named in a sentence.
const NAMED: usize = 5;
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
    /// What was told of each slot, in the order in which it came.
    appeared: BTreeMap<u64, Vec<String>>,
    /// Values, numbered in that order.
    numbers: BTreeMap<String, usize>,
    /// How many have had a number.
    numbered: usize,
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
        self.appears(slot, &decision.digest);
        self.compare(
            slot,
            differs.then(|| (learner.clone(), decision.digest.clone())),
        );
        new
    }

    fn appears(&mut self, slot: u64, digest: &str) {
        let told = self.appeared.entry(slot).or_default();
        if told.iter().any(|other| other == digest) {
            return;
        }
        told.push(digest.to_owned());
        if !self.numbers.contains_key(digest) {
            self.numbers.insert(digest.to_owned(), self.numbered);
            self.numbered += 1;
        }
        let oldest = slot.saturating_sub(KEPT);
        while self
            .appeared
            .first_key_value()
            .is_some_and(|(slot, _)| *slot < oldest)
            && let Some((_, told)) = self.appeared.pop_first()
        {
            let gone = |digest: &String| !self.appeared.values().any(|told| told.contains(digest));
            for digest in told.into_iter().filter(gone) {
                self.numbers.remove(&digest);
            }
        }
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

    /// Who differs and where, with whether they may and why.
    pub(super) fn disputes(&self, trust: &Trust, known: &Known) -> Vec<Dispute> {
        let mut slots: BTreeMap<[String; 2], Vec<u64>> = BTreeMap::new();
        for (slot, apart) in &self.apart {
            for pair in apart.pairs() {
                slots.entry(pair).or_default().push(*slot);
            }
        }
        let dispute = |([a, b], slots): ([String; 2], Vec<u64>)| {
            let Judgement { allowed, why } = trust.judge(&a, &b, known);
            let who = match a == b {
                true => format!("nodes differ about {a}"),
                false => format!("{a} and {b} differ"),
            };
            let named: Vec<String> = slots.iter().take(NAMED).map(u64::to_string).collect();
            let more = match slots.len() - named.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let what = if slots.len() == 1 { "slot" } else { "slots" };
            let named = named.join(", ");
            let words = match allowed {
                true => format!("{who} in {what} {named}{more}, which is allowed: {why}"),
                false => {
                    format!("VIOLATION: {who} in {what} {named}{more}, which is not allowed: {why}")
                }
            };
            Dispute {
                allowed,
                words,
                slots,
            }
        };
        slots.into_iter().map(dispute).collect()
    }

    /// The letter of what a learner decided in a slot in which not all decided the same: equal letters are equal values.
    pub(super) fn letter(&self, slot: u64, digest: &str) -> char {
        let told = self.appeared.get(&slot);
        let at = told.and_then(|told| told.iter().position(|other| other == digest));
        let at = at
            .and_then(|at| u8::try_from(at).ok())
            .filter(|at| *at < 26);
        at.map_or('?', |at| char::from(b'A' + at))
    }

    /// The number of what was decided in a slot, in the order of its first appearance, or of one of those beside it in a
    /// slot: no two values of a slot have the same remainder, as long as there are not more of them than `of`.
    pub(super) fn number(&self, slot: u64, digest: &str, of: usize) -> usize {
        let mut taken: Vec<usize> = Vec::new();
        for other in self.appeared.get(&slot).into_iter().flatten() {
            let mut number = self.numbers.get(other).copied().unwrap_or(0) % of;
            while taken.len() < of && taken.contains(&number) {
                number = (number + 1) % of;
            }
            if other == digest {
                return number;
            }
            taken.push(number);
        }
        0
    }
}

/// Learners that decided differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dispute {
    /// Whether they may.
    pub(super) allowed: bool,
    /// Who, where and why, in a sentence.
    pub(super) words: String,
    /// Where.
    pub(super) slots: Vec<u64>,
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
        true => "(nothing new)".to_owned(),
        false => words.join(" | ").chars().take(SHOWN_CHARS).collect(),
    }
}
