//! Follows a node's event stream, through lost connections.

use super::NodeClient;
use super::sse::{ServerEvent, SseParser};
use futures::StreamExt;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// The pauses between attempts to connect again, the last one repeated.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(500),
];

/// What following a stream brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The stream is open: from here on nothing is missed.
    Connected,
    /// An event.
    Event(ServerEvent),
    /// The connection was lost, or could not be made; it is tried again.
    Lost(String),
}

/// Follows the events of a node until the receiver is gone. A lost connection resumes after the last
/// event that arrived, so that none is missed and none comes twice.
pub async fn follow<T>(node: NodeClient, wrap: impl Fn(Followed) -> T, to: Sender<T>) {
    // "0" begins with the oldest event that the node keeps.
    let mut last = Some("0".to_owned());
    let mut failures = 0;
    loop {
        let why = match node.events(last.as_deref()).await {
            Err(error) => error.to_string(),
            Ok(answer) => {
                failures = 0;
                if to.send(wrap(Followed::Connected)).await.is_err() {
                    return;
                }
                match read(answer, &mut last, &wrap, &to).await {
                    Ended::ReceiverGone => return,
                    Ended::Lost(why) => why,
                }
            }
        };
        if to.send(wrap(Followed::Lost(why))).await.is_err() {
            return;
        }
        tokio::time::sleep(PAUSES[failures.min(PAUSES.len() - 1)]).await;
        failures += 1;
    }
}

enum Ended {
    ReceiverGone,
    Lost(String),
}

async fn read<T>(
    answer: reqwest::Response,
    last: &mut Option<String>,
    wrap: &impl Fn(Followed) -> T,
    to: &Sender<T>,
) -> Ended {
    let mut parser = SseParser::default();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let events = match chunk {
            Ok(chunk) => parser.feed(&chunk),
            Err(error) => return Ended::Lost(error.to_string()),
        };
        let events = match events {
            Ok(events) => events,
            Err(too_large) => return Ended::Lost(too_large.to_string()),
        };
        for event in events {
            if event.id.is_some() {
                last.clone_from(&event.id);
            }
            if to.send(wrap(Followed::Event(event))).await.is_err() {
                return Ended::ReceiverGone;
            }
        }
    }
    Ended::Lost("the node closed the stream".to_owned())
}
