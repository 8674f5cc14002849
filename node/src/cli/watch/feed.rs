//! Asks all nodes, again and again, and tells what they say.

use super::state::News;
use futures::StreamExt;
use hpaxos_client::{Client, Followed, Since};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;

/// How often a node is asked for its status.
const EVERY: Duration = Duration::from_secs(1);
/// Decisions of each learner that are read where no stream is followed.
const LATEST: u64 = 60;

/// News of a node, with the node's place and when they came.
pub(super) type Report = (usize, Duration, News);

/// Where the news of one node go.
#[derive(Clone)]
pub(super) struct Feed {
    pub(super) node: usize,
    pub(super) client: Client,
    pub(super) start: Instant,
    pub(super) to: Sender<Report>,
}

/// Nobody wants to know any more.
struct Over;

impl Feed {
    async fn tell(&self, news: News) -> Result<(), Over> {
        let report = (self.node, self.start.elapsed(), news);
        self.to.send(report).await.map_err(|_| Over)
    }

    /// Asks for status, graph and evidence until nobody wants to know.
    pub(super) async fn ask(self) {
        let mut known = Known::default();
        while self.once(&mut known).await.is_ok() {
            tokio::time::sleep(EVERY).await;
        }
    }

    /// The same, once, and the latest decisions of the learners that the node plays.
    pub(super) async fn snapshot(self) {
        let mut known = Known::default();
        // A closed channel is noticed by whoever closed it.
        if self.once(&mut known).await.is_err() {
            return;
        }
        for (learner, next) in known.played {
            let from = next.saturating_sub(LATEST);
            let page = self
                .client
                .page(&learner, from, usize::try_from(LATEST).unwrap_or(1));
            let Ok(page) = page.await else { return };
            for decision in page.decisions {
                let event = Box::new(hpaxos_client::Event::Decision(decision));
                if self.tell(News::Event(event)).await.is_err() {
                    return;
                }
            }
        }
    }

    async fn once(&self, known: &mut Known) -> Result<(), Over> {
        let status = match self.client.status().await {
            Ok(status) => status,
            Err(error) => return self.tell(News::Gone(error.to_string())).await,
        };
        let caught = status.caught.len();
        let played = status
            .learners
            .iter()
            .filter_map(|(name, learner)| Some((name.clone(), learner.delivered?.next)));
        known.played = played.collect();
        self.tell(News::Status(Box::new(status))).await?;
        if !known.graph
            && let Ok(graph) = self.client.graph().await
        {
            known.graph = true;
            self.tell(News::Graph(Box::new(graph))).await?;
        }
        // A node that was started again has to find it again.
        if caught != known.caught
            && let Ok(list) = self.client.evidence().await
        {
            known.caught = caught;
            self.tell(News::Evidence(Box::new(list))).await?;
        }
        Ok(())
    }

    /// Follows the events until nobody wants to know.
    pub(super) async fn follow(self) {
        let mut events = self.client.events(Since::Oldest);
        while let Some(followed) = events.next().await {
            // Whether the node answers is asked otherwise.
            let Followed::Event(event) = followed else {
                continue;
            };
            let Ok(event) = event.read() else { continue };
            if self.tell(News::Event(Box::new(event))).await.is_err() {
                return;
            }
        }
    }
}

/// What a node has told already.
#[derive(Default)]
struct Known {
    graph: bool,
    caught: usize,
    /// The learners that it plays, with the next slot of each.
    played: Vec<(String, u64)>,
}
