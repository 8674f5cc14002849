//! What a step takes in: HPaxos: Recv, and what comes from clients.

use super::received::Novelty;
use super::{HPaxos, Input, Invalid, Message, Output, Record, check};
use crate::{Ballot, Slot, Time};
use crypto::{Digest, Verified};
use learner_graph::AcceptorId;
use std::collections::BTreeSet;

impl HPaxos {
    pub(super) fn absorb(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Message(message) => self.receive(&message, now, out),
            Input::Submit(value) => match value.check() {
                Ok(()) => self.waiting.submit(value, now, out),
                Err(_) => self.refuse(Invalid::Value.reason()),
            },
            Input::Value(value) => match value.check() {
                Ok(()) => {
                    if !self.waiting.heard(value, now) {
                        self.refuse("waiting_full");
                    }
                }
                Err(_) => self.refuse(Invalid::Value.reason()),
            },
            Input::Batch(batch) if !batch.in_bounds() => self.refuse(Invalid::Value.reason()),
            Input::Batch(batch) => {
                if self.batches.arrived(batch, out) {
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
            // There are no disks in this protocol.
            Input::Disk(_) => {}
        }
    }

    /// HPaxos: Recv and LearnerRecv.
    pub(super) fn receive(
        &mut self,
        message: &Verified<Message>,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let valid = check(message, &self.network);
        let valid = valid.and_then(|()| {
            // However far ahead a 1b is: it tells where its acceptor is, and others may be there too.
            if let (Message::OneB(m), Some(a)) =
                (&**message, self.network.acceptor_of(message.signer()))
            {
                self.pacemaker.wanted(a, m.ballot);
            }
            self.horizon().check(message)
        });
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
        let (novelty, slots) = match (&**message, acceptor) {
            (Message::OneA { .. }, _) => (self.received.one_a(message), Vec::new()),
            (Message::OneC(m), _) => self.received.one_c(m, message, self.floor, now),
            (Message::OneB(m), Some(a)) => {
                self.pacemaker.wanted(a, m.ballot);
                let own = Some(message.signer()) == self.me();
                let novelty = match m.scope.page() {
                    Some(page) if self.is_too_early(page) => Novelty::Known,
                    _ => self.received.one_b(m, a, message, own),
                };
                (novelty, Vec::new())
            }
            (Message::Votes(m), Some(a)) => {
                let (novelty, slots, all) = self.received.votes(m, a, message, self.floor, now);
                if !all {
                    self.refuse(Invalid::TooMany.reason());
                }
                (novelty, slots)
            }
            (Message::Wish { ballot }, Some(a)) => return self.wish(a, *ballot, message, now),
            _ => return,
        };
        match novelty {
            Novelty::Known => return,
            Novelty::New => {
                if let Some(a) = acceptor {
                    self.pacemaker.heard(a, now);
                }
                self.store_received(message, out);
            }
            Novelty::Contradicts(evidence) => {
                // What counts here has to count after a restart as well: it may be part of a certificate.
                if self.received.keeps(message, &slots) {
                    self.store_received(message, out);
                }
                self.found(*evidence, out);
            }
        }
        self.heard_own |= Some(message.signer()) == self.me();
        let ballot = message.ballot();
        match &**message {
            Message::OneB(m) => {
                self.all_dirty = true;
                if let (Some(proposer), Some(_)) = (&mut self.proposer, m.scope.page()) {
                    proposer.look_again();
                }
            }
            Message::OneC(_) if ballot == self.present() => self.claim_announced(&slots, out),
            Message::Votes(_) => {
                for slot in &slots {
                    self.decide(*slot, ballot, now, out);
                }
            }
            _ => {}
        }
        self.dirty.extend(slots);
    }

    fn store_received(&self, message: &Verified<Message>, out: &mut Vec<Output>) {
        // Its own statements are stored before they leave.
        if Some(message.signer()) != self.me() {
            out.push(Output::Persist(Record::Message(message.signed().clone())));
        }
    }

    /// The same for every open slot, when this node has come to another ballot.
    pub(super) fn claim_open(&mut self, out: &mut Vec<Output>) {
        let open: Vec<Slot> = self
            .received
            .slots_from(self.floor)
            .map(|(s, _)| s)
            .collect();
        self.claim_announced(&open, out);
    }

    /// The bytes of what is announced in the present ballot are needed; of what was in others only those of decisions.
    fn claim_announced(&mut self, slots: &[Slot], out: &mut Vec<Output>) {
        let ballot = self.present();
        if std::mem::replace(&mut self.claimed, ballot) != ballot {
            let decided: BTreeSet<Digest> = self.learners.undelivered().collect();
            self.batches.want_only(|digest| decided.contains(digest));
        }
        for slot in slots {
            let announced = self.received.slot(*slot).and_then(|s| s.announced(ballot));
            if let Some(value) = announced.map(|a| a.value) {
                self.batches.claim(value, out);
            }
        }
    }

    fn wish(&mut self, from: AcceptorId, ballot: Ballot, message: &Verified<Message>, now: Time) {
        self.pacemaker.wanted(from, ballot);
        let kept = self.wishes.entry(from).or_insert_with(|| message.clone());
        if kept.ballot() < ballot || kept.id() == message.id() {
            *kept = message.clone();
            self.pacemaker.heard(from, now);
        }
    }
}
