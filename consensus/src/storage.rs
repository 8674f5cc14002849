//! The storage that everything promised, proposed or voted goes through before it leaves.

use thiserror::Error;

/// Storage failed. The node must stop: what it said last may or may not be durable, and an acceptor
/// that forgets is Byzantine.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct StorageError(pub String);

/// A log of records, to which records are appended and which a checkpoint replaces.
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

    /// Replaces every record appended so far, synced or not, by a checkpoint: these records, which must
    /// say all that is still to be known. They are durable when this returns. A crash at any time before
    /// leaves either what there was or the whole checkpoint, never a part of both.
    ///
    /// # Errors
    /// If that cannot be guaranteed; the storage refuses everything from then on.
    fn replace(
        &mut self,
        checkpoint: &mut dyn Iterator<Item = Vec<u8>>,
    ) -> Result<(), StorageError>;

    /// How many bytes were appended since the last checkpoint, or ever, whether synced or not: what
    /// another checkpoint would save. A restart does not forget them.
    fn grown(&self) -> u64;
}

/// Storage in memory, for tests and simulation: it can lose what was not synced.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    durable: Vec<Vec<u8>>,
    buffered: Vec<Vec<u8>>,
    syncs: u64,
    grown: u64,
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
        let lost = self.buffered.split_off(kept);
        self.grown -= bytes(&lost);
        self.durable.append(&mut self.buffered);
    }
}

fn bytes(records: &[Vec<u8>]) -> u64 {
    records.iter().map(|record| record.len() as u64).sum()
}

impl Storage for MemoryStorage {
    fn append(&mut self, record: &[u8]) -> Result<(), StorageError> {
        self.grown += record.len() as u64;
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

    /// Durable at once.
    fn replace(
        &mut self,
        checkpoint: &mut dyn Iterator<Item = Vec<u8>>,
    ) -> Result<(), StorageError> {
        self.durable = checkpoint.collect();
        self.buffered.clear();
        self.grown = 0;
        Ok(())
    }

    /// The contents alone, since nothing else is stored.
    fn grown(&self) -> u64 {
        self.grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(synced: &[&str], buffered: &[&str]) -> MemoryStorage {
        let mut storage = MemoryStorage::default();
        for record in synced {
            storage.append(record.as_bytes()).unwrap();
        }
        storage.sync().unwrap();
        for record in buffered {
            storage.append(record.as_bytes()).unwrap();
        }
        storage
    }

    #[test]
    fn a_checkpoint_stands_for_everything_before_it() {
        let mut storage = storage(&["one", "two"], &["three"]);
        assert_eq!(storage.grown(), 11);
        let checkpoint = [b"all three".to_vec()];
        storage
            .replace(&mut checkpoint.clone().into_iter())
            .unwrap();
        assert_eq!((storage.durable(), storage.grown()), (&checkpoint[..], 0));
        storage.crash(usize::MAX);
        assert_eq!(storage.durable(), checkpoint);
        storage.append(b"four").unwrap();
        assert_eq!(storage.grown(), 4);
        storage.sync().unwrap();
        assert_eq!(storage.grown(), 4);
        assert_eq!(storage.durable(), [&b"all three"[..], b"four"]);
    }

    #[test]
    fn what_a_crash_loses_does_not_count_as_grown() {
        let mut storage = storage(&["one"], &["two", "four"]);
        storage.crash(1);
        assert_eq!(storage.grown(), 6);
        assert_eq!(storage.durable(), [b"one", b"two"]);
    }
}
