//! What all nodes have said, kept for whoever opens the page later.

use crate::observe::{Divergence, Node, Report};
use crate::show::{Show, Started, State, StepLine};
use crate::summary::Summary;
use futures::Stream;
use hpaxos_client::Event;
use serde_json::{Value as Json, json};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Events that are kept; beyond, the oldest are forgotten.
const KEPT: usize = 20_000;
/// Bytes of them.
const KEPT_BYTES: usize = 32 << 20;

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its number, counted from 0.
    pub id: u64,
    /// What kind of event it is.
    pub kind: &'static str,
    /// One line of JSON.
    pub data: String,
}

/// The events of all nodes in the order in which they came.
#[derive(Debug)]
pub struct Board {
    kept: Mutex<Kept>,
    next: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Told>,
    bytes: usize,
}

impl Default for Board {
    fn default() -> Self {
        Board {
            kept: Mutex::default(),
            next: watch::Sender::new(0),
        }
    }
}

impl Board {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an event up.
    pub fn tell(&self, kind: &'static str, data: String) {
        let mut kept = self.kept();
        let id = *self.next.borrow();
        kept.bytes += data.len();
        kept.events.push_back(Told { id, kind, data });
        while kept.events.len() > KEPT || kept.bytes > KEPT_BYTES {
            let Some(oldest) = kept.events.pop_front() else {
                break;
            };
            kept.bytes -= oldest.data.len();
        }
        drop(kept);
        self.next.send_replace(id + 1);
    }

    /// Puts up something that happened to the network itself.
    fn note(&self, words: &str) {
        let object = json!({"event": "notice", "words": words, "at_ms": now_ms()});
        self.tell("notice", object.to_string());
    }

    /// All events from this number on, as far as they are kept, and those to come.
    pub fn from(self: &Arc<Self>, first: u64) -> impl Stream<Item = Told> + use<> {
        // A number from an earlier run of the program is of no use.
        let newest = self.next.subscribe();
        let first = if first > *newest.borrow() { 0 } else { first };
        let state = (Arc::clone(self), newest, first);
        futures::stream::unfold(state, |(board, mut newest, next)| async move {
            newest.wait_for(|newest| *newest > next).await.ok()?;
            let told = board.kept().at(next)?;
            let next = told.id + 1;
            Some((told, (board, newest, next)))
        })
    }
}

impl Kept {
    /// The event of this number, or the oldest after it that is kept.
    fn at(&self, id: u64) -> Option<Told> {
        let oldest = self.events.front()?.id;
        let at = usize::try_from(id.saturating_sub(oldest)).ok()?;
        self.events.get(at).cloned()
    }
}

/// Shows a run, and puts up what is worth it.
pub struct Posting<'a> {
    show: Box<dyn Show + 'a>,
    board: Arc<Board>,
    nodes: Vec<String>,
}

impl<'a> Posting<'a> {
    /// Shows a run as this does.
    #[must_use]
    pub fn new(show: Box<dyn Show + 'a>, board: Arc<Board>) -> Self {
        Posting {
            show,
            board,
            nodes: Vec::new(),
        }
    }
}

impl Show for Posting<'_> {
    fn started(&mut self, started: &Started) -> io::Result<()> {
        self.nodes = started.nodes.iter().map(|n| n.name.clone()).collect();
        self.show.started(started)
    }

    fn event(
        &mut self,
        node: Node,
        raw: &Json,
        event: &Event,
        latency: Option<Duration>,
    ) -> io::Result<()> {
        let mut object = raw.clone();
        // The connection it came by says which node it is, whatever the node says.
        object["node"] = json!(self.nodes.get(node));
        // What was asked for later has no time of its own.
        if object["at_ms"].is_null() {
            object["at_ms"] = json!(now_ms());
        }
        self.board.tell(kind(event), object.to_string());
        self.show.event(node, raw, event, latency)
    }

    fn decision(
        &mut self,
        report: &Report,
        latency: Option<Duration>,
        now: Duration,
    ) -> io::Result<()> {
        self.show.decision(report, latency, now)
    }

    fn divergence(
        &mut self,
        divergence: &Divergence,
        verdict: &str,
        broken: bool,
    ) -> io::Result<()> {
        self.show.divergence(divergence, verdict, broken)
    }

    fn notice(&mut self, text: &str) -> io::Result<()> {
        self.board.note(text);
        self.show.notice(text)
    }

    fn step(&mut self, step: &StepLine<'_>) -> io::Result<()> {
        let (number, of, words) = (step.number, step.of, step.words);
        let mut text = format!("step {number} of {of}: {words}");
        if let Err(why) = step.outcome {
            text += &format!(" failed: {why}");
        }
        self.board.note(&text);
        self.show.step(step)
    }

    fn tick(&mut self, state: State<'_>) -> io::Result<()> {
        self.show.tick(state)
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        self.show.summary(summary)
    }
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX))
}

/// The word for an event, which is not what a node writes: that may be anything.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::Decision(_) => "decision",
        Event::Ballot { .. } => "ballot",
        Event::Evidence { .. } => "evidence",
        Event::Disconnected { .. } => "disconnected",
        Event::Fork { .. } => "fork",
        Event::Gap { .. } => "gap",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;

    #[tokio::test]
    async fn whoever_comes_later_hears_everything_that_is_kept() {
        let board = Arc::new(Board::default());
        let mut early = Box::pin(board.from(0));
        for id in 0..KEPT as u64 + 2 {
            board.tell("decision", id.to_string());
        }
        let ids = |told: Vec<Told>| told.into_iter().map(|t| t.id).collect::<Vec<_>>();
        assert_eq!(ids(early.by_ref().take(2).collect().await), [2, 3]);
        let late = ids(board.from(KEPT as u64).take(2).collect().await);
        assert_eq!(late, [KEPT as u64, KEPT as u64 + 1]);
        // Of another run.
        let lost = ids(board.from(1 << 40).take(1).collect().await);
        assert_eq!(lost, [2]);
    }

    #[tokio::test]
    async fn large_events_are_kept_by_their_bytes() {
        let board = Arc::new(Board::default());
        for _ in 0..3 {
            board.tell("decision", "x".repeat(KEPT_BYTES / 2));
        }
        let first = board.from(0).boxed().next().await.map(|told| told.id);
        assert_eq!(first, Some(1));
    }
}
