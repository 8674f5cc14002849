//! What each learner has decided: a lane of slots for each, and where they differ.

use super::compare::{Apart, Compared, Differing, NAMED, Range};
use super::graph::{Known, Trust, pair};
use crate::agreement::Judgement;
use hpaxos_client::{Decision, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Slots of a lane whose values are kept.
const KEPT: u64 = 512;
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
    compared: Compared,
    /// The newest decision, with its learner and slot.
    latest: Option<(String, u64)>,
}

impl Lanes {
    /// Takes a decision in; whether it is the first that is told of this slot of this learner.
    pub(super) fn decided(&mut self, decision: &Decision) -> bool {
        let (learner, slot) = (&decision.learner, decision.slot);
        let new = self.compared.take(learner, slot, &decision.digest);
        let lane = self.cells.entry(learner.clone()).or_default();
        if new {
            lane.insert(slot, Cell::of(decision));
            let oldest = lane.last_key_value().map_or(slot, |(last, _)| *last);
            let oldest = oldest.saturating_sub(KEPT);
            while lane
                .first_key_value()
                .is_some_and(|(slot, _)| *slot < oldest)
            {
                lane.pop_first();
            }
            self.latest = Some((learner.clone(), slot));
        }
        new
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

    /// The first slots in which not all have decided the same.
    pub(super) fn apart(&self) -> &BTreeMap<u64, Apart> {
        self.compared.apart()
    }

    pub(super) fn is_apart(&self, slot: u64) -> bool {
        self.apart().contains_key(&slot)
    }

    /// The slots that were compared.
    pub(super) fn compared(&self) -> Option<Range> {
        self.compared.range()
    }

    /// The pairs of learners of which no slot was compared.
    pub(super) fn missing(&self) -> Vec<[String; 2]> {
        self.compared.missing()
    }

    /// Who differs and where, with whether they may and why.
    pub(super) fn disputes(&self, trust: &Trust, known: &Known) -> Vec<Dispute> {
        let mut all = self.compared.differing().clone();
        for learner in &known.forked {
            all.entry(pair(learner, learner)).or_default();
        }
        let dispute = |([a, b], Differing { slots, count }): ([String; 2], Differing)| {
            let Judgement { allowed, why } = trust.judge(&a, &b, known);
            let named: Vec<String> = slots.iter().take(NAMED).map(u64::to_string).collect();
            let more = match count.saturating_sub(named.len() as u64) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let what = if count == 1 { "slot" } else { "slots" };
            let named = named.join(", ");
            let who = match (count, a == b) {
                (0, _) => format!("a node has seen {a} decide twice in one slot"),
                (_, true) => format!("nodes differ about {a} in {what} {named}{more}"),
                (_, false) => format!("{a} and {b} differ in {what} {named}{more}"),
            };
            let words = match allowed {
                true => format!("{who}, which is allowed: {why}"),
                false => format!("VIOLATION: {who}, which is not allowed: {why}"),
            };
            Dispute {
                allowed,
                words,
                slots,
            }
        };
        all.into_iter().map(dispute).collect()
    }

    /// What learners have decided in a slot, as far as their values are kept.
    pub(super) fn digests(&self, slot: u64) -> BTreeSet<&str> {
        let cells = self.cells.values().filter_map(|lane| lane.get(&slot));
        cells.map(|cell| cell.digest.as_str()).collect()
    }

    /// Two digits of a digest, those that tell it from the others of its slot: the first two, if they do.
    pub(super) fn digits(&self, slot: u64, digest: &str) -> String {
        let all = self.digests(slot);
        let at = |from: usize, digest: &str| digest.chars().skip(from).take(2).collect::<String>();
        let tells = |from: &usize| {
            let seen: BTreeSet<String> = all.iter().map(|digest| at(*from, digest)).collect();
            seen.len() == all.len()
        };
        let from = (0..digest.len()).find(tells).unwrap_or(0);
        crate::cli::printable(&at(from, digest))
    }
}

/// Learners that decided differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dispute {
    /// Whether they may.
    pub(super) allowed: bool,
    /// Who, where and why, in a sentence.
    pub(super) words: String,
    /// Where, as far as it is remembered.
    pub(super) slots: BTreeSet<u64>,
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
