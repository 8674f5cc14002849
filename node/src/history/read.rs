//! Reading for those who show decisions, or help others to catch up.

use super::HistoryError;
use super::error::Fault;
use super::file::HistoryFile;
use super::overlay::Decided;
use super::rows::{BATCHES, DECISIONS, MESSAGES, New, decision_row};
use super::shared::Message;
use consensus::storage::StorageError;
use consensus::{Ballot, Batch, Slot, Values};
use crypto::{Digest, codec};
use learner_graph::{AcceptorSet, LearnerId};
use redb::{ReadOnlyTable, ReadTransaction};
use std::collections::HashSet;
use std::sync::Arc;

/// Decisions that one call of [`HistoryFile::proofs`] looks at, at most.
const MAX_PROVED: usize = 1 << 16;
/// Messages that it gives, about: with those of one more decision, fewer than a peer takes at once.
pub(crate) const MAX_GIVEN: usize = 4096;

/// A decision as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The slot.
    pub slot: Slot,
    /// The ballot in which a quorum sent its 2b.
    pub ballot: Ballot,
    /// The digest of the batch.
    pub digest: Digest,
    /// The acceptors whose 2b make the decision.
    pub quorum: AcceptorSet,
    /// The values that were new to the learner.
    pub values: Values,
}

impl Shown {
    /// The bytes that it takes in memory, about.
    fn size(&self) -> usize {
        let values = self.values.iter().map(|v| 64 + v.encoded_len());
        256 + values.sum::<usize>()
    }
}

impl<W: Message> HistoryFile<W> {
    /// Decisions of a lane from a slot on, in the order of slots: at most `limit`, and about
    /// `max_bytes` of them but at least one if there is one. As for all who read beside the engine, only
    /// what was [flushed](HistoryFile::flush) counts. What cannot be read ends the list before it.
    ///
    /// # Errors
    /// If the very first cannot be read or is damaged, or an earlier error has stopped the history.
    pub fn decisions(
        &self,
        lane: LearnerId,
        from: Slot,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Shown>, StorageError> {
        let Split { durable, unwritten } = self.split(lane, from, limit)?;
        let mut shown = Take::new(limit, max_bytes);
        if from < durable {
            let read = self.shared().store.read("read", |read| {
                let decisions = read.open_table(DECISIONS.definition)?;
                let batches = read.open_table(BATCHES.definition)?;
                let mut slot = from;
                while slot < durable && shown.wants_more() {
                    let row = decision_row(&decisions, lane, slot)?;
                    let batch = BATCHES.must(&batches, row.batch)?;
                    let values = values(lane, slot, &batch, &row.new)?;
                    shown.push(Shown {
                        slot,
                        ballot: row.ballot,
                        digest: row.value,
                        quorum: row.quorum,
                        values,
                    });
                    slot = slot.next();
                }
                Ok(())
            });
            if let Err(error) = read {
                // What was read before is right all the same. Who asks for what follows is told.
                return shown.or(error);
            }
        }
        for decided in unwritten {
            if !shown.wants_more() {
                break;
            }
            shown.push(Shown {
                slot: decided.slot,
                ballot: decided.kept.ballot,
                digest: decided.kept.value,
                quorum: decided.kept.quorum,
                values: decided.values.clone(),
            });
        }
        Ok(shown.taken)
    }

    /// Like [`HistoryFile::proofs`], for a peer.
    ///
    /// # Errors
    /// Like [`HistoryFile::decisions`].
    pub(crate) fn look_up_proofs(
        &self,
        next: &[Slot],
        max_bytes: usize,
    ) -> Result<Vec<W>, StorageError> {
        self.told(self.proofs(next, max_bytes))
    }

    /// What proves the decisions of every lane from `next` on, interleaved by slot, each message once:
    /// about `max_bytes` and some 4096 messages, but at least one decision's if there is one. What cannot be read ends its lane.
    ///
    /// # Errors
    /// If there is nothing for that reason, or an earlier error has stopped the history.
    pub fn proofs(&self, next: &[Slot], max_bytes: usize) -> Result<Vec<W>, StorageError> {
        let mut lanes = Vec::new();
        for (lane, from) in (0..).map(LearnerId).zip(next) {
            lanes.push(Cursor {
                lane,
                slot: *from,
                split: self.split(lane, *from, MAX_PROVED)?,
            });
        }
        let mut proofs = Proofs::new(max_bytes);
        let mut unreadable = None;
        let read = self.shared().store.read("read", |read| {
            let reader = ProofReader::open(read)?;
            for _ in 0..MAX_PROVED {
                let first = lanes.iter_mut().filter(|l| !l.is_done());
                let Some(first) = first.min_by_key(|l| (l.slot, l.lane)) else {
                    break;
                };
                if proofs.is_full() {
                    break;
                }
                if let Err(fault) = first.take(&reader, &mut proofs) {
                    // The other lanes go on, and so does this one where somebody else has helped.
                    first.give_up();
                    unreadable.get_or_insert(fault);
                }
            }
            unreadable.take().map_or(Ok(()), Err)
        });
        match read {
            Err(error) if proofs.messages.is_empty() => Err(error.into()),
            Err(error) => {
                self.shared().tell(&error.into());
                Ok(proofs.messages)
            }
            Ok(()) => Ok(proofs.messages),
        }
    }

    /// What of a lane is in the file, and what from a slot on is not yet.
    fn split(&self, lane: LearnerId, from: Slot, limit: usize) -> Result<Split<W>, StorageError> {
        let memory = self.shared().lock();
        if let Some(error) = &memory.failed {
            return Err(HistoryError::Stopped(error.0.clone()).into());
        }
        let next = memory.overlay.released_next(lane);
        let here = memory.overlay.lane(lane).into_iter().flatten();
        let durable = here.clone().next().map_or(next, |first| first.slot);
        let here = here.take_while(|decided| decided.slot < next);
        let skip = usize::try_from(from.0.saturating_sub(durable.0)).unwrap_or(usize::MAX);
        let unwritten = here.skip(skip).take(limit).cloned().collect();
        Ok(Split { durable, unwritten })
    }
}

/// The values of a batch that were new.
fn values(lane: LearnerId, slot: Slot, batch: &Batch, new: &New) -> Result<Values, Fault> {
    let New::At(places) = new else {
        return Ok(Arc::clone(&batch.values).into());
    };
    let at = places.iter().map(|at| {
        let value = batch.values.get(usize::from(*at)).cloned();
        value.ok_or_else(|| {
            let row = DECISIONS.describe(&(slot.0, lane.0));
            Fault::damaged(format_args!("{row} names a value that its batch has not"))
        })
    });
    at.collect()
}

/// Collects within bounds.
struct Take {
    taken: Vec<Shown>,
    limit: usize,
    bytes: usize,
    max_bytes: usize,
}

impl Take {
    fn new(limit: usize, max_bytes: usize) -> Self {
        Take {
            taken: Vec::new(),
            limit,
            bytes: 0,
            max_bytes,
        }
    }

