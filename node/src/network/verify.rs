//! Verification: a few threads turn what was received into inputs.
//!
//! ```text
//!   network task, readers of streams ──Job──► queue ──► thread ──inputs──► engine
//!        ▲                                                │
//!        └──────────────────Report, if wanted─────────────┘
//! ```
//!
//! The queue is bounded in number and bytes, and what the engine has not taken yet counts. At the
//! bound what is received is dropped: synchronisation brings it again. The threads wait for the engine, the network task
//! and the readers for nobody. What is large they share (`shared.rs`): while there is more of it to be had, an offer of it
//! has a place in the queue.

use super::budget::{Budget, Permit};
use super::frame::{Frame, FrameOf, MAX_PARTS, max_frame_bytes};
use super::request::{RequestKind, Response, ResponseOf};
use super::seen::Seen;
use super::shared::{Offer, Shared};
use crate::engine::{Intake, NodeIndex, Queued};
use crate::view::View;
use async_channel::{Receiver, Sender, WeakSender};
use consensus::{Input, InputOf, Network, Protocol};
use crypto::{Digest, codec};
use libp2p::gossipsub::MessageId;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::mpsc;

/// Messages that one thread verifies at a time, and of an answer hands on at once. What a node that catches up may be told
/// reaches farther than what it can take in before it has decided the beginning.
pub(super) const PIECE: usize = 256;

/// How something came here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// As gossip, with gossipsub's name for it.
    Gossip(MessageId),
    /// Straight from a peer.
    Stream,
    /// As the answer to such a request.
    Answer(RequestKind),
}

/// Something received that nobody has looked at.
#[derive(Debug)]
pub(super) struct Job {
    /// How it came.
    pub(super) source: Source,
    /// Who sent it, or passed it on.
    pub(super) from: NodeIndex,
    /// A frame, or an answer.
    pub(super) bytes: Vec<u8>,
}

/// What became of a job.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// How it came.
    pub(super) source: Source,
    /// Who sent it.
    pub(super) from: NodeIndex,
    /// How many things in it were new; or why all of it is refused.
    pub(super) outcome: Result<usize, &'static str>,
}

/// What stands in the queue in front of the threads.
pub(super) enum Work {
    /// Something received.
    Job(Job, Permit),
    /// Some thread has more of something than it needs for itself. It may have finished it since.
    Offer(Weak<dyn Offer>),
}

/// The queue in front of the threads.
#[derive(Clone)]
pub(super) struct Pool {
    jobs: Sender<Work>,
    budget: Budget,
    view: Arc<View>,
    reports: mpsc::Sender<Report>,
}

/// What the threads share.
pub(super) struct Verifier<P: Protocol> {
    pub(super) network: Arc<Network>,
    pub(super) seen: Arc<Seen<P>>,
    pub(super) view: Arc<View>,
    pub(super) engine: Intake<Queued<InputOf<P>>>,
    pub(super) reports: mpsc::Sender<Report>,
}

impl Pool {
    /// Starts the threads. They end when the pool is dropped.
    pub(super) fn start<P: Protocol>(
        threads: usize,
        max_jobs: usize,
        max_bytes: usize,
        verifier: Verifier<P>,
    ) -> std::io::Result<(Pool, Vec<JoinHandle<()>>)> {
        let (jobs, queue) = async_channel::bounded(max_jobs);
        let (view, reports) = (Arc::clone(&verifier.view), verifier.reports.clone());
        let verifier = Arc::new(verifier);
        let mut handles = Vec::new();
        for i in 0..threads.max(1) {
            let (queue, verifier) = (queue.clone(), Arc::clone(&verifier));
            // The queue ends with the pool.
            let offers = jobs.downgrade();
            let thread = std::thread::Builder::new().name(format!("verify-{i}"));
            handles.push(thread.spawn(move || verifier.run(&queue, &offers))?);
        }
        Ok((
            Pool {
                jobs,
                budget: Budget::new(max_bytes),
                view,
                reports,
            },
            handles,
        ))
    }

    /// How many jobs wait for a thread, and how many bytes for a thread or for the engine.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.jobs.len(), self.budget.taken())
    }

    /// A frame came. False if there is no room for it.
    pub(super) fn frame(&self, source: Source, from: NodeIndex, bytes: Vec<u8>) -> bool {
        self.view.metrics.frames_received.inc();
        self.submit(Job {
            source,
            from,
            bytes,
        })
    }

    /// Queues a job. False, and counted as dropped, if there is no room for it.
    pub(super) fn submit(&self, job: Job) -> bool {
        let permit = self.budget.take(job.from, job.bytes.len());
        let taken = permit.is_some_and(|permit| self.jobs.try_send(Work::Job(job, permit)).is_ok());
        if !taken {
            self.view.metrics.dropped("verify_queue_full", 1);
        }
        taken
    }

    /// What came on a stream is no frame, for this reason.
    pub(super) async fn refuse(&self, from: NodeIndex, reason: &'static str) {
        let report = Report {
            source: Source::Stream,
            from,
            outcome: Err(reason),
        };
        // The network task may have ended.
        let _ = self.reports.send(report).await;
    }
}

