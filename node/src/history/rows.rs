//! The tables of the file, and what is in their rows.
//!
//! | table | key | row |
//! |---|---|---|
//! | `meta` | 0 | [`Meta`]: what the file is; changes with the version alone |
//! | `state` | 0 | [`State`]: how much of everything there is; written with every group |
//! | `decided` | slot, the first of its lanes | [`DecisionRow`] |
//! | `messages` | number, from 0 | a message of a proof |
//! | `batches` | number, from 0 | a [`Batch`](consensus::Batch) |
//! | `pages` | first slot, slot after the last | how many messages were kept of this page |
//! | `page_messages` | the same, number from 0 | a message |
//! | `recent` | index, number | entries of an index that are in no run yet, as they came |
//! | `runs` | index, run, bucket | entries of a run whose digests begin alike |
//! | `filters` | index, run | [`FilterRow`]: what tells most digests that are not in the run |
//!
//! Every row is a CRC-32C of the table's name, the key and the contents, little endian, and then the
//! contents in the encoding of [`crypto::codec`]. Numbers only grow, and slots but for lanes that are late, so that
//! new rows go to the end of a table and not all over it.

use super::error::Fault;
use consensus::{Ballot, MAX_BATCH_BYTES, Page, Slot};
use crypto::{Digest, NetworkId, codec};
use learner_graph::{AcceptorSet, LearnerId, LearnerSet, MAX_LEARNERS};
use redb::{AccessGuard, Key, ReadableTable, TableDefinition, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// The version of the format that this program writes, and the newest that it reads. Older ones are turned into it
/// when they are opened to be written.
pub const VERSION: u32 = 2;
/// The largest message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;
/// The messages of a proof, at most; a quorum has one from each acceptor.
pub const MAX_PROOF: usize = learner_graph::MAX_ACCEPTORS;

/// A key of a table: its own form in the file.
pub(super) trait RowKey:
    Key + for<'a> Value<SelfType<'a> = Self> + Copy + Debug + 'static
{
}
impl<K: Key + for<'a> Value<SelfType<'a> = K> + Copy + Debug + 'static> RowKey for K {}

/// The contents of a row in the database's words.
pub(super) type Raw = &'static [u8];

/// A table of rows with checksums.
#[derive(Clone, Copy)]
pub(super) struct Rows<K: RowKey> {
    pub(super) name: &'static str,
    pub(super) definition: TableDefinition<'static, K, Raw>,
    /// The largest row, in bytes of its contents.
    limit: usize,
}

const CHECKSUM: usize = 4;

impl<K: RowKey> Rows<K> {
    pub(super) const fn new(name: &'static str, limit: usize) -> Self {
        Rows {
            name,
            definition: TableDefinition::new(name),
            limit,
        }
    }

    fn checksum(&self, key: &K, contents: &[u8]) -> [u8; CHECKSUM] {
        let sum = crc32c::crc32c(self.name.as_bytes());
        let sum = crc32c::crc32c_append(sum, K::as_bytes(key).as_ref());
        crc32c::crc32c_append(sum, contents).to_le_bytes()
    }

    /// Writes a row; the bytes that it takes.
    pub(super) fn put<T: Serialize>(
        &self,
        table: &mut redb::Table<'_, K, Raw>,
        key: K,
        value: &T,
    ) -> Result<(), Fault> {
        self.put_encoded(table, key, &codec::encode(value))
    }

    /// Writes a row whose contents are encoded already.
    pub(super) fn put_encoded(
        &self,
        table: &mut redb::Table<'_, K, Raw>,
        key: K,
        contents: &[u8],
    ) -> Result<(), Fault> {
        if contents.len() > self.limit {
            return Err(Fault::TooLarge {
                what: self.describe(&key),
                bytes: contents.len(),
                limit: self.limit,
            });
        }
        let mut row = table.insert_reserve(key, CHECKSUM + contents.len())?;
        let (sum, rest) = row.as_mut().split_at_mut(CHECKSUM);
        sum.copy_from_slice(&self.checksum(&key, contents));
        rest.copy_from_slice(contents);
        Ok(())
    }

    /// A row, if there is one.
    pub(super) fn get<T: Serialize + DeserializeOwned>(
        &self,
        table: &impl ReadableTable<K, Raw>,
        key: K,
    ) -> Result<Option<T>, Fault> {
        let row = table.get(key)?;
        row.map(|row| self.decode(&key, &row)).transpose()
    }

    /// A row that must be there.
    pub(super) fn must<T: Serialize + DeserializeOwned>(
        &self,
        table: &impl ReadableTable<K, Raw>,
        key: K,
    ) -> Result<T, Fault> {
        let row = self.get(table, key)?;
        row.ok_or_else(|| self.missing(&key))
    }

    /// The encoded contents of a row that must be there.
    pub(super) fn must_encoded<'t>(
        &self,
        table: &'t impl ReadableTable<K, Raw>,
        key: K,
    ) -> Result<Encoded<'t>, Fault> {
        let row = table.get(key)?.ok_or_else(|| self.missing(&key))?;
        self.verified(&key, row.value())?;
        Ok(Encoded(row))
    }

    /// Decodes a row that was read with its key.
    pub(super) fn decode<T: Serialize + DeserializeOwned>(
        &self,
        key: &K,
        row: &AccessGuard<'_, Raw>,
    ) -> Result<T, Fault> {
        self.decode_contents(key, self.verified(key, row.value())?)
    }

    /// Decodes contents whose checksum is right.
    pub(super) fn decode_contents<T: Serialize + DeserializeOwned>(
        &self,
        key: &K,
        contents: &[u8],
    ) -> Result<T, Fault> {
        codec::decode(contents, self.limit)
            .map_err(|error| Fault::damaged(format_args!("{}: {error}", self.describe(key))))
    }

    /// The contents of a row that was read with its key.
    pub(super) fn verified<'r>(&self, key: &K, row: &'r [u8]) -> Result<&'r [u8], Fault> {
        match row.split_at_checked(CHECKSUM) {
            Some((sum, contents)) if self.checksum(key, contents) == *sum => Ok(contents),
            _ => Err(Fault::damaged(format_args!(
                "{} has a wrong checksum",
                self.describe(key)
            ))),
        }
    }

    pub(super) fn missing(&self, key: &K) -> Fault {
        Fault::damaged(format_args!("{} is missing", self.describe(key)))
    }

    /// A row in words.
    pub(super) fn describe(&self, key: &K) -> String {
        format!("row {key:?} of table {}", self.name)
    }
}

