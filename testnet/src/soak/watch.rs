//! Who leads, as the nodes tell.

use super::Report;
use hpaxos_client::Client;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// How often a node is asked.
const EVERY: Duration = Duration::from_millis(500);

/// Asks a node again and again, until nobody wants to know any more.
pub(super) async fn watch(node: Client, to: Sender<Report>) {
    loop {
        // A node that does not answer is dead, or about to be.
        if let Ok(status) = node.status().await
            && let Some((ballot, leader)) = status.leads()
            && let leader = leader.to_owned()
            && to.send(Report::Leader { ballot, leader }).await.is_err()
        {
            return;
        }
        tokio::time::sleep(EVERY).await;
    }
}
