//! The history as those see it who know no protocol.

use super::{HistoryFile, Message, Outcome, Shown};
use consensus::Slot;
use consensus::history::History;
use consensus::storage::StorageError;
use crypto::Digest;
use learner_graph::LearnerId;

/// Reads what was decided; every method but `may_find`, `next` and `unwritten` may wait for the disk. What cannot be read is said in the log, and stops
/// nothing: the protocol has not asked.
pub(crate) trait Shelf: Send + Sync {
    /// See [`History::next`].
    fn next(&self, lane: LearnerId) -> Slot;

    /// See [`HistoryFile::decisions`].
    fn decisions(
        &self,
        lane: LearnerId,
        from: Slot,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Shown>, StorageError>;

    /// See [`HistoryFile::find`].
    fn find(&self, lane: LearnerId, value: &Digest) -> Result<Option<Slot>, StorageError>;

    /// See [`HistoryFile::may_find`].
    fn may_find(&self, value: &Digest) -> bool;

    /// See [`HistoryFile::outcome`].
    fn outcome(&self, lane: LearnerId, slot: Slot) -> Result<Option<Outcome>, StorageError>;

    /// See [`HistoryFile::unwritten`].
    fn unwritten(&self) -> usize;

    /// How large it is, and how much room there is left beside it, in bytes; `None` if that cannot be told.
    fn room(&self) -> Option<(u64, u64)>;
}

impl<W: Message> Shelf for HistoryFile<W> {
    fn next(&self, lane: LearnerId) -> Slot {
        History::next(self, lane)
    }

    fn decisions(
        &self,
        lane: LearnerId,
        from: Slot,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Shown>, StorageError> {
        self.told(HistoryFile::decisions(self, lane, from, limit, max_bytes))
    }

    fn find(&self, lane: LearnerId, value: &Digest) -> Result<Option<Slot>, StorageError> {
        HistoryFile::find(self, lane, value)
    }

    fn may_find(&self, value: &Digest) -> bool {
        HistoryFile::may_find(self, value)
    }

    fn outcome(&self, lane: LearnerId, slot: Slot) -> Result<Option<Outcome>, StorageError> {
        HistoryFile::outcome(self, lane, slot)
    }

    fn unwritten(&self) -> usize {
        HistoryFile::unwritten(self)
    }

    fn room(&self) -> Option<(u64, u64)> {
        let path = self.shared().store.path();
        let size = std::fs::metadata(path).ok()?.len();
        let disk = rustix::fs::statvfs(path).ok()?;
        Some((size, disk.f_bavail.saturating_mul(disk.f_frsize)))
    }
}
