//! Finding by digest: digests are random, and rows in their order would be written all over a table
//! that grows for ever.
//!
//! ```text
//!   entries of a group ──► `recent` rows, as they came; and in memory
//!                              │ when there are enough
//!                              ▼
//!                          a run: never changed again, sorted into buckets, with a filter in memory
//! ```
//!
//! Most questions are about what is not here: the filters answer them without a look at the file, but
//! for about one in 10,000 per run. Every bucket of a run is a row, even an empty one, so that a
//! bucket that is gone is noticed and not taken for an answer.

use super::error::Fault;
use super::rows::{BatchAt, Delivered, FILTERS, FilterRow, IndexState, RECENT, RUNS, Raw};
use consensus::Slot;
use crypto::Digest;
use fastbloom::{BloomFilter, DefaultHasher};
use learner_graph::{LearnerId, LearnerSet};
use redb::{ReadableTable, Table};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// Entries of a bucket, about: some 700 bytes, of which a page of the file holds five.
const BUCKET_ENTRIES: usize = 12;
/// Bits of a filter per entry, and how many of them an entry sets.
const FILTER_BITS: usize = 20;
const FILTER_HASHES: u32 = 10;
/// Entries of one recent row.
const RECENT_ENTRIES: usize = 4096;

/// What an index says of a digest.
pub(super) trait Entry: Clone + Serialize + DeserializeOwned + Send + Sync {
    /// The number of the index.
    const INDEX: u8;

    /// Takes in what was said of the same digest elsewhere.
    fn merge(&mut self, other: &Self);
}

impl Entry for BatchAt {
    const INDEX: u8 = 0;

    fn merge(&mut self, _: &Self) {}
}

impl Entry for Delivered {
    const INDEX: u8 = 1;

    fn merge(&mut self, other: &Self) {
        for (slot, learners) in &other.0 {
            self.add(*slot, *learners);
        }
    }
}

impl Delivered {
    /// Notes a delivery; the first to a learner counts.
    pub(super) fn add(&mut self, slot: Slot, learners: LearnerSet) {
        let new = learners - self.learners();
        if new.is_empty() {
            return;
        }
        match self.0.iter_mut().find(|(s, _)| *s == slot) {
            Some((_, to)) => *to |= new,
            None => self.0.push((slot, new)),
        }
    }

    /// Forgets the deliveries to these learners.
    pub(super) fn remove(&mut self, learners: LearnerSet) {
        for (_, to) in &mut self.0 {
            *to -= learners;
        }
        self.0.retain(|(_, to)| !to.is_empty());
    }

    pub(super) fn learners(&self) -> LearnerSet {
        let sets = self.0.iter().map(|(_, to)| *to);
        sets.fold(LearnerSet::EMPTY, |all, to| all | to)
    }

    pub(super) fn slot(&self, learner: LearnerId) -> Option<Slot> {
        let at = self.0.iter().find(|(_, to)| to.contains(learner));
        at.map(|(slot, _)| *slot)
    }
}

/// What is known of a run without reading it.
#[derive(Debug)]
struct Run {
    buckets: u32,
    filter: BloomFilter<DefaultHasher>,
}

/// An index, as far as it is in memory: it mirrors what is in the file.
#[derive(Debug)]
pub(super) struct Index<E> {
    hasher: DefaultHasher,
    /// Entries that are in recent rows.
    recent: HashMap<Digest, E>,
    /// The same of entries that are just becoming a run.
    frozen: Arc<HashMap<Digest, E>>,
    runs: Vec<Arc<Run>>,
}

/// What memory knows of a digest.
pub(super) struct Recalled<E> {
    pub(super) found: Option<E>,
    /// Runs that may have more, and their buckets for this digest.
    buckets: Vec<(u32, u32)>,
}

impl<E: Entry> Index<E> {
    /// Reads what is to be kept in memory.
    pub(super) fn load(
        seed: &[u8; 16],
        state: IndexState,
        recent: &impl ReadableTable<(u8, u64), Raw>,
        filters: &impl ReadableTable<(u8, u32), Raw>,
    ) -> Result<Self, Fault> {
        let mut index = Index {
            hasher: DefaultHasher::seeded(seed),
            recent: HashMap::new(),
            frozen: Arc::default(),
            runs: Vec::new(),
        };
        for run in 0..state.runs {
            let row: FilterRow = FILTERS.must(filters, (E::INDEX, run))?;
            index.runs.push(Arc::new(Run {
                buckets: row.buckets,
                filter: filter_of(row.bits, &index.hasher)?,
            }));
        }
        for number in state.first..state.next {
            let row: Vec<(Digest, E)> = RECENT.must(recent, (E::INDEX, number))?;
            index.add(row);
        }
        Ok(index)
    }

    /// Takes in entries that have become recent rows.
    pub(super) fn add(&mut self, entries: impl IntoIterator<Item = (Digest, E)>) {
        for (digest, entry) in entries {
            match self.recent.entry(digest) {
                std::collections::hash_map::Entry::Occupied(mut old) => old.get_mut().merge(&entry),
                std::collections::hash_map::Entry::Vacant(new) => {
                    new.insert(entry);
                }
            }
        }
    }

    /// What memory knows of a digest.
    pub(super) fn recall(&self, digest: &Digest) -> Recalled<E> {
        let mut found: Option<E> = self.recent.get(digest).cloned();
        if let Some(frozen) = self.frozen.get(digest) {
            merge_into(&mut found, frozen);
        }
        let buckets = self.runs_with(digest);
        let buckets = buckets.map(|(number, run)| (number, bucket(digest, run.buckets)));
        Recalled {
            found,
            buckets: buckets.collect(),
        }
    }

