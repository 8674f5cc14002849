//! Answers from the history, on threads of their own: one for peers that were away, one for clients who want to see
//! something proved. The engine goes on meanwhile. A thread that panics ends the node.

use super::event::{Certified, Unproved};
use super::{Command, Ticket};
use crate::alarm::Alarm;
use crate::history::{HistoryFile, MAX_GIVEN};
use crate::network::request::{GOOD_RESPONSE_BYTES, MAX_DIGESTS, Response};
use consensus::hpaxos::evidence::Certificate;
use consensus::storage::StorageError;
use consensus::{AnswerOf, Batch, Protocol, Slot};
use crypto::{Digest, codec};
use learner_graph::LearnerId;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::{mpsc, oneshot};

/// Questions that may wait, of peers and of clients each. Beyond it a peer gets what is in memory, and asks again.
const MAX_QUESTIONS: usize = 64;

/// What a peer lacks that is not in memory.
pub(super) enum Question<P: Protocol> {
    /// The decisions of each lane from these slots on, ahead of what memory has for it.
    Decisions(Vec<Slot>, AnswerOf<P>),
    /// The bytes behind these digests, beside those that memory has.
    Batches(Vec<Digest>, Vec<Batch>),
}

/// What a client wants to see proved, and where the answer belongs.
pub(super) struct Proof {
    /// Whose decision.
    pub(super) learner: LearnerId,
    /// In which slot: one that is delivered.
    pub(super) slot: Slot,
    /// The certificate, if it is in memory.
    pub(super) certificate: Option<Certificate>,
    /// Told what is here, or why it cannot be read.
    pub(super) answer: oneshot::Sender<Result<Option<Certified>, Unproved>>,
}

/// See the module. Its threads end with it.
pub(super) struct Archivist<P: Protocol> {
    /// What peers ask.
    questions: Option<SyncSender<(Ticket, Question<P>)>>,
    /// What clients ask: however much peers have to catch up with, and the other way round.
    proofs: Option<SyncSender<Proof>>,
}

impl<P: Protocol> Archivist<P> {
    pub(super) fn start(
        history: Arc<HistoryFile<P::Wire>>,
        network: mpsc::Sender<Command>,
        alarm: &Alarm,
    ) -> Self {
        let of_clients = Arc::clone(&history);
        Archivist {
            questions: queue("archivist", alarm, move |asked| {
                serve::<P>(&history, &network, asked);
            }),
            proofs: queue("certificates", alarm, move |proofs| {
                prove::<P>(&of_clients, proofs)
            }),
        }
    }

    /// Hands over a question, or gives it back.
    pub(super) fn ask(&self, ticket: Ticket, question: Question<P>) -> Option<Question<P>> {
        let Some(questions) = &self.questions else {
            return Some(question);
        };
        match questions.try_send((ticket, question)).err()? {
            TrySendError::Full((_, question)) | TrySendError::Disconnected((_, question)) => {
                Some(question)
            }
        }
    }

    /// Hands over a client's question. Without room the client is told so.
    pub(super) fn prove(&self, proof: Proof) {
        let left = match &self.proofs {
            Some(proofs) => proofs.try_send(proof).err(),
            None => Some(TrySendError::Disconnected(proof)),
        };
        // One that is dropped says that the node is ending.
        if let Some(TrySendError::Full(proof)) = left {
            // Who asked may have gone away.
            let _ = proof.answer.send(Err(Unproved::Full));
        }
    }
}

/// A queue with a thread that serves it.
fn queue<T: Send + 'static>(
    name: &str,
    alarm: &Alarm,
    serve: impl FnOnce(&Receiver<T>) + Send + 'static,
) -> Option<SyncSender<T>> {
    let (queue, asked) = sync_channel(MAX_QUESTIONS);
    let thread = std::thread::Builder::new().name(name.into());
    let alarm = alarm.clone();
    let started = thread.spawn(move || {
        let _alarm = alarm;
        serve(&asked);
    });
    if let Err(error) = &started {
        tracing::warn!(%error, "cannot start the thread {name}: nobody is served from the history");
    }
    started.ok().map(|_| queue)
}

