//! The HTTP API. It reads the view and hands events to the engine; it never waits for either's lock
//! or queue.
//!
//! | route | what |
//! |---|---|
//! | `POST /v1/values` | submit a value; `?wait=LEARNER&timeout_ms=N` answers with the decision |
//! | `POST /v1/values/many` | submit several values; with `?wait=` answers with the first decisions |
//! | `GET /v1/learners/{learner}/decisions?from=SLOT&limit=N` | decisions in slot order |
//! | `GET /v1/decisions/{learner}/{slot}/certificate` | what proves a decision |
//! | `GET /v1/events` | server-sent events |
//! | `GET /v1/status`, `/v1/graph`, `/v1/evidence` | JSON |
//! | `GET /v1/graph/analysis?crashed=A1,A2&byzantine=A3` | what the learner graph bears after these faults |
//! | `GET /healthz`, `/readyz`, `/metrics` | health, readiness, Prometheus |
//! | `GET /`, `/assets/…` | a page |
//! | `GET /openapi.json` | a description of all this |

mod analysis;
mod bounded;
mod decisions;
mod events;
mod held;
mod host;
mod json;
mod many;
pub mod page;
mod patient;
mod problem;
mod query;
mod rate;
mod server;
mod status;
mod submission;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use server::serve;

use crate::config::Limits;
use crate::engine::EngineHandle;
use crate::view::View;
use analysis::Analyses;
use axum::Router;
use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bounded::{Bounded, Fair, PerClient};
use consensus::storage::StorageError;
use learner_graph::LearnerId;
use problem::Problem;
use rate::Rate;
use server::Client;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, watch};

/// Memory is counted in these.
const KIB: usize = 1024;
/// A shorter answer or value takes no room worth counting: the state of a node is told however much else waits.
const SMALL: usize = 64 << 10;
/// Looks at the disk at once, until an answer is made of what was found. Others wait, so that what is read and not yet
/// counted does not pile up.
const READS: usize = 16;

/// What the handlers share.
pub(crate) struct Api {
    view: Arc<View>,
    engine: EngineHandle,
    connections: Bounded,
    connections_of: PerClient,
    requests: Fair,
    /// Of values and answers in memory, in KiB.
    memory: Bounded,
    /// Looks at the disk.
    reads: Bounded,
    streams: Fair,
    /// What the learner graph bears.
    analyses: Analyses,
    rate: Option<Rate>,
    /// How long a connection may be idle.
    idle: Duration,
    stop: watch::Receiver<bool>,
}

impl Api {
    pub(crate) fn new(
        view: Arc<View>,
        engine: EngineHandle,
        limits: &Limits,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Api {
            view,
            engine,
            connections: Bounded::new(Limits::count(limits.http_connections)),
            connections_of: PerClient::new(Limits::count(limits.http_connections_per_address)),
            requests: Fair::new(Limits::count(limits.http_requests)),
            memory: Bounded::new(Limits::mib(limits.http_mib) / KIB),
            reads: Bounded::new(READS),
            streams: Fair::new(Limits::count(limits.http_streams)),
            analyses: Analyses::new(),
            rate: Rate::new(limits.http_rate, limits.http_burst),
            idle: Limits::ms(limits.http_idle_ms),
            stop,
        }
    }

    /// Shows what is in progress.
    fn measure(&self) {
        let metrics = &self.view.metrics;
        metrics.http_connections.set(self.connections.taken());
        metrics.http_requests.set(self.requests.taken());
        metrics.http_streams.set(self.streams.taken());
    }

    /// What reading from the disk finds.
    async fn read_disk<T: Send + 'static>(
        &self,
        read: impl FnOnce(&View) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, Problem> {
        let (found, _) = self.read_and_hold(read).await?;
        Ok(found)
    }

