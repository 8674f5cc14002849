//! What is verified in pieces, by as many threads as have the time.
//!
//! ```text
//!   thread that read it ──► offer in the queue, if there are several pieces ──► some other thread
//!        │                        ▲                                                  │ a piece, the next offer
//!        │ piece after piece      └──────────────────────────────────────────────────┤
//!        └────────────────────────────► in their order ◄─────────────────────────────┘
//!                                             ├──inputs──► engine
//!                                             └──Report, when nobody has a piece any more
//! ```
//!
//! Whoever read it goes on until no piece is left, so that nothing depends on an offer being taken. Others take one piece
//! and stand in line again: what came in the meantime does not wait for the rest of it.

use super::budget::Permit;
use super::frame::FrameOf;
use super::verify::{Checked, PIECE, Report, Source, Verifier, Work};
use crate::engine::{NodeIndex, Queued};
use async_channel::WeakSender;
use consensus::Protocol;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An offer to verify a piece of something, whatever the protocol.
pub(super) trait Offer: Send + Sync {
    /// Verifies a piece, if there is one left. False when the node is stopping.
    fn help(self: Arc<Self>) -> bool;
}

/// A frame or an answer that is being verified. There is one report of it, when the last thread lets go of it.
pub(super) struct Shared<P: Protocol> {
    verifier: Arc<Verifier<P>>,
    queue: WeakSender<Work>,
    source: Source,
    from: NodeIndex,
    permit: Arc<Permit>,
    progress: Mutex<Progress<P>>,
}

/// A piece and its number.
pub(super) type Piece<P> = (usize, FrameOf<P>);

/// What is good in a piece; or why it is refused.
type Outcome<P> = Result<Checked<P>, &'static str>;

struct Progress<P: Protocol> {
    /// Nobody has these yet.
    rest: VecDeque<FrameOf<P>>,
    /// What became of those that somebody has or had, without those that were handed on.
    begun: VecDeque<Option<Outcome<P>>>,
    /// How many were handed on.
    done: usize,
    /// How many things in those were new; or why all of it is refused.
    outcome: Result<usize, &'static str>,
}

impl<P: Protocol> Shared<P> {
    /// What came from a peer in this way; or why it is refused unseen.
    pub(super) fn new(
        verifier: Arc<Verifier<P>>,
        queue: WeakSender<Work>,
        (source, from): (Source, NodeIndex),
        frame: Result<FrameOf<P>, &'static str>,
        permit: Permit,
    ) -> Arc<Self> {
        let (rest, outcome) = match frame {
            Ok(frame) => (frame.pieces(PIECE), Ok(0)),
            Err(reason) => (VecDeque::new(), Err(reason)),
        };
        let progress = Mutex::new(Progress {
            rest,
            begun: VecDeque::new(),
            done: 0,
            outcome,
        });
        Arc::new(Shared {
            verifier,
            queue,
            source,
            from,
            permit: Arc::new(permit),
            progress,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Progress<P>> {
        // A panic ends the node.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Verifies what others leave, and reports if they are done. False when the node is stopping.
    pub(super) fn verify(self: Arc<Self>) -> bool {
        let mut next = self.next();
        self.offer();
        while let Some(piece) = next {
            if !self.check(piece) {
                return false;
            }
            next = self.next();
        }
        self.leave()
    }

    /// The next piece is this thread's.
    pub(super) fn next(&self) -> Option<Piece<P>> {
        let mut progress = self.lock();
        let piece = progress.rest.pop_front()?;
        progress.begun.push_back(None);
        Some((progress.done + progress.begun.len() - 1, piece))
    }

    /// Lets another thread have a piece, if there is one left.
    pub(super) fn offer(self: &Arc<Self>) {
        if self.lock().rest.is_empty() {
            return;
        }
        let offer = Arc::downgrade(self);
        if let Some(queue) = self.queue.upgrade() {
            // If it is full, no thread has time for it.
            let _ = queue.try_send(Work::Offer(offer));
        }
    }

    /// Verifies a piece and hands on what is due. False when the node is stopping.
    pub(super) fn check(&self, (number, piece): Piece<P>) -> bool {
        let again = self.is_answer();
        let checked = self.verifier.check(piece, again);
        let mut progress = self.lock();
        if checked.is_err() {
            progress.rest.clear();
        }
        let at = number.checked_sub(progress.done);
        if let Some(slot) = at.and_then(|at| progress.begun.get_mut(at)) {
            *slot = Some(checked);
        }
        let going_on = self.hand_on(&mut progress);
        if !going_on {
            progress.rest.clear();
        }
        going_on
    }

    /// Hands on what stands before everything that is not verified yet: of an answer as soon as it can, so that the engine
    /// goes on with the beginning; of a frame all or nothing. False when the node is stopping.
    fn hand_on(&self, progress: &mut Progress<P>) -> bool {
        if !self.is_answer() {
            let all = progress.begun.iter().all(Option::is_some);
            if !all || !progress.rest.is_empty() {
                return true;
            }
            let mut refused = progress.begun.iter().flatten();
            if let Some(reason) = refused.find_map(|piece| piece.as_ref().err()) {
                progress.outcome = Err(reason);
            }
        }
        while let Ok(new) = progress.outcome
            && let Some(checked) = progress.begun.front_mut().and_then(Option::take)
        {
            progress.begun.pop_front();
            progress.done += 1;
            match checked {
                Ok(checked) => {
                    progress.outcome = Ok(new + checked.new);
                    if !self.send(checked) {
                        return false;
                    }
                }
                Err(reason) => progress.outcome = Err(reason),
            }
        }
        true
    }

    fn send(&self, mut checked: Checked<P>) -> bool {
        self.verifier.remember(&mut checked);
        let (inputs, permit) = (checked.inputs, Arc::clone(&self.permit));
        inputs.is_empty()
            || self
                .verifier
                .engine
                .send(Queued::Verified { inputs, permit })
                .is_ok()
    }

    /// Reports, if no other thread has a piece. False when the node is stopping.
    pub(super) fn leave(self: Arc<Self>) -> bool {
        let Some(last) = Arc::into_inner(self) else {
            return true;
        };
        let progress = last.progress.into_inner();
        let outcome = progress.unwrap_or_else(PoisonError::into_inner).outcome;
        drop(last.permit);
        // Gossip waits for its verdict, and there may be more to ask for after an answer; of a stream nobody needs to
        // hear that it goes on.
        let wanted = last.source != Source::Stream || outcome.is_err();
        let report = Report {
            source: last.source,
            from: last.from,
            outcome,
        };
        !wanted || last.verifier.reports.blocking_send(report).is_ok()
    }

    /// A frame that repeats what is known here is old; an answer that does is what was asked for.
    fn is_answer(&self) -> bool {
        matches!(self.source, Source::Answer(_))
    }
}

impl<P: Protocol> Offer for Shared<P> {
    fn help(self: Arc<Self>) -> bool {
        let piece = self.next();
        self.offer();
        piece.is_none_or(|piece| self.check(piece)) && self.leave()
    }
}

#[cfg(test)]
#[path = "shared_tests.rs"]
mod tests;
