//! Single questions of those who read beside the engine: where a value is, what a slot has.

use super::HistoryError;
use super::file::HistoryFile;
use super::shared::Message;
use consensus::history::Kept;
use consensus::storage::StorageError;
use consensus::{Ballot, Batch, Slot};
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerId};
use std::sync::Arc;

/// A decision without its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The ballot in which a quorum sent its 2b.
    pub ballot: Ballot,
    /// The digest of the batch.
    pub digest: Digest,
    /// The acceptors whose 2b make the decision.
    pub quorum: AcceptorSet,
}

impl<W: Message> HistoryFile<W> {
    /// Where a value was delivered to a lane, by the value's id.
    ///
    /// # Errors
    /// If the history cannot be read or is damaged there, or an earlier error has stopped it.
    pub fn find(&self, lane: LearnerId, value: &Digest) -> Result<Option<Slot>, StorageError> {
        self.running()?;
        let delivered = self.told(self.shared().delivered(value))?;
        let slot = delivered.and_then(|delivered| delivered.slot(lane));
        let released = self.shared().lock().overlay.released_next(lane);
        Ok(slot.filter(|slot| *slot < released))
    }

    /// Whether [`HistoryFile::find`] may find a value or fail: no, for most that are new. Nothing is read.
    pub(crate) fn may_find(&self, value: &Digest) -> bool {
        self.shared().may_have(value)
    }

    /// What was decided in a slot, without reading its values.
    ///
    /// # Errors
    /// Like [`HistoryFile::find`].
    pub fn outcome(&self, lane: LearnerId, slot: Slot) -> Result<Option<Outcome>, StorageError> {
        self.running()?;
        self.told(self.shared().outcome(lane, slot))
    }

    /// The decision of a slot with its proof, for a question that the protocol has not asked.
    ///
    /// # Errors
    /// Like [`HistoryFile::find`].
    pub(crate) fn look_up(
        &self,
        lane: LearnerId,
        slot: Slot,
    ) -> Result<Option<Kept<W>>, StorageError> {
        self.running()?;
        self.told(self.shared().decision(lane, slot))
    }

    /// The batch of a digest, for a question that the protocol has not asked.
    ///
    /// # Errors
    /// Like [`HistoryFile::find`].
    pub(crate) fn look_up_batch(
        &self,
        digest: &Digest,
    ) -> Result<Option<Arc<Batch>>, StorageError> {
        self.running()?;
        self.told(self.shared().batch(digest))
    }

    /// Says what cannot be read. Who asked gets less, or nothing; what the protocol needs may all be there.
    pub(super) fn told<T, E: Into<StorageError>>(
        &self,
        found: Result<T, E>,
    ) -> Result<T, StorageError> {
        found.map_err(|error| {
            let error = error.into();
            self.shared().tell(&error);
            error
        })
    }

    fn running(&self) -> Result<(), StorageError> {
        match self.failed() {
            Some(error) => Err(HistoryError::Stopped(error.0).into()),
            None => Ok(()),
        }
    }
}
