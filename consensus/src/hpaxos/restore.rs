//! What a restart takes back from storage.

use super::{HPaxos, Message, Output, Record};
use crate::log::batches::Named;
use crate::planted;
use crate::{Ballot, Batch, Page, Time};
use crypto::Verified;
use std::collections::BTreeMap;
use std::sync::Arc;

impl HPaxos {
    /// Takes back one stored record, in the order of storage, before the first `step`.
    /// Returns what observers learn from it; there is nothing to send or persist.
    pub(super) fn restore(&mut self, record: Record) -> Vec<Output> {
        let mut out = Vec::new();
        match record {
            Record::Message(signed) => match signed.recall(self.network.keyring()) {
                Ok(message) => {
                    self.thaw_for_own(&message, &mut out);
                    self.restore_own(&message, None);
                    self.take_in(&message, Time::ZERO, &mut out);
                }
                Err(refusal) => self.refuse(refusal.reason()),
            },
            Record::Batch(batch) => {
                self.batches
                    .keep(Named::new(batch.digest(), Arc::new(batch)));
                self.deliver(Time::ZERO, &mut out);
            }
            Record::Value(value) => {
                self.waiting.restore(value);
            }
            Record::Owed(value, learner) => {
                self.waiting.restore_owed(&value, learner);
            }
            Record::Evidence(evidence) => {
                self.admit(evidence, &mut out);
            }
            Record::LowWater(mark) => self.raise_floor(mark),
            Record::Frozen(page) => self.received.freeze(page),
        }
        // A learner that has come to a page goes on there, as it did before.
        self.thaw_open(Time::ZERO, &mut out);
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

    /// Records that stand for everything that was stored: see
    /// [`Protocol::checkpoint`](crate::Protocol::checkpoint).
    pub(super) fn checkpoint(&self) -> Vec<Record> {
        let evidence = self.evidence().iter().map(|(e, _)| e.clone());
        // Bytes come before what names them, and what is said in the order of ballots: of what this
        // acceptor said itself, later ballots hide earlier ones.
        let batches = self.batches.kept().map(|kept| Batch::clone(&kept.batch));
        let slots = self.received.slots_from(self.floor);
        let said = slots.flat_map(|(_, slot)| slot.messages());
        let said = said.chain(self.received.parts());
        let said: BTreeMap<_, _> = self
            .received
            .joining(Ballot::NONE)
            .chain(said)
            .map(|m| ((m.ballot(), rank(m), m.id()), m))
            .collect();
        let said = said.into_values().filter(|m| planted::checkpoints(m));
        let own = self.waiting.own().cloned();
        let owed = self.waiting.owed();
        let frozen = self.received.frozen().map(Record::Frozen);
        [Record::LowWater(self.floor)]
            .into_iter()
            .chain(frozen)
            .chain(evidence.map(Record::Evidence))
            .chain(batches.map(Record::Batch))
            .chain(said.map(|m| Record::Message(m.signed().clone())))
            .chain(own.map(Record::Value))
            .chain(owed.map(|(value, learner)| Record::Owed(value.clone(), learner)))
            .collect()
    }

    /// What this node said itself counts again: in this page, or everywhere that is not frozen.
    pub(super) fn restore_own(&mut self, message: &Verified<Message>, page: Option<Page>) {
        let received = &self.received;
        let of = |slot| page.map_or_else(|| !received.is_frozen(slot), |page| page.contains(slot));
        if Some(message.signer()) != self.me() {
            return;
        }
        match (&**message, &mut self.acceptor, &mut self.proposer) {
            (Message::OneB(m), Some(acceptor), _) => acceptor.restore_1b(m),
            (Message::Votes(m), Some(acceptor), _) => acceptor.restore_votes(m, of),
            (Message::OneA { ballot }, _, Some(proposer)) => proposer.restore_1a(*ballot),
            (Message::OneC(m), _, Some(proposer)) => proposer.restore_1c(m, of, &self.batches),
            _ => {}
        }
    }
}

/// A ballot is started before anything is announced in it, and joined before anything is voted.
fn rank(message: &Message) -> u8 {
    match message {
        Message::OneA { .. } => 0,
        Message::OneB(_) => 1,
        Message::OneC(_) => 2,
        Message::Votes(_) | Message::Wish { .. } => 3,
    }
}
