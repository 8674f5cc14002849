//! What nodes tell, into the channel that all nodes report to.

use crate::failure::Failure;
use futures::StreamExt;
use hpaxos_client::{Client, Connections, Error, Event, Followed, ServerEvent, Since};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc::Sender;

/// Decisions asked for at once.
const PAGE: usize = 500;

/// A client of each node.
///
/// # Errors
/// If the system cannot make sockets.
pub fn clients(urls: &[String]) -> Result<Vec<Client>, Failure> {
    let failed = |error: Error| Failure::could_not_run(error.to_string());
    let connections = Connections::new().map_err(failed)?;
    let clients = urls.iter().map(|url| connections.node(url));
    clients.collect::<Result<_, _>>().map_err(failed)
}

/// Follows the events of a node, from the oldest that it keeps, until the receiver is gone.
pub async fn follow<T>(node: Client, wrap: impl Fn(Followed) -> T, to: Sender<T>) {
    let mut events = node.events(Since::Oldest);
    while let Some(followed) = events.next().await {
        if to.send(wrap(followed)).await.is_err() {
            return;
        }
    }
}

/// Reads a learner's decisions from a slot on, until there are no more, and hands each over as the
/// event that the stream would have brought.
///
/// # Errors
/// If the node does not answer, or no longer has what was missed.
pub async fn catch_up<T>(
    node: &Client,
    learner: &str,
    mut from: u64,
    wrap: impl Fn(Followed) -> T,
    to: &Sender<T>,
) -> Result<(), Error> {
    loop {
        let page = node.page(learner, from, PAGE).await?;
        for decision in page.decisions {
            let event = ServerEvent {
                id: None,
                data: told(&page.node, Event::Decision(decision)),
            };
            if to.send(wrap(Followed::Event(event))).await.is_err() {
                return Ok(());
            }
        }
        if page.next <= from {
            return Ok(());
        }
        from = page.next;
    }
}

/// An event as the node would have told it.
fn told(node: &str, event: Event) -> String {
    let mut object = serde_json::to_value(event).unwrap_or(Json::Null);
    object["node"] = json!(node);
    object.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_caught_up_looks_as_it_was_told() {
        let text = r#"{"acceptors":["a1"],"ballot":1,"digest":"06","event":"decision","latency_ms":11,"learner":"alice","node":"n1","slot":0,"values":[{"base64":"aGk=","id":"f7","key":"azE=","text":"hi"}]}"#;
        let event = serde_json::from_str(text).expect("an event");
        assert_eq!(told("n1", event), text);
    }
}
