//! What a step takes in: HPaxos: Recv, and what comes from clients.

use super::received::Novelty;
use super::{HPaxos, Input, Invalid, Message, Output, Record, check};
use crate::log::batches::Claim;
use crate::{Batch, ClientValue, Time};
use crypto::{Digest, Verified};

impl HPaxos {
    pub(super) fn absorb(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Message(message) => self.receive(&message, now, out),
            Input::Submit(value) => self.submit(value, now, out),
            Input::Value(value) => {
                // Every node may have as many of its own; what is dropped is spread again.
                let room = self.waiting.len() < self.config.max_waiting.saturating_mul(4);
                match value.check() {
                    Ok(()) if room => {
                        self.waiting.add(value.id(), value, now);
                    }
                    Ok(()) => self.refuse("waiting_full"),
                    Err(_) => self.refuse(Invalid::Value.reason()),
                }
            }
            Input::Batch(batch) if !batch.in_bounds() => self.refuse(Invalid::Value.reason()),
            Input::Batch(batch) => {
                if let Some((_, batch)) = self.batches.arrived(batch) {
                    out.push(Output::Persist(Record::Batch(Batch::clone(&batch))));
                    self.all_dirty = true;
                    self.deliver(now, out);
                }
            }
            Input::Evidence(evidence) => {
                self.admit(evidence, out);
            }
            Input::Alive(member) => {
                if let Some(acceptor) = self.network.acceptor_of(member) {
                    self.pacemaker.heard(acceptor, now);
                }
            }
        }
    }

    fn submit(&mut self, value: ClientValue, now: Time, out: &mut Vec<Output>) {
        let id = value.id();
        if value.check().is_err() {
            self.refuse(Invalid::Value.reason());
            return;
        }
        if !self.waiting.knows(&id) {
            if self.waiting.len() >= self.config.max_waiting {
                out.push(Output::Full(id));
                return;
            }
            self.waiting.add(id, value.clone(), now);
        }
        if self.waiting.take_charge(&id) {
            out.push(Output::Persist(Record::Value(value.clone())));
            out.push(Output::SendValue(value));
        }
        out.push(Output::Accepted(id));
    }

    /// HPaxos: Recv and LearnerRecv.
    pub(super) fn receive(
        &mut self,
        message: &Verified<Message>,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let valid = check(message, &self.network).and_then(|()| self.horizon().check(message));
        if let Err(invalid) = valid {
            return self.refuse(invalid.reason());
        }
        self.take_in(message, now, out);
    }

    pub(super) fn take_in(
        &mut self,
        message: &Verified<Message>,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let acceptor = self.network.acceptor_of(message.signer());
        let novelty = match (&**message, acceptor) {
            (Message::OneA { .. }, _) => self.received.one_a(message),
            (Message::OneC(m), _) => {
                let (novelty, slots) = self.received.one_c(m, message, self.floor, now);
                for slot in slots {
                    self.dirty.insert(slot);
                    let announced = self.received.slot(slot).and_then(|s| s.announced(m.ballot));
                    if let Some(value) = announced.map(|a| a.value) {
                        self.claim(value, out);
                    }
                }
                novelty
            }
            (Message::OneB(m), Some(a)) => {
                self.pacemaker.wanted(a, m.ballot);
                self.all_dirty = true;
                self.received.one_b(a, message)
            }
            (Message::Wish { ballot }, Some(a)) => {
                self.pacemaker.wanted(a, *ballot);
                let kept = self.wishes.entry(a).or_insert_with(|| message.clone());
                if kept.ballot() >= *ballot && kept.id() != message.id() {
                    return;
                }
                *kept = message.clone();
                self.pacemaker.heard(a, now);
                return;
            }
            (Message::Votes(m), Some(a)) => {
                match self.received.votes(m, a, message, self.floor, now) {
                    Ok((novelty, slots)) => {
                        for slot in slots {
                            self.dirty.insert(slot);
                            self.decide(slot, m.ballot, now, out);
                        }
                        novelty
                    }
                    Err(invalid) => return self.refuse(invalid.reason()),
                }
            }
            _ => return,
        };
        if matches!(novelty, Novelty::Known) {
            return;
        }
        if let Some(a) = acceptor {
            self.pacemaker.heard(a, now);
        }
        if Some(message.signer()) != self.me() {
            out.push(Output::Persist(Record::Message(message.signed().clone())));
        }
        if let Novelty::Contradicts(evidence) = novelty {
            self.found(*evidence, out);
        }
    }

    pub(super) fn claim(&mut self, value: Digest, out: &mut Vec<Output>) {
        match self.batches.claim(value) {
            Claim::Store(batch) => out.push(Output::Persist(Record::Batch(Batch::clone(&batch)))),
            Claim::Fetch => out.push(Output::Fetch(value)),
            Claim::Kept | Claim::Awaited => {}
        }
    }
}
