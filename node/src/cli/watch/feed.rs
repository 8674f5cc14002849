//! Asks all nodes, again and again, and tells what they say.

use super::state::News;
use futures::StreamExt;
use futures::future::join_all;
use hpaxos_client::{Client, Followed, Since};
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;

/// How often a node is asked for its status.
const EVERY: Duration = Duration::from_secs(1);
/// Slots that are read below where any learner is, where no stream is followed.
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

    /// The same, once, with the learners that the node plays.
    async fn look(&self) -> Result<Known, Over> {
        let mut known = Known::default();
        self.once(&mut known).await?;
        Ok(known)
    }

    /// What a learner has decided in these slots, as far as the node tells it.
    async fn read(&self, learner: &str, slots: Range<u64>) -> Result<(), Over> {
        let mut from = slots.start;
        while from < slots.end {
            let limit = usize::try_from(slots.end - from).unwrap_or(usize::MAX);
            // What could not be read was not compared, and is not said to be.
            let Ok(page) = self.client.page(learner, from, limit).await else {
                return Ok(());
            };
            for decision in page.decisions {
                if slots.contains(&decision.slot) {
                    let event = Box::new(hpaxos_client::Event::Decision(decision));
                    self.tell(News::Event(event)).await?;
                }
            }
            if page.next <= from {
                return Ok(());
            }
            from = page.next;
        }
        Ok(())
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

/// Asks all nodes once for status, graph and evidence, and then for the decisions of the learners that they play: the
/// latest of each, and of the others in the same slots, since only those can be compared.
pub(super) async fn snapshot(feeds: Vec<Feed>) {
    let known = join_all(feeds.iter().map(Feed::look)).await;
    let nexts = known.iter().flatten().flat_map(|known| &known.played);
    let slots = latest(nexts.map(|(_, next)| *next).collect());
    let read = feeds.iter().zip(&known).map(|(feed, known)| {
        let played = known.iter().flat_map(|known| &known.played);
        let all = played.flat_map(|(learner, next)| slots.iter().map(move |s| (learner, next, s)));
        let all: Vec<_> = all.collect();
        async move {
            for (learner, next, slots) in all {
                feed.read(learner, slots.start..slots.end.min(*next))
                    .await?;
            }
            Ok::<(), Over>(())
        }
    });
    // A closed channel is noticed by whoever closed it.
    join_all(read).await;
}

/// The last slots below each of these, without overlaps and in ascending order.
fn latest(nexts: BTreeSet<u64>) -> Vec<Range<u64>> {
    let mut all: Vec<Range<u64>> = Vec::new();
    for next in nexts {
        let start = next.saturating_sub(LATEST);
        match all.last_mut() {
            Some(last) if start <= last.end => last.end = next,
            _ => all.push(start..next),
        }
    }
    all
}

/// What a node has told already.
#[derive(Default)]
struct Known {
    graph: bool,
    caught: usize,
    /// The learners that it plays, with the next slot of each.
    played: Vec<(String, u64)>,
}

#[cfg(test)]
mod tests {
    use super::super::state::{Look, Watch};
    use super::*;
    use crate::testing::served;
    use axum::extract::{Path, Query};
    use axum::routing::get;
    use axum::{Json, Router};
    use serde_json::{Value, json};
    use std::collections::HashMap;
    use tokio::sync::mpsc::channel;

    const GRAPH: &str = "learner graph 1\nacceptors a1 a2 a3\nlearner alice 2(a1,a2,a3)\nlearner bob 2(a1,a2,a3)\n\
                         safe alice,bob 2(a1,a2,a3)\n";
    /// How far learners are, and where bob decides something else.
    const ALICE: u64 = 5000;
    const BOB: u64 = 160;
    /// A node gives no more decisions at once.
    const AT_ONCE: u64 = 25;

    /// A node that plays one learner, which differs from others in this slot.
    async fn node(name: &'static str, learner: &'static str, next: u64, other: u64) -> Client {
        let status = json!({
            "node": name, "mode": "hpaxos", "network": "test", "network_id": "00", "phase": "ready",
            "learners": {learner: {"next": next, "delivered": {"next": next, "decisions": next}}},
        });
        let graph = json!({
            "network": "test", "network_id": "00", "learners": ["alice", "bob"], "acceptors": [], "proposers": [],
            "canonical": GRAPH,
        });
        let answer = |body: Value| get(async move || Json(body));
        let decisions = async move |_: Path<String>, Query(asked): Query<HashMap<String, u64>>| {
            let from = asked["from"];
            let to = next.min(from + asked["limit"].min(AT_ONCE));
            let decision = |slot: u64| {
                let digest = if slot == other {
                    "other".to_owned()
                } else {
                    format!("same {slot}")
                };
                json!({"slot": slot, "ballot": 1, "digest": digest, "values": []})
            };
            let decisions: Vec<Value> = (from..to).map(decision).collect();
            Json(json!({"node": name, "decisions": decisions, "next": to.max(from)}))
        };
        let router = Router::new()
            .route("/v1/status", answer(status))
            .route("/v1/graph", answer(graph))
            .route("/v1/learners/{learner}/decisions", get(decisions));
        Client::connect(&served(router).await).expect("a client")
    }

    async fn watch(differs: u64) -> Watch {
        let clients = [
            node("n1", "alice", ALICE, u64::MAX).await,
            node("n2", "bob", BOB, differs).await,
        ];
        let (to, mut reports) = channel(4);
        let feed = |(node, client): (usize, &Client)| Feed {
            node,
            client: client.clone(),
            start: Instant::now(),
            to: to.clone(),
        };
        let feeds = clients.iter().enumerate().map(feed).collect();
        drop(to);
        tokio::spawn(snapshot(feeds));
        let mut watch = Watch::new(&["n1".to_owned(), "n2".to_owned()]);
        while let Some((node, at, news)) = reports.recv().await {
            watch.take(node, at, news);
        }
        watch
    }

    #[tokio::test]
    async fn learners_at_different_heights_are_compared_in_the_newest_slots_of_both() {
        let same = watch(BOB - LATEST - 1).await;
        assert!(!same.is_broken());
        let said = "all learners agree in the slots compared, 100 to 159";
        assert_eq!(same.verdict(), (said.to_owned(), Look::Good));
        for slot in [BOB - LATEST, BOB - 1] {
            let different = watch(slot).await;
            assert!(different.is_broken(), "slot {slot}");
            let (words, look) = different.verdict();
            let said =
                format!("VIOLATION: alice and bob differ in slot {slot}, which is not allowed");
            assert!(words.starts_with(&said), "{words}");
            assert_eq!(look, Look::Broken);
        }
        assert_eq!(
            same.lanes.last(),
            Some(ALICE - 1),
            "the latest are read as well"
        );
    }

    #[test]
    fn slots_that_several_learners_have_are_read_once() {
        let of = |nexts: &[u64]| latest(nexts.iter().copied().collect());
        assert_eq!(of(&[0]), vec![0..0]);
        assert_eq!(of(&[10, 61, 400, 401]), [0..61, 340..401]);
        assert_eq!(of(&[10, 100]), [0..10, 40..100]);
    }
}
