//! Questions: what is missing here, what is missing there, what a client wants to see proved.

use super::event::Certified;
use super::{Command, Engine, NodeIndex};
use crate::network::request::{GOOD_RESPONSE_BYTES, MAX_DIGESTS, Request, Response, ResponseOf};
use consensus::storage::Storage;
use consensus::{Protocol, Slot};
use crypto::codec;
use learner_graph::LearnerId;

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
    pub(super) fn certified(&self, learner: LearnerId, slot: Slot) -> Option<Certified> {
        let protocol = &self.machine.protocol;
        let certificate = protocol.certificate(learner, slot)?;
        let batch = protocol.batch(&certificate.value);
        Some(Certified { certificate, batch })
    }

    /// What helps a peer that asks.
    pub(super) fn answer(&self, request: &Request) -> ResponseOf<P> {
        match request {
            Request::Sync(request) => {
                let mut answer = self.machine.protocol.answer(request, GOOD_RESPONSE_BYTES);
                let mut room = 4 * GOOD_RESPONSE_BYTES;
                answer.evidence.retain(|evidence| {
                    let rest = room.checked_sub(codec::encode(evidence).len());
                    room = rest.unwrap_or(room);
                    rest.is_some()
                });
                Response::Sync(answer)
            }
            Request::Batches(digests) => {
                let mut room = GOOD_RESPONSE_BYTES;
                let mut batches = Vec::new();
                for digest in digests.iter().take(MAX_DIGESTS) {
                    let Some(batch) = self.machine.protocol.batch(digest) else {
                        continue;
                    };
                    let size = batch.values.iter().map(|v| v.encoded_len()).sum::<usize>();
                    batches.push((*batch).clone());
                    room = room.saturating_sub(size + 8);
                    if room == 0 {
                        break;
                    }
                }
                Response::Batches(batches)
            }
        }
    }
}
