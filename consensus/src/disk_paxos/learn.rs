//! What is committed, and how this node and the others come to know it.

use super::{Decided, DiskId, DiskPaxos, Known, LogRecord, Output, SLOT_RANGE, SyncAnswer};
use crate::history::Keep;
use crate::log::batches::Named;
use crate::paxos::Vote;
use crate::{Batch, Decision, Fork, Slot, SyncRequest, Time};
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerSet};
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

    /// What is known to be committed in a slot, lately or long ago.
    fn known(&self, slot: Slot) -> Option<Known> {
        if slot >= self.oldest {
            return self.decided.get(&slot).copied();
        }
        let kept = self.history.decision(DiskPaxos::LOG, slot)?;
        Some(Known {
            ballot: kept.ballot,
            value: kept.value,
            disks: kept.quorum,
        })
    }

    /// A slot is committed. Two values for one are never to be seen, and are not to be hidden. True if it is
    /// news.
    fn learn(&mut self, slot: Slot, known: Known, out: &mut Vec<Output>) -> bool {
        let Some(first) = self.known(slot) else {
            self.decided.insert(slot, known);
            return true;
        };
        if first.value != known.value {
            out.push(Output::Fork(Fork {
                learner: self.config.learner,
                slot,
                values: [first, known].map(|k| (k.ballot, k.value)),
            }));
        }
        false
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
        known.vote(slot)
    }

    /// Another node knows slots to be committed.
    pub(super) fn hear_decided(&mut self, message: &Decided, now: Time, out: &mut Vec<Output>) {
        let end = self.next.plus(SLOT_RANGE);
        for vote in &message.votes {
            self.hear_ballot(vote.ballot, now, out);
            if vote.slot > end {
                continue;
            }
            let known = Known {
                ballot: vote.ballot,
                value: vote.value,
                disks: AcceptorSet::EMPTY,
            };
            if self.learn(vote.slot, known, out) {
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
        if !self.batches.stored(&digest) {
            self.batches.keep(Named::new(digest, Arc::clone(batch)));
        }
    }

    /// Delivers what the log has next, as far as the bytes are here.
    pub(super) fn deliver(&mut self, now: Time, out: &mut Vec<Output>) {
        while let Some(known) = self.decided.get(&self.next).copied() {
            let Some(named) = self.batches.named(&known.value) else {
                return;
            };
            let slot = self.next;
            self.next = slot.next();
            let log = LearnerSet::just(DiskPaxos::LOG);
            let (values, heard) = self.waiting.deliver_batch(&named, log, now);
            let decision = Decision {
                learners: log,
                slot,
                ballot: known.ballot,
                value: known.value,
                values,
                // Values of which this node did not hear before may be old.
                heard: heard.filter(|t| *t < now),
                quorum: known.disks,
            };
            let votes = vec![known.vote(slot)];
            self.history.keep(Keep::Decision {
                decision: decision.clone(),
                batch: named.batch,
                proof: vec![Decided { votes }],
            });
            out.push(Output::Decided(Decision {
                learners: LearnerSet::just(self.config.learner),
                ..decision
            }));
        }
    }

    /// The records of delivered slots, as many as are wanted and as fit.
    pub(super) fn records(&self, from: Slot, end: Slot, max_bytes: usize) -> Vec<LogRecord> {
        let mut bytes = 0;
        let record = |slot| {
            let known = self.known(slot)?;
            let value = self.batches.get(&known.value)?;
            bytes += super::synod::size(&value);
            Some(LogRecord {
                slot,
                ballot: known.ballot,
                value,
            })
            .filter(|_| slot == from || bytes <= max_bytes)
        };
        let slots = from.0..end.min(self.next).0;
        slots.map(Slot).map_while(record).collect()
    }

    /// What helps a node that asks.
    pub(super) fn answer(&self, request: &SyncRequest) -> SyncAnswer {
        let from = request.next.iter().min().copied().unwrap_or_default();
        let decided = self.decided.range(from..);
        let decided = decided.map(|(slot, known)| known.vote(*slot));
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
