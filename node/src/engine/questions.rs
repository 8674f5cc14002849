//! Questions between peers: what is missing here, what is missing there.

use super::{Command, Engine, NodeIndex};
use crate::network::request::{GOOD_RESPONSE_BYTES, MAX_DIGESTS, Request, Response, ResponseOf};
use consensus::Protocol;
use consensus::storage::Storage;
use crypto::codec;

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
