//! Executes what a step asks for.

use super::{Command, Engine, EngineError, Submitted};
use crate::network::frame::{Part, split};
use crate::network::request::Request;
use consensus::hpaxos::{Input, Message, Output};
use consensus::storage::Storage;
use consensus::{Protocol as _, Time};
use crypto::{Digest, Verified, codec};

impl<S: Storage> Engine<S> {
    /// One step of the protocol with everything that follows from it.
    pub(super) fn step(&mut self, inputs: Vec<Input>) -> Result<(), EngineError> {
        let now = self.now();
        // The timer asked for a step at this time at the latest: this is it.
        if self.state.timer.is_some_and(|t| t <= now) {
            self.state.timer = None;
        }
        self.view.metrics.steps.inc();
        self.view.metrics.inputs.inc_by(inputs.len() as u64);
        let outputs = self.protocol.step(now, inputs);
        self.persist(&outputs)?;
        self.execute(now, outputs);
        Ok(())
    }

    /// Everything persisted in a step shares one sync; nothing else happens before it.
    fn persist(&mut self, outputs: &[Output]) -> Result<(), EngineError> {
        let (mut records, mut bytes) = (0, 0);
        for output in outputs {
            let Output::Persist(record) = output else {
                continue;
            };
            let encoded = codec::encode(record);
            self.storage.append(&encoded)?;
            records += 1;
            bytes += encoded.len() as u64;
        }
        if records > 0 {
            self.storage.sync()?;
            let metrics = &self.view.metrics;
            metrics.records.inc_by(records);
            metrics.record_bytes.inc_by(bytes);
            metrics.syncs.inc();
        }
        Ok(())
    }

    fn execute(&mut self, now: Time, outputs: Vec<Output>) {
        let mut parts = Vec::new();
        let mut fetch = Vec::new();
        for output in outputs {
            match output {
                Output::Persist(_) => {}
                Output::Send(message) => self.send(message, &mut parts),
                Output::SendBatch(batch) => parts.push(Part::Batch(batch)),
                Output::SendValue(value) => parts.push(Part::Value(value)),
                Output::SendEvidence(evidence) => parts.push(Part::Evidence(evidence)),
                Output::Accepted(id) => self.tell(&id, Submitted::Accepted),
                Output::Full(id) => self.tell(&id, Submitted::Full),
                Output::Fetch(digest) => {
                    if self.state.wanted.insert(digest) {
                        fetch.push(digest);
                    }
                }
                Output::SetTimer(at) => {
                    // It replaces the one before.
                    self.state.timer = Some(at);
                }
                shown => self.show(Some(now), shown),
            }
        }
        self.gossip(parts);
        for digests in fetch.chunks(crate::network::request::MAX_DIGESTS) {
            self.command(Command::Ask(None, Request::Batches(digests.to_vec())));
        }
    }

    /// What `restore` tells: the same things that a step shows, without saying when.
    pub(super) fn restored(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            self.show(None, output);
        }
    }

    /// Outputs that only people and clients care about. `now` is missing while replaying.
    fn show(&self, now: Option<Time>, output: Output) {
        match output {
            Output::Decided(decision) => self.view.decided(decision, now),
            Output::Evidence(evidence, finding) => {
                self.view.evidence(&evidence, &finding, now.is_some());
            }
            Output::Fork(fork) => self.view.fork(&fork, now.is_some()),
            Output::Disconnected(a, b) => self.view.disconnected(a, b, now.is_some()),
            Output::Ballot { ballot, leader } => self.view.ballot(ballot, leader, now.is_some()),
            // Effects: handled where they are executed, and not produced by `restore`.
            _ => {}
        }
    }

    /// An own message leaves, and comes back as input of the next step.
    fn send(&mut self, message: Verified<Message>, parts: &mut Vec<Part>) {
        tracing::trace!(kind = message.kind(), ballot = message.ballot().0, "sends");
        self.view.metrics.sent(message.kind());
        self.seen.insert(message.clone());
        parts.push(Part::Message(message.signed().clone()));
        if let Some(lie) = self
            .liar
            .as_ref()
            .and_then(|liar| liar.contradict(&message))
        {
            parts.push(Part::Message(lie.signed().clone()));
        }
        self.state.own.push(Input::Message(message));
    }

    fn tell(&mut self, id: &Digest, answer: Submitted) {
        for client in self.state.submitted.remove(id).unwrap_or_default() {
            // Clients may have gone away.
            let _ = client.send(answer);
        }
    }

    fn gossip(&mut self, parts: Vec<Part>) {
        let (frames, dropped) = split(parts);
        if dropped > 0 {
            tracing::warn!(dropped, "evidence is too large to be gossiped");
            self.view
                .metrics
                .dropped("evidence_too_large", dropped as u64);
        }
        for frame in frames {
            self.state.nonce = self.state.nonce.wrapping_add(1);
            self.command(Command::Publish(frame.encode(self.state.nonce)));
        }
    }
}
