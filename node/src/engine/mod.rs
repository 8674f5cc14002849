//! The engine: one thread that owns the protocol and the storage.
//!
//! ```text
//!   queue ──drain──► inputs ─┐
//!                            ├─► step ─► outputs ─► 1. append every record
//!   own messages ────────────┘    │ ▲               2. when nothing of its own is left to hear: sync, once, if
//!        ▲                        │ │                  anything of it waits for that; else a little later
//!        ▲                        │ │ timer         3. sends, answers, decisions
//!        └────────────────────────┘ └──────────────────────┘
//! ```
//!
//! When the log has grown enough, the history is made durable, and a checkpoint takes the log's place.

mod archivist;
mod checkpoint;
mod disks;
mod event;
mod intake;
mod outputs;
mod questions;
#[cfg(test)]
mod tests;
mod trace;
mod unsynced;

pub(crate) use disks::Disks;
#[cfg(test)]
pub(crate) use event::Certified;
pub(crate) use event::{
    Command, EngineHandle, Event, NodeIndex, NotSent, Queued, Submitted, Ticket, Unproved,
};
pub(crate) use intake::Intake;
pub(crate) use trace::Trace;

use crate::alarm::Alarm;
use crate::byzantine::Lie;
use crate::history::HistoryFile;
use crate::network::request::RequestKind;
use crate::network::seen::Seen;
use crate::telemetry::Follow;
use crate::view::View;
use crate::view::metrics::whole;
use archivist::Archivist;
use consensus::storage::{Storage, StorageError};
use consensus::{Ballot, Input, InputOf, Page, Protocol, Record, RecordOf, Slot, Time};
use crypto::{DecodeError, Digest, codec};
use questions::CatchingUp;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, UnboundedSender};
use unsynced::Unsynced;

/// How many events one step handles at most, so that a full queue does not delay the sends.
const MAX_EVENTS_PER_STEP: usize = 256;
/// A step takes no more events once they bring so many inputs: an event may have thousands.
const MAX_INPUTS_PER_STEP: usize = 1024;
/// From how many values on, clients that have gone away are looked for.
const MAX_CLIENTS: usize = 1024;
/// How often the view gets a new status while the engine is busy.
const STATUS_PERIOD: Duration = Duration::from_millis(100);
/// How often replay reports its progress.
const REPLAY_REPORT: Duration = Duration::from_secs(2);

/// Why the engine stopped by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The storage failed. Continuing could make this node say what it will not remember.
    #[error("the storage failed, so the node stops: {0}")]
    Storage(#[from] StorageError),
    /// A stored record makes no sense to this program.
    #[error("record {0} of the storage cannot be read ({1}); was it written by another version?")]
    Record(u64, DecodeError),
    /// The log relies on a history that is not there.
    #[error(
        "the log says that everything below slot {low_water} was delivered and is in the history, but the history of lane {lane} ends before slot {next}: put the file history.redb back that belongs to this log; without it the node would have forgotten what it decided"
    )]
    HistoryLost {
        /// Everything below was in the history.
        low_water: u64,
        /// Whose history is too short.
        lane: u16,
        /// Where it ends.
        next: u64,
    },
    /// The log relies on a page of the history that is not there.
    #[error(
        "the log says that what was said in slots {0} is in the history, but it is not: put the file history.redb back that belongs to this log; without it the node would have forgotten what it voted"
    )]
    PageLost(Page),
    /// The trace cannot be written: a hole in it would make it worthless.
    #[error("the trace cannot be written, so the node stops: {0}")]
    Trace(String),
    /// A thread or task of the node has panicked, which is a mistake in this program.
    #[error("a part of the node failed; see the log")]
    Panicked,
}

/// A protocol's state machine, and what goes with it.
pub(crate) struct Machine<P: Protocol> {
    /// The state machine.
    pub(crate) protocol: P,
    /// How this node misbehaves on purpose, in tests.
    pub(crate) lie: Option<Lie<P>>,
    /// Where the node tells what happens, in tests.
    pub(crate) trace: Option<Box<dyn Trace<P>>>,
    /// The disks, in the mode that has any.
    pub(crate) disks: Option<Box<dyn Disks>>,
    /// What a message of a leader's announces; nothing in any other.
    pub(crate) announces: fn(&P::Message) -> Vec<Announced>,
}

/// A leader wants this batch in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    /// The slot.
    pub(crate) slot: Slot,
    /// The leader's ballot.
    pub(crate) ballot: Ballot,
    /// The digest of the batch.
    pub(crate) value: Digest,
}

