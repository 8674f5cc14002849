//! Reads every table, and holds it against the others.

use super::super::error::Fault;
use super::super::index::{Entry, bucket, filter_of, hash_of};
use super::super::rows::{
    BATCHES, BatchAt, DECISIONS, DecisionRow, Delivered, FILTERS, FilterRow, MESSAGES, Meta, New,
    PAGE_MESSAGES, PAGES, RECENT, RUNS, RowKey, Rows, State,
};
use super::super::shared::Message;
use super::super::store::Store;
use super::Report;
use super::sum::Sum;
use consensus::{Batch, ClientValue, Slot};
use crypto::Digest;
use fastbloom::DefaultHasher;
use learner_graph::{LearnerId, LearnerSet};
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// Batches of which what they hold is remembered, at most.
const MAX_REMEMBERED: usize = 1 << 14;

/// See the module.
pub(super) struct Reader<'c> {
    store: &'c Store,
    meta: &'c Meta,
    state: &'c State,
    pub(super) report: Report,
}

impl<'c> Reader<'c> {
    pub(super) fn new(store: &'c Store, meta: &'c Meta, state: &'c State, report: Report) -> Self {
        Reader {
            store,
            meta,
            state,
            report,
        }
    }

    /// Reads everything; what is wrong is in the report.
    pub(super) fn run<W: Message>(&mut self, sound: impl Fn(W) -> Result<(), String>) {
        self.part(|c, read| {
            let end = c.state.messages;
            c.numbered::<W>(read, MESSAGES, end, |c, number, message| {
                c.judged(MESSAGES, number, sound(message));
            })
        });
        let mut batches = Sum::new(&self.meta.seed);
        self.part(|c, read| {
            let end = c.state.batches;
            c.numbered::<Batch>(read, BATCHES, end, |_, number, batch| {
                batches.add(&(batch.digest(), number));
            })
        });
        self.part(|c, read| c.index::<BatchAt>(read, batches, |sum, d, at| sum.add(&(*d, at.0))));
        let mut values = Sum::new(&self.meta.seed);
        self.part(|c, read| c.decisions(read, &mut values));
        self.report.delivered = values.count;
        self.part(|c, read| {
            c.index::<Delivered>(read, values, |sum, id, delivered| {
                for (slot, learners) in &delivered.0 {
                    for learner in learners {
                        sum.add(&(*id, learner, *slot));
                    }
                }
            })
        });
        self.part(|c, read| c.pages::<W>(read, &sound));
    }

    /// One part of the check: what stops it is a problem like others.
    fn part(&mut self, run: impl FnOnce(&mut Self, &ReadTransaction) -> Result<(), Fault>) {
        let store = self.store;
        let done = store.read("read", |read| run(self, read));
        if let Err(error) = done {
            self.report.problem(error);
        }
    }

    /// What is in a row, or a problem.
    fn row<K: RowKey, T: Serialize + DeserializeOwned>(
        &mut self,
        rows: Rows<K>,
        key: K,
        row: &redb::AccessGuard<'_, &'static [u8]>,
    ) -> Option<T> {
        match rows.decode(&key, row) {
            Ok(row) => Some(row),
            Err(fault) => {
                self.report.problem(fault.at(self.store.path(), "read"));
                None
            }
        }
    }

    fn missing<K: RowKey>(&mut self, rows: Rows<K>, key: K) {
        let fault = rows.missing(&key);
        self.report.problem(fault.at(self.store.path(), "read"));
    }

    fn wrong<K: RowKey>(&mut self, rows: Rows<K>, key: K, what: &str) {
        let fault = Fault::damaged(format_args!("{} {what}", rows.describe(&key)));
        self.report.problem(fault.at(self.store.path(), "read"));
    }

    fn judged<K: RowKey>(&mut self, rows: Rows<K>, key: K, verdict: Result<(), String>) {
        if let Err(why) = verdict {
            self.wrong(rows, key, &format!("is not sound: {why}"));
        }
    }

