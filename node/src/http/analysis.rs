//! `GET /v1/graph/analysis`: what the learner graph bears, as it is and after faults that are named.
//!
//! ```text
//!   question ── told before? ──yes──────────────────────────────► answer
//!                    └─no─ few others wait? ── in turn ── a thread of its own ── kept ──► answer
//!                                └─no─► 429                └─ what is known after a time
//! ```
//!
//! The graph of a node never changes, so that an answer stays true. One question is worked on at a time, whoever asks
//! and whether or not they still wait for it: however many there are, they take no more than one thread.

use super::Api;
use super::bounded::Bounded;
use super::json::Json;
use super::problem::Problem;
use super::query::{Asked, Raw};
use crate::config::Mode;
use axum::extract::State;
use learner_graph::{AcceptorSet, LearnerGraph, Options, Suspicion, acceptor_list, outline};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

/// What is not decided by then is answered as not decided.
const PATIENCE: Duration = Duration::from_secs(4);
/// Questions that wait for their turn, or are worked on.
const WAITING: usize = 16;
/// Answers that are kept, and bytes of them; beyond, those that were asked for longest ago are forgotten.
const KEPT: usize = 256;
const KEPT_BYTES: usize = 8 << 20;
/// An answer that is not complete is given for so long: then the machine may have more time for it.
const INCOMPLETE_FOR: Duration = Duration::from_secs(60);

/// Acceptors that are supposed to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Question {
    crashed: AcceptorSet,
    byzantine: AcceptorSet,
}

/// JSON, shared by whoever asked for it.
#[derive(Clone, Debug)]
pub(super) struct Text(Arc<str>);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

struct Answer {
    to: Question,
    text: Text,
    /// If something was not decided.
    until: Option<Instant>,
}

/// Answers, and the way to them.
pub(super) struct Analyses {
    pub(super) waiting: Bounded,
    pub(super) turn: Bounded,
    kept: Mutex<VecDeque<Answer>>,
}

