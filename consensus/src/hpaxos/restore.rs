//! What a restart takes back from storage.

use super::{HPaxos, Message, Output, Record};
use crate::Time;
use crypto::Verified;

impl HPaxos {
    /// Takes back one stored record, in the order of storage, before the first `step`.
    /// Returns what observers learn from it; there is nothing to send or persist.
    pub(super) fn restore(&mut self, record: Record) -> Vec<Output> {
        let mut out = Vec::new();
        match record {
            Record::Message(signed) => match signed.verify(self.network.keyring()) {
                Ok(message) => {
                    self.restore_own(&message);
                    self.take_in(&message, Time::ZERO, &mut out);
                }
                Err(refusal) => self.refuse(refusal.reason()),
            },
            Record::Batch(batch) => {
                self.batches.keep(batch.digest(), batch);
                self.deliver(Time::ZERO, &mut out);
            }
            Record::Value(value) => {
                self.waiting.restore(value);
            }
            Record::Evidence(evidence) => {
                self.admit(evidence, &mut out);
            }
            Record::LowWater(mark) => self.raise_floor(mark),
        }
        if let Some(acceptor) = &self.acceptor {
            self.pacemaker.joined(acceptor.max_bal, Time::ZERO);
        }
        out.retain_mut(|o| match o {
            Output::Decided(decision) => {
                // How long ago it was heard was not stored.
                decision.heard = None;
                true
            }
            Output::Persist(_) | Output::SendEvidence(_) | Output::Fetch(_) => false,
            _ => true,
        });
        out
    }

    fn restore_own(&mut self, message: &Verified<Message>) {
        if Some(message.signer()) != self.me() {
            return;
        }
        match (&**message, &mut self.acceptor, &mut self.proposer) {
            (Message::OneB(m), Some(acceptor), _) => acceptor.restore_1b(m),
            (Message::Votes(m), Some(acceptor), _) => acceptor.restore_votes(m),
            (Message::OneA { ballot }, _, Some(proposer)) => proposer.restore_1a(*ballot),
            (Message::OneC(m), _, Some(proposer)) => proposer.restore_1c(m, &self.batches),
            _ => {}
        }
    }
}
