//! Follows a node's event stream, through lost connections.

use crate::answer::Origin;
use crate::client::Client;
use crate::error::Error;
use crate::sse::{ServerEvent, SseParser};
use futures::StreamExt;
use futures::stream::BoxStream;
use std::collections::VecDeque;
use std::time::Duration;

/// The pauses between attempts to connect again, the last one repeated.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(500),
];
/// How long a stream may be silent. A node sends a comment every 10 s.
const SILENCE: Duration = Duration::from_secs(30);

/// Where a stream begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// With the next event. What happens while there is no connection is missed until the first event has come.
    #[default]
    Now,
    /// With the oldest event that the node keeps.
    Oldest,
    /// After the event with this id.
    After(String),
}

/// What following a stream brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The stream is open: from here on nothing is missed.
    Connected,
    /// An event. [`ServerEvent::read`] says which.
    Event(ServerEvent),
    /// The connection was lost, or could not be made; it is tried again.
    Lost(Error),
}

impl Client {
    /// Follows the events of the node, without end. A lost connection resumes after the last event that
    /// arrived, so that none is missed and none comes twice; what the node no longer keeps is a
    /// [`Gap`](crate::Event::Gap).
    pub fn events(&self, since: Since) -> BoxStream<'static, Followed> {
        let follow = Follow {
            client: self.clone(),
            since,
            open: None,
            failures: None,
        };
        let followed = futures::stream::unfold(follow, |mut follow| async move {
            let followed = follow.next().await;
            Some((followed, follow))
        });
        followed.boxed()
    }

    /// Opens the event stream once.
    pub(crate) async fn open(&self, since: &Since) -> Result<Open, Error> {
        let url = self.address(&["v1", "events"], &[]);
        let origin = self.origin(&url);
        let request = self.http().get(url).header("Accept", "text/event-stream");
        let request = match since {
            Since::Now => request,
            Since::Oldest => request.header("Last-Event-ID", "0"),
            Since::After(id) => request.header("Last-Event-ID", id),
        };
        let answer = tokio::time::timeout(self.patience(), request.send()).await;
        let late = |_| lost(&origin, "no answer in time");
        let answer = answer.map_err(late)?.map_err(|e| origin.no_answer(&e))?;
        let answer = origin.successful(answer).await?;
        Ok(Open {
            chunks: answer.bytes_stream().map(|c| c.map(Into::into)).boxed(),
            parser: SseParser::default(),
            ready: VecDeque::new(),
            origin,
        })
    }
}

/// An open stream of events.
pub(crate) struct Open {
    chunks: BoxStream<'static, Result<Vec<u8>, reqwest::Error>>,
    parser: SseParser,
    ready: VecDeque<ServerEvent>,
    origin: Origin,
}

impl Open {
    /// The next event; an error if the connection is lost.
    pub(crate) async fn next(&mut self) -> Result<ServerEvent, Error> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            let chunk = tokio::time::timeout(SILENCE, self.chunks.next()).await;
            let chunk = chunk.map_err(|_| lost(&self.origin, "the stream is silent"))?;
            let chunk = chunk.ok_or_else(|| lost(&self.origin, "the node closed the stream"))?;
            let chunk = chunk.map_err(|e| self.origin.no_answer(&e))?;
            let events = self.parser.feed(&chunk);
            self.ready
                .extend(events.map_err(|e| lost(&self.origin, &e.to_string()))?);
        }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }
}

fn lost(origin: &Origin, reason: &str) -> Error {
    Error::NoAnswer {
        url: origin.url.clone(),
        reason: reason.to_owned(),
    }
}

struct Follow {
    client: Client,
    since: Since,
    open: Option<Open>,
    /// How many attempts have failed since the last that did not; `None` before the first.
    failures: Option<usize>,
}

impl Follow {
    async fn next(&mut self) -> Followed {
        let Some(open) = &mut self.open else {
            if let Some(failures) = self.failures {
                tokio::time::sleep(PAUSES[failures.min(PAUSES.len() - 1)]).await;
            }
            return match self.client.open(&self.since).await {
                Ok(open) => {
                    self.open = Some(open);
                    self.failures = None;
                    Followed::Connected
                }
                Err(error) => self.lost(error),
            };
        };
        match open.next().await {
            Ok(event) => {
                if let Some(id) = &event.id {
                    self.since = Since::After(id.clone());
                }
                Followed::Event(event)
            }
            Err(error) => self.lost(error),
        }
    }

    fn lost(&mut self, error: Error) -> Followed {
        self.open = None;
        self.failures = Some(self.failures.map_or(0, |failures| failures + 1));
        Followed::Lost(error)
    }
}
