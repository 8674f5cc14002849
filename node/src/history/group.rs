//! Writing what was kept: the rows of a group, in one transaction.

use super::error::Fault;
use super::index::{Index, write_recent};
use super::overlay::{Decided, Op, Paged};
use super::rows::{
    BATCHES, BatchAt, DECISIONS, DecisionRow, Delivered, MAX_PROOF, MESSAGES, PAGE_MESSAGES, PAGES,
    RECENT, RUNS, Raw, STATE, State, decision_rows, page_key, page_message_key, page_of,
};
use super::shared::{Message, Shared};
use consensus::{Batch, Page, Slot};
use crypto::{Digest, codec};
use learner_graph::LearnerId;
use redb::{ReadableTable, Table, WriteTransaction};
use std::collections::{HashMap, VecDeque};

/// So many messages are remembered, so that what proves a later decision as well is stored once.
const REMEMBERED: usize = 1 << 16;

/// Messages that were written, by the digest of their encoding: all of the last ones, and of those
/// before that a late lane asked for.
#[derive(Debug)]
pub(super) struct Remembered {
    numbers: HashMap<Digest, u64>,
    order: VecDeque<Digest>,
    /// From this number on, all are here.
    since: u64,
    /// At most so many are here.
    most: usize,
}

impl Remembered {
    /// Nothing of what has numbers below `messages`.
    pub(super) fn new(messages: u64) -> Self {
        Self::at_most(messages, REMEMBERED)
    }

    fn at_most(messages: u64, most: usize) -> Self {
        Remembered {
            most,
            numbers: HashMap::new(),
            order: VecDeque::new(),
            since: messages,
        }
    }

    fn insert(&mut self, digest: Digest, number: u64) {
        if self.numbers.insert(digest, number).is_none() {
            self.order.push_back(digest);
        }
        while self.order.len() > self.most {
            let oldest = self.order.pop_front();
            if let Some(number) = oldest.and_then(|oldest| self.numbers.remove(&oldest)) {
                self.since = self.since.max(number + 1);
            }
        }
    }
}

/// What a group adds to what is in memory.
#[derive(Debug, Default)]
pub(super) struct Added {
    pub(super) batches: Vec<(Digest, BatchAt)>,
    pub(super) values: Vec<(Digest, Delivered)>,
    /// Pages in the order in which they came and went.
    pub(super) pages: Vec<PageChange>,
}

/// What happened to pages.
#[derive(Clone, Copy, Debug)]
pub(super) enum PageChange {
    Kept(Page),
    /// Those that end here or before are gone.
    Settled(Slot),
}

/// The tables that a group writes to.
struct Tables<'t> {
    decisions: Table<'t, (u64, u16), Raw>,
    messages: Table<'t, u64, Raw>,
    batches: Table<'t, u64, Raw>,
    pages: Table<'t, (u64, u64), Raw>,
    page_messages: Table<'t, (u64, u64, u32), Raw>,
    runs: Table<'t, (u8, u32, u32), Raw>,
}

/// A group that is being written.
struct Group<'g, 't, W> {
    shared: &'g Shared<W>,
    state: &'g mut State,
    remembered: &'g mut Remembered,
    tables: Tables<'t>,
    batches: HashMap<Digest, u64>,
    values: HashMap<Digest, Delivered>,
    added: Added,
}

/// Writes the rows of a group. After an error, `state` and `remembered` are of no use any more.
pub(super) fn write_group<W: Message>(
    shared: &Shared<W>,
    ops: &[Op<W>],
    state: &mut State,
    remembered: &mut Remembered,
    write: &WriteTransaction,
) -> Result<Added, Fault> {
    let mut group = Group {
        shared,
        state,
        remembered,
        tables: Tables {
            decisions: write.open_table(DECISIONS.definition)?,
            messages: write.open_table(MESSAGES.definition)?,
            batches: write.open_table(BATCHES.definition)?,
            pages: write.open_table(PAGES.definition)?,
            page_messages: write.open_table(PAGE_MESSAGES.definition)?,
            runs: write.open_table(RUNS.definition)?,
        },
        batches: HashMap::new(),
        values: HashMap::new(),
        added: Added::default(),
    };
    for op in ops {
        match op {
            Op::Decision(decided) => group.decision(decided)?,
            Op::Page(paged) => group.page(paged)?,
            Op::Settled(slot) => group.settled(*slot)?,
        }
    }
    let Group {
        batches,
        values,
        mut added,
        ..
    } = group;
    added.batches = batches.into_iter().map(|(d, n)| (d, BatchAt(n))).collect();
    added.values = values.into_iter().collect();
    let mut recent = write.open_table(RECENT.definition)?;
    write_recent(&mut recent, &mut state.indexes[0], &added.batches)?;
    write_recent(&mut recent, &mut state.indexes[1], &added.values)?;
    STATE.put(&mut write.open_table(STATE.definition)?, 0, &*state)?;
    Ok(added)
}