impl<P: Protocol> Verifier<P> {
    fn run(self: Arc<Self>, queue: &Receiver<Work>, offers: &WeakSender<Work>) {
        while let Ok(work) = queue.recv_blocking() {
            let going_on = match work {
                Work::Job(job, permit) => self.handle(job, permit, offers),
                Work::Offer(offer) => offer.upgrade().is_none_or(|offer| offer.help()),
            };
            if !going_on {
                return;
            }
        }
    }

    /// Verifies one job, with the help of others, hands its inputs on, and reports it. False when the node is stopping.
    fn handle(self: &Arc<Self>, job: Job, permit: Permit, offers: &WeakSender<Work>) -> bool {
        let limit = max_frame_bytes::<P>();
        let Job {
            source,
            from,
            bytes,
        } = job;
        let parts = match &source {
            Source::Gossip(_) | Source::Stream => Frame::decode(&bytes, limit).ok(),
            Source::Answer(kind) => {
                let response = codec::decode::<ResponseOf<P>>(&bytes, limit).ok();
                let fits = response.filter(|r| r.answers(*kind));
                fits.map(Frame::from)
            }
        };
        let frame = parts.ok_or("frame").and_then(|frame| {
            let fits = frame.parts() <= MAX_PARTS;
            fits.then_some(frame).ok_or("too_many_parts")
        });
        let shared = Shared::new(
            Arc::clone(self),
            offers.clone(),
            (source, from),
            frame,
            permit,
        );
        shared.verify()
    }

    /// Checks everything in a frame, or a piece of one. One bad part condemns the whole: a correct node sends none.
    pub(super) fn check(&self, frame: FrameOf<P>, again: bool) -> Result<Checked<P>, &'static str> {
        let mut checked = Checked::new();
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
        Ok(checked)
    }

    /// Only what reaches the engine is known from now on: whoever wraps somebody's message together
    /// with rubbish must not keep it out.
    pub(super) fn remember(&self, checked: &mut Checked<P>) {
        for (id, message) in checked.verified.drain(..) {
            self.seen.insert(id, message);
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
        message: P::Wire,
        again: bool,
        checked: &mut Checked<P>,
    ) -> Result<(), &'static str> {
        // A name may leave the signature out: only the very same message is known to be genuine.
        let id = P::id(&message);
        let known = self.seen.get(&id);
        let metrics = &self.view.metrics;
        if let Some(known) = known.filter(|k| *P::wire(k) == message) {
            metrics.known.inc();
            metrics.received(P::kind(&known));
            if again {
                checked.inputs.push(Input::Message(known));
            }
            return Ok(());
        }
        let start = Instant::now();
        let opened = P::open(message, &self.network);
        metrics.verify_time.observe(start.elapsed().as_secs_f64());
        let verified = opened.map_err(|refusal| refusal.reason())?;
        metrics.verified.inc();
        metrics.received(P::kind(&verified));
        checked.verified.push((id, verified.clone()));
        checked.add(Input::Message(verified));
        Ok(())
    }

    fn evidence(
        &self,
        evidence: P::Evidence,
        checked: &mut Checked<P>,
    ) -> Result<(), &'static str> {
        let digest = Digest::of_encoded(&evidence);
        if self.seen.has_evidence(&digest) {
            return Ok(());
        }
        P::examine(&evidence, &self.network).ok_or("evidence")?;
        checked.evidence.push(digest);
        checked.add(Input::Evidence(evidence));
        Ok(())
    }
}

/// What is good in a frame.
pub(super) struct Checked<P: Protocol> {
    pub(super) inputs: Vec<InputOf<P>>,
    /// The messages that were verified, with their ids.
    verified: Vec<(Digest, P::Message)>,
    came: Vec<Digest>,
    evidence: Vec<Digest>,
    pub(super) new: usize,
}

impl<P: Protocol> Checked<P> {
    fn new() -> Self {
        Checked {
            inputs: Vec::new(),
            verified: Vec::new(),
            came: Vec::new(),
            evidence: Vec::new(),
            new: 0,
        }
    }

    fn add(&mut self, input: InputOf<P>) {
        self.inputs.push(input);
        self.new += 1;
    }
}

impl<W, E> From<Response<W, E>> for Frame<W, E> {
    fn from(response: Response<W, E>) -> Self {
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
