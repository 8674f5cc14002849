//! Executes what a step asks for.

use super::unsynced::Unsynced;
use super::{Command, Engine, EngineError, Submitted};
use crate::network::frame::{Part, PartOf, split};
use crate::network::request::Request;
use crate::view::metrics::whole;
use consensus::storage::{Storage, StorageError};
use consensus::{InputOf, Output, OutputOf, Protocol, Time, steps};
use crypto::{Digest, codec};
use std::cell::Cell;
use std::time::Instant;

/// What a node says to whoever runs it when it learns of evidence against itself.
const CAUGHT: &str = "this is evidence against this very node: what was signed with its key contradicts itself. Its \
    key or its data directory is used twice, or was used wrongly: with an empty directory, an older copy, or another \
    one. Stop this node and leave it off; \"When a node is caught\" in docs/storage.md says what to do";

impl<P: Protocol, S: Storage> Engine<P, S> {
    /// Takes steps until the node has heard everything that it says itself, makes everything durable
    /// that they store, and then does what they ask for.
    pub(super) fn step(&mut self, inputs: Vec<InputOf<P>>) -> Result<(), EngineError> {
        let now = self.now();
        // The timer asked for a step at this time at the latest: this is it.
        if self.state.timer.is_some_and(|t| t <= now) {
            self.state.timer = None;
        }
        let metrics = &self.view.metrics;
        metrics.inputs.inc_by(inputs.len() as u64);
        let traces = self.machine.trace.is_some();
        let (mut heard, mut told) = (Vec::new(), Vec::new());
        let mut waits = traces;
        let (storage, unsynced) = (&mut self.storage, &mut self.state.unsynced);
        let begun = Cell::new(Instant::now());
        let hears = |inputs: &[InputOf<P>]| {
            metrics.steps.inc();
            heard.push(if traces { inputs.to_vec() } else { Vec::new() });
            begun.set(Instant::now());
        };
        let left = steps(&mut self.machine.protocol, now, inputs, hears, |outputs| {
            let took = begun.get().elapsed();
            metrics.step_time.observe(took.as_secs_f64());
            for output in &outputs {
                if let Output::Persist(record) = output {
                    let encoded = codec::encode(record);
                    unsynced.add(encoded.len() as u64, now);
                    storage.append(&encoded)?;
                }
            }
            waits |= consensus::waits(&outputs);
            told.push(outputs);
            Ok::<_, StorageError>(())
        })?;
        self.check_history()?;
        // With nothing to make durable, the history may go on at once. What does not wait is looked after in `run`.
        if waits || self.state.unsynced.due().is_none() {
            self.sync()?;
        }
        self.state.own = left;
        for (inputs, outputs) in heard.into_iter().zip(told) {
            self.trace_heard(&inputs)?;
            // What is durable may leave, and what may leave is in the trace.
            self.trace_told(&outputs)?;
            self.execute(outputs);
        }
        self.history.wait_for_room();
        Ok(())
    }

    /// Makes everything durable that was stored, and lets the history write what followed from it.
    pub(super) fn sync(&mut self) -> Result<(), EngineError> {
        let Unsynced { records, bytes, .. } = std::mem::take(&mut self.state.unsynced);
        if records > 0 {
            let metrics = &self.view.metrics;
            let start = Instant::now();
            self.storage.sync()?;
            metrics.sync_time.observe(start.elapsed().as_secs_f64());
            metrics.records.inc_by(records);
            metrics.records_per_sync.observe(records as f64);
            metrics.record_bytes.inc_by(bytes);
            metrics.log_bytes.inc_by(whole(bytes));
            metrics.syncs.inc();
        }
        self.history.flush();
        Ok(())
    }

