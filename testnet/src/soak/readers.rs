//! Reads a log along while it is written.

use super::Report;
use hpaxos_client::{Client, Error};
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// Decisions asked for at once.
const PAGE: usize = 1000;
/// The pause when there was little new, or no answer.
const PAUSE: Duration = Duration::from_millis(50);

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

/// Reads a log until nobody wants to know any more.
pub async fn read(node: Client, log: Log, to: Sender<Report>) {
    let mut from = log.from;
    loop {
        match node.page(&log.learner, from, PAGE).await {
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
            Err(Error::NoAnswer { .. } | Error::Busy { .. }) => {}
            Err(error) => {
                let _ = to.send(Report::Unread { at: log.at, error }).await;
                return;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
