//! The storage that everything promised, proposed or voted goes through before it leaves.

use thiserror::Error;

/// Storage failed. The node must stop: what it said last may or may not be durable, and an acceptor
/// that forgets is Byzantine.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct StorageError(pub String);

/// An append-only log of records.
///
/// Records come back after a restart in the order in which they were appended. Only what a successful
/// [`sync`](Storage::sync) followed is guaranteed to come back; later records may be missing, but
/// never without everything after them missing as well.
pub trait Storage {
    /// Appends one record, without any guarantee of durability yet.
    ///
    /// # Errors
    /// If the record cannot be written; the storage refuses everything from then on.
    fn append(&mut self, record: &[u8]) -> Result<(), StorageError>;

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// If that cannot be guaranteed; the storage refuses everything from then on.
    fn sync(&mut self) -> Result<(), StorageError>;
}

/// Storage in memory, for tests and simulation: it can lose what was not synced.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    durable: Vec<Vec<u8>>,
    buffered: Vec<Vec<u8>>,
    syncs: u64,
}

impl MemoryStorage {
    /// The durable records, in order: what a restart finds.
    #[must_use]
    pub fn durable(&self) -> &[Vec<u8>] {
        &self.durable
    }

    /// How often [`Storage::sync`] has made something durable.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.syncs
    }

    /// Power loss: everything not synced is gone, but for the first `kept` buffered records.
    pub fn crash(&mut self, kept: usize) {
        let kept = kept.min(self.buffered.len());
        self.durable.extend(self.buffered.drain(..).take(kept));
    }
}

impl Storage for MemoryStorage {
    fn append(&mut self, record: &[u8]) -> Result<(), StorageError> {
        self.buffered.push(record.to_vec());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        if !self.buffered.is_empty() {
            self.durable.append(&mut self.buffered);
            self.syncs += 1;
        }
        Ok(())
    }
}