/// See the module's documentation.
pub(crate) struct Engine<P: Protocol, S> {
    // First, so that it is dropped before the disks.
    events: Receiver<Queued<InputOf<P>>>,
    machine: Machine<P>,
    storage: S,
    history: Arc<HistoryFile<P::Wire>>,
    /// Answers peers from the history.
    archivist: Archivist<P>,
    network: mpsc::Sender<Command>,
    view: Arc<View>,
    seen: Arc<Seen<P>>,
    state: State<InputOf<P>>,
}

/// Where an engine keeps things.
pub(crate) struct Stores<P: Protocol, S> {
    /// The log.
    pub(crate) storage: S,
    /// What has left memory: the same that the protocol was given.
    pub(crate) history: Arc<HistoryFile<P::Wire>>,
    /// The log is replaced by a checkpoint when it has grown by so many bytes.
    pub(crate) checkpoint_bytes: u64,
}

/// Whoever submitted a value: its number for it, and where it hears what became of it.
type Client = (usize, UnboundedSender<(usize, Submitted)>);

/// What the engine keeps beside the protocol.
struct State<I> {
    origin: Instant,
    /// This node's own messages, for the next step: those that a batch of steps left over.
    own: Vec<I>,
    /// The log is replaced by a checkpoint when it has grown by so many bytes, and by as many as the last
    /// checkpoint had.
    checkpoint_bytes: u64,
    last_checkpoint: u64,
    /// What was stored since the last sync.
    unsynced: Unsynced,
    catching_up: CatchingUp,
    /// From then on a peer is asked for decisions, however many bytes are missing.
    sync_due: Time,
    /// The digest that peers are asked for bytes after, in the order of digests.
    asked: Digest,
    /// Whom to ask for what after the next step: what has come is not asked for again.
    asks: Vec<(NodeIndex, RequestKind)>,
    timer: Option<Time>,
    /// The values that are followed, if any are.
    follow: Option<Follow>,
    /// Clients that wait for `Accepted` or `Full`. Bounded by the HTTP requests in progress.
    submitted: HashMap<Digest, Vec<Client>>,
    /// With so many values of clients, those that have gone away are looked for.
    look_for_gone: usize,
    published: Instant,
    nonce: u64,
}

impl<P: Protocol, S: Storage> Engine<P, S> {
    pub(crate) fn new(
        machine: Machine<P>,
        stores: Stores<P, S>,
        events: Receiver<Queued<InputOf<P>>>,
        network: mpsc::Sender<Command>,
        view: Arc<View>,
        seen: Arc<Seen<P>>,
        alarm: &Alarm,
    ) -> Self {
        let now = Instant::now();
        let state = State {
            origin: now,
            own: Vec::new(),
            checkpoint_bytes: stores.checkpoint_bytes,
            last_checkpoint: 0,
            unsynced: Unsynced::default(),
            catching_up: CatchingUp::new(now),
            sync_due: Time::ZERO,
            asked: Digest([0; 32]),
            asks: Vec::new(),
            timer: None,
            follow: view.telemetry.clone().map(Follow::new),
            submitted: HashMap::new(),
            look_for_gone: MAX_CLIENTS,
            published: now,
            nonce: first_nonce(),
        };
        Engine {
            events,
            machine,
            storage: stores.storage,
            archivist: Archivist::start(Arc::clone(&stores.history), network.clone(), alarm),
            history: stores.history,
            network,
            view,
            seen,
            state,
        }
    }

    /// Replays the records, then runs until told to stop.
    pub(crate) fn run(
        mut self,
        records: impl Iterator<Item = Result<Vec<u8>, StorageError>>,
    ) -> Result<(), EngineError> {
        self.replay(records)?;
        // The first step starts the timers.
        self.step(Vec::new())?;
        self.publish_status();
        self.view.set_ready();
        while let Some(events) = self.wait() {
            let Some(inputs) = self.sort(events) else {
                break;
            };
            let due = self.state.timer.is_some_and(|t| t <= self.now());
            if !inputs.is_empty() || due {
                self.step(inputs)?;
            }
            for (peer, kind) in std::mem::take(&mut self.state.asks) {
                self.ask(peer, kind);
            }
            if self.state.unsynced.is_due(self.now()) {
                self.sync()?;
            }
            self.checkpoint_if_due()?;
            if self.state.published.elapsed() >= STATUS_PERIOD || self.state.own.is_empty() {
                self.publish_status();
            }
        }
        self.sync()
    }

