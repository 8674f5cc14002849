//! The history as the engine has it.

use super::HistoryError;
use super::rows::{MAX_LANES, VERSION};
use super::shared::{Memory, Message, Shared};
use super::store::Store;
use super::writer;
use consensus::history::{History, Keep, Kept};
use consensus::storage::StorageError;
use consensus::{Batch, Page, Slot};
use crypto::{Digest, NetworkId};
use learner_graph::{LearnerId, LearnerSet};
use redb::StorageBackend;
use redb::backends::FileBackend;
use std::path::Path;
use std::sync::{Arc, MutexGuard};
use std::thread::JoinHandle;
use tokio::sync::watch;

/// How a history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes that are kept in memory, about, until they are written. Who keeps more waits for the
    /// writer, as long as it has anything that it may write.
    pub max_unwritten: usize,
    /// What is written at once has about so many bytes at most.
    pub group: usize,
    /// So many entries of an index are in memory, some 150 bytes each, until they become a run: there
    /// they take 2.5.
    pub recent: usize,
    /// Bytes of the file's pages in memory.
    pub cache: usize,
}

impl Default for Options {
    /// Some 64 MiB for each.
    fn default() -> Self {
        Self {
            max_unwritten: 64 << 20,
            group: 8 << 20,
            recent: 1 << 18,
            cache: 64 << 20,
        }
    }
}

/// A history in a file. `W` is a message as it travels.
///
/// After the first error it answers as if there were nothing, and keeps nothing:
/// [`failed`](Self::failed) says what the error was.
#[derive(Debug)]
pub struct HistoryFile<W: Message> {
    shared: Arc<Shared<W>>,
    /// About how many bytes a message takes.
    size: fn(&W) -> usize,
    options: Options,
    lanes: u16,
    writer: Option<JoinHandle<()>>,
    /// Last, so that the file is closed before it.
    open: watch::Sender<()>,
}

impl<W: Message> HistoryFile<W> {
    /// Opens the history of `network` in a file, with default [`Options`]; makes it where there is none.
    /// `lanes` is how many logs there are: one for each learner, or one for all. `size` tells about how
    /// many bytes a message takes.
    ///
    /// # Errors
    /// [`HistoryError`]; a history that is damaged, of another network, number of lanes, or of a newer
    /// version is not changed.
    pub fn open(
        path: impl AsRef<Path>,
        network: NetworkId,
        lanes: usize,
        size: fn(&W) -> usize,
    ) -> Result<Self, HistoryError> {
        Self::open_with(path, network, lanes, size, Options::default())
    }

    /// Like [`HistoryFile::open`], with options.
    ///
    /// # Errors
    /// Like [`HistoryFile::open`].
    pub fn open_with(
        path: impl AsRef<Path>,
        network: NetworkId,
        lanes: usize,
        size: fn(&W) -> usize,
        options: Options,
    ) -> Result<Self, HistoryError> {
        Self::open_through(path.as_ref(), network, lanes, size, options, |file| file)
    }

    /// The same; `through` may put something between the database and the file.
    pub(super) fn open_through<B: StorageBackend>(
        path: &Path,
        network: NetworkId,
        lanes: usize,
        size: fn(&W) -> usize,
        options: Options,
        through: impl FnOnce(FileBackend) -> B,
    ) -> Result<Self, HistoryError> {
        let lanes = u16::try_from(lanes)
            .ok()
            .filter(|lanes| (1..=MAX_LANES).contains(lanes));
        let lanes = lanes.ok_or_else(|| HistoryError::Misused {
            path: path.to_owned(),
            what: format!("the lanes of a history are 1 to {MAX_LANES}"),
        })?;
        Store::make(path, network, lanes)?;
        // What cannot be used must not be changed either, and opening to write changes a file.
        let (store, meta, state) = Store::inspect(path, network)?;
        if meta.lanes != lanes {
            return Err(HistoryError::OtherLanes {
                path: path.to_owned(),
                found: meta.lanes,
                expected: lanes,
            });
        }
        let memory = Memory::load(&store, &meta, &state)?;
        drop(store);
        let store = Store::open(path, options.cache, through)?;
        if store.identify(network)? != (meta.clone(), state.clone()) {
            return Err(HistoryError::InUse(path.to_owned()));
        }
        if meta.version < VERSION {
            let (path, from) = (path.display(), meta.version);
            tracing::info!(%path, from, to = VERSION, "the history has an older format: rewriting its decisions");
            store.upgrade(&meta)?;
        }
        let shared = Arc::new(Shared::new(store, memory));
        let to_write = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("history".to_owned())
            .spawn(move || writer::run(&to_write, state, options))
            .map_err(HistoryError::io(path, "start a thread for"))?;
        Ok(HistoryFile {
            shared,
            size,
            options,
            lanes,
            writer: Some(writer),
            open: watch::Sender::new(()),
        })
    }

