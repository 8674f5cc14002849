//! A processor's log in an object store: one object per frame, never written twice.
//!
//! The name of an object is `<first slot>-<records>-<incarnation>-<number>`, the slot with 20 digits
//! so that names sort. The last two make every key a fresh one: a write that was given up may land at
//! any time, and then adds committed values that others hold too. A reader takes whatever covers the
//! slot that it wants.

use super::store::{Condition, Store};
use crate::disks::DiskError;
use crate::disks::header::{FRAME_HEADER, FrameHeader};
use crate::disks::sealed::Salt;
use consensus::Slot;
use consensus::disk_paxos::{LogRecord, ProcessorId};
use std::collections::BTreeMap;

/// What is known of a log.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    /// By first slot, the longest of each.
    chunks: BTreeMap<Slot, Chunk>,
    /// The first slot that they lack.
    end: Slot,
}

/// One object.
#[derive(Debug)]
struct Chunk {
    /// The slot after the last.
    end: Slot,
    name: String,
    bytes: u64,
}

impl Chunks {
    /// The first slot that the log lacks, as far as is known.
    pub(super) fn end(&self) -> Slot {
        self.end
    }

    /// How many pieces and bytes are known.
    pub(super) fn size(&self) -> (u64, u64) {
        (
            self.chunks.len() as u64,
            self.chunks.values().map(|chunk| chunk.bytes).sum(),
        )
    }

    /// Lists what has come since.
    pub(super) fn refresh(&mut self, store: &Store, of: ProcessorId) -> Result<(), DiskError> {
        // Again from the last known first slot on: longer ones may start there.
        let last = self.chunks.keys().next_back();
        let after = last.map(|slot| format!("{:020}", slot.0));
        for (name, bytes) in store.list(&folder(of), after.as_deref())? {
            let Some((first, end)) = parse(&name) else {
                continue;
            };
            let known = self.chunks.get(&first);
            if known.is_none_or(|known| known.end < end) {
                self.chunks.insert(first, Chunk { end, name, bytes });
            }
        }
        self.extend();
        Ok(())
    }

    /// Moves the end as far as the chunks reach without a gap.
    fn extend(&mut self) {
        for (first, chunk) in &self.chunks {
            if *first > self.end {
                return;
            }
            self.end = self.end.max(chunk.end);
        }
    }

    /// The name of an object that holds a slot.
    fn covering(&self, slot: Slot) -> Option<&str> {
        if slot >= self.end {
            return None;
        }
        let mut before = self.chunks.range(..=slot).rev();
        before
            .find(|(_, chunk)| chunk.end > slot)
            .map(|(_, chunk)| chunk.name.as_str())
    }

    /// Reads records from a slot on, about so many bytes.
    pub(super) fn read(
        &mut self,
        store: &Store,
        salt: &Salt,
        of: ProcessorId,
        from: Slot,
        max_bytes: usize,
    ) -> Result<Vec<LogRecord>, DiskError> {
        if from >= self.end {
            self.refresh(store, of)?;
        }
        let (mut found, mut bytes, mut next) = (Vec::new(), 0, from);
        while let Some(name) = self.covering(next) {
            let damaged = |what: &dyn std::fmt::Display| {
                let at = format!("log of processor {of}, object {name}");
                DiskError::damaged(store.place(), at, what)
            };
            let got = store.get(&format!("{}/{name}", folder(of)))?;
            let got = got.ok_or_else(|| damaged(&"it is gone"))?;
            let header = FrameHeader::decode(salt, of, &got.bytes).map_err(|e| damaged(&e))?;
            let records = header.records(salt, &got.bytes).map_err(|e| damaged(&e))?;
            if parse(name) != Some((header.first, header.end())) {
                return Err(damaged(&"it has the name of another one"));
            }
            let share = (got.bytes.len() - FRAME_HEADER) / records.len().max(1);
            for record in records.into_iter().skip_while(|r| r.slot < next) {
                if !found.is_empty() && bytes >= max_bytes {
                    return Ok(found);
                }
                bytes += share;
                found.push(record);
            }
            next = header.end();
        }
        Ok(found)
    }

    /// Writes records that continue the log. `incarnation` and `number` have never been used together;
    /// the number is counted on.
    pub(super) fn append(
        &mut self,
        store: &Store,
        salt: &Salt,
        me: ProcessorId,
        incarnation: u64,
        number: &mut u64,
        records: &[LogRecord],
    ) -> Result<(), DiskError> {
        for (count, bytes) in FrameHeader::encode_all(salt, me, records) {
            let (first, end) = (self.end, Slot(self.end.0 + count as u64));
            let name = format!("{:020}-{count}-{incarnation}-{number}", first.0);
            *number += 1;
            let key = format!("{}/{name}", folder(me));
            if let Err(error) = store.put(&key, &bytes, &Condition::New) {
                // The store's client may have repeated the request, and met itself.
                match store.get(&key)? {
                    Some(got) if got.bytes == bytes => {}
                    _ => return Err(error),
                }
            }
            let bytes = bytes.len() as u64;
            self.chunks.insert(first, Chunk { end, name, bytes });
            self.end = end;
        }
        Ok(())
    }
}

fn folder(of: ProcessorId) -> String {
    format!("log/{of}")
}

/// The first slot of an object's name, and the slot after the last.
fn parse(name: &str) -> Option<(Slot, Slot)> {
    let mut parts = name.split('-');
    let first = parts.next().filter(|digits| digits.len() == 20)?;
    let first: u64 = first.parse().ok()?;
    let count: u64 = parts.next()?.parse().ok()?;
    Some((Slot(first), Slot(first.checked_add(count)?)))
}