impl<W: Message> Group<'_, '_, W> {
    fn decision(&mut self, decided: &Decided<W>) -> Result<(), Fault> {
        let (lanes, slot) = (decided.lanes, decided.slot);
        let Some(first) = lanes.iter().next() else {
            return Err(Fault::Misused(format!("slot {slot} is decided by nobody")));
        };
        let count = decided.kept.proof.len();
        if count > MAX_PROOF {
            return Err(Fault::TooLarge {
                what: format!("a proof for lane {} in slot {slot} (in messages)", first.0),
                bytes: count,
                limit: MAX_PROOF,
            });
        }
        let batch = self.batch(decided.kept.value, &decided.batch)?;
        let proof = decided.kept.proof.iter();
        let proof = proof.map(|message| self.message(slot, message));
        let row = DecisionRow {
            lanes,
            ballot: decided.kept.ballot,
            value: decided.kept.value,
            quorum: decided.kept.quorum,
            batch,
            new: decided.new.clone(),
            proof: proof.collect::<Result<_, Fault>>()?,
        };
        DECISIONS.put(&mut self.tables.decisions, (slot.0, first.0), &row)?;
        for id in decided.values.ids().iter() {
            self.values.entry(*id).or_default().add(slot, lanes);
        }
        for lane in lanes {
            match self.state.next.get_mut(usize::from(lane.0)) {
                Some(next) if *next == slot => *next = slot.next(),
                _ => return Err(Fault::Misused(format!("slot {slot} is not the next one"))),
            }
        }
        Ok(())
    }

    /// The number of a batch, which is written if it is new.
    fn batch(&mut self, digest: Digest, batch: &Batch) -> Result<u64, Fault> {
        if let Some(number) = self.batches.get(&digest) {
            return Ok(*number);
        }
        let recalled = self.shared.lock().batches.recall(&digest);
        if let Some(BatchAt(number)) = recalled.complete(&digest, &self.tables.runs)? {
            return Ok(number);
        }
        let number = self.state.batches;
        BATCHES.put(&mut self.tables.batches, number, batch)?;
        self.state.batches += 1;
        self.batches.insert(digest, number);
        Ok(number)
    }

    /// The number of a message, which is written if it is new.
    fn message(&mut self, slot: Slot, message: &W) -> Result<u64, Fault> {
        let bytes = codec::encode(message);
        let digest = Digest::of(&bytes);
        if let Some(number) = self.remembered.numbers.get(&digest) {
            return Ok(*number);
        }
        if let Some(number) = self.told_by_others(slot, &bytes)? {
            self.remembered.insert(digest, number);
            return Ok(number);
        }
        let number = self.state.messages;
        MESSAGES.put_encoded(&mut self.tables.messages, number, &bytes)?;
        self.state.messages += 1;
        self.remembered.insert(digest, number);
        Ok(number)
    }

    /// A lane that is far behind the others may be proved by what proved them long ago.
    fn told_by_others(&self, slot: Slot, bytes: &[u8]) -> Result<Option<u64>, Fault> {
        let since = self.remembered.since;
        for row in decision_rows(&self.tables.decisions, slot, LearnerId(u16::MAX))? {
            for number in row?.proof.into_iter().filter(|n| *n < since) {
                let message = MESSAGES.must_encoded(&self.tables.messages, number)?;
                if message.bytes() == bytes {
                    return Ok(Some(number));
                }
            }
        }
        Ok(None)
    }

    fn page(&mut self, paged: &Paged<W>) -> Result<(), Fault> {
        let page = paged.page;
        self.remove_page(page)?;
        for (number, message) in (0..).zip(&paged.messages) {
            let table = &mut self.tables.page_messages;
            PAGE_MESSAGES.put(table, page_message_key(page, number), message)?;
        }
        let count = paged.messages.len();
        let count = u32::try_from(count)
            .map_err(|_| Fault::Misused(format!("{count} messages of page {page}")))?;
        PAGES.put(&mut self.tables.pages, page_key(page), &count)?;
        self.state.pages += 1;
        for (digest, batch) in &paged.batches {
            self.batch(*digest, batch)?;
        }
        self.added.pages.push(PageChange::Kept(page));
        Ok(())
    }

    fn settled(&mut self, slot: Slot) -> Result<(), Fault> {
        let mut gone = Vec::new();
        for row in self.tables.pages.range(..(slot.0, 0))? {
            let page = page_of(row?.0.value());
            if page.end <= slot {
                gone.push(page);
            }
        }
        for page in gone {
            self.remove_page(page)?;
        }
        self.added.pages.push(PageChange::Settled(slot));
        Ok(())
    }

    fn remove_page(&mut self, page: Page) -> Result<(), Fault> {
        let Some(count) = PAGES.get::<u32>(&self.tables.pages, page_key(page))? else {
            return Ok(());
        };
        for number in 0..count {
            let key = page_message_key(page, number);
            self.tables.page_messages.remove(key)?;
        }
        self.tables.pages.remove(page_key(page))?;
        self.state.pages -= 1;
        Ok(())
    }
}

/// Takes what a group added into memory.
pub(super) fn apply<W: Message>(shared: &Shared<W>, count: usize, added: Added) {
    let mut memory = shared.lock();
    memory.overlay.written(count);
    Index::add(&mut memory.batches, added.batches);
    Index::add(&mut memory.values, added.values);
    for change in added.pages {
        match change {
            PageChange::Kept(page) => {
                memory.pages.insert(page);
            }
            PageChange::Settled(slot) => memory.pages.retain(|page| page.end > slot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_known_to_be_everything_since() {
        let digest = |n: u64| Digest::of(&n.to_le_bytes());
        let mut remembered = Remembered::at_most(100, 3);
        assert_eq!(remembered.since, 100);
        for number in [100, 101] {
            remembered.insert(digest(number), number);
        }
        // An old one, of which a lane that is late has reminded.
        remembered.insert(digest(7), 7);
        assert_eq!(remembered.since, 100);
        remembered.insert(digest(102), 102);
        assert_eq!(remembered.since, 101);
        remembered.insert(digest(103), 103);
        remembered.insert(digest(104), 104);
        assert_eq!(remembered.since, 102);
        let all = (0..200).filter(|n| remembered.numbers.get(&digest(*n)) == Some(n));
        assert_eq!(all.collect::<Vec<_>>(), [102, 103, 104]);
    }
}
