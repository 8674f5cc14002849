//! Reads a log along while it is written.

use super::Report;
use super::check::Told;
use crate::client::{ClientError, NodeClient};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// Decisions asked for at once.
const PAGE: usize = 1000;
/// The pause when there was little new, or no answer.
const PAUSE: Duration = Duration::from_millis(50);

/// A part of a log as a node tells it.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// Decisions in slot order.
    pub decisions: Vec<Told>,
    /// The slot to ask for next.
    pub next: u64,
}

/// Which log, and where to begin.
#[derive(Clone, Debug)]
pub struct Log {
    /// Its place.
    pub at: usize,
    /// The learner's name.
    pub learner: String,
    /// The slot to begin with.
    pub from: u64,
}

/// One page of a log.
///
/// # Errors
/// If the node does not answer, or does not have it.
pub async fn page(
    node: &NodeClient,
    learner: &str,
    from: u64,
    limit: usize,
) -> Result<Page, ClientError> {
    let path = format!("/v1/learners/{learner}/decisions?from={from}&limit={limit}");
    node.get_as(&path).await
}

/// Reads a log until nobody wants to know any more.
pub async fn read(node: NodeClient, log: Log, to: Sender<Report>) {
    let mut from = log.from;
    loop {
        match page(&node, &log.learner, from, PAGE).await {
            Ok(page) => {
                from = page.next.max(from);
                let (at, decisions) = (log.at, page.decisions);
                let many = decisions.len() * 2 >= PAGE;
                let news = !decisions.is_empty();
                if news && to.send(Report::Told { at, decisions }).await.is_err() {
                    return;
                }
                if many {
                    continue;
                }
            }
            // The node is dying, or has too much to do.
            Err(
                ClientError::NoAnswer { .. }
                | ClientError::Refused {
                    status: 408 | 429 | 503,
                    ..
                },
            ) => {}
            Err(error) => {
                let _ = to.send(Report::Unread { at: log.at, error }).await;
                return;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
