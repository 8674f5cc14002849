//! Questions: what is missing here, what is missing there, what a client wants to see proved.

use super::archivist::{Proof, Question};
use super::event::{Certified, Unproved};
use super::{Command, Engine, NodeIndex, Ticket};
use crate::history::MAX_GIVEN;
use crate::network::request::{GOOD_RESPONSE_BYTES, MAX_DIGESTS, Request, RequestKind, Response};
use consensus::storage::Storage;
use consensus::{AnswerOf, Batch, Protocol, Slot, SyncRequest};
use crypto::{Digest, codec};
use learner_graph::LearnerId;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// From so many missing slots on, a node tells how it gets on.
const FAR_BEHIND: u64 = 1024;
/// How often it does.
const REPORT: Duration = Duration::from_secs(2);

/// With so many batches missing, peers are asked for nothing that names more. What they answer may name as many slots as
/// are heard beyond the front of the log.
const MANY: usize = 4096;
/// A peer is asked for decisions as often as this, however many bytes are missing: liars name what nobody has.
const SYNC_AT_LEAST: Duration = Duration::from_millis(500);

/// How far this node is behind what its peers say of themselves. For people to see.
pub(super) struct CatchingUp {
    /// Per learner, the highest slot that a peer has come to.
    pub(super) ahead: Vec<Slot>,
    reported: Instant,
    /// It was said that this node is far behind, and not yet that it is no longer.
    told: bool,
}

/// What a node says of how it gets on.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// It is at the first slot, and others are at the second.
    Behind(Slot, Slot),
    /// It is where the others are, about.
    CaughtUp(Slot),
}

impl CatchingUp {
    pub(super) fn new(now: Instant) -> Self {
        CatchingUp {
            ahead: Vec::new(),
            reported: now,
            told: false,
        }
    }

    fn heard(&mut self, next: &[Slot], learners: usize) {
        self.ahead.resize(learners, Slot(0));
        for (ahead, next) in self.ahead.iter_mut().zip(next) {
            *ahead = (*ahead).max(*next);
        }
    }

    pub(super) fn report(&mut self, next: &[Slot]) {
        match self.news(next, Instant::now()) {
            Some(News::Behind(next, ahead)) => {
                tracing::info!(slot = next.0, of = ahead.0, "catching up");
            }
            Some(News::CaughtUp(next)) => tracing::info!(slot = next.0, "caught up"),
            None => {}
        }
    }

    /// What there is to say about the learner that is farthest behind.
    fn news(&mut self, next: &[Slot], now: Instant) -> Option<News> {
        let lanes = next.iter().zip(&self.ahead);
        let (next, ahead) = lanes.max_by_key(|(next, ahead)| ahead.0.saturating_sub(next.0))?;
        let missing = ahead.0.saturating_sub(next.0);
        if missing >= FAR_BEHIND && now.saturating_duration_since(self.reported) >= REPORT {
            (self.reported, self.told) = (now, true);
            return Some(News::Behind(*next, *ahead));
        }
        // While others go on, a node is hardly ever where the last one of them is.
        if self.told && missing < FAR_BEHIND / 16 {
            self.told = false;
            return Some(News::CaughtUp(*next));
        }
        None
    }
}

impl<P: Protocol, S: Storage> Engine<P, S> {
    /// Asks a peer for what is missing here, if anything is that this kind of question brings.
    pub(super) fn ask(&mut self, peer: NodeIndex, kind: RequestKind) {
        let now = self.now();
        let wanted = self.machine.protocol.wanted();
        let request = match kind {
            // What is decided must not run ahead of its bytes; and bytes that nobody has must not keep away everything
            // else.
            RequestKind::Sync if wanted.len() >= MANY && now < self.state.sync_due => return,
            RequestKind::Sync => {
                self.state.sync_due = now + SYNC_AT_LEAST;
                Request::Sync(self.machine.protocol.sync_request())
            }
            RequestKind::Batches if wanted.is_empty() => return,
            RequestKind::Batches => Request::Batches(next_of(wanted, &mut self.state.asked)),
        };
        self.command(Command::Ask(Some(peer), request));
    }

