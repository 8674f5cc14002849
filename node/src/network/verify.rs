//! Verification: a few threads turn what was received into inputs.
//!
//! ```text
//!   network task ──Job──► queue ──► thread ──inputs──► engine
//!        ▲                            │
//!        └───────────Report───────────┘
//! ```
//!
//! The queue is bounded in number and bytes, and what the engine has not taken yet counts. At the
//! bound the network task drops what it received: synchronisation brings it again. The threads wait for the engine, the network task for nobody.

use super::budget::{Budget, Permit};
use super::frame::{Frame, MAX_PARTS, evidence_size};
use super::request::Response;
use super::seen::Seen;
use crate::engine::{EngineHandle, Event, NodeIndex};
use crate::view::View;
use async_channel::{Receiver, Sender};
use consensus::hpaxos::evidence::Evidence;
use consensus::hpaxos::{Input, Message};
use consensus::{ClientValue, Network};
use crypto::{Digest, Signed, codec};
use libp2p::gossipsub::MessageId;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::mpsc;

/// Something received that nobody has looked at.
#[derive(Debug)]
pub(super) enum Job {
    /// A gossip frame.
    Frame {
        /// Gossipsub's name for it.
        id: MessageId,
        /// Who forwarded it.
        from: NodeIndex,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A peer's answer.
    Answer {
        /// Who answered.
        from: NodeIndex,
        /// What.
        response: Response,
    },
}

/// What became of a job.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// Gossipsub's name for the frame, if it was one.
    pub(super) id: Option<MessageId>,
    /// Who sent it.
    pub(super) from: NodeIndex,
    /// How many things in it were new; or why all of it is refused.
    pub(super) outcome: Result<usize, &'static str>,
}

/// The queue in front of the threads.
#[derive(Clone)]
pub(super) struct Pool {
    jobs: Sender<(Job, Permit)>,
    budget: Budget,
}

/// What the threads share.
pub(super) struct Verifier {
    pub(super) network: Arc<Network>,
    pub(super) seen: Arc<Seen>,
    pub(super) view: Arc<View>,
    pub(super) engine: EngineHandle,
    pub(super) reports: mpsc::Sender<Report>,
}

impl Pool {
    /// Starts the threads. They end when the pool is dropped.
    pub(super) fn start(
        threads: usize,
        max_jobs: usize,
        max_bytes: usize,
        verifier: Verifier,
    ) -> std::io::Result<(Pool, Vec<JoinHandle<()>>)> {
        let (jobs, queue) = async_channel::bounded(max_jobs);
        let verifier = Arc::new(verifier);
        let mut handles = Vec::new();
        for i in 0..threads.max(1) {
            let (queue, verifier) = (queue.clone(), Arc::clone(&verifier));
            let thread = std::thread::Builder::new().name(format!("verify-{i}"));
            handles.push(thread.spawn(move || verifier.run(&queue))?);
        }
        Ok((
            Pool {
                jobs,
                budget: Budget::new(max_bytes),
            },
            handles,
        ))
    }

    /// Queues a job; gives it back if there is no room.
    pub(super) fn submit(&self, job: Job) -> Result<(), Job> {
        let Some(permit) = self.budget.take(job.from(), job.size()) else {
            return Err(job);
        };
        let sent = self.jobs.try_send((job, permit));
        sent.map_err(|error| error.into_inner().0)
    }
}

impl Job {
    fn from(&self) -> NodeIndex {
        match self {
            Job::Frame { from, .. } | Job::Answer { from, .. } => *from,
        }
    }

    fn size(&self) -> usize {
        match self {
            Job::Frame { bytes, .. } => bytes.len(),
            Job::Answer {
                response: Response::Sync(answer),
                ..
            } => {
                let messages = answer
                    .messages
                    .iter()
                    .map(|m| m.body().len() + 128)
                    .sum::<usize>();
                messages + answer.evidence.iter().map(evidence_size).sum::<usize>()
            }
            Job::Answer {
                response: Response::Batches(batches),
                ..
            } => batches
                .iter()
                .flat_map(|b| &b.values)
                .map(ClientValue::encoded_len)
                .sum(),
        }
    }
}

impl Verifier {
    fn run(&self, queue: &Receiver<(Job, Permit)>) {
        while let Ok((job, permit)) = queue.recv_blocking() {
            if !self.handle(job, permit) {
                return;
            }
        }
    }