    /// Reads a table whose keys are all numbers below `end`.
    fn numbered<T: Serialize + DeserializeOwned>(
        &mut self,
        read: &ReadTransaction,
        rows: Rows<u64>,
        end: u64,
        mut each: impl FnMut(&mut Self, u64, T),
    ) -> Result<(), Fault> {
        let mut expected = 0;
        for row in read.open_table(rows.definition)?.iter()? {
            let (key, row) = row?;
            let number = key.value();
            self.gap(rows, expected, number, |n| n);
            expected = number.saturating_add(1);
            if number >= end {
                self.wrong(rows, number, "is behind the end");
            }
            if let Some(contents) = self.row(rows, number, &row) {
                each(self, number, contents);
            }
        }
        self.gap(rows, expected, end, |n| n);
        Ok(())
    }

    /// Rows from `from` up to `to` are not there.
    fn gap<K: RowKey>(&mut self, rows: Rows<K>, from: u64, to: u64, key: impl Fn(u64) -> K) {
        if from < to {
            self.missing(rows, key(from));
            self.report.more += to - from - 1;
        }
    }

    fn decisions(&mut self, read: &ReadTransaction, values: &mut Sum) -> Result<(), Fault> {
        let decisions = read.open_table(DECISIONS.definition)?;
        let mut batches = Batches {
            table: read.open_table(BATCHES.definition)?,
            known: HashMap::new(),
        };
        // Per lane, the slot that comes next, and the end.
        let mut lanes: Vec<(u64, u64)> = self.state.next.iter().map(|end| (0, end.0)).collect();
        for row in decisions.iter()? {
            let (key, row) = row?;
            let key = key.value();
            if let Some(row) = self.row::<_, DecisionRow>(DECISIONS, key, &row) {
                self.follows(key, row.lanes, &mut lanes);
                self.decision(key, &row, &mut batches, values)?;
            } else {
                // Whose it is besides is not known: it is missing there.
                self.follows(key, LearnerSet::just(LearnerId(key.1)), &mut lanes);
            }
        }
        for (lane, (expected, end)) in (0..).zip(lanes) {
            self.gap(DECISIONS, expected, end, |slot| (slot, lane));
        }
        Ok(())
    }

    /// A decision is the next one of each of its lanes.
    fn follows(&mut self, key: (u64, u16), of: LearnerSet, lanes: &mut [(u64, u64)]) {
        let slot = key.0;
        if of.iter().next() != Some(LearnerId(key.1)) {
            self.wrong(DECISIONS, key, "is not under the first of its lanes");
        }
        for lane in of {
            let Some((expected, end)) = lanes.get_mut(usize::from(lane.0)) else {
                self.wrong(DECISIONS, key, "is of a lane that is not there");
                continue;
            };
            if slot < *expected {
                self.wrong(DECISIONS, key, "is of a lane that has this slot already");
            }
            self.gap(DECISIONS, *expected, slot, |slot| (slot, lane.0));
            *expected = slot.saturating_add(1);
            if slot >= *end {
                self.wrong(DECISIONS, key, "is behind the end");
            }
        }
    }

    fn decision(
        &mut self,
        key: (u64, u16),
        row: &DecisionRow,
        batches: &mut Batches,
        values: &mut Sum,
    ) -> Result<(), Fault> {
        if row
            .proof
            .iter()
            .any(|number| *number >= self.state.messages)
        {
            self.wrong(DECISIONS, key, "names a message that is not there");
        }
        let Some((digest, ids)) = batches.get(row.batch)? else {
            // Told where batches are read.
            return Ok(());
        };
        if *digest != row.value {
            self.wrong(DECISIONS, key, "names a batch with another digest");
        }
        let all = 0..u16::try_from(ids.len()).unwrap_or(u16::MAX);
        let places = match &row.new {
            New::All => all.collect(),
            New::At(places) => places.clone(),
        };
        for place in places {
            match ids.get(usize::from(place)) {
                Some(id) => {
                    for lane in row.lanes {
                        values.add(&(*id, lane, Slot(key.0)));
                    }
                }
                None => self.wrong(DECISIONS, key, "names a value that its batch has not"),
            }
        }
        Ok(())
    }

