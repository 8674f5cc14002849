//! The history of a node that is never restarted.

#![expect(
    clippy::disallowed_types,
    reason = "a state machine has its history in common with the one who made it"
)]

use consensus::history::{History, Keep, Kept};
use consensus::{Batch, Page, Slot};
use crypto::Digest;
use learner_graph::{LearnerId, LearnerSet};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

/// Everything decided, in memory.
pub(super) struct InMemory<W>(Mutex<Rows<W>>);

struct Rows<W> {
    decisions: BTreeMap<LearnerId, Vec<Kept<W>>>,
    delivered: HashMap<Digest, LearnerSet>,
    batches: HashMap<Digest, Arc<Batch>>,
}

impl<W> InMemory<W> {
    pub(super) fn new() -> Self {
        InMemory(Mutex::new(Rows {
            decisions: BTreeMap::new(),
            delivered: HashMap::new(),
            batches: HashMap::new(),
        }))
    }

    fn rows(&self) -> MutexGuard<'_, Rows<W>> {
        self.0.lock().expect("nothing panics half way")
    }
}

impl<W: Clone + Send> History<W> for InMemory<W> {
    fn next(&self, learner: LearnerId) -> Slot {
        let rows = self.rows();
        Slot(rows.decisions.get(&learner).map_or(0, |d| d.len() as u64))
    }

    fn delivered(&self, value: &Digest) -> LearnerSet {
        let rows = self.rows();
        rows.delivered.get(value).copied().unwrap_or_default()
    }

    fn decision(&self, learner: LearnerId, slot: Slot) -> Option<Kept<W>> {
        let rows = self.rows();
        let at = usize::try_from(slot.0).ok()?;
        rows.decisions.get(&learner)?.get(at).cloned()
    }

    fn batch(&self, digest: &Digest) -> Option<Arc<Batch>> {
        self.rows().batches.get(digest).cloned()
    }

    fn has_batch(&self, digest: &Digest) -> bool {
        self.rows().batches.contains_key(digest)
    }

    fn has_page(&self, _: Page) -> bool {
        false
    }

    fn page(&self, _: Page) -> Option<Vec<W>> {
        None
    }

    fn keep(&self, keep: Keep<W>) {
        let Keep::Decision {
            decision,
            batch,
            proof,
        } = keep
        else {
            return;
        };
        let mut rows = self.rows();
        for id in decision.values.ids().iter() {
            *rows.delivered.entry(*id).or_default() |= decision.learners;
        }
        rows.batches.insert(decision.value, batch);
        for learner in decision.learners {
            let of = rows.decisions.entry(learner).or_default();
            of.push(Kept {
                ballot: decision.ballot,
                value: decision.value,
                quorum: decision.quorum,
                proof: proof.clone(),
            });
        }
    }
}