    fn replay(
        &mut self,
        records: impl Iterator<Item = Result<Vec<u8>, StorageError>>,
    ) -> Result<(), EngineError> {
        let (start, mut reported, mut count) = (Instant::now(), Instant::now(), 0u64);
        for record in records {
            let bytes = record?;
            self.view
                .metrics
                .log_bytes
                .inc_by(whole(bytes.len() as u64));
            let record = codec::decode::<RecordOf<P>>(&bytes, codec::LARGEST)
                .map_err(|error| EngineError::Record(count, error))?;
            match &record {
                Record::LowWater(mark) => self.expect_history(*mark)?,
                Record::Frozen(page) => self.expect_page(*page)?,
                _ => {}
            }
            self.restore(record)?;
            count += 1;
            if reported.elapsed() >= REPLAY_REPORT {
                tracing::info!(records = count, "replaying the storage");
                reported = Instant::now();
            }
        }
        self.check_history()?;
        self.history.flush();
        self.view.metrics.replayed.inc_by(count);
        tracing::info!(
            records = count,
            took_ms = start.elapsed().as_millis(),
            "replayed the storage"
        );
        Ok(())
    }

    fn now(&self) -> Time {
        self.state.origin.elapsed()
    }

    /// Waits for something to do. `None` if nobody can tell the engine anything any more.
    fn wait(&mut self) -> Option<Vec<Queued<InputOf<P>>>> {
        let mut events = Vec::new();
        if self.state.own.is_empty() {
            let timers = [self.state.timer, self.state.unsynced.due()];
            let first = match timers.into_iter().flatten().min() {
                Some(timer) => match self.events.recv_timeout(timer.saturating_sub(self.now())) {
                    Ok(event) => Some(event),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return None,
                },
                None => Some(self.events.recv().ok()?),
            };
            events.extend(first);
        }
        let mut inputs = events.iter().map(Queued::inputs).sum::<usize>();
        while events.len() < MAX_EVENTS_PER_STEP
            && inputs < MAX_INPUTS_PER_STEP
            && let Ok(event) = self.events.try_recv()
        {
            inputs += event.inputs();
            events.push(event);
        }
        let taken = whole(events.len() as u64);
        self.view.metrics.engine_queue.dec_by(taken);
        Some(events)
    }

    /// Answers questions, and turns the rest into inputs. `None` if the engine is to stop.
    fn sort(&mut self, events: Vec<Queued<InputOf<P>>>) -> Option<Vec<InputOf<P>>> {
        let mut inputs = std::mem::take(&mut self.state.own);
        for event in events {
            let event = match event {
                Queued::Event(event) => event,
                Queued::Verified {
                    inputs: more,
                    permit,
                } => {
                    drop(permit);
                    inputs.extend(more);
                    continue;
                }
            };
            match event {
                Event::Alive(member) => inputs.push(Input::Alive(member)),
                Event::Disk(event) => inputs.push(Input::Disk(event)),
                Event::Submit { values, answer } => {
                    self.forget_gone_clients();
                    for (number, value) in values {
                        let clients = self.state.submitted.entry(value.id()).or_default();
                        clients.push((number, answer.clone()));
                        inputs.push(Input::Submit(value));
                    }
                }
                Event::Certificate {
                    learner,
                    slot,
                    answer,
                } => {
                    self.certified(learner, slot, answer);
                }
                Event::AskPeer { peer, kind } if self.state.asks.contains(&(peer, kind)) => {}
                Event::AskPeer { peer, kind } => self.state.asks.push((peer, kind)),
                Event::Request { ticket, request } => self.answer(ticket, request),
                Event::Stop => return None,
            }
        }
        self.note_values(&inputs);
        Some(inputs)
    }

    /// Clients that gave up waiting are forgotten whenever there may be twice as many as the last time.
    fn forget_gone_clients(&mut self) {
        if self.state.submitted.len() < self.state.look_for_gone {
            return;
        }
        self.state.submitted.retain(|_, clients| {
            clients.retain(|(_, answer)| !answer.is_closed());
            !clients.is_empty()
        });
        self.state.look_for_gone = MAX_CLIENTS.max(2 * self.state.submitted.len());
    }

    /// Whoever follows values is told which came.
    fn note_values(&mut self, inputs: &[InputOf<P>]) {
        let Some(follow) = &mut self.state.follow else {
            return;
        };
        for input in inputs {
            match input {
                Input::Submit(value) | Input::Value(value) => follow.heard([value]),
                Input::Batch(batch) => follow.heard(batch.values.iter()),
                _ => {}
            }
        }
    }

    /// The network always drains its queue, so this waits only while it is behind.
    fn command(&self, command: Command) {
        // A network that has ended needs nothing any more: the node is stopping.
        let _ = self.network.blocking_send(command);
    }

    fn publish_status(&mut self) {
        let status = self.machine.protocol.status();
        self.state.catching_up.report(&status.next);
        self.view.set_ahead(&self.state.catching_up.ahead);
        self.view.set_status(status);
        self.state.published = Instant::now();
    }
}

/// Nonces of one run are ascending, and two runs of a node do not share any.
fn first_nonce() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = since.map_or(0, |d| d.as_micros());
    // Wrapping around is as good as any other start.
    (micros as u64) << 8
}
