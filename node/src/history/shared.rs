//! What the engine, the writer and everyone who reads have in common.

use super::HistoryError;
use super::error::Fault;
use super::index::{Entry, Index, Recalled};
use super::look_up::Outcome;
use super::overlay::{Overlay, PageState};
use super::rows::{
    BATCHES, BatchAt, DECISIONS, DecisionRow, Delivered, FILTERS, MESSAGES, Meta, PAGE_MESSAGES,
    PAGES, RECENT, RUNS, State, VERSION, decision_row, page_key, page_message_key, page_of,
};
use super::store::Store;
use consensus::history::Kept;
use consensus::storage::StorageError;
use consensus::{Batch, Page, Slot};
use crypto::Digest;
use learner_graph::{LearnerId, LearnerSet};
use redb::{ReadTransaction, ReadableTable};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Errors that stop nothing and are said, at most.
const MAX_TOLD: usize = 16;

/// A message as the history needs it.
pub trait Message: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}
impl<W: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Message for W {}

/// See the module.
#[derive(Debug)]
pub(super) struct Shared<W> {
    pub(super) store: Store,
    memory: Mutex<Memory<W>>,
    /// There is something to write, or nothing will be any more.
    pub(super) work: Condvar,
    /// Something was written, or nothing will be any more.
    pub(super) progress: Condvar,
}

/// What is in memory.
#[derive(Debug)]
pub(super) struct Memory<W> {
    pub(super) overlay: Overlay<W>,
    pub(super) batches: Index<BatchAt>,
    pub(super) values: Index<Delivered>,
    /// The pages in the file.
    pub(super) pages: BTreeSet<Page>,
    /// The first error.
    pub(super) failed: Option<StorageError>,
    /// The errors that stopped nothing and were said.
    told: Vec<StorageError>,
    /// Somebody waits for everything released to be durable.
    pub(super) hurry: bool,
    /// Nothing will be kept any more: the writer ends when everything released is durable.
    pub(super) closing: bool,
}

impl<W: Message> Memory<W> {
    /// Reads what is to be in memory.
    pub(super) fn load(store: &Store, meta: &Meta, state: &State) -> Result<Self, HistoryError> {
        store.read("read", |read| {
            let recent = read.open_table(RECENT.definition)?;
            let filters = read.open_table(FILTERS.definition)?;
            let [batches, values] = state.indexes;
            // Decisions of an older version have still to be rewritten: then each is read.
            if meta.version == VERSION {
                check_last_decisions(read, state)?;
            }
            check_ends(read, state)?;
            Ok(Memory {
                overlay: Overlay::new(state.next.clone()),
                batches: Index::load(&meta.seed, batches, &recent, &filters)?,
                values: Index::load(&meta.seed, values, &recent, &filters)?,
                pages: load_pages(read, state)?,
                failed: None,
                told: Vec::new(),
                hurry: false,
                closing: false,
            })
        })
    }
}