fn serve<P: Protocol>(
    history: &HistoryFile<P::Wire>,
    network: &mpsc::Sender<Command>,
    asked: &Receiver<(Ticket, Question<P>)>,
) {
    for (ticket, question) in asked {
        let response = answer::<P>(history, question);
        if history.failed().is_some() {
            // The engine sees it with its next step, and the node stops.
            return;
        }
        let answer = Command::Answer(ticket, codec::encode(&response));
        if network.blocking_send(answer).is_err() {
            return;
        }
    }
}

fn prove<P: Protocol>(history: &HistoryFile<P::Wire>, proofs: &Receiver<Proof>) {
    for proof in proofs {
        // Whoever has gone away while it waited is not read for.
        if proof.answer.is_closed() {
            continue;
        }
        let found = certified::<P>(history, proof.learner, proof.slot, proof.certificate);
        let _ = proof.answer.send(found.map_err(Unproved::Unreadable));
    }
}

fn certified<P: Protocol>(
    history: &HistoryFile<P::Wire>,
    learner: LearnerId,
    slot: Slot,
    certificate: Option<Certificate>,
) -> Result<Option<Certified>, StorageError> {
    let certificate = match certificate {
        Some(certificate) => Some(certificate),
        None => history
            .look_up(learner, slot)?
            .and_then(|kept| P::certificate_of(learner, slot, kept)),
    };
    let Some(certificate) = certificate else {
        return Ok(None);
    };
    let batch = history.look_up_batch(&certificate.value)?;
    Ok(Some(Certified { certificate, batch }))
}

/// What cannot be read here the peer gets from others.
pub(super) fn answer<P: Protocol>(
    history: &HistoryFile<P::Wire>,
    question: Question<P>,
) -> Response<P::Wire, P::Evidence> {
    match question {
        Question::Decisions(next, live) => {
            let proofs = history.look_up_proofs(&next, GOOD_RESPONSE_BYTES);
            let mut messages = proofs.unwrap_or_default();
            let bytes: usize = messages.iter().map(P::wire_bytes).sum();
            // Whoever is far behind has no use for the news yet.
            let room = MAX_GIVEN.saturating_sub(messages.len());
            if bytes < GOOD_RESPONSE_BYTES && room > 0 {
                let known: HashSet<Digest> = messages.iter().map(P::id).collect();
                let news = live.messages.into_iter();
                messages.extend(news.filter(|m| !known.contains(&P::id(m))).take(room));
            }
            Response::Sync(AnswerOf::<P> {
                messages,
                evidence: live.evidence,
            })
        }
        Question::Batches(digests, mut batches) => {
            let size = |batch: &Batch| 8 + batch.values_len();
            let mut bytes: usize = batches.iter().map(size).sum();
            for digest in digests.iter().take(MAX_DIGESTS) {
                if bytes >= GOOD_RESPONSE_BYTES {
                    break;
                }
                if let Ok(Some(batch)) = history.look_up_batch(digest) {
                    bytes += size(&batch);
                    batches.push(Batch::clone(&batch));
                }
            }
            Response::Batches(batches)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::hpaxos::HPaxos;

    #[test]
    fn a_client_for_whom_there_is_no_room_is_told_so() {
        let (proofs, waiting) = sync_channel(1);
        let archivist = Archivist::<HPaxos> {
            questions: None,
            proofs: Some(proofs),
        };
        let ask = || {
            let (answer, told) = oneshot::channel();
            archivist.prove(Proof {
                learner: LearnerId(0),
                slot: Slot(0),
                certificate: None,
                answer,
            });
            told
        };
        let (mut first, mut second) = (ask(), ask());
        assert!(first.try_recv().is_err(), "it waits");
        assert!(matches!(second.try_recv(), Ok(Err(Unproved::Full))));
        drop(waiting);
    }
}
