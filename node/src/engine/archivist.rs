//! Answers peers that were away from the history, on a thread of its own: the engine goes on meanwhile.

use super::{Command, Ticket};
use crate::history::HistoryFile;
use crate::network::request::{GOOD_RESPONSE_BYTES, MAX_DIGESTS, Response};
use consensus::{AnswerOf, Batch, Protocol, Slot};
use crypto::{Digest, codec};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::mpsc;

/// Questions that may wait. Beyond it a peer gets what is in memory, and asks again.
const MAX_QUESTIONS: usize = 64;

/// What a peer lacks that is not in memory.
pub(super) enum Question<P: Protocol> {
    /// The decisions of each lane from these slots on, ahead of what memory has for it.
    Decisions(Vec<Slot>, AnswerOf<P>),
    /// The bytes behind these digests, beside those that memory has.
    Batches(Vec<Digest>, Vec<Batch>),
}

/// See the module. Its thread ends with it.
pub(super) struct Archivist<P: Protocol>(Option<SyncSender<(Ticket, Question<P>)>>);

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
        let refused = questions.try_send((ticket, question)).err()?;
        let (std::sync::mpsc::TrySendError::Full((_, question))
        | std::sync::mpsc::TrySendError::Disconnected((_, question))) = refused;
        Some(question)
    }
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