impl Analyses {
    pub(super) fn new() -> Self {
        Analyses {
            waiting: Bounded::new(WAITING),
            turn: Bounded::new(1),
            kept: Mutex::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Answer>> {
        // An answer is whole between statements that can panic.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, question: &Question, now: Instant) -> Option<Text> {
        let mut kept = self.kept();
        let at = kept.iter().position(|answer| answer.to == *question)?;
        let answer = kept.remove(at)?;
        if answer.until.is_some_and(|until| until <= now) {
            return None;
        }
        let text = answer.text.clone();
        kept.push_back(answer);
        Some(text)
    }

    fn keep(&self, answer: Answer) {
        let mut kept = self.kept();
        kept.push_back(answer);
        let mut bytes: usize = kept.iter().map(|answer| answer.text.0.len()).sum();
        while kept.len() > KEPT || (bytes > KEPT_BYTES && kept.len() > 1) {
            let forgotten = kept.pop_front();
            bytes -= forgotten.map_or(0, |answer| answer.text.0.len());
        }
    }
}

/// What the learners bear.
pub(super) async fn analysis(
    State(api): State<Arc<Api>>,
    query: Raw,
) -> Result<Json<Text>, Problem> {
    if api.view.mode != Mode::Hpaxos {
        let mode = api.view.mode.name();
        return Err(Problem::not_found(format!(
            "in mode {mode} nobody lies and all have the same quorums: there is no learner graph to analyse"
        )));
    }
    let asked = Asked::read(query, &["crashed", "byzantine"])?;
    let graph = api.view.network.graph();
    let question = Question {
        crashed: named(&asked, "crashed", graph)?,
        byzantine: named(&asked, "byzantine", graph)?,
    };
    let both = question.crashed & question.byzantine;
    if let Some(twice) = both.iter().next() {
        let name = graph.acceptor_name(twice);
        return Err(Problem::bad_request(format!(
            "{name} is in `crashed` and in `byzantine`: who lies may be silent as well, so name it in `byzantine` alone"
        )));
    }
    if let Some(text) = api.analyses.known(&question, Instant::now()) {
        return Ok(Json(text));
    }
    let Some(place) = api.analyses.waiting.take() else {
        return Err(Problem::too_many(format!(
            "{WAITING} other questions about the graph wait for an answer"
        )));
    };
    let (send, answer) = oneshot::channel();
    tokio::spawn(async move {
        // Whoever asked may be gone by now.
        let _ = send.send(work_out(api, question, place).await);
    });
    let answer = answer.await.ok().flatten();
    answer
        .map(Json)
        .ok_or_else(|| Problem::unavailable("the node is ending"))
}

/// Acceptors of a parameter.
fn named(asked: &Asked, name: &str, graph: &LearnerGraph) -> Result<AcceptorSet, Problem> {
    acceptor_list(graph, asked.text(name).unwrap_or_default()).map_err(|problems| {
        let words = problems.iter().map(|p| format!("{}; {}", p.what, p.mend));
        // One is enough to see what is wrong, and the list may be long.
        let words = words.take(1).collect::<String>();
        Problem::bad_request(format!("{name}: {words}"))
    })
}

/// The answer to a question, in its turn. Nothing if the node ends before that.
async fn work_out(api: Arc<Api>, question: Question, _place: OwnedSemaphorePermit) -> Option<Text> {
    let _turn = tokio::select! {
        turn = api.analyses.turn.wait() => turn?,
        () = end(api.stop.clone()) => return None,
    };
    // Somebody before may have asked the same.
    if let Some(text) = api.analyses.known(&question, Instant::now()) {
        return Some(text);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let network = Arc::clone(&api.view.network);
    let raised = Arc::clone(&stop);
    let mut work = tokio::task::spawn_blocking(move || outlined(network.graph(), question, raised));
    let done = tokio::select! {
        done = &mut work => Some(done),
        () = tokio::time::sleep(PATIENCE) => None,
        () = end(api.stop.clone()) => None,
    };
    stop.store(true, Ordering::Relaxed);
    let done = match done {
        Some(done) => done,
        None => work.await,
    };
    let (text, complete) = done.ok()??;
    let until = (!complete).then(|| Instant::now() + INCOMPLETE_FOR);
    api.analyses.keep(Answer {
        to: question,
        text: text.clone(),
        until,
    });
    Some(text)
}

/// Waits until the node ends.
async fn end(mut stop: watch::Receiver<bool>) {
    // An error means that whoever could say it is gone.
    let _ = stop.wait_for(|ending| *ending).await;
}

/// The outline in JSON, and whether everything was decided.
fn outlined(
    graph: &LearnerGraph,
    question: Question,
    stop: Arc<AtomicBool>,
) -> Option<(Text, bool)> {
    let options = Options {
        crashed: question.crashed,
        suspicion: Suspicion {
            caught: question.byzantine,
            ..Suspicion::default()
        },
        stop,
        ..Options::default()
    };
    let found = outline(graph, &graph.units(None)?, &options);
    let text = serde_json::to_string(&found).ok()?;
    Some((Text(text.into()), found.complete))
}

#[cfg(test)]
mod tests {
    use super::*;
    use learner_graph::AcceptorId;

    fn question(acceptor: u16) -> Question {
        Question {
            crashed: std::iter::once(AcceptorId(acceptor)).collect(),
            byzantine: AcceptorSet::EMPTY,
        }
    }

    fn answer(to: u16, bytes: usize, until: Option<Instant>) -> Answer {
        Answer {
            to: question(to),
            text: Text("x".repeat(bytes).into()),
            until,
        }
    }

    #[test]
    fn what_was_asked_for_longest_ago_is_forgotten() {
        let analyses = Analyses::new();
        let now = Instant::now();
        for to in 0..3 {
            analyses.keep(answer(to, KEPT_BYTES / 3, None));
        }
        assert!(analyses.known(&question(0), now).is_some());
        analyses.keep(answer(3, KEPT_BYTES / 3, None));
        let left: Vec<bool> = (0..4)
            .map(|to| analyses.known(&question(to), now).is_some())
            .collect();
        assert_eq!(left, [true, false, true, true]);
        // One that is larger than all there is room for is told while nothing else is kept.
        analyses.keep(answer(4, 2 * KEPT_BYTES, None));
        assert_eq!(analyses.kept().len(), 1);
        for to in 0..=KEPT as u16 {
            analyses.keep(answer(to, 0, None));
        }
        assert_eq!(analyses.kept().len(), KEPT);
    }

    #[test]
    fn what_is_not_complete_is_asked_again_after_a_while() {
        let analyses = Analyses::new();
        let now = Instant::now();
        analyses.keep(answer(0, 1, Some(now + INCOMPLETE_FOR)));
        assert!(analyses.known(&question(0), now).is_some());
        assert!(analyses.known(&question(0), now + INCOMPLETE_FOR).is_none());
    }
}
