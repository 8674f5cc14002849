//! What the nodes report, folded into one log per learner and node, and compared. No I/O.
//!
//! ```text
//!   decision events ──fold──► slot → learner → node → batch ──compare──► divergences
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// A learner, by its place in the graph.
pub type Learner = usize;
/// A node, by its place in the network.
pub type Node = usize;

/// Slots whose reports are kept for comparison; beyond, the oldest are forgotten.
pub const SLOTS_KEPT: usize = 200_000;

/// A client value inside a decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// The idempotency key, if the node tells it; empty otherwise.
    pub key: String,
    /// The value.
    pub bytes: Vec<u8>,
}

impl From<&hpaxos_client::Value> for Item {
    fn from(value: &hpaxos_client::Value) -> Item {
        Item {
            key: String::from_utf8_lossy(&value.key).into_owned(),
            bytes: value.bytes.clone(),
        }
    }
}

/// What was decided in a slot, with the ballot it was decided in.
///
/// Two reports agree if they are of the same batch, by its digest: one learner may decide it in a later ballot than
/// another, and for one more of its values may be new than for another, which had decided them before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The ballot.
    pub ballot: u64,
    /// The digest of the batch, in hex; empty if the node does not tell it.
    pub digest: Arc<str>,
    /// The client values that are new to the learner, in delivery order.
    pub items: Arc<[Item]>,
}

impl Batch {
    /// Whether both are the same batch. Only if neither digest is known do the values count.
    #[must_use]
    pub fn is_same(&self, other: &Batch) -> bool {
        match self.digest.is_empty() && other.digest.is_empty() {
            true => self.items == other.items,
            false => self.digest == other.digest,
        }
    }
}

/// One learner's decision of one slot as a node reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The node that reports.
    pub node: Node,
    /// The learner that decided.
    pub learner: Learner,
    /// The slot.
    pub slot: u64,
    /// What it decided.
    pub batch: Batch,
}

/// Two reports of one slot with different values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The earlier report.
    pub first: Report,
    /// The one that contradicts it.
    pub second: Report,
}

impl Divergence {
    /// The learners that differ, the smaller one first; one learner twice if nodes differ about it.
    #[must_use]
    pub fn pair(&self) -> (Learner, Learner) {
        let (a, b) = (self.first.learner, self.second.learner);
        (a.min(b), a.max(b))
    }
}

/// All divergences of one pair of learners.
#[derive(Clone, Debug)]
pub struct Diverged {
    /// The one that was noticed first.
    pub first: Divergence,
    /// The slots in which the pair differs.
    pub slots: BTreeSet<u64>,
}

/// What a report has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// The node had not reported this decision before.
    pub new: bool,
    /// Divergences that were not known before; at most one per pair of learners.
    pub divergences: Vec<Divergence>,
}

/// The logs of all learners as all nodes report them.
#[derive(Debug)]
pub struct Observer {
    nodes: usize,
    learners: usize,
    slots: BTreeMap<u64, Vec<Option<Seen>>>,
    counts: Vec<u64>,
    next: Vec<u64>,
    diverged: BTreeMap<(Learner, Learner), Diverged>,
}

#[derive(Clone, Debug)]
struct Seen {
    batch: Batch,
    at: Duration,
}

impl Observer {
    /// An observer of a network in which nobody has decided anything.
    #[must_use]
    pub fn new(nodes: usize, learners: usize) -> Self {
        Observer {
            nodes,
            learners,
            slots: BTreeMap::new(),
            counts: vec![0; nodes * learners],
            next: vec![0; nodes * learners],
            diverged: BTreeMap::new(),
        }
    }

    fn place(&self, learner: Learner, node: Node) -> usize {
        learner * self.nodes + node
    }

