//! A history in memory.

#![expect(
    clippy::disallowed_types,
    reason = "a state machine has its history in common with the one who makes it durable"
)]

use super::{History, Keep, Kept};
use crate::{Batch, Page, Slot};
use crypto::Digest;
use learner_graph::{LearnerId, LearnerSet};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A history in memory, for tests and simulation: it can lose what was not flushed.
#[derive(Debug)]
pub struct MemoryHistory<W>(Mutex<Inner<W>>);

#[derive(Debug)]
struct Inner<W> {
    seen: Rows<W>,
    durable: Rows<W>,
    pending: Vec<Keep<W>>,
}

#[derive(Clone, Debug)]
struct Rows<W> {
    decisions: BTreeMap<LearnerId, Vec<Kept<W>>>,
    delivered: BTreeMap<Digest, LearnerSet>,
    batches: BTreeMap<Digest, Arc<Batch>>,
    pages: BTreeMap<Page, Vec<W>>,
}

impl<W> Default for Rows<W> {
    fn default() -> Self {
        Rows {
            decisions: BTreeMap::new(),
            delivered: BTreeMap::new(),
            batches: BTreeMap::new(),
            pages: BTreeMap::new(),
        }
    }
}

impl<W> Default for MemoryHistory<W> {
    fn default() -> Self {
        MemoryHistory(Mutex::new(Inner {
            seen: Rows::default(),
            durable: Rows::default(),
            pending: Vec::new(),
        }))
    }
}

impl<W: Clone> Rows<W> {
    fn next(&self, learner: LearnerId) -> Slot {
        Slot(self.decisions.get(&learner).map_or(0, |d| d.len() as u64))
    }

    fn apply(&mut self, keep: Keep<W>) {
        match keep {
            Keep::Decision {
                decision,
                batch,
                proof,
            } => {
                let all = decision.learners.into_iter();
                let follows: LearnerSet = all.filter(|l| decision.slot == self.next(*l)).collect();
                if follows.is_empty() {
                    return;
                }
                for id in decision.values.ids().iter() {
                    *self.delivered.entry(*id).or_default() |= follows;
                }
                self.batches.insert(decision.value, batch);
                for learner in follows {
                    self.decisions.entry(learner).or_default().push(Kept {
                        ballot: decision.ballot,
                        value: decision.value,
                        quorum: decision.quorum,
                        proof: proof.clone(),
                    });
                }
            }
            Keep::Page {
                page,
                messages,
                batches,
            } => {
                self.pages.insert(page, messages);
                let named = batches.into_iter().map(|b| (b.digest(), b));
                self.batches.extend(named);
            }
            Keep::Settled(slot) => self.pages.retain(|page, _| page.end > slot),
        }
    }
}

impl<W: Clone> MemoryHistory<W> {
    /// Makes everything kept so far durable.
    pub fn flush(&self) {
        let mut inner = self.lock();
        for keep in std::mem::take(&mut inner.pending) {
            inner.durable.apply(keep);
        }
    }

    /// Power loss: everything not flushed is gone.
    pub fn crash(&self) {
        let mut inner = self.lock();
        inner.pending.clear();
        inner.seen = inner.durable.clone();
    }

    fn lock(&self) -> MutexGuard<'_, Inner<W>> {
        // Nothing here panics half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Clone + Send> History<W> for MemoryHistory<W> {
    fn next(&self, learner: LearnerId) -> Slot {
        self.lock().seen.next(learner)
    }

    fn delivered(&self, value: &Digest) -> LearnerSet {
        let inner = self.lock();
        inner.seen.delivered.get(value).copied().unwrap_or_default()
    }

    fn decision(&self, learner: LearnerId, slot: Slot) -> Option<Kept<W>> {
        let inner = self.lock();
        let log = inner.seen.decisions.get(&learner)?;
        log.get(usize::try_from(slot.0).ok()?).cloned()
    }

    fn batch(&self, digest: &Digest) -> Option<Arc<Batch>> {
        self.lock().seen.batches.get(digest).cloned()
    }

    fn has_batch(&self, digest: &Digest) -> bool {
        self.lock().seen.batches.contains_key(digest)
    }

    fn has_page(&self, page: Page) -> bool {
        self.lock().seen.pages.contains_key(&page)
    }

    fn page(&self, page: Page) -> Option<Vec<W>> {
        self.lock().seen.pages.get(&page).cloned()
    }

    fn keep(&self, keep: Keep<W>) {
        let mut inner = self.lock();
        inner.pending.push(keep.clone());
        inner.seen.apply(keep);
    }
}