    /// Tells a learner's decision in a slot with what proves it, in protocols in which anything does. What is not in
    /// memory is read by somebody who has the time.
    pub(super) fn certified(
        &self,
        learner: LearnerId,
        slot: Slot,
        answer: oneshot::Sender<Result<Option<Certified>, Unproved>>,
    ) {
        let protocol = &self.machine.protocol;
        let certificate = protocol.certificate(learner, slot);
        let batch = certificate.as_ref().and_then(|c| protocol.batch(&c.value));
        let delivered = slot < protocol.next(learner);
        match (certificate, batch) {
            (Some(certificate), batch @ Some(_)) => {
                // Who asked may have gone away.
                let _ = answer.send(Ok(Some(Certified { certificate, batch })));
            }
            (None, _) if !delivered => {
                let _ = answer.send(Ok(None));
            }
            (certificate, _) => self.archivist.prove(Proof {
                learner,
                slot,
                certificate,
                answer,
            }),
        }
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
        // Small ones could be more than are taken at once.
        answer.messages.truncate(MAX_GIVEN);
        let mut room = 4 * GOOD_RESPONSE_BYTES;
        answer.evidence.retain(|evidence| {
            let rest = room.checked_sub(codec::encoded_len(evidence));
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
                    room = room.saturating_sub(8 + batch.values_len());
                    batches.push(Batch::clone(&batch));
                }
                None => missing.push(*digest),
            }
        }
        Question::Batches(missing, batches)
    }
}

/// What to ask the next peer for: the digests after this one, and those before it if there is room. An answer may hold
/// no more than the first of them, so the next question begins about five eighths further on. It leaves nothing out, and
/// questions in a row begin with different ones, as many as there are.
fn next_of(wanted: &BTreeSet<Digest>, after: &mut Digest) -> Vec<Digest> {
    let behind = wanted.range((Bound::Excluded(*after), Bound::Unbounded));
    let all = behind.chain(wanted.range(..=*after));
    let next: Vec<Digest> = all.take(MAX_DIGESTS).copied().collect();
    // Steps that share no factor with the way round come to everything.
    let steps = next.len() * 5 / 8..next.len();
    let mut steps = steps.filter(|step| gcd(*step, next.len()) == 1);
    let step = steps.next().unwrap_or_default();
    if let Some(digest) = step.checked_sub(1).and_then(|last| next.get(last)) {
        *after = *digest;
    }
    next
}

fn gcd(a: usize, b: usize) -> usize {
    if a == 0 { b } else { gcd(b % a, a) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(n: usize) -> BTreeSet<Digest> {
        (0..n).map(|i| Digest::of(&i.to_le_bytes())).collect()
    }

    #[test]
    fn every_digest_gets_its_turn() {
        for n in [1, 2, 3, MAX_DIGESTS, MAX_DIGESTS + 1, 5 * MAX_DIGESTS] {
            let (wanted, mut after) = (digests(n), Digest([0; 32]));
            let mut asked = BTreeSet::new();
            for _ in 0..n.div_ceil(MAX_DIGESTS * 5 / 8) {
                let next = next_of(&wanted, &mut after);
                assert_eq!(next.len(), n.min(MAX_DIGESTS));
                asked.extend(next);
            }
            assert!(asked == wanted, "{n}");
        }
    }

    /// Of large batches an answer holds one; peers that answer at a time are not to send the same.
    #[test]
    fn questions_in_a_row_have_different_beginnings() {
        for n in (1..=64).chain([MAX_DIGESTS, 2 * MAX_DIGESTS]) {
            let (wanted, mut after) = (digests(n), Digest([0; 32]));
            let first = |_| next_of(&wanted, &mut after)[0];
            let given: BTreeSet<Digest> = (0..8).map(first).collect();
            assert_eq!(given.len(), n.min(8), "{n}");
        }
    }

    #[test]
    fn whoever_said_that_it_is_far_behind_says_once_that_it_has_caught_up() {
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        let mut state = CatchingUp::new(start);
        assert_eq!(state.news(&[Slot(0)], later(5)), None);
        state.heard(&[Slot(5000), Slot(70)], 2);
        assert_eq!(state.news(&[Slot(9), Slot(9)], later(1)), None, "too early");
        let behind = Some(News::Behind(Slot(9), Slot(5000)));
        assert_eq!(state.news(&[Slot(9), Slot(9)], later(5)), behind);
        assert_eq!(state.news(&[Slot(4500), Slot(9)], later(9)), None);
        let here = [Slot(4990), Slot(69)];
        let caught_up = Some(News::CaughtUp(Slot(4990)));
        assert_eq!(state.news(&here, later(10)), caught_up);
        assert_eq!(state.news(&here, later(20)), None);
        // A little behind, and nothing was said.
        state.heard(&[Slot(5100), Slot(70)], 2);
        assert_eq!(state.news(&here, later(30)), None);
        assert_eq!(state.news(&[Slot(5100), Slot(70)], later(40)), None);
    }
}
