//! Answers from the history, on a thread of its own: peers that were away, and clients who want to see something
//! proved. The engine goes on meanwhile.

use super::event::Certified;
use super::{Command, Ticket};
use crate::history::HistoryFile;
use crate::network::request::{GOOD_RESPONSE_BYTES, MAX_DIGESTS, Response};
use consensus::hpaxos::evidence::Certificate;
use consensus::storage::StorageError;
use consensus::{AnswerOf, Batch, Protocol, Slot};
use crypto::{Digest, codec};
use learner_graph::LearnerId;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::{mpsc, oneshot};

/// Questions that may wait. Beyond it a peer gets what is in memory, and asks again.
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
    pub(super) answer: oneshot::Sender<Result<Option<Certified>, StorageError>>,
}

enum Asked<P: Protocol> {
    Peer(Ticket, Question<P>),
    Client(Proof),
}

/// See the module. Its thread ends with it.
pub(super) struct Archivist<P: Protocol>(Option<SyncSender<Asked<P>>>);

impl<P: Protocol> Archivist<P> {
    pub(super) fn start(
        history: Arc<HistoryFile<P::Wire>>,
        network: mpsc::Sender<Command>,
    ) -> Self {
        let (questions, asked) = sync_channel(MAX_QUESTIONS);
        let thread = std::thread::Builder::new().name("archivist".into());
        let started = thread.spawn(move || serve::<P>(&history, &network, &asked));
        if let Err(error) = &started {
            tracing::warn!(%error, "cannot start a thread: peers that were away are not served");
        }
        Archivist(started.ok().map(|_| questions))
    }

    /// Hands over a question, or gives it back.
    pub(super) fn ask(&self, ticket: Ticket, question: Question<P>) -> Option<Question<P>> {
        let Some(questions) = &self.0 else {
            return Some(question);
        };
        match questions.try_send(Asked::Peer(ticket, question)).err()? {
            TrySendError::Full(Asked::Peer(_, question))
            | TrySendError::Disconnected(Asked::Peer(_, question)) => Some(question),
            // Nothing else was handed over.
            _ => None,
        }
    }

    /// Hands over a client's question. Without room it is dropped, and the client sees that.
    pub(super) fn prove(&self, proof: Proof) {
        if let Some(questions) = &self.0 {
            let _ = questions.try_send(Asked::Client(proof));
        }
    }
}

fn serve<P: Protocol>(
    history: &HistoryFile<P::Wire>,
    network: &mpsc::Sender<Command>,
    asked: &Receiver<Asked<P>>,
) {
    for asked in asked {
        let (ticket, question) = match asked {
            Asked::Peer(ticket, question) => (ticket, question),
            Asked::Client(proof) => {
                let found = certified::<P>(history, proof.learner, proof.slot, proof.certificate);
                // Who asked may have gone away.
                let _ = proof.answer.send(found);
                continue;
            }
        };
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
fn answer<P: Protocol>(
    history: &HistoryFile<P::Wire>,
    question: Question<P>,
) -> Response<P::Wire, P::Evidence> {
    match question {
        Question::Decisions(next, live) => {
            let proofs = history.look_up_proofs(&next, GOOD_RESPONSE_BYTES);
            let mut messages = proofs.unwrap_or_default();
            let bytes: usize = messages.iter().map(P::wire_bytes).sum();
            // Whoever is far behind has no use for the news yet.
            if bytes < GOOD_RESPONSE_BYTES {
                let news = live.messages.into_iter();
                let new: Vec<P::Wire> = news.filter(|m| !messages.contains(m)).collect();
                messages.extend(new);
            }
            Response::Sync(AnswerOf::<P> {
                messages,
                evidence: live.evidence,
            })
        }
        Question::Batches(digests, mut batches) => {
            let size = |b: &Batch| b.values.iter().map(|v| v.encoded_len() + 8).sum::<usize>();
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