    fn execute(&mut self, outputs: Vec<OutputOf<P>>) {
        // Later than the step: what is told now had to become durable first, and somebody waited for it.
        let now = self.now();
        self.tell_followers(now, &outputs);
        let mut parts = Vec::new();
        let mut fetch = Vec::new();
        for output in outputs {
            match output {
                Output::Persist(_) => {}
                Output::Disk(operation) => {
                    // Only the protocol that is given disks asks.
                    if let Some(disks) = &mut self.machine.disks {
                        disks.submit(operation);
                    }
                }
                Output::Send(message) => self.send(message, &mut parts),
                Output::SendBatch(batch) => parts.push(Part::Batch(batch)),
                Output::SendValue(value) => parts.push(Part::Value(value)),
                Output::SendEvidence(evidence) => parts.push(Part::Evidence(evidence)),
                Output::Accepted(id) => self.tell(&id, Submitted::Accepted),
                Output::Full(id) => self.tell(&id, Submitted::Full),
                Output::Fetch(digest) => fetch.push(digest),
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

    /// Whoever follows values is told what this node says of them.
    fn tell_followers(&self, now: Time, outputs: &[OutputOf<P>]) {
        let Some(follow) = &self.state.follow else {
            return;
        };
        for output in outputs {
            match output {
                Output::Send(message) => {
                    for announced in (self.machine.announces)(message) {
                        if let Some(batch) = self.machine.protocol.batch(&announced.value) {
                            follow.proposed(&batch, announced.slot, announced.ballot);
                        }
                    }
                }
                Output::Decided(decision) => {
                    let after = decision.heard.map(|heard| now.saturating_sub(heard));
                    let played = self.view.node.learners.iter();
                    for learner in played.filter(|l| decision.learners.contains(**l)) {
                        let learner = self.view.learner_name(*learner);
                        follow.decided(learner, decision, after);
                    }
                }
                _ => {}
            }
        }
    }

    /// What `restore` tells: the same things that a step shows, without saying when.
    pub(super) fn restored(&mut self, outputs: Vec<OutputOf<P>>) {
        for output in outputs {
            self.show(None, output);
        }
    }

    /// Outputs that only people and clients care about. `now` is missing while replaying.
    fn show(&self, now: Option<Time>, output: OutputOf<P>) {
        match output {
            Output::Decided(decision) => self.view.decided(decision, now),
            Output::Evidence(evidence, finding) => {
                let (acceptor, words) = P::describe(&finding, &self.view.network);
                let encoded = codec::encode(&evidence);
                if P::culprit(&finding, &self.view.network) == self.view.node.member
                    && let Some(member) = self.view.node.member
                {
                    let node = self.view.member_name(member);
                    tracing::error!(node, %words, "{CAUGHT}");
                }
                self.view.evidence(encoded, acceptor, words, now.is_some());
            }
            Output::Fork(fork) => self.view.fork(&fork, now.is_some()),
            Output::Disconnected(a, b) => self.view.disconnected(a, b, now.is_some()),
            Output::Ballot { ballot, leader } => self.view.ballot(ballot, leader, now.is_some()),
            Output::GivenUp(given_up) => self.view.given_up(&given_up),
            // Effects: handled where they are executed, and not produced by `restore`.
            _ => {}
        }
    }

    /// An own message leaves; the node has heard it, or will in the next step.
    fn send(&mut self, message: P::Message, parts: &mut Vec<PartOf<P>>) {
        let kind = P::kind(&message);
        tracing::trace!(kind, "sends");
        self.view.metrics.sent(kind);
        let id = P::id(P::wire(&message));
        self.seen.insert(id, message.clone());
        parts.push(Part::Message(P::wire(&message).clone()));
        let lie = self.machine.lie.as_ref();
        if let Some(contradiction) = lie.and_then(|lie| lie(&message)) {
            parts.push(Part::Message(contradiction));
        }
    }

    fn tell(&mut self, id: &Digest, answer: Submitted) {
        for (number, client) in self.state.submitted.remove(id).unwrap_or_default() {
            // Clients may have gone away.
            let _ = client.send((number, answer));
        }
    }

    fn gossip(&mut self, parts: Vec<PartOf<P>>) {
        let (frames, dropped) = split::<P>(parts);
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
