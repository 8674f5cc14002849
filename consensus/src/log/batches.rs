//! The bytes behind the digests.

use crate::{Batch, Output, Record};
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

    /// Something names this digest: its bytes are needed from now on. They are stored if they are here,
    /// and asked for, once, if not.
    pub(crate) fn claim<M, W, E, F>(&mut self, digest: Digest, out: &mut Vec<Output<M, W, E, F>>) {
        if self.kept.contains_key(&digest) {
            return;
        }
        if let Some(batch) = self.unclaimed.remove(&digest) {
            self.order.retain(|d| *d != digest);
            out.push(Output::Persist(Record::Batch(batch.clone())));
            self.keep(digest, batch);
        } else if self.wanted.insert(digest) {
            out.push(Output::Fetch(digest));
        }
    }

    /// Bytes arrived. If they were wanted they are stored. True if so.
    pub(crate) fn arrived<M, W, E, F>(
        &mut self,
        batch: Batch,
        out: &mut Vec<Output<M, W, E, F>>,
    ) -> bool {
        let digest = batch.digest();
        if self.wanted.remove(&digest) {
            out.push(Output::Persist(Record::Batch(batch.clone())));
            self.keep(digest, batch);
            return true;
        }
        if !self.kept.contains_key(&digest) && self.unclaimed.insert(digest, batch).is_none() {
            self.order.push_back(digest);
            if self.order.len() > MAX_UNCLAIMED
                && let Some(oldest) = self.order.pop_front()
            {
                self.unclaimed.remove(&oldest);
            }
        }
        false
    }

    /// Keeps a batch that this node made, or stored before.
    pub(crate) fn keep(&mut self, digest: Digest, batch: Batch) -> Arc<Batch> {
        self.wanted.remove(&digest);
        let batch = Arc::new(batch);
        self.kept.insert(digest, Arc::clone(&batch));
        batch
    }
}
