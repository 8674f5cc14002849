//! Who leads, as the nodes tell.

use super::Report;
use crate::client::NodeClient;
use crate::client::leader::told;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// How often a node is asked.
const EVERY: Duration = Duration::from_millis(500);

/// Asks a node again and again, until nobody wants to know any more.
pub(super) async fn watch(node: NodeClient, to: Sender<Report>) {
    loop {
        // A node that does not answer is dead, or about to be.
        if let Ok(status) = node.get("/v1/status").await
            && let Some((ballot, leader)) = told(&status)
            && to.send(Report::Leader { ballot, leader }).await.is_err()
        {
            return;
        }
        tokio::time::sleep(EVERY).await;
    }
}
