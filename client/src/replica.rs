//! A state machine that applies what one learner decides.
//!
//! ```text
//!   execute ──value──► Nodes ──► … ──► decisions of the learner ──► apply, in order
//!      ▲                                                              │
//!      └── output ◄── this value's ◄── waiting, or latest outputs ◄───┘
//! ```

use crate::decisions::Decisions;
use crate::error::Error;
use crate::nodes::Nodes;
use crate::submit::Placed;
use crate::value::{Decision, Value};
use futures::StreamExt;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// Outputs that are kept for whoever asks after the value was applied.
const KEPT: usize = 4096;

/// Values that are waited for before it is looked whether they still are.
const MANY: usize = 1024;

/// What is replicated. The same values in the same order must lead to the same state and the same outputs: no clock, no
/// randomness, no I/O.
pub trait StateMachine: Send + 'static {
    /// What whoever submitted a value gets.
    type Output: Clone + Send + 'static;

    /// Applies a value, which anybody may have submitted: it need not be a command of this machine. Every value comes
    /// once, whatever how often it was submitted.
    fn apply(&mut self, value: &Value) -> Self::Output;
}

impl<O: Clone + Send + 'static> StateMachine for Box<dyn StateMachine<Output = O>> {
    type Output = O;

    fn apply(&mut self, value: &Value) -> O {
        self.as_mut().apply(value)
    }
}

/// Why a replica has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplicaError {
    /// The value could not be submitted, or was not decided in time. It may still be decided.
    #[error(transparent)]
    Submit(#[from] Error),
    /// The decisions cannot be read on: the replica stays as it is.
    #[error("the replica has stopped before slot {applied}: {why}")]
    Stopped {
        /// The slots before this are applied.
        applied: u64,
        /// Why.
        why: Error,
    },
    /// Nothing is applied any more: the machine has panicked, or the runtime that it was started in has ended.
    #[error(
        "the replica has ended before slot {applied}: its machine has panicked, or its runtime has ended"
    )]
    Ended {
        /// The slots before this are applied.
        applied: u64,
    },
    /// It was not applied here in time.
    #[error("slot {slot} was not applied here within {} ms", waited.as_millis())]
    Behind {
        /// The slot.
        slot: u64,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The value was decided long ago, and its output is no longer kept. It has had its effect.
    #[error("the value was applied in slot {slot}, and what came of it is no longer kept")]
    Forgotten {
        /// The slot.
        slot: u64,
    },
}

/// A replica: it follows one learner and applies what that decides. Dropping it ends that.
pub struct Replica<M: StateMachine> {
    nodes: Nodes,
    learner: String,
    inner: Arc<Mutex<Inner<M>>>,
    progress: watch::Receiver<Progress>,
    task: JoinHandle<()>,
}

#[derive(Clone, Debug)]
struct Progress {
    applied: u64,
    stopped: Option<Error>,
}

/// What names a value before a node has told its id: key and bytes.
type Name = (Vec<u8>, Vec<u8>);

struct Inner<M: StateMachine> {
    machine: M,
    applied: u64,
    waiting: HashMap<Name, Vec<oneshot::Sender<M::Output>>>,
    outputs: HashMap<String, M::Output>,
    /// The ids of `outputs`, the oldest first.
    order: VecDeque<String>,
}

impl<M: StateMachine> Replica<M> {
    /// Applies the decisions of a learner from its first slot on, as long as there are nodes that can be asked.
    ///
    /// Call it inside a tokio runtime.
    #[must_use]
    pub fn start(nodes: &Nodes, learner: &str, machine: M) -> Replica<M> {
        Replica::resume(nodes, learner, machine, 0)
    }

    /// The same for a machine that has applied all slots before this one.
    #[must_use]
    pub fn resume(nodes: &Nodes, learner: &str, machine: M, from: u64) -> Replica<M> {
        let inner = Inner {
            machine,
            applied: from,
            waiting: HashMap::new(),
            outputs: HashMap::new(),
            order: VecDeque::new(),
        };
        let inner = Arc::new(Mutex::new(inner));
        let start = Progress {
            applied: from,
            stopped: None,
        };
        let (tell, progress) = watch::channel(start);
        let decisions = nodes.decisions(learner, from);
        let task = tokio::spawn(follow(decisions, Arc::clone(&inner), tell));
        Replica {
            nodes: nodes.clone(),
            learner: learner.to_owned(),
            inner,
            progress,
            task,
        }
    }

    /// The learner.
    #[must_use]
    pub fn learner(&self) -> &str {
        &self.learner
    }

    /// The slots before this one are applied.
    #[must_use]
    pub fn applied(&self) -> u64 {
        lock(&self.inner).applied
    }

    /// Looks at the machine as it is here and now, and says up to which slot: those before it are applied. Nothing is
    /// asked, so that others may have seen later states already.
    pub fn read<R>(&self, look: impl FnOnce(&M) -> R) -> (R, u64) {
        let inner = lock(&self.inner);
        (look(&inner.machine), inner.applied)
    }