    /// Whether there can be anything about a digest, as far as memory knows: if not, there is nothing.
    pub(super) fn may_have(&self, digest: &Digest) -> bool {
        self.recent.contains_key(digest)
            || self.frozen.contains_key(digest)
            || self.runs_with(digest).next().is_some()
    }

    /// The runs that may have something about a digest.
    fn runs_with(&self, digest: &Digest) -> impl Iterator<Item = (u32, &Run)> {
        let hash = hash_of(&self.hasher, digest);
        let runs = (0..).zip(self.runs.iter().map(|run| &**run));
        runs.filter(move |(_, run)| run.filter.contains_hash(hash))
    }

    /// The recent entries, if they are enough for a run: they stand aside while it is written.
    pub(super) fn freeze(&mut self, enough: usize) -> Option<Arc<HashMap<Digest, E>>> {
        if self.recent.len() < enough {
            return None;
        }
        // As many will come again, and to grow to that many is to move them all.
        let next = HashMap::with_capacity(self.recent.len());
        self.frozen = Arc::new(std::mem::replace(&mut self.recent, next));
        Some(Arc::clone(&self.frozen))
    }

    /// The run is written.
    pub(super) fn sealed(&mut self, run: Sealed) {
        self.frozen = Arc::default();
        self.runs.push(Arc::new(run.0));
    }

    /// The hasher of this index's filters.
    pub(super) fn hasher(&self) -> DefaultHasher {
        self.hasher.clone()
    }
}

impl<E: Entry> Recalled<E> {
    /// Everything about a digest, with what the file says.
    pub(super) fn complete(
        self,
        digest: &Digest,
        runs: &impl ReadableTable<(u8, u32, u32), Raw>,
    ) -> Result<Option<E>, Fault> {
        let mut found = self.found;
        for (run, bucket) in self.buckets {
            let row: Vec<(Digest, E)> = RUNS.must(runs, (E::INDEX, run, bucket))?;
            if let Ok(at) = row.binary_search_by_key(digest, |(d, _)| *d) {
                merge_into(&mut found, &row[at].1);
            }
        }
        Ok(found)
    }

    /// Whether memory knows everything.
    pub(super) fn is_complete(&self) -> bool {
        self.buckets.is_empty()
    }
}

fn merge_into<E: Entry>(found: &mut Option<E>, more: &E) {
    match found {
        Some(found) => found.merge(more),
        None => *found = Some(more.clone()),
    }
}

/// What a filter knows of a digest. Filters are stored, so this must never change: the bytes alone go in,
/// since how the standard library hashes anything else may differ between its versions.
pub(super) fn hash_of(hasher: &DefaultHasher, digest: &Digest) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(&digest.0);
    hasher.finish()
}

/// A filter with these bits.
pub(super) fn filter_of(
    bits: Vec<u64>,
    hasher: &DefaultHasher,
) -> Result<BloomFilter<DefaultHasher>, Fault> {
    if bits.is_empty() {
        return Err(Fault::damaged("a filter has no bits"));
    }
    let filter = BloomFilter::from_vec(bits).hasher(hasher.clone());
    Ok(filter.hashes(FILTER_HASHES))
}

/// The bucket of a digest: in the order of digests, so that a run is written from start to end.
pub(super) fn bucket(digest: &Digest, buckets: u32) -> u32 {
    let [a, b, c, d, ..] = digest.0;
    let start = u64::from(u32::from_be_bytes([a, b, c, d]));
    // Below `buckets`: the product of two numbers below 2^32, shifted.
    ((start * u64::from(buckets)) >> 32) as u32
}

/// Writes entries as they came.
pub(super) fn write_recent<E: Entry>(
    recent: &mut Table<'_, (u8, u64), Raw>,
    state: &mut IndexState,
    entries: &[(Digest, E)],
) -> Result<(), Fault> {
    for part in entries.chunks(RECENT_ENTRIES) {
        RECENT.put(recent, (E::INDEX, state.next), &part)?;
        state.next += 1;
    }
    Ok(())
}

/// A run that was written.
pub(super) struct Sealed(Run);

/// Writes a run, in place of all recent rows.
pub(super) fn write_run<E: Entry>(
    hasher: DefaultHasher,
    entries: &HashMap<Digest, E>,
    state: &mut IndexState,
    recent: &mut Table<'_, (u8, u64), Raw>,
    runs: &mut Table<'_, (u8, u32, u32), Raw>,
    filters: &mut Table<'_, (u8, u32), Raw>,
) -> Result<Sealed, Fault> {
    let run = state.runs;
    let buckets = u32::try_from((entries.len() / BUCKET_ENTRIES).max(1)).unwrap_or(u32::MAX);
    let words = (entries.len() * FILTER_BITS).div_ceil(64).max(1);
    let mut filter = filter_of(vec![0; words], &hasher)?;
    let mut sorted: Vec<(&Digest, &E)> = entries.iter().collect();
    sorted.sort_unstable_by_key(|(digest, _)| **digest);
    let mut rest = sorted.as_slice();
    for number in 0..buckets {
        let len = rest.partition_point(|(digest, _)| bucket(digest, buckets) <= number);
        let (row, after) = rest.split_at(len);
        rest = after;
        RUNS.put(runs, (E::INDEX, run, number), &row)?;
    }
    for (digest, _) in &sorted {
        filter.insert_hash(hash_of(&hasher, digest));
    }
    let row = FilterRow {
        entries: entries.len() as u64,
        buckets,
        bits: filter.as_slice().to_vec(),
    };
    FILTERS.put(filters, (E::INDEX, run), &row)?;
    for number in state.first..state.next {
        recent.remove((E::INDEX, number))?;
    }
    state.first = state.next;
    state.runs += 1;
    Ok(Sealed(Run { buckets, filter }))
}
