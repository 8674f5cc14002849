//! Reads decisions that a stream of events has missed.

use super::follow::Followed;
use super::sse::ServerEvent;
use super::{ClientError, NodeClient};
use serde_json::json;
use tokio::sync::mpsc::Sender;

/// Decisions asked for at once.
const PAGE: usize = 500;

/// Reads a learner's decisions from a slot on, until there are no more, and hands each over as the
/// event that the stream would have brought.
///
/// # Errors
/// If the node does not answer, or no longer has what was missed.
pub async fn catch_up<T>(
    node: &NodeClient,
    learner: &str,
    mut from: u64,
    wrap: impl Fn(Followed) -> T,
    to: &Sender<T>,
) -> Result<(), ClientError> {
    loop {
        let path = format!("/v1/learners/{learner}/decisions?from={from}&limit={PAGE}");
        let mut page = node.get(&path).await?;
        let next = page["next"].as_u64().filter(|next| *next > from);
        let name = page["node"].take();
        for mut decision in page["decisions"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default()
        {
            decision["event"] = json!("decision");
            decision["node"] = name.clone();
            decision["learner"] = json!(learner);
            let event = ServerEvent {
                id: None,
                data: decision.to_string(),
            };
            if to.send(wrap(Followed::Event(event))).await.is_err() {
                return Ok(());
            }
        }
        match next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}
