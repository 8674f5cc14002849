//! `GET /v1/events`: server-sent events.
//!
//! A stream begins with the next event. `Last-Event-ID` (or `?last_event_id=`, for clients that
//! cannot set headers) resumes after an event; `0` begins with the oldest one kept, and `?last=N` with so many of
//! the latest. Where events are
//! missing because they are no longer kept, or because the node was restarted, there is a `gap`
//! event: the decisions can then be read with `GET /v1/learners/{learner}/decisions`.

use super::bounded::FairPlace;
use super::problem::Problem;
use super::query::{Asked, Raw};
use super::server::Client;
use super::{Api, json};
use crate::view::events::{From, Next};
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde_json::json;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Events that are copied out of the log at once, and about how many bytes of them.
const AT_ONCE: usize = 64;
const BYTES_AT_ONCE: usize = 256 << 10;

/// Opens a stream.
pub(super) async fn stream(
    State(api): State<Arc<Api>>,
    client: Option<Extension<Client>>,
    query: Raw,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let asked = Asked::read(query, &["last_event_id", "last"])?;
    let last = asked.number("last", "a number of events")?;
    let header = headers.get("last-event-id").map(|v| v.to_str());
    let header = header.transpose().map_err(|_| {
        Problem::bad_request("the header last-event-id has characters that no id of an event has")
    })?;
    let from = match header.or(asked.text("last_event_id")) {
        None | Some("") => last.map_or(From::Now, From::Last),
        Some("0") => From::Oldest,
        Some(id) => From::After(id.parse().map_err(|()| {
            Problem::bad_request(format!(
                "'{id}' is not the id of an event; 0 begins with the oldest"
            ))
        })?),
    };
    let client = client.map(|Extension(client)| client.0);
    let permit = api.streams.take(client).ok_or_else(|| {
        Problem::too_many(
            "too many event streams (limits.http_streams, of one address three quarters of them)",
        )
    })?;
    let (next, missed) = api.view.events.start(from);
    let mut reader = Reader {
        newest: api.view.events.newest(),
        stop: api.stop.clone(),
        api,
        next,
        ready: VecDeque::new(),
        _permit: permit,
    };
    if missed {
        reader.gap();
    }
    let events = futures::stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(10))))
}

/// One client's place in the event log. Slow clients cost nothing but that: what they were too slow
/// for becomes a gap.
struct Reader {
    api: Arc<Api>,
    newest: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    next: u64,
    ready: VecDeque<Event>,
    _permit: FairPlace,
}

impl Reader {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            // Marks what is there now as seen, so that anything newer wakes this up again.
            self.newest.borrow_and_update();
            match self.api.view.events.read(self.next, AT_ONCE, BYTES_AT_ONCE) {
                Next::Gap(oldest) => {
                    self.next = oldest;
                    self.gap();
                }
                Next::Events(events) if !events.is_empty() => {
                    for event in events {
                        self.next = event.number + 1;
                        let (kind, object) = json::event(&self.api.view, &event);
                        let id = self.api.view.events.id(event.number).to_string();
                        let event = Event::default().id(id).event(kind);
                        // One line of JSON has no line breaks.
                        self.ready.push_back(event.data(object.to_string()));
                    }
                }
                Next::Events(_) => {
                    tokio::select! {
                        changed = self.newest.changed() => changed.ok()?,
                        _ = self.stop.changed() => return None,
                    }
                }
            }
        }
    }

    fn gap(&mut self) {
        let words = "events before this are no longer kept; read the decisions instead";
        let object = json!({"event": "gap", "node": self.api.view.node.name, "words": words});
        self.ready
            .push_back(Event::default().event("gap").data(object.to_string()));
    }
}