    /// Reads an index. What it says, added up, is what it should say.
    fn index<E: Entry>(
        &mut self,
        read: &ReadTransaction,
        expected: Sum,
        add: impl Fn(&mut Sum, &Digest, &E),
    ) -> Result<(), Fault> {
        let state = self.state.indexes[usize::from(E::INDEX)];
        let mut said = Sum::new(&self.meta.seed);
        let recent = read.open_table(RECENT.definition)?;
        for number in state.first..state.next {
            let row: Vec<(Digest, E)> = RECENT.must(&recent, (E::INDEX, number))?;
            for (digest, entry) in &row {
                add(&mut said, digest, entry);
            }
        }
        let runs = read.open_table(RUNS.definition)?;
        let filters = read.open_table(FILTERS.definition)?;
        let hasher = DefaultHasher::seeded(&self.meta.seed);
        for run in 0..state.runs {
            let filter: FilterRow = FILTERS.must(&filters, (E::INDEX, run))?;
            let (buckets, expected) = (filter.buckets, filter.entries);
            let filter = filter_of(filter.bits, &hasher)?;
            let mut entries = 0;
            for number in 0..buckets {
                let key = (E::INDEX, run, number);
                let row: Vec<(Digest, E)> = RUNS.must(&runs, key)?;
                let sorted = row.is_sorted_by(|a, b| a.0 < b.0);
                let here = row.iter().all(|(d, _)| bucket(d, buckets) == number);
                if !sorted || !here {
                    self.wrong(RUNS, key, "has entries in wrong places");
                }
                if !row
                    .iter()
                    .all(|(d, _)| filter.contains_hash(hash_of(&hasher, d)))
                {
                    self.wrong(FILTERS, (E::INDEX, run), "denies an entry");
                }
                entries += row.len() as u64;
                for (digest, entry) in &row {
                    add(&mut said, digest, entry);
                }
            }
            if entries != expected {
                self.wrong(FILTERS, (E::INDEX, run), "is of another number of entries");
            }
        }
        if said != expected {
            let (said, expected, index) = (said.count, expected.count, E::INDEX);
            // What could not be read could not be added up either.
            let follows = match self.report.problems.is_empty() {
                true => "",
                false => "; this may follow from what was said before",
            };
            self.report.problem(format!(
                "what index {index} finds is not what was kept: {said} entries, expected {expected}{follows}"
            ));
        }
        Ok(())
    }

    fn pages<W: Message>(
        &mut self,
        read: &ReadTransaction,
        sound: impl Fn(W) -> Result<(), String>,
    ) -> Result<(), Fault> {
        let messages = read.open_table(PAGE_MESSAGES.definition)?;
        let (mut pages, mut expected) = (0, 0);
        for row in read.open_table(PAGES.definition)?.iter()? {
            let (key, row) = row?;
            let key = key.value();
            pages += 1;
            if let Some(count) = self.row::<_, u32>(PAGES, key, &row) {
                expected += u64::from(count);
                for number in 0..count {
                    let key = (key.0, key.1, number);
                    match messages.get(key)? {
                        Some(row) => {
                            let message = self.row(PAGE_MESSAGES, key, &row);
                            self.judged(PAGE_MESSAGES, key, message.map_or(Ok(()), &sound));
                        }
                        None => self.missing(PAGE_MESSAGES, key),
                    }
                }
            }
        }
        if pages != self.state.pages {
            let state = self.state.pages;
            self.report
                .problem(format!("{pages} pages are here of {state}"));
        }
        let found = messages.len()?;
        if found != expected {
            self.report
                .problem(format!("{found} messages of pages are here of {expected}"));
        }
        Ok(())
    }
}

/// Batches by number: their digests, and the ids of their values.
struct Batches {
    table: redb::ReadOnlyTable<u64, &'static [u8]>,
    known: HashMap<u64, (Digest, Vec<Digest>)>,
}

impl Batches {
    fn get(&mut self, number: u64) -> Result<Option<&(Digest, Vec<Digest>)>, Fault> {
        if self.known.len() >= MAX_REMEMBERED {
            self.known.clear();
        }
        match self.known.entry(number) {
            std::collections::hash_map::Entry::Occupied(known) => Ok(Some(known.into_mut())),
            std::collections::hash_map::Entry::Vacant(new) => {
                let Ok(Some(batch)) = BATCHES.get::<Batch>(&self.table, number) else {
                    return Ok(None);
                };
                let ids = batch.values.iter().map(ClientValue::id).collect();
                Ok(Some(new.insert((batch.digest(), ids))))
            }
        }
    }
}
