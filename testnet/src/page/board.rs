//! What all nodes have said, kept for whoever opens the page later.

use crate::observe::{Divergence, Learner, Node, Report};
use crate::show::{Show, Started, State, StepLine};
use crate::summary::Summary;
use futures::Stream;
use hpaxos_client::Event;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Events that are kept; beyond, the oldest are forgotten.
const KEPT: usize = 20_000;
/// Bytes of them.
const KEPT_BYTES: usize = 32 << 20;

/// Slots in which a pair of learners differs that are named, the first ones; the others are only counted.
const NAMED: usize = 8;

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its number, counted from 0; `None` for a state, which has no place in the order.
    pub id: Option<u64>,
    /// What kind of event it is.
    pub kind: &'static str,
    /// One line of JSON.
    pub data: String,
}

/// The events of all nodes in the order in which they came, and states, of which the latest is there for whoever comes,
/// whatever has been forgotten of the events.
#[derive(Debug)]
pub struct Board {
    kept: Mutex<Kept>,
    place: watch::Sender<Place>,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Told>,
    bytes: usize,
    /// The latest of each state, by the time of its last change.
    states: BTreeMap<u64, (String, Told)>,
}

/// How far the board is, or somebody who reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    /// The number of the next event.
    event: u64,
    /// How often a state has changed.
    state: u64,
}

impl Default for Board {
    fn default() -> Self {
        Board {
            kept: Mutex::default(),
            place: watch::Sender::new(Place::default()),
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
        let event = self.place.borrow().event;
        kept.bytes += data.len();
        let id = Some(event);
        kept.events.push_back(Told { id, kind, data });
        while kept.events.len() > KEPT || kept.bytes > KEPT_BYTES {
            let Some(oldest) = kept.events.pop_front() else {
                break;
            };
            kept.bytes -= oldest.data.len();
        }
        self.place.send_modify(|place| place.event = event + 1);
    }

    /// Puts up how something stands. It takes the place of what stood there under the same name.
    pub fn state(&self, name: &str, kind: &'static str, data: String) {
        let mut kept = self.kept();
        let state = self.place.borrow().state + 1;
        kept.states.retain(|_, (other, _)| other != name);
        let id = None;
        let told = Told { id, kind, data };
        kept.states.insert(state, (name.to_owned(), told));
        self.place.send_modify(|place| place.state = state);
    }

    /// Puts up something that happened to the network itself.
    fn note(&self, words: &str) {
        let object = json!({"event": "notice", "words": words, "at_ms": now_ms()});
        self.tell("notice", object.to_string());
    }

    /// All states, as they stand and change, and all events from this number on, as far as they are kept, and those to
    /// come.
    pub fn from(self: &Arc<Self>, first: u64) -> impl Stream<Item = Told> + use<> {
        // A number from an earlier run of the program is of no use.
        let newest = self.place.subscribe();
        let event = if first > newest.borrow().event {
            0
        } else {
            first
        };
        let read = Place { event, state: 0 };
        let state = (Arc::clone(self), newest, read);
        futures::stream::unfold(state, |(board, mut newest, mut read)| async move {
            let is_news = |newest: &Place| newest.event > read.event || newest.state > read.state;
            newest.wait_for(is_news).await.ok()?;
            let told = board.kept().next(&mut read)?;
            Some((told, (board, newest, read)))
        })
    }
}

impl Kept {
    /// What comes next for somebody who has read as far as this: states go first.
    fn next(&self, read: &mut Place) -> Option<Told> {
        if let Some((at, (_, told))) = self.states.range(read.state + 1..).next() {
            read.state = *at;
            return Some(told.clone());
        }
        let told = self.at(read.event)?;
        read.event = told.id.map_or(read.event, |id| id + 1);
        Some(told)
    }

    /// The event of this number, or the oldest after it that is kept.
    fn at(&self, id: u64) -> Option<Told> {
        let oldest = self.events.front()?.id?;
        let at = usize::try_from(id.saturating_sub(oldest)).ok()?;
        self.events.get(at).cloned()
    }
}

/// Shows a run, and puts up what is worth it.
pub struct Posting<'a> {
    show: Box<dyn Show + 'a>,
    board: Arc<Board>,
    nodes: Vec<String>,
    learners: Vec<String>,
    apart: BTreeMap<(Learner, Learner), Apart>,
}

/// Where two learners differ.
#[derive(Debug, Default)]
struct Apart {
    slots: Vec<u64>,
    count: u64,
}