    fn wants_more(&self) -> bool {
        self.taken.len() < self.limit && (self.taken.is_empty() || self.bytes < self.max_bytes)
    }

    fn push(&mut self, shown: Shown) {
        self.bytes += shown.size();
        self.taken.push(shown);
    }

    /// What there is, or an error if there is nothing.
    fn or(self, error: HistoryError) -> Result<Vec<Shown>, StorageError> {
        if self.taken.is_empty() {
            return Err(error.into());
        }
        Ok(self.taken)
    }
}

/// Messages, each once.
struct Proofs<W> {
    messages: Vec<W>,
    seen: HashSet<Digest>,
    /// The numbers of those that came out of the file.
    numbers: HashSet<u64>,
    decisions: usize,
    bytes: usize,
    max_bytes: usize,
}

impl<W: Message> Proofs<W> {
    fn new(max_bytes: usize) -> Self {
        Proofs {
            messages: Vec::new(),
            seen: HashSet::new(),
            numbers: HashSet::new(),
            decisions: 0,
            bytes: 0,
            max_bytes,
        }
    }

    fn is_full(&self) -> bool {
        let full = self.bytes >= self.max_bytes || self.messages.len() >= MAX_GIVEN;
        self.decisions > 0 && full
    }

    /// Whether an encoded message is news; it is counted then.
    fn is_new(&mut self, encoded: &[u8]) -> bool {
        let new = self.seen.insert(Digest::of(encoded));
        if new {
            self.bytes += encoded.len();
        }
        new
    }
}

/// A lane, in two parts.
struct Split<W> {
    /// Everything below this slot is in the file.
    durable: Slot,
    /// What is in memory, from the slot on that was asked for.
    unwritten: Vec<Arc<Decided<W>>>,
}

/// Where reading a lane is.
struct Cursor<W> {
    lane: LearnerId,
    slot: Slot,
    split: Split<W>,
}

impl<W: Message> Cursor<W> {
    fn unwritten(&self) -> Option<&Arc<Decided<W>>> {
        let first = self.split.unwritten.first()?.slot;
        let at = self.slot.0.checked_sub(first.0)?;
        self.split.unwritten.get(usize::try_from(at).ok()?)
    }

    /// Nothing more is taken.
    fn give_up(&mut self) {
        self.split.durable = Slot(0);
        self.split.unwritten.clear();
    }

    fn is_done(&self) -> bool {
        self.slot >= self.split.durable && self.unwritten().is_none()
    }

    fn take(&mut self, reader: &ProofReader, proofs: &mut Proofs<W>) -> Result<(), Fault> {
        if self.slot < self.split.durable {
            reader.add(self.lane, self.slot, proofs)?;
        } else if let Some(decided) = self.unwritten() {
            for message in &decided.kept.proof {
                if proofs.is_new(&codec::encode(message)) {
                    proofs.messages.push(message.clone());
                }
            }
        }
        proofs.decisions += 1;
        self.slot = self.slot.next();
        Ok(())
    }
}

struct ProofReader {
    decisions: ReadOnlyTable<(u64, u16), &'static [u8]>,
    messages: ReadOnlyTable<u64, &'static [u8]>,
}

impl ProofReader {
    fn open(read: &ReadTransaction) -> Result<Self, Fault> {
        Ok(ProofReader {
            decisions: read.open_table(DECISIONS.definition)?,
            messages: read.open_table(MESSAGES.definition)?,
        })
    }

    fn add<W: Message>(
        &self,
        lane: LearnerId,
        slot: Slot,
        proofs: &mut Proofs<W>,
    ) -> Result<(), Fault> {
        let row = decision_row(&self.decisions, lane, slot)?;
        for number in row.proof {
            if !proofs.numbers.insert(number) {
                continue;
            }
            let encoded = MESSAGES.must_encoded(&self.messages, number)?;
            if proofs.is_new(encoded.bytes()) {
                proofs
                    .messages
                    .push(MESSAGES.decode_contents(&number, encoded.bytes())?);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_messages_are_bounded_in_number() {
        let mut proofs = Proofs::<u64>::new(usize::MAX);
        proofs.decisions = 1;
        proofs.messages = vec![0; MAX_GIVEN - 1];
        assert!(!proofs.is_full());
        proofs.messages.push(0);
        assert!(proofs.is_full());
    }
}