/// The contents of a row whose checksum is right.
pub(super) struct Encoded<'t>(AccessGuard<'t, Raw>);

impl Encoded<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0.value()[CHECKSUM..]
    }
}

pub(super) const META: Rows<u8> = Rows::new("meta", 1 << 10);
pub(super) const STATE: Rows<u8> = Rows::new("state", 1 << 14);
pub(super) const DECISIONS: Rows<(u64, u16)> = Rows::new("decided", 1 << 16);
pub(super) const MESSAGES: Rows<u64> = Rows::new("messages", MAX_MESSAGE_BYTES);
pub(super) const BATCHES: Rows<u64> = Rows::new("batches", MAX_BATCH_BYTES + 8);
pub(super) const PAGES: Rows<(u64, u64)> = Rows::new("pages", 8);
pub(super) const PAGE_MESSAGES: Rows<(u64, u64, u32)> =
    Rows::new("page_messages", MAX_MESSAGE_BYTES);
pub(super) const RECENT: Rows<(u8, u64)> = Rows::new("recent", 64 << 20);
pub(super) const RUNS: Rows<(u8, u32, u32)> = Rows::new("runs", 64 << 20);
pub(super) const FILTERS: Rows<(u8, u32)> = Rows::new("filters", 64 << 20);

/// A lane's decision in a slot, which must be there.
pub(super) fn decision_row(
    table: &impl ReadableTable<(u64, u16), Raw>,
    lane: LearnerId,
    slot: Slot,
) -> Result<DecisionRow, Fault> {
    if let Some(row) = DECISIONS.get(table, (slot.0, lane.0))? {
        return Ok(row);
    }
    // Those that have it in common stand behind the first of them. A row that cannot be read may be another's.
    let mut unreadable = None;
    for row in decision_rows(table, slot, lane)? {
        match row {
            Ok(row) if row.lanes.contains(lane) => return Ok(row),
            Ok(_) => {}
            Err(fault) => unreadable = Some(fault),
        }
    }
    Err(unreadable.unwrap_or_else(|| DECISIONS.missing(&(slot.0, lane.0))))
}