    /// Takes a report in that arrived at a time, counted from a fixed origin.
    ///
    /// A repeated report (streams resume) changes nothing. A report of an unknown node or learner,
    /// or of a forgotten slot, is ignored.
    pub fn fold(&mut self, report: Report, at: Duration) -> Folded {
        let known = report.node < self.nodes && report.learner < self.learners;
        let forgotten = self.slots.len() >= SLOTS_KEPT
            && self
                .slots
                .first_key_value()
                .is_some_and(|(slot, _)| report.slot < *slot);
        if !known || forgotten {
            return Folded::default();
        }
        let place = self.place(report.learner, report.node);
        let size = self.nodes * self.learners;
        let seen = self
            .slots
            .entry(report.slot)
            .or_insert_with(|| vec![None; size]);
        // Equal items are held once, however many nodes and learners report them.
        let mut equal = seen.iter().flatten().filter(|s| {
            s.batch.items == report.batch.items && s.batch.digest == report.batch.digest
        });
        let Batch { digest, items, .. } = equal.next().map_or(&report.batch, |s| &s.batch).clone();
        let divergences = self.contradictions(&report);
        let entry = self
            .slots
            .get_mut(&report.slot)
            .and_then(|seen| seen.get_mut(place));
        let mut new = false;
        if let Some(entry @ None) = entry {
            *entry = Some(Seen {
                batch: Batch {
                    ballot: report.batch.ballot,
                    digest,
                    items,
                },
                at,
            });
            self.counts[place] += 1;
            self.next[place] = self.next[place].max(report.slot.saturating_add(1));
            new = true;
        }
        if self.slots.len() > SLOTS_KEPT {
            self.slots.pop_first();
        }
        Folded { new, divergences }
    }

    /// Compares a report with everything known of its slot and remembers what differs.
    fn contradictions(&mut self, report: &Report) -> Vec<Divergence> {
        let mut found: Vec<Divergence> = Vec::new();
        let Some(seen) = self.slots.get(&report.slot) else {
            return found;
        };
        for (place, other) in seen.iter().enumerate() {
            let Some(other) = other else { continue };
            if other.batch.is_same(&report.batch) {
                continue;
            }
            let first = Report {
                node: place % self.nodes,
                learner: place / self.nodes,
                slot: report.slot,
                batch: other.batch.clone(),
            };
            let divergence = Divergence {
                first,
                second: report.clone(),
            };
            let pair = divergence.pair();
            let known = self
                .diverged
                .get(&pair)
                .is_some_and(|d| d.slots.contains(&report.slot));
            if !known && found.iter().all(|d| d.pair() != pair) {
                found.push(divergence);
            }
        }
        for divergence in &found {
            let diverged = self
                .diverged
                .entry(divergence.pair())
                .or_insert_with(|| Diverged {
                    first: divergence.clone(),
                    slots: BTreeSet::new(),
                });
            diverged.slots.insert(report.slot);
        }
        found
    }

    /// A node is asked again for everything: what it has told before is only compared with.
    pub fn forget(&mut self, node: Node) {
        for learner in 0..self.learners {
            let place = self.place(learner, node);
            self.next[place] = 0;
        }
    }

    /// The number of slots that a node has reported as decided by a learner.
    #[must_use]
    pub fn decided_slots(&self, learner: Learner, node: Node) -> u64 {
        self.counts
            .get(self.place(learner, node))
            .copied()
            .unwrap_or(0)
    }

    /// The slot after the last one that a node has reported as decided by a learner.
    #[must_use]
    pub fn next_slot(&self, learner: Learner, node: Node) -> u64 {
        self.next
            .get(self.place(learner, node))
            .copied()
            .unwrap_or(0)
    }

    /// The nodes that report a decision of a learner in a slot, with the time of the first report.
    #[must_use]
    pub fn reported_by(&self, learner: Learner, slot: u64) -> (usize, Option<Duration>) {
        let Some(seen) = self.slots.get(&slot) else {
            return (0, None);
        };
        let start = self.place(learner, 0);
        let of_learner = seen.iter().skip(start).take(self.nodes).flatten();
        let first = of_learner.clone().map(|seen| seen.at).min();
        (of_learner.count(), first)
    }

    /// Every pair of learners that was seen to differ; `(l, l)` if nodes differ about learner l.
    #[must_use]
    pub fn diverged(&self) -> &BTreeMap<(Learner, Learner), Diverged> {
        &self.diverged
    }
}

#[cfg(test)]
mod tests;