    /// Waits until the slots before this one are applied.
    ///
    /// # Errors
    /// If that is not so in time, or the replica has stopped or ended.
    pub async fn wait_until(&self, slot: u64, timeout: Duration) -> Result<(), ReplicaError> {
        let mut progress = self.progress.clone();
        let there = |p: &Progress| p.applied >= slot || p.stopped.is_some();
        let waited = tokio::time::timeout(timeout, progress.wait_for(there)).await;
        let behind = ReplicaError::Behind {
            slot: slot.saturating_sub(1),
            waited: timeout,
        };
        match waited {
            Ok(Ok(seen)) if seen.applied >= slot => Ok(()),
            Ok(Ok(seen)) => match &seen.stopped {
                Some(why) => Err(ReplicaError::Stopped {
                    applied: seen.applied,
                    why: why.clone(),
                }),
                None => Err(behind),
            },
            // Whoever tells of progress is gone.
            Ok(Err(_)) => Err(ReplicaError::Ended {
                applied: self.progress.borrow().applied,
            }),
            Err(_) => Err(behind),
        }
    }

    /// Has a value decided and applied, and returns what came of it. Asked again with the same value and key it has
    /// its effect once. An empty key is none: then equal values are one, whoever submitted them.
    ///
    /// # Errors
    /// If it was not decided and applied in time: it may still be. `turn` chooses the
    /// node to begin with.
    pub async fn execute(
        &self,
        value: &[u8],
        key: &str,
        timeout: Duration,
        turn: usize,
    ) -> Result<M::Output, ReplicaError> {
        let deadline = Instant::now() + timeout;
        let (send, mut output) = oneshot::channel();
        let name: Name = (key.as_bytes().to_vec(), value.to_vec());
        lock(&self.inner).wait(name.clone(), send);
        let placed = self
            .nodes
            .submit_and_wait(value, key, &self.learner, timeout, turn);
        let applied = match placed.await {
            Ok(placed) => self
                .wait_until(
                    placed.decision.slot + 1,
                    deadline.saturating_duration_since(Instant::now()),
                )
                .await
                .map(|()| placed),
            Err(error) => Err(error.into()),
        };
        let mut inner = lock(&self.inner);
        if let Ok(output) = output.try_recv() {
            return Ok(output);
        }
        // Whoever else waits for it goes on waiting.
        drop(output);
        if let Some(waiting) = inner.waiting.get_mut(&name) {
            waiting.retain(|waiting| !waiting.is_closed());
            if waiting.is_empty() {
                inner.waiting.remove(&name);
            }
        }
        // It was applied before it was waited for.
        let Placed { id, decision, .. } = applied?;
        let slot = decision.slot;
        inner
            .outputs
            .get(&id)
            .cloned()
            .ok_or(ReplicaError::Forgotten { slot })
    }
}

impl<M: StateMachine> fmt::Debug for Replica<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Replica");
        all.field("learner", &self.learner);
        all.field("applied", &self.applied())
            .finish_non_exhaustive()
    }
}

impl<M: StateMachine> Drop for Replica<M> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<M: StateMachine> Inner<M> {
    fn apply(&mut self, decision: &Decision) {
        for value in &decision.values {
            let output = self.machine.apply(value);
            let waiting = match self.waiting.is_empty() {
                true => None,
                false => self
                    .waiting
                    .remove(&(value.key.clone(), value.bytes.clone())),
            };
            for waiting in waiting.into_iter().flatten() {
                // Whoever has given up waiting does not want it.
                let _ = waiting.send(output.clone());
            }
            self.keep(value.id.clone(), output);
        }
        self.applied = decision.slot + 1;
    }

    fn wait(&mut self, name: Name, send: oneshot::Sender<M::Output>) {
        // Callers may have been dropped while they waited.
        if self.waiting.len() >= MANY {
            self.waiting
                .retain(|_, all| all.iter().any(|waiting| !waiting.is_closed()));
        }
        self.waiting.entry(name).or_default().push(send);
    }

    fn keep(&mut self, id: String, output: M::Output) {
        if self.outputs.insert(id.clone(), output).is_none() {
            self.order.push_back(id);
        }
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.outputs.remove(&oldest);
            }
        }
    }
}

async fn follow<M: StateMachine>(
    mut decisions: Decisions,
    inner: Arc<Mutex<Inner<M>>>,
    tell: watch::Sender<Progress>,
) {
    while let Some(decision) = decisions.next().await {
        match decision {
            Ok(decision) => {
                lock(&inner).apply(&decision);
                tell.send_modify(|progress| progress.applied = decision.slot + 1);
            }
            Err(why) => {
                tell.send_modify(|progress| progress.stopped = Some(why));
                return;
            }
        }
    }
}

fn lock<M: StateMachine>(inner: &Mutex<Inner<M>>) -> MutexGuard<'_, Inner<M>> {
    // A machine that has panicked is as it was left.
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}