    /// What reading from the disk finds, with its turn: for whatever is large, until an answer is made of it.
    async fn read_and_hold<T: Send + 'static>(
        &self,
        read: impl FnOnce(&View) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<(T, Option<OwnedSemaphorePermit>), Problem> {
        let view = Arc::clone(&self.view);
        let turn = self.reads.wait().await;
        // A read goes on although nobody waits for it any more, and has its turn as long.
        let reading = tokio::task::spawn_blocking(move || (read(&view), turn));
        match reading.await {
            Ok((Ok(found), turn)) => Ok((found, turn)),
            Ok((Err(error), _)) => Err(Problem::unreadable(error.to_string())),
            Err(_) => Err(Problem::unavailable("the node is ending")),
        }
    }

    /// Room in memory for so many bytes of a value or an answer.
    fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let room = self.memory.take_many(bytes.div_ceil(KIB));
        room.ok_or_else(|| {
            self.view.metrics.dropped("http_mib", 1);
            Problem::too_many(
                "values and answers take all the memory that they may (limits.http_mib)",
            )
        })
    }

    /// A learner that this node plays.
    fn learner(&self, name: &str, otherwise: StatusCode) -> Result<LearnerId, Problem> {
        let unknown = || Problem::unknown_learner(name, &self.view.played_names(), otherwise);
        self.view.played(name).ok_or_else(unknown)
    }
}

/// Room that was taken for an answer before it was made: an extension of the response.
#[derive(Clone)]
struct Room(
    #[expect(dead_code, reason = "it is held until it is dropped")] Arc<OwnedSemaphorePermit>,
);

/// All routes.
pub(crate) fn router(api: Arc<Api>) -> Router {
    let limited = Router::new()
        .route("/v1/values", post(values::submit))
        .route("/v1/values/many", post(many::submit))
        .route("/v1/learners/{learner}/decisions", get(decisions::list))
        .route(
            "/v1/decisions/{learner}/{slot}/certificate",
            get(decisions::certificate),
        )
        .route("/v1/status", get(status::status))
        .route("/v1/graph", get(status::graph))
        .route("/v1/graph/analysis", get(analysis::analysis))
        .route("/v1/evidence", get(status::evidence))
        .layer(middleware::from_fn_with_state(Arc::clone(&api), limit));
    let throttled = limited
        .route("/v1/events", get(events::stream))
        .layer(middleware::from_fn_with_state(Arc::clone(&api), throttle));
    Router::new()
        .route("/healthz", get(status::health))
        .route("/readyz", get(status::ready))
        .route("/metrics", get(status::metrics))
        .merge(page::routes(page::of_a_node()))
        .merge(throttled)
        .fallback(missing)
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&api),
            host::guard,
        ))
        .layer(middleware::from_fn_with_state(Arc::clone(&api), count))
        .with_state(api)
}

async fn missing() -> Problem {
    Problem::not_found("no such route; GET / shows a page, the API is under /v1")
}

async fn not_allowed() -> Problem {
    Problem::method_not_allowed()
}

/// Whose request this is.
fn client(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<Client>().map(|client| client.0)
}

/// So many requests at once and no more, until their answers are written: those that wait for a decision count.
async fn limit(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let Some(place) = api.requests.take(client(&request)) else {
        let words = "too many requests in progress (limits.http_requests, of one address three quarters of them)";
        return Problem::too_many(words).into_response();
    };
    let mut response = next.run(request).await;
    let taken = response.extensions_mut().remove::<Room>();
    let size = response.body().size_hint().lower();
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size < SMALL {
        return response.map(|body| held::hold(body, place));
    }
    let room = match taken {
        Some(taken) => Ok(taken),
        None => api.room(size).map(|room| Room(Arc::new(room))),
    };
    match room {
        Ok(room) => response.map(|body| held::hold(body, (place, room))),
        Err(full) => full.into_response(),
    }
}

/// So many requests of one address in a time and no more.
async fn throttle(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    if let (Some(rate), Some(client)) = (&api.rate, client(&request))
        && let Err(after) = rate.take(client, Instant::now())
    {
        api.view.metrics.dropped("http_rate", 1);
        return Problem::too_fast(after).into_response();
    }
    next.run(request).await
}

async fn count(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    // Whatever was asked for that does not exist is one route, so that nobody can make up more of them.
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let status = response.status().as_u16();
    let took = start.elapsed();
    api.view.metrics.responded(route, status, took);
    response
}
