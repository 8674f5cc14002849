//! Questions: what is missing here, what is missing there, what a client wants to see proved.

use super::archivist::Question;
use super::event::Certified;
use super::{Command, Engine, NodeIndex, Ticket};
use crate::network::request::{GOOD_RESPONSE_BYTES, MAX_DIGESTS, Request, Response};
use consensus::storage::{Storage, StorageError};
use consensus::{AnswerOf, Batch, Protocol, Slot, SyncRequest};
use crypto::{Digest, codec};
use learner_graph::LearnerId;
use std::time::{Duration, Instant};

/// From so many missing slots on, a node tells how it gets on.
const FAR_BEHIND: u64 = 1024;
/// How often it does.
const REPORT: Duration = Duration::from_secs(2);

/// How far this node is behind what its peers say of themselves. For people to see.
pub(super) struct CatchingUp {
    /// Per learner, the highest slot that a peer has come to.
    pub(super) ahead: Vec<Slot>,
    reported: Instant,
}

impl CatchingUp {
    pub(super) fn new(now: Instant) -> Self {
        CatchingUp {
            ahead: Vec::new(),
            reported: now,
        }
    }

    fn heard(&mut self, next: &[Slot], learners: usize) {
        self.ahead.resize(learners, Slot(0));
        for (ahead, next) in self.ahead.iter_mut().zip(next) {
            *ahead = (*ahead).max(*next);
        }
    }

    pub(super) fn report(&mut self, next: &[Slot]) {
        let lanes = next.iter().zip(&self.ahead);
        let behind = lanes.max_by_key(|(next, ahead)| ahead.0.saturating_sub(next.0));
        if let Some((next, ahead)) = behind
            && ahead.0.saturating_sub(next.0) >= FAR_BEHIND
            && self.reported.elapsed() >= REPORT
        {
            tracing::info!(slot = next.0, of = ahead.0, "catching up");
            self.reported = Instant::now();
        }
    }
}

impl<P: Protocol, S: Storage> Engine<P, S> {
    /// Asks a peer for what is missing here.
    pub(super) fn ask(&mut self, peer: NodeIndex) {
        let request = Request::Sync(self.machine.protocol.sync_request());
        self.command(Command::Ask(Some(peer), request));
        let missing = self.state.wanted.next();
        if !missing.is_empty() {
            self.command(Command::Ask(Some(peer), Request::Batches(missing)));
        }
    }

    /// A learner's decision in a slot with what proves it, in protocols in which anything does.
    ///
    /// # Errors
    /// If the history cannot read it, which concerns nobody but who asks.
    pub(super) fn certified(
        &self,
        learner: LearnerId,
        slot: Slot,
    ) -> Result<Option<Certified>, StorageError> {
        let protocol = &self.machine.protocol;
        // The protocol would ask in a way that leaves no doubt, and end the node.
        self.history.look_up(learner, slot)?;
        let Some(certificate) = protocol.certificate(learner, slot) else {
            return Ok(None);
        };
        let batch = match protocol.batch(&certificate.value) {
            Some(batch) => Some(batch),
            None => self.history.look_up_batch(&certificate.value)?,
        };
        Ok(Some(Certified { certificate, batch }))
    }

    /// Gives a peer what helps: from memory at once, and from the history in its own time.
    pub(super) fn answer(&mut self, ticket: Ticket, request: Request) {
        let question = match request {
            Request::Sync(request) => {
                let learners = self.view.network.graph().n_learners();
                self.state.catching_up.heard(&request.next, learners);
                let live = self.memorised(&request);
                let old = self.lanes_of(&request);
                let old = old.map(|next| {
                    if next < self.machine.protocol.remembered() {
                        next
                    } else {
                        Slot(u64::MAX)
                    }
                });
                Question::Decisions(old.collect(), live)
            }
            Request::Batches(digests) => self.batches(&digests),
        };
        let from_memory = match &question {
            Question::Decisions(next, _) => next.iter().all(|next| *next == Slot(u64::MAX)),
            Question::Batches(missing, _) => missing.is_empty(),
        };
        let left = if from_memory {
            Some(question)
        } else {
            self.archivist.ask(ticket, question)
        };
        if let Some(question) = left {
            let response: Response<P::Wire, P::Evidence> = match question {
                Question::Decisions(_, live) => Response::Sync(live),
                Question::Batches(_, batches) => Response::Batches(batches),
            };
            self.command(Command::Answer(ticket, codec::encode(&response)));
        }
    }

    fn memorised(&self, request: &SyncRequest) -> AnswerOf<P> {
        let mut answer = self.machine.protocol.answer(request, GOOD_RESPONSE_BYTES);
        let mut room = 4 * GOOD_RESPONSE_BYTES;
        answer.evidence.retain(|evidence| {
            let rest = room.checked_sub(codec::encode(evidence).len());
            room = rest.unwrap_or(room);
            rest.is_some()
        });
        answer
    }

    /// Where each lane of the history has to begin for a peer.
    fn lanes_of(&self, request: &SyncRequest) -> impl Iterator<Item = Slot> + use<P, S> {
        let next = match self.history.lanes() {
            // One log for all.
            1 => request.next.iter().min().copied().into_iter().collect(),
            _ => request.next.clone(),
        };
        next.into_iter().take(usize::from(self.history.lanes()))
    }

    /// The batches that are in memory, and what is left to be looked up.
    fn batches(&self, digests: &[Digest]) -> Question<P> {
        let mut room = GOOD_RESPONSE_BYTES;
        let (mut batches, mut missing) = (Vec::new(), Vec::new());
        for digest in digests.iter().take(MAX_DIGESTS) {
            match self.machine.protocol.batch(digest) {
                _ if room == 0 => break,
                Some(batch) => {
                    let size = batch.values.iter().map(|v| v.encoded_len()).sum::<usize>();
                    room = room.saturating_sub(size + 8);
                    batches.push(Batch::clone(&batch));
                }
                None => missing.push(*digest),
            }
        }
        Question::Batches(missing, batches)
    }
}