impl<'a> Posting<'a> {
    /// Shows a run as this does.
    #[must_use]
    pub fn new(show: Box<dyn Show + 'a>, board: Arc<Board>) -> Self {
        Posting {
            show,
            board,
            nodes: Vec::new(),
            learners: Vec::new(),
            apart: BTreeMap::new(),
        }
    }

    /// Puts up where a pair differs. All that was ever compared counts, whatever is still known of it.
    fn post(&mut self, divergence: &Divergence, verdict: &str, broken: bool) {
        let (a, b) = divergence.pair();
        let apart = self.apart.entry((a, b)).or_default();
        apart.count += 1;
        if apart.slots.len() < NAMED {
            apart.slots.push(divergence.first.slot);
        }
        let name = |learner: Learner| self.learners.get(learner).map_or("?", String::as_str);
        let why = verdict.split_once(": ").map_or(verdict, |(_, why)| why);
        let object = json!({
            "event": "divergence", "between": [name(a), name(b)], "slots": apart.slots, "count": apart.count,
            "allowed": !broken, "why": why, "at_ms": now_ms(),
        });
        let name = format!("{} {}", name(a), name(b));
        self.board.state(&name, "divergence", object.to_string());
    }
}

impl Show for Posting<'_> {
    fn started(&mut self, started: &Started) -> io::Result<()> {
        self.nodes = started.nodes.iter().map(|n| n.name.clone()).collect();
        self.learners.clone_from(&started.learners);
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
        self.post(divergence, verdict, broken);
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
        Event::Timeout(_) => "timeout",
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
    use crate::show::json::JsonLines;
    use futures::StreamExt;

    #[tokio::test]
    async fn whoever_comes_later_hears_everything_that_is_kept() {
        let board = Arc::new(Board::default());
        let mut early = Box::pin(board.from(0));
        for id in 0..KEPT as u64 + 2 {
            board.tell("decision", id.to_string());
        }
        let ids = |told: Vec<Told>| told.into_iter().filter_map(|t| t.id).collect::<Vec<_>>();
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
        assert_eq!(first, Some(Some(1)));
    }

    #[tokio::test]
    async fn states_are_there_whatever_is_forgotten_of_the_events() {
        let board = Arc::new(Board::default());
        let words = |told: Vec<Told>| told.into_iter().map(|t| t.data).collect::<Vec<_>>();
        board.state("alice bob", "divergence", "one slot".to_owned());
        let mut early = Box::pin(board.from(0));
        assert_eq!(words(early.by_ref().take(1).collect().await), ["one slot"]);
        for id in 0..KEPT as u64 + 2 {
            board.tell("decision", id.to_string());
        }
        board.state("alice carol", "divergence", "another pair".to_owned());
        board.state("alice bob", "divergence", "two slots".to_owned());
        let late = words(board.from(KEPT as u64).take(3).collect().await);
        assert_eq!(late, ["another pair", "two slots", &KEPT.to_string()]);
        // Whoever was there hears what has changed, and of the events what it has not heard.
        let early = words(early.by_ref().take(3).collect().await);
        assert_eq!(early, ["another pair", "two slots", "2"]);
    }

    #[test]
    fn a_pair_that_differs_is_put_up_with_its_first_slots_and_a_count() {
        let board = Arc::new(Board::default());
        let mut posting = Posting::new(Box::new(JsonLines::default()), Arc::clone(&board));
        posting.learners = vec!["alice".to_owned(), "bob".to_owned()];
        let report = |learner, slot| Report {
            node: 0,
            learner,
            slot,
            batch: crate::observe::Batch {
                ballot: 1,
                digest: format!("{learner}").into(),
                items: Arc::new([]),
            },
        };
        for slot in 3..1003 {
            let (first, second) = (report(1, slot), report(0, slot));
            let divergence = Divergence { first, second };
            let verdict = "not allowed: they must: agree";
            match slot {
                3 => posting
                    .divergence(&divergence, verdict, true)
                    .expect("shown"),
                _ => posting.post(&divergence, verdict, true),
            }
        }
        let kept = board.kept();
        assert_eq!(kept.states.len(), 1);
        let (_, told) = kept.states.values().next().expect("a state");
        let data: Json = serde_json::from_str(&told.data).expect("JSON");
        assert_eq!(told.kind, "divergence");
        assert_eq!(data["between"], json!(["alice", "bob"]));
        assert_eq!(data["slots"], json!([3, 4, 5, 6, 7, 8, 9, 10]));
        assert_eq!(data["count"], 1000);
        assert_eq!(data["allowed"], false);
        assert_eq!(data["why"], "they must: agree");
    }
}
