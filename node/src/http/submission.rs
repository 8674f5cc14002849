//! From values to what became of them: those of one request go to the engine together, and are waited for together.

use super::Api;
use super::problem::Problem;
use super::query::{Asked, Raw};
use crate::engine::{Event, NotSent, Submitted};
use crate::telemetry::Submission;
use crate::view::decisions::Receipt;
use crate::view::{Phase, View};
use axum::http::{HeaderMap, StatusCode};
use consensus::ClientValue;
use crypto::Digest;
use learner_graph::LearnerId;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// How long the engine may take to store what was submitted.
const STORE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long `?wait=` waits by default, and at most.
const WAIT_MS: u64 = 30_000;
const MAX_WAIT_MS: u64 = 600_000;

/// For whom a client waits, and for how long.
#[derive(Clone, Copy, Debug)]
struct Wait {
    /// A learner that this node plays.
    learner: LearnerId,
    /// The longest time.
    limit: Duration,
}

/// What became of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// The learner has delivered it, here.
    Decided(Receipt),
    /// It is durable here and waits to be decided.
    Kept,
    /// Too many values wait already.
    Full,
}

impl Fate {
    /// The problem of whoever submitted nothing but what was refused.
    pub(super) fn full() -> Problem {
        Problem::too_many(
            "too many values wait to be decided (limits.max_waiting, limits.max_waiting_mib)",
        )
    }
}

/// A request that submits values, before its body is read.
pub(super) struct Came<'a> {
    at: SystemTime,
    headers: &'a HeaderMap,
    wait: Option<Wait>,
}

impl<'a> Came<'a> {
    /// A request with this query and these headers comes now.
    ///
    /// # Errors
    /// If the query cannot be understood, or this node takes no values.
    pub(super) fn now(api: &Api, query: Raw, headers: &'a HeaderMap) -> Result<Self, Problem> {
        let at = SystemTime::now();
        let asked = Asked::read(query, &["wait", "timeout_ms"])?;
        let limit = asked.number("timeout_ms", "a time in milliseconds")?;
        let limit = Duration::from_millis(limit.unwrap_or(WAIT_MS).min(MAX_WAIT_MS));
        let learner = |name| api.learner(name, StatusCode::BAD_REQUEST);
        let learner = asked.text("wait").map(learner).transpose()?;
        let wait = learner.map(|learner| Wait { learner, limit });
        match api.view.phase() {
            Phase::Ready => Ok(Came { at, headers, wait }),
            Phase::Starting => Err(Problem::unavailable("the node is replaying its storage")),
            Phase::Stopping => Err(Problem::unavailable("the node is ending")),
        }
    }

    /// For whose decision it waits.
    pub(super) fn learner(&self) -> Option<LearnerId> {
        self.wait.map(|wait| wait.learner)
    }
}

/// Submits values, of which `room` is in memory, and waits if that is wanted: until there is something to tell of some
/// of them, so that none waits for the slowest. Returns the id and the fate of each.
///
/// # Errors
/// If the engine takes none of them, or does not answer: then it is not known whether they were kept.
pub(super) async fn submit(
    api: &Arc<Api>,
    came: Came<'_>,
    values: Vec<ClientValue>,
    room: Vec<OwnedSemaphorePermit>,
) -> Result<Vec<(Digest, Fate)>, Problem> {
    let mut all: Vec<Coming> = values
        .iter()
        .map(|value| Coming::new(api, &came, value.id()))
        .collect();
    let wait = came.wait;
    // Waiting begins before submitting, so that no decision is missed.
    let mut waiting = wait.map(|wait| Waiting::begin(api, wait.learner, &mut all));
    if let Some(wait) = wait {
        look_up(api, wait.learner, &mut all).await?;
    }
    store(api, &mut all, values).await?;
    // From now on they count as those that wait.
    drop(room);
    if let (Some(waiting), Some(wait)) = (&mut waiting, wait) {
        if all.iter().all(|coming| coming.fate.is_none()) {
            let mut stop = api.stop.clone();
            tokio::select! {
                _ = timeout(wait.limit, waiting.hear(&mut all)) => {}
                // A node that ends waits for nothing: what it kept is decided by the others.
                _ = stop.changed() => {}
            }
        }
        waiting.hear_more(&mut all);
    }
    Ok(all.into_iter().map(Coming::end).collect())
}

/// A value of a request.
struct Coming {
    id: Digest,
    /// `None` until it is decided or refused.
    fate: Option<Fate>,
    /// If it is followed.
    span: Option<Submission>,
}

