//! What is committed, and how this node and the others come to know it.

use super::{Decided, DiskId, DiskPaxos, Known, LogRecord, Output, SLOT_RANGE, SyncAnswer};
use crate::paxos::Vote;
use crate::{Batch, Decision, Fork, Slot, SyncRequest, Time};
use crypto::Digest;
use learner_graph::AcceptorSet;
use std::sync::Arc;

/// Decisions in one answer, at most.
const MAX_DECISIONS: usize = 1024;

impl DiskPaxos {
    /// The first slot without a decision.
    pub(super) fn undecided(&self) -> Slot {
        let mut slot = self.next;
        while self.decided.contains_key(&slot) {
            slot = slot.next();
        }
        slot
    }

    /// A slot is committed. Two values for one are never to be seen, and are not to be hidden.
    fn learn(&mut self, slot: Slot, known: Known, out: &mut Vec<Output>) {
        let first = *self.decided.entry(slot).or_insert(known);
        if first.value != known.value {
            out.push(Output::Fork(Fork {
                learner: self.config.learner,
                slot,
                values: [first, known].map(|k| (k.ballot, k.value)),
            }));
        }
    }

    /// DiskSynod: `output'[p] = dblock[p].inp`: this processor has committed a slot.
    pub(super) fn committed(
        &mut self,
        slot: Slot,
        value: &Arc<Batch>,
        disks: AcceptorSet,
        out: &mut Vec<Output>,
    ) -> Vote {
        let known = Known {
            ballot: self.synod.dblock.mbal,
            value: value.digest(),
            disks,
        };
        self.keep(known.value, value);
        self.learn(slot, known, out);
        Vote {
            slot,
            ballot: known.ballot,
            value: known.value,
        }
    }

    /// Another node knows slots to be committed.
    pub(super) fn hear_decided(&mut self, message: &Decided, now: Time, out: &mut Vec<Output>) {
        let end = self.next.plus(SLOT_RANGE);
        for vote in &message.votes {
            self.hear_ballot(vote.ballot, now, out);
            if vote.slot > end {
                continue;
            }
            let news = !self.decided.contains_key(&vote.slot);
            let known = Known {
                ballot: vote.ballot,
                value: vote.value,
                disks: AcceptorSet::EMPTY,
            };
            self.learn(vote.slot, known, out);
            if news {
                self.batches.claim(vote.value, out);
                self.election.progress(now);
            }
        }
        self.deliver(now, out);
    }

    /// A part of a log was read from a disk.
    pub(super) fn hear_log(
        &mut self,
        records: Vec<LogRecord>,
        disk: DiskId,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let before = self.next;
        for record in records {
            if record.slot < self.next {
                continue;
            }
            let value = record.value.digest();
            self.keep(value, &record.value);
            let known = Known {
                ballot: record.ballot,
                value,
                disks: [disk].into_iter().collect(),
            };
            self.learn(record.slot, known, out);
            self.election.progress(now);
        }
        self.deliver(now, out);
        if self.next > before {
            // The next part may follow at once.
            self.log_at = now;
        }
    }

    pub(super) fn keep(&mut self, digest: Digest, batch: &Arc<Batch>) {
        if self.batches.get(&digest).is_none() {
            self.batches.keep(digest, Batch::clone(batch));
        }
    }

    /// Delivers what the log has next, as far as the bytes are here.
    pub(super) fn deliver(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some(known) = self.decided.get(&self.next).copied() {
            let Some(batch) = self.batches.get(&known.value).cloned() else {
                return;
            };
            let (slot, learner) = (self.next, self.config.learner);
            self.next = slot.next();
            let (values, heard) = self.waiting.deliver_batch(&batch, learner, now);
            out.push(Output::Decided(Decision {
                learner,
                slot,
                ballot: known.ballot,
                value: known.value,
                values,
                // Values of which this node did not hear before may be old.
                heard: heard.filter(|t| *t < now),
                quorum: known.disks,
            }));
        }
    }

    /// The records of delivered slots, as many as are wanted and as fit.
    pub(super) fn records(&self, from: Slot, end: Slot, max_bytes: usize) -> Vec<LogRecord> {
        let mut bytes = 0;
        let record = |(slot, known): (&Slot, &Known)| {
            let value = Arc::clone(self.batches.get(&known.value)?);
            bytes += super::synod::size(&value);
            Some(LogRecord {
                slot: *slot,
                ballot: known.ballot,
                value,
            })
            .filter(|r| r.slot == from || bytes <= max_bytes)
        };
        let end = end.min(self.next).max(from);
        self.decided.range(from..end).map_while(record).collect()
    }

    /// What helps a node that asks.
    pub(super) fn answer(&self, request: &SyncRequest) -> SyncAnswer {
        let from = request.next.iter().min().copied().unwrap_or_default();
        let vote = |(slot, known): (&Slot, &Known)| Vote {
            slot: *slot,
            ballot: known.ballot,
            value: known.value,
        };
        let decided = self.decided.range(from..).map(vote);
        let votes: Vec<Vote> = decided.take(MAX_DECISIONS).collect();
        let messages = if votes.is_empty() {
            Vec::new()
        } else {
            vec![Decided { votes }]
        };
        SyncAnswer {
            messages,
            evidence: Vec::new(),
        }
    }
}