    /// Verifies one job, reports it, and hands its inputs on. False when the node is stopping.
    fn handle(&self, job: Job, permit: Permit) -> bool {
        let (id, from, parts) = match job {
            Job::Frame { id, from, bytes } => {
                (Some(id), from, Frame::decode(&bytes).map_err(|_| "frame"))
            }
            Job::Answer { from, response } => (None, from, Ok(response.into())),
        };
        // Gossip that repeats what is known here is old; an answer that does is what was asked for.
        let again = id.is_none();
        let checked = parts.and_then(|frame| self.check(frame, again));
        let outcome = checked.as_ref().map(|c| c.new).map_err(|reason| *reason);
        if self
            .reports
            .blocking_send(Report { id, from, outcome })
            .is_err()
        {
            return false;
        }
        match checked {
            Ok(Checked { inputs, .. }) if !inputs.is_empty() => {
                self.engine.send(Event::Verified { inputs, permit }).is_ok()
            }
            _ => true,
        }
    }

    /// Checks everything in a frame. One bad part condemns the whole: a correct node sends none.
    fn check(&self, frame: Frame, again: bool) -> Result<Checked, &'static str> {
        let mut checked = Checked::default();
        if frame.parts() > MAX_PARTS {
            return Err("too_many_parts");
        }
        for batch in frame.batches {
            if !batch.in_bounds() {
                return Err("batch_out_of_bounds");
            }
            let digest = batch.digest();
            if again || self.seen.is_news(&digest) {
                checked.came.push(digest);
                checked.add(Input::Batch(batch));
            }
        }
        for value in frame.values {
            value.check().map_err(|_| "value_out_of_bounds")?;
            let id = value.id();
            if self.seen.is_news(&id) {
                checked.came.push(id);
                checked.add(Input::Value(value));
            }
        }
        for message in frame.messages {
            self.message(message, again, &mut checked)?;
        }
        for evidence in frame.evidence {
            self.evidence(evidence, &mut checked)?;
        }
        self.remember(&checked);
        Ok(checked)
    }

    /// Only what reaches the engine is known from now on: whoever wraps somebody's message together
    /// with rubbish must not keep it out.
    fn remember(&self, checked: &Checked) {
        for input in &checked.inputs {
            if let Input::Message(message) = input {
                self.seen.insert(message.clone());
            }
        }
        for digest in &checked.came {
            self.seen.came(*digest);
        }
        for digest in &checked.evidence {
            self.seen.insert_evidence(*digest);
        }
    }

    fn message(
        &self,
        message: Signed<Message>,
        again: bool,
        checked: &mut Checked,
    ) -> Result<(), &'static str> {
        // The name leaves the signature out: only the very same message is known to be genuine.
        let known = self.seen.get(&message.id());
        if let Some(known) = known.filter(|k| *k.signed() == message) {
            self.view.metrics.known.inc();
            if again {
                checked.inputs.push(Input::Message(known));
            }
            return Ok(());
        }
        let verified = message
            .verify(self.network.keyring())
            .map_err(|refusal| refusal.reason())?;
        self.view.metrics.verified.inc();
        checked.add(Input::Message(verified));
        Ok(())
    }

    fn evidence(&self, evidence: Evidence, checked: &mut Checked) -> Result<(), &'static str> {
        let digest = Digest::of(&codec::encode(&evidence));
        if self.seen.has_evidence(&digest) {
            return Ok(());
        }
        evidence.verify(&self.network).map_err(|_| "evidence")?;
        checked.evidence.push(digest);
        checked.add(Input::Evidence(evidence));
        Ok(())
    }
}

#[derive(Default)]
struct Checked {
    inputs: Vec<Input>,
    came: Vec<Digest>,
    evidence: Vec<Digest>,
    new: usize,
}

impl Checked {
    fn add(&mut self, input: Input) {
        self.inputs.push(input);
        self.new += 1;
    }
}

impl From<Response> for Frame {
    fn from(response: Response) -> Frame {
        match response {
            Response::Sync(answer) => Frame {
                messages: answer.messages,
                evidence: answer.evidence,
                ..Frame::default()
            },
            Response::Batches(batches) => Frame {
                batches,
                ..Frame::default()
            },
        }
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
