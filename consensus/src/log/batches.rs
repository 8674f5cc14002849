//! The bytes behind the digests.

use super::waiting::Waiting;
use crate::history::History;
use crate::{Batch, ClientValue, Output, Record, Values};
use crypto::Digest;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

/// Batches that came before anything named them. The oldest make room: they can be fetched again.
const MAX_UNCLAIMED: usize = 256;
/// What the three protocols' configurations have for `recent_bytes`, but in tests: 4 MiB.
pub const RECENT_BYTES: usize = 4 << 20;

/// A batch with what it and its values are called. All of that follows from the bytes, and is worked out once.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) digest: Digest,
    pub(crate) values: Values,
    pub(crate) batch: Arc<Batch>,
}

impl Named {
    /// The batch of this digest.
    pub(crate) fn new(digest: Digest, batch: Arc<Batch>) -> Self {
        Named {
            digest,
            values: Arc::clone(&batch.values).into(),
            batch,
        }
    }

    /// A batch of these values, whose ids are known.
    pub(crate) fn of_values(values: impl Iterator<Item = (Digest, ClientValue)>) -> Self {
        let values = Values::known(values);
        let batch = values.batch();
        Named {
            digest: batch.digest(),
            values,
            batch: Arc::new(batch),
        }
    }
}

/// Batches by digest. Only those that a message names are kept, and of these only what is recent or not
/// in the history.
pub(crate) struct Batches {
    kept: BTreeMap<Digest, Named>,
    /// The bytes that have come since everything was looked through.
    grown: usize,
    wanted: BTreeSet<Digest>,
    unclaimed: BTreeMap<Digest, Batch>,
    order: VecDeque<Digest>,
    old: Box<dyn Old>,
}

/// What a history has, whatever its messages are.
trait Old: Send {
    fn get(&self, digest: &Digest) -> Option<Arc<Batch>>;
    fn has(&self, digest: &Digest) -> bool;
}

impl<W> Old for Arc<dyn History<W>> {
    fn get(&self, digest: &Digest) -> Option<Arc<Batch>> {
        self.batch(digest)
    }

    fn has(&self, digest: &Digest) -> bool {
        self.has_batch(digest)
    }
}

impl Batches {
    /// None is here but those of the history.
    pub(crate) fn new<W: 'static>(history: Arc<dyn History<W>>) -> Self {
        Batches {
            kept: BTreeMap::new(),
            grown: 0,
            wanted: BTreeSet::new(),
            unclaimed: BTreeMap::new(),
            order: VecDeque::new(),
            old: Box::new(history),
        }
    }

    /// The bytes of a batch that is stored here.
    pub(crate) fn get(&self, digest: &Digest) -> Option<Arc<Batch>> {
        self.in_memory(digest).or_else(|| self.old.get(digest))
    }

    /// The same with the ids of its values.
    pub(crate) fn named(&self, digest: &Digest) -> Option<Named> {
        let kept = self.kept.get(digest).cloned();
        kept.or_else(|| Some(Named::new(*digest, self.old.get(digest)?)))
    }

    /// The bytes of a batch that is in memory.
    pub(crate) fn in_memory(&self, digest: &Digest) -> Option<Arc<Batch>> {
        self.kept.get(digest).map(|named| Arc::clone(&named.batch))
    }

    /// All of those.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Named> {
        self.kept.values()
    }

    /// Whether the history has the bytes.
    pub(crate) fn are_old(&self, digest: &Digest) -> bool {
        self.old.has(digest)
    }

    /// Whether the bytes are stored here.
    pub(crate) fn stored(&self, digest: &Digest) -> bool {
        self.kept.contains_key(digest) || self.are_old(digest)
    }

    /// Lets go of every batch in memory that is not needed there, and of what is known of its values that do not wait.
    /// It is in the history, or nothing names it any more.
    pub(crate) fn retain(&mut self, needs: impl Fn(&Digest) -> bool, waiting: &mut Waiting) {
        self.grown = 0;
        self.want_only(&needs);
        self.kept.retain(|digest, named| {
            let needed = needs(digest);
            if !needed {
                waiting.forget(named);
            }
            needed
        });
    }

    /// The bytes of values that have come since `retain` was called.
    pub(crate) fn grown(&self) -> usize {
        self.grown
    }

    /// Whether the bytes are here, stored or not.
    pub(crate) fn here(&self, digest: &Digest) -> bool {
        self.unclaimed.contains_key(digest) || self.stored(digest)
    }

    /// The digests whose bytes are missing: what was claimed and has neither arrived nor been let go of.
    pub(crate) fn wanted(&self) -> &BTreeSet<Digest> {
        &self.wanted
    }

    /// Bytes that are missing and not needed any more are not wanted any more.
    pub(crate) fn want_only(&mut self, needs: impl Fn(&Digest) -> bool) {
        self.wanted.retain(needs);
    }

    /// Something names this digest: its bytes are needed from now on. They are stored if they are here, and wanted if
    /// not.
    pub(crate) fn claim<M, W, E, F>(&mut self, digest: Digest, out: &mut Vec<Output<M, W, E, F>>) {
        if self.stored(&digest) {
            return;
        }
        if let Some(batch) = self.unclaimed.remove(&digest) {
            self.order.retain(|d| *d != digest);
            out.push(Output::Persist(Record::Batch(batch.clone())));
            self.keep(Named::new(digest, Arc::new(batch)));
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
            self.keep(Named::new(digest, Arc::new(batch)));
            return true;
        }
        if !self.stored(&digest) && self.unclaimed.insert(digest, batch).is_none() {
            self.order.push_back(digest);
            if self.order.len() > MAX_UNCLAIMED
                && let Some(oldest) = self.order.pop_front()
            {
                self.unclaimed.remove(&oldest);
            }
        }
        false
    }

    /// Batches that this node made, and proposes now, are stored and sent.
    pub(crate) fn announce<M, W, E, F>(
        &mut self,
        made: Vec<Named>,
        out: &mut Vec<Output<M, W, E, F>>,
    ) {
        for made in made {
            let batch = Batch::clone(&made.batch);
            out.push(Output::Persist(Record::Batch(batch.clone())));
            out.push(Output::SendBatch(batch));
            self.keep(made);
        }
    }

    /// Keeps a batch that this node made, or stored before.
    pub(crate) fn keep(&mut self, named: Named) {
        self.wanted.remove(&named.digest);
        self.grown += named.batch.values_len();
        self.kept.insert(named.digest, named);
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept, wanted) = (self.kept.len(), &self.wanted);
        write!(f, "Batches {{ kept: {kept}, wanted: {wanted:?} }}")
    }
}