    /// Returns when the history is closed: when whoever has it has let go of it, everything is written, and the file
    /// may be opened again.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + Sync + use<W> {
        let mut open = self.open.subscribe();
        // Nobody ever sends: it is an error as soon as there is no sender.
        async move { drop(open.changed().await) }
    }

    /// Lets everything kept so far be written. Call it when the records that led to it are durable.
    pub fn flush(&self) {
        let mut memory = self.shared.lock();
        let idle = memory.overlay.writable() == 0;
        memory.overlay.release();
        // A writer that waits for its time need not hear of every step.
        let begins = idle && memory.overlay.writable() > 0;
        if begins || memory.overlay.bytes() >= self.options.group {
            self.shared.work.notify_all();
        }
    }

    /// Like [`HistoryFile::flush`], and returns when everything is durable.
    ///
    /// # Errors
    /// The first error of this history.
    pub fn commit(&self) -> Result<(), StorageError> {
        let mut memory = self.shared.lock();
        memory.overlay.release();
        let end = memory.overlay.end();
        while memory.failed.is_none() && memory.overlay.first() < end {
            memory.hurry = true;
            self.shared.work.notify_all();
            memory = writer::wait(&self.shared.progress, memory);
        }
        memory.failed.clone().map_or(Ok(()), Err)
    }

    /// How many logs there are.
    #[must_use]
    pub fn lanes(&self) -> u16 {
        self.lanes
    }

    /// The first error, if there was one.
    #[must_use]
    pub fn failed(&self) -> Option<StorageError> {
        self.shared.lock().failed.clone()
    }

    /// About how many bytes are in memory and not written yet.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.shared.lock().overlay.bytes()
    }

    /// Waits while the writer is behind. What is not [flushed](HistoryFile::flush) yet it cannot write, and
    /// nobody waits for that.
    pub fn wait_for_room(&self) {
        drop(self.with_room(self.shared.lock()));
    }

    fn with_room<'m>(&self, mut memory: MutexGuard<'m, Memory<W>>) -> MutexGuard<'m, Memory<W>> {
        while memory.failed.is_none()
            && memory.overlay.writable() > 0
            && memory.overlay.bytes() > self.options.max_unwritten
        {
            memory = writer::wait(&self.shared.progress, memory);
        }
        memory
    }

    /// Breaks it, for tests of those who rely on it.
    #[cfg(test)]
    pub(crate) fn fail(&self, error: &StorageError) {
        self.shared.fail(error.clone());
    }

    /// What a call found, or nothing after an error.
    fn answer<T: Default>(&self, found: Result<T, HistoryError>) -> T {
        match found {
            Ok(found) => found,
            Err(error) => {
                self.shared.fail(error);
                T::default()
            }
        }
    }

    fn is_failed(&self) -> bool {
        self.shared.lock().failed.is_some()
    }

    pub(super) fn shared(&self) -> &Shared<W> {
        &self.shared
    }
}

impl<W: Message> History<W> for HistoryFile<W> {
    fn next(&self, learner: LearnerId) -> Slot {
        let memory = self.shared.lock();
        if memory.failed.is_some() {
            return Slot(0);
        }
        memory.overlay.next(learner).unwrap_or_default()
    }

    fn delivered(&self, value: &Digest) -> LearnerSet {
        if self.is_failed() {
            return LearnerSet::EMPTY;
        }
        self.answer(self.shared.learners(value))
    }

    fn decision(&self, learner: LearnerId, slot: Slot) -> Option<Kept<W>> {
        if self.is_failed() {
            return None;
        }
        self.answer(self.shared.decision(learner, slot))
    }

    fn value(&self, learner: LearnerId, slot: Slot) -> Option<Digest> {
        if self.is_failed() {
            return None;
        }
        self.answer(self.shared.value(learner, slot))
    }

    fn batch(&self, digest: &Digest) -> Option<Arc<Batch>> {
        if self.is_failed() {
            return None;
        }
        self.answer(self.shared.batch(digest))
    }

    fn has_batch(&self, digest: &Digest) -> bool {
        if self.is_failed() {
            return false;
        }
        let found = self.shared.find_batch(digest);
        self.answer(found.map(|found| found.then_some(())))
            .is_some()
    }

    fn has_page(&self, page: Page) -> bool {
        !self.is_failed() && self.shared.has_page(page)
    }

    fn page(&self, page: Page) -> Option<Vec<W>> {
        if self.is_failed() {
            return None;
        }
        self.answer(self.shared.page(page))
    }

    fn keep(&self, keep: Keep<W>) {
        let mut memory = self.with_room(self.shared.lock());
        if memory.failed.is_some() {
            return;
        }
        let kept = memory.overlay.keep(keep, self.size);
        drop(memory);
        if let Err(what) = kept {
            let path = self.shared.store.path().to_owned();
            self.shared.fail(HistoryError::Misused { path, what });
        }
    }
}

impl<W: Message> Drop for HistoryFile<W> {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.work.notify_all();
        if let Some(writer) = self.writer.take() {
            // It ends by itself; a panic of it was shown when it happened.
            let _ = writer.join();
        }
    }
}