/// The decisions in a slot of all lanes up to one, and of those that have them in common with these.
pub(super) fn decision_rows(
    table: &impl ReadableTable<(u64, u16), Raw>,
    slot: Slot,
    last: LearnerId,
) -> Result<impl Iterator<Item = Result<DecisionRow, Fault>>, Fault> {
    let rows = table.range((slot.0, 0)..=(slot.0, last.0))?;
    Ok(rows.map(|row| {
        let (key, row) = row?;
        DECISIONS.decode(&key.value(), &row)
    }))
}

/// The key of a page.
pub(super) fn page_key(page: Page) -> (u64, u64) {
    (page.start.0, page.end.0)
}

/// The key of a message of a page.
pub(super) fn page_message_key(page: Page, number: u32) -> (u64, u64, u32) {
    (page.start.0, page.end.0, number)
}

/// The page of a key.
pub(super) fn page_of((start, end): (u64, u64)) -> Page {
    Page {
        start: Slot(start),
        end: Slot(end),
    }
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    pub(super) version: u32,
    pub(super) network: NetworkId,
    pub(super) lanes: u16,
    /// What makes the filters of this file different from those of others.
    pub(super) seed: [u8; 16],
}

/// How much there is: what is missing can be told from what never was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Per lane, the first slot that is not here.
    pub(super) next: Vec<Slot>,
    /// The number of the next message.
    pub(super) messages: u64,
    /// The number of the next batch.
    pub(super) batches: u64,
    /// Pages.
    pub(super) pages: u64,
    /// Per index, the recent rows and the runs.
    pub(super) indexes: [IndexState; 2],
}

/// The same for one index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IndexState {
    /// The number of the first recent row.
    pub(super) first: u64,
    /// The number of the next recent row.
    pub(super) next: u64,
    /// How many runs there are.
    pub(super) runs: u32,
}

/// A decision that lanes have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DecisionRow {
    /// The lanes, the one in the key first.
    pub(super) lanes: LearnerSet,
    pub(super) ballot: Ballot,
    pub(super) value: Digest,
    pub(super) quorum: AcceptorSet,
    /// The number of the batch.
    pub(super) batch: u64,
    /// Which values of the batch were new to the learners.
    pub(super) new: New,
    /// The numbers of the messages that prove it.
    pub(super) proof: Vec<u64>,
}

/// Which values of a batch were new to a learner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum New {
    /// Every one.
    All,
    /// Those at these places, ascending.
    At(Vec<u16>),
}

/// A learner set per slot in which a value was delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delivered(pub(super) Vec<(Slot, LearnerSet)>);

/// Where a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BatchAt(pub(super) u64);

/// A filter of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FilterRow {
    /// Entries of the run.
    pub(super) entries: u64,
    /// Its buckets.
    pub(super) buckets: u32,
    /// The filter.
    pub(super) bits: Vec<u64>,
}

/// The most lanes.
pub const MAX_LANES: u16 = MAX_LEARNERS as u16;