impl Coming {
    fn new(api: &Api, came: &Came<'_>, id: Digest) -> Self {
        let begin = |telemetry| {
            let client = came.headers.get("traceparent");
            let client = client.and_then(|value| value.to_str().ok());
            Submission::begin(telemetry, id, came.at, client)
        };
        Coming {
            id,
            fate: None,
            span: api.view.telemetry.as_ref().and_then(begin),
        }
    }

    fn decided(&mut self, found: Receipt) {
        if let Some(span) = &mut self.span {
            span.decided(found.slot.0);
        }
        self.fate = Some(Fate::Decided(found));
    }

    fn end(self) -> (Digest, Fate) {
        (self.id, self.fate.unwrap_or(Fate::Kept))
    }
}

/// Finds out which of the values were decided too long ago for memory.
async fn look_up(api: &Api, learner: LearnerId, all: &mut [Coming]) -> Result<(), Problem> {
    let open = all.iter().enumerate().filter(|(_, c)| c.fate.is_none());
    // Most values are new, and the disk has no say.
    let open = open.filter(|(_, c)| api.view.may_find(&c.id));
    let open: Vec<(usize, Digest)> = open.map(|(at, c)| (at, c.id)).collect();
    if open.is_empty() {
        return Ok(());
    }
    let find = move |view: &View| view.find(learner, open);
    for (at, found) in api.read_disk(find).await? {
        all[at].decided(found);
    }
    Ok(())
}

/// Returns when the values that are not decided are durable here, or refused.
async fn store(api: &Api, all: &mut [Coming], values: Vec<ClientValue>) -> Result<(), Problem> {
    let new = (0..).zip(values).filter(|(at, _)| all[*at].fate.is_none());
    let values: Vec<(usize, ClientValue)> = new.collect();
    if values.is_empty() {
        return Ok(());
    }
    let mut missing = values.len();
    let (answer, mut stored) = unbounded_channel();
    api.engine
        .try_send(Event::Submit { values, answer })
        .map_err(|error| match error {
            NotSent::Full => Problem::too_many("the node is busy"),
            NotSent::Stopped => Problem::unavailable("the node is ending"),
        })?;
    let hear = async {
        while missing > 0 {
            let (at, submitted) = stored.recv().await?;
            missing -= 1;
            match submitted {
                Submitted::Accepted => all[at].span.iter_mut().for_each(Submission::accepted),
                Submitted::Full => all[at].fate = Some(Fate::Full),
            }
        }
        Some(())
    };
    match timeout(STORE_TIMEOUT, hear).await {
        Ok(Some(())) => Ok(()),
        Ok(None) => Err(Problem::unavailable(
            "the node is ending; whether the value was kept is not known, submit it again",
        )),
        Err(_) => Err(Problem::unavailable(
            "the storage is slow; submit the value again, it counts once",
        )),
    }
}

/// A client's wait for values; forgotten when dropped.
struct Waiting {
    api: Arc<Api>,
    learner: LearnerId,
    ids: Vec<Digest>,
    decisions: UnboundedReceiver<(usize, Receipt)>,
    /// How many of the values were heard of.
    heard: usize,
}

impl Waiting {
    /// Values that memory knows to be decided are not waited for.
    fn begin(api: &Arc<Api>, learner: LearnerId, all: &mut [Coming]) -> Self {
        let (sender, decisions) = unbounded_channel();
        let mut ids = Vec::new();
        // Only learners that are played get here; without a log nobody would ever answer.
        if let Some(mut log) = api.view.log(learner) {
            for (at, coming) in all.iter_mut().enumerate() {
                match log.wait_for(coming.id, at, &sender) {
                    Some(found) => coming.decided(found),
                    None => ids.push(coming.id),
                }
            }
        }
        Waiting {
            api: Arc::clone(api),
            learner,
            ids,
            decisions,
            heard: 0,
        }
    }

    /// Returns when one is decided.
    async fn hear(&mut self, all: &mut [Coming]) {
        if let Some(told) = self.decisions.recv().await {
            self.take(told, all);
        }
    }

    fn take(&mut self, (at, found): (usize, Receipt), all: &mut [Coming]) {
        all[at].decided(found);
        self.heard += 1;
    }

    /// Takes in what is decided by now, of every slot all that it has of the values.
    fn hear_more(&mut self, all: &mut [Coming]) {
        if self.heard == self.ids.len() {
            return;
        }
        // Whoever tells of a slot has the log meanwhile.
        drop(self.api.view.log(self.learner));
        while let Ok(told) = self.decisions.try_recv() {
            self.take(told, all);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.decisions.close();
        if self.heard < self.ids.len()
            && let Some(mut log) = self.api.view.log(self.learner)
        {
            self.ids.iter().for_each(|id| log.forget(id));
        }
    }
}