impl<W: Message> Shared<W> {
    pub(super) fn new(store: Store, memory: Memory<W>) -> Self {
        Shared {
            store,
            memory: Mutex::new(memory),
            work: Condvar::new(),
            progress: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Memory<W>> {
        // Who panics with the lock held is the engine or the writer, and ends with it.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the first error, and lets everyone go who waits.
    pub(super) fn fail(&self, error: impl Into<StorageError>) {
        let error = error.into();
        let mut memory = self.lock();
        if memory.failed.is_none() {
            tracing::error!(%error, "the history stops");
            memory.failed = Some(error);
        }
        drop(memory);
        self.work.notify_all();
        self.progress.notify_all();
    }

    /// Says an error that stops nothing: each once, however often somebody asks. A few are enough to make somebody
    /// look at the file. Whether it was said now.
    pub(super) fn tell(&self, error: &StorageError) -> bool {
        let mut memory = self.lock();
        let quiet = memory.failed.is_some() || memory.told.len() >= MAX_TOLD;
        if quiet || memory.told.contains(error) {
            return false;
        }
        memory.told.push(error.clone());
        let all = memory.told.len() == MAX_TOLD;
        tracing::error!(%error, "the history cannot read something that was asked for");
        if all {
            tracing::error!(
                "what else cannot be read is not said: look at all of it with `hpaxos storage check`"
            );
        }
        true
    }

    /// The learners to which a value was delivered, with the slots.
    pub(super) fn delivered(&self, value: &Digest) -> Result<Option<Delivered>, HistoryError> {
        let memory = self.lock();
        let unwritten = memory.overlay.delivered(value).cloned();
        let recalled = memory.values.recall(value);
        drop(memory);
        let mut found = self.complete(value, recalled)?;
        if let Some(unwritten) = unwritten {
            found.get_or_insert_default().merge(&unwritten);
        }
        Ok(found)
    }

    /// Whether a value can have been delivered, as far as memory knows: if not, it was not.
    pub(super) fn may_have(&self, value: &Digest) -> bool {
        let memory = self.lock();
        memory.overlay.delivered(value).is_some()
            || memory.values.may_have(value)
            || memory.failed.is_some()
    }

    fn complete<E: Entry>(
        &self,
        digest: &Digest,
        recalled: Recalled<E>,
    ) -> Result<Option<E>, HistoryError> {
        if recalled.is_complete() {
            return Ok(recalled.found);
        }
        self.store.read("read", |read| {
            recalled.complete(digest, &read.open_table(RUNS.definition)?)
        })
    }

    pub(super) fn batch(&self, digest: &Digest) -> Result<Option<Arc<Batch>>, HistoryError> {
        let memory = self.lock();
        if let Some(batch) = memory.overlay.batch(digest) {
            return Ok(Some(batch));
        }
        let recalled = memory.batches.recall(digest);
        drop(memory);
        let Some(BatchAt(number)) = self.complete(digest, recalled)? else {
            return Ok(None);
        };
        let batch: Batch = self.store.read("read", |read| {
            BATCHES.must(&read.open_table(BATCHES.definition)?, number)
        })?;
        Ok(Some(Arc::new(batch)))
    }

    /// Whether it is here, without reading it.
    pub(super) fn find_batch(&self, digest: &Digest) -> Result<bool, HistoryError> {
        let memory = self.lock();
        if memory.overlay.batch(digest).is_some() {
            return Ok(true);
        }
        let recalled = memory.batches.recall(digest);
        drop(memory);
        Ok(self.complete(digest, recalled)?.is_some())
    }

    pub(super) fn decision(
        &self,
        lane: LearnerId,
        slot: Slot,
    ) -> Result<Option<Kept<W>>, HistoryError> {
        self.decided(lane, slot, Kept::clone, |read, row| {
            let messages = read.open_table(MESSAGES.definition)?;
            let proof = row.proof.iter().map(|n| MESSAGES.must(&messages, *n));
            Ok(Kept {
                ballot: row.ballot,
                value: row.value,
                quorum: row.quorum,
                proof: proof.collect::<Result<_, Fault>>()?,
            })
        })
    }

    pub(super) fn value(
        &self,
        lane: LearnerId,
        slot: Slot,
    ) -> Result<Option<Digest>, HistoryError> {
        self.decided(lane, slot, |kept| kept.value, |_, row| Ok(row.value))
    }

    pub(super) fn outcome(
        &self,
        lane: LearnerId,
        slot: Slot,
    ) -> Result<Option<Outcome>, HistoryError> {
        let unwritten = |kept: &Kept<W>| Outcome {
            ballot: kept.ballot,
            digest: kept.value,
            quorum: kept.quorum,
        };
        self.decided(lane, slot, unwritten, |_, row| {
            Ok(Outcome {
                ballot: row.ballot,
                digest: row.value,
                quorum: row.quorum,
            })
        })
    }

    /// What a decision tells, where it is not written yet and where it is.
    fn decided<T>(
        &self,
        lane: LearnerId,
        slot: Slot,
        unwritten: impl FnOnce(&Kept<W>) -> T,
        written: impl FnOnce(&ReadTransaction, DecisionRow) -> Result<T, Fault>,
    ) -> Result<Option<T>, HistoryError> {
        let memory = self.lock();
        if memory.overlay.next(lane).is_none_or(|next| slot >= next) {
            return Ok(None);
        }
        if let Some(decided) = memory.overlay.decision(lane, slot) {
            return Ok(Some(unwritten(&decided.kept)));
        }
        drop(memory);
        self.store.read("read", |read| {
            let decisions = read.open_table(DECISIONS.definition)?;
            written(read, decision_row(&decisions, lane, slot)?).map(Some)
        })
    }

    pub(super) fn has_page(&self, page: Page) -> bool {
        let memory = self.lock();
        match memory.overlay.page(page) {
            PageState::Kept(_) => true,
            PageState::Settled => false,
            PageState::Unknown => memory.pages.contains(&page),
        }
    }

    pub(super) fn page(&self, page: Page) -> Result<Option<Vec<W>>, HistoryError> {
        let mut looked_at = None;
        loop {
            let memory = self.lock();
            match memory.overlay.page(page) {
                PageState::Kept(paged) => return Ok(Some(paged.messages.clone())),
                PageState::Settled => return Ok(None),
                PageState::Unknown if !memory.pages.contains(&page) => return Ok(None),
                PageState::Unknown => {}
            }
            let written = memory.overlay.first();
            drop(memory);
            if looked_at == Some(written) {
                // It should be in the file, and was not, and nothing was written meanwhile.
                let fault = PAGES.missing(&page_key(page));
                return Err(fault.at(self.store.path(), "read"));
            }
            looked_at = Some(written);
            let found = self.store.read("read", |read| read_page(read, page))?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    pub(super) fn learners(&self, value: &Digest) -> Result<LearnerSet, HistoryError> {
        let delivered = self.delivered(value)?;
        Ok(delivered.map_or(LearnerSet::EMPTY, |d| d.learners()))
    }
}

fn read_page<W: Message>(read: &ReadTransaction, page: Page) -> Result<Option<Vec<W>>, Fault> {
    let pages = read.open_table(PAGES.definition)?;
    let Some(count) = PAGES.get::<u32>(&pages, page_key(page))? else {
        return Ok(None);
    };
    let table = read.open_table(PAGE_MESSAGES.definition)?;
    let messages = (0..count).map(|n| PAGE_MESSAGES.must(&table, page_message_key(page, n)));
    Ok(Some(messages.collect::<Result<_, Fault>>()?))
}

/// The pages that are here. All of them are counted, so that none is missed.
fn load_pages(read: &ReadTransaction, state: &State) -> Result<BTreeSet<Page>, Fault> {
    let mut pages = BTreeSet::new();
    for row in read.open_table(PAGES.definition)?.iter()? {
        let (page, count) = row?;
        PAGES.decode::<u32>(&page.value(), &count)?;
        pages.insert(page_of(page.value()));
    }
    if pages.len() as u64 == state.pages {
        return Ok(pages);
    }
    let (here, expected) = (pages.len(), state.pages);
    Err(Fault::damaged(format_args!(
        "{here} pages are here of {expected}"
    )))
}

/// The last decision of every lane is there.
fn check_last_decisions(read: &ReadTransaction, state: &State) -> Result<(), Fault> {
    let decisions = read.open_table(DECISIONS.definition)?;
    for (lane, next) in (0..).map(LearnerId).zip(&state.next) {
        if let Some(last) = next.0.checked_sub(1) {
            decision_row(&decisions, lane, Slot(last))?;
        }
    }
    Ok(())
}

/// The last message and the last batch are there.
fn check_ends(read: &ReadTransaction, state: &State) -> Result<(), Fault> {
    let messages = read.open_table(MESSAGES.definition)?;
    if let Some(last) = state.messages.checked_sub(1) {
        MESSAGES.must_encoded(&messages, last)?;
    }
    let batches = read.open_table(BATCHES.definition)?;
    if let Some(last) = state.batches.checked_sub(1) {
        BATCHES.must_encoded(&batches, last)?;
    }
    Ok(())
}
