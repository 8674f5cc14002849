//! The bytes behind the digests.

use crate::Batch;
use crypto::Digest;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Batches that came before anything named them. The oldest make room: they can be fetched again.
const MAX_UNCLAIMED: usize = 256;

/// Batches by digest. Only those that a message names are kept for good.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    kept: BTreeMap<Digest, Arc<Batch>>,
    wanted: BTreeSet<Digest>,
    unclaimed: BTreeMap<Digest, Batch>,
    order: VecDeque<Digest>,
}

/// What claiming a digest led to.
#[derive(Debug)]
pub(crate) enum Claim {
    /// The bytes are kept already.
    Kept,
    /// The bytes were here, and are to be stored now.
    Store(Arc<Batch>),
    /// The bytes are missing, and were not asked for yet.
    Fetch,
    /// The bytes are missing, and were asked for.
    Awaited,
}

impl Batches {
    /// The bytes of a batch that is kept.
    pub(crate) fn get(&self, digest: &Digest) -> Option<&Arc<Batch>> {
        self.kept.get(digest)
    }

    /// Whether the bytes are here, kept or not.
    pub(crate) fn here(&self, digest: &Digest) -> bool {
        self.kept.contains_key(digest) || self.unclaimed.contains_key(digest)
    }

    /// The digests whose bytes are missing.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = Digest> {
        self.wanted.iter().copied()
    }

    /// Something names this digest: its bytes are needed from now on.
    pub(crate) fn claim(&mut self, digest: Digest) -> Claim {
        if self.kept.contains_key(&digest) {
            return Claim::Kept;
        }
        match self.unclaimed.remove(&digest) {
            Some(batch) => {
                self.order.retain(|d| *d != digest);
                Claim::Store(self.keep(digest, batch))
            }
            None if self.wanted.insert(digest) => Claim::Fetch,
            None => Claim::Awaited,
        }
    }

    /// Bytes arrived. Returns them if they were wanted, to be stored.
    pub(crate) fn arrived(&mut self, batch: Batch) -> Option<(Digest, Arc<Batch>)> {
        let digest = batch.digest();
        if self.wanted.remove(&digest) {
            return Some((digest, self.keep(digest, batch)));
        }
        if !self.kept.contains_key(&digest) && self.unclaimed.insert(digest, batch).is_none() {
            self.order.push_back(digest);
            if self.order.len() > MAX_UNCLAIMED
                && let Some(oldest) = self.order.pop_front()
            {
                self.unclaimed.remove(&oldest);
            }
        }
        None
    }

    /// Keeps a batch that this node made, or stored before.
    pub(crate) fn keep(&mut self, digest: Digest, batch: Batch) -> Arc<Batch> {
        self.wanted.remove(&digest);
        let batch = Arc::new(batch);
        self.kept.insert(digest, Arc::clone(&batch));
        batch
    }
}
