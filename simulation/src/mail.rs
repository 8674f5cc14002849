//! Messages between the nodes.

use super::adversary::{Aside, Said};
use super::node::Packet;
use super::oracle::{Oracle as _, Place, Verdict, Violation};
use super::protocols::Simulated;
use super::world::{Event, World};
use consensus::history::History;
use consensus::{Batch, Input, Slot, SyncRequest};
use crypto::Digest;
use learner_graph::LearnerId;
use std::time::Duration;

impl<P: Simulated> World<P> {
    pub(super) fn remember(&mut self, message: &P::Message) {
        self.said.insert(P::id(P::wire(message)), message.clone());
    }

    /// A message of a node's own leaves for another node, or what the node says instead.
    pub(super) fn says(&mut self, from: Place, to: Place, message: &P::Message) -> Verdict {
        let Some(liar) = &mut self.nodes[from].liar else {
            self.sends(from, to, Packet::Message(message.clone()));
            return Ok(());
        };
        if !liar.knows(to) {
            return Ok(());
        }
        let mut aside = Aside::new(&mut self.chance, &mut self.tally);
        for said in liar.says(to, message, &mut aside) {
            self.lies(from, to, said)?;
        }
        Ok(())
    }

    /// Something leaves a node that does not follow the protocol.
    pub(super) fn lies(&mut self, from: Place, to: Place, said: Said<P::Message>) -> Verdict {
        let packet = match said {
            Said::Message(message) => {
                self.remember(&message);
                self.oracle.lied(from, &message)?;
                Packet::Message(message)
            }
            Said::Batch(batch) => Packet::Batch(batch),
        };
        self.sends(from, to, packet);
        Ok(())
    }

    /// Whether the node is a liar that has nothing to do with the other one.
    pub(super) fn ignores(&self, place: Place, other: Place) -> bool {
        let liar = self.nodes[place].liar.as_ref();
        liar.is_some_and(|liar| !liar.knows(other))
    }

    /// The bytes of a batch leave, unless a liar keeps them.
    pub(super) fn gives(&mut self, from: Place, to: Place, batch: Batch) {
        if let Some(liar) = &mut self.nodes[from].liar {
            let mut aside = Aside::new(&mut self.chance, &mut self.tally);
            if !liar.knows(to) || !liar.gives(to, &batch.digest(), &mut aside) {
                return;
            }
        }
        self.sends(from, to, Packet::Batch(batch));
    }

    pub(super) fn gossip(&mut self, from: Place, packet: &Packet<P>) {
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            self.sends(from, to, packet.clone());
        }
    }

    pub(super) fn sends(&mut self, from: Place, to: Place, packet: Packet<P>) {
        if self.ignores(from, to) {
            return;
        }
        let arrivals = self.weather.arrivals(from, to, &mut self.chance);
        match arrivals.len() {
            0 => self.tally.fault("message lost"),
            1 => {}
            _ => self.tally.fault("message twice"),
        }
        for after in arrivals {
            let event = Event::Arrives(from, to, Box::new(packet.clone()));
            self.agenda.add(self.now + after, event);
        }
    }

    pub(super) fn arrives(&mut self, from: Place, to: Place, packet: Packet<P>) -> Verdict {
        if !self.is_up(to) || self.ignores(to, from) {
            return Ok(());
        }
        self.tally.messages += 1;
        if let Some(member) = self.stage.member(from) {
            self.gets(to, Input::Alive(member));
        }
        match packet {
            Packet::Ping => {}
            Packet::Message(message) => {
                if let Some(liar) = &mut self.nodes[to].liar {
                    liar.hears(&message);
                }
                self.gets(to, Input::Message(message));
            }
            Packet::Batch(batch) => {
                self.gets(to, Input::Batch(batch));
            }
            Packet::Value(value) => self.gets(to, Input::Value(value)),
            Packet::Evidence(evidence) => self.gets(to, Input::Evidence(evidence)),
            Packet::Ask(request, wanted) if self.nodes[to].syncing.is_some() => {
                self.nodes[to].asked.push((from, request, wanted));
            }
            Packet::Ask(request, wanted) => return self.answers(to, from, &request, &wanted),
        }
        Ok(())
    }

    pub(super) fn answers(
        &mut self,
        place: Place,
        asks: Place,
        request: &consensus::SyncRequest,
        wanted: &[Digest],
    ) -> Verdict {
        if self.weather.paused(place) {
            return Ok(());
        }
        let Some(machine) = &self.nodes[place].machine else {
            return Ok(());
        };
        let answer = machine.answer(request, 1 << 20);
        let history = &self.nodes[place].history;
        let batch = |digest| machine.batch(digest).or_else(|| history.batch(digest));
        let batches: Vec<_> = wanted.iter().filter_map(batch).collect();
        let old = from_history(&*self.nodes[place].history, request, machine.remembered());
        for wire in old.into_iter().chain(answer.messages) {
            // Some are made for the answer, and some were stored and never left.
            let message = match self.said.get(&P::id(&wire)) {
                Some(message) => message.clone(),
                None => P::open(wire, self.stage.network()).map_err(|refusal| {
                    Violation::of("sync", format!("what is handed out is refused: {refusal}"))
                })?,
            };
            self.says(place, asks, &message)?;
        }
        for evidence in answer.evidence {
            self.sends(place, asks, Packet::Evidence(evidence));
        }
        for batch in batches {
            self.gives(place, asks, Batch::clone(&batch));
        }
        Ok(())
    }

    pub(super) fn beat(&self) -> Duration {
        self.setting.patience / 8
    }

    pub(super) fn beats(&mut self, place: Place) -> Verdict {
        let (beat, life) = (self.beat(), self.nodes[place].life);
        self.agenda.add(self.now + beat, Event::Beats(place, life));
        if self.weather.paused(place) {
            return Ok(());
        }
        self.gossip(place, &Packet::Ping);
        let asked = self.chance.place(self.nodes.len());
        if let Some(machine) = self.nodes[place]
            .machine
            .as_ref()
            .filter(|_| asked != place)
        {
            let wanted = machine.wanted().iter().copied().collect();
            let ask = Packet::Ask(machine.sync_request(), wanted);
            self.sends(place, asked, ask);
        }
        if let Some(liar) = &mut self.nodes[place].liar {
            let mut aside = Aside::new(&mut self.chance, &mut self.tally);
            for (to, said) in liar.volunteers(&mut aside) {
                self.lies(place, to, said)?;
            }
        }
        Ok(())
    }
}

/// Decisions of a learner in one answer, at most.
const OLD_DECISIONS: usize = 16;

/// What proves the decisions that a peer lacks and the state machine has in memory no more.
fn from_history<W>(history: &impl History<W>, request: &SyncRequest, remembered: Slot) -> Vec<W> {
    let mut proofs = Vec::new();
    for (learner, from) in (0..).map(LearnerId).zip(&request.next) {
        let slots = (from.0..remembered.0).take(OLD_DECISIONS);
        let kept = slots.map_while(|slot| history.decision(learner, Slot(slot)));
        proofs.extend(kept.flat_map(|kept| kept.proof));
    }
    proofs
}
