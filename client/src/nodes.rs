//! Several nodes, of which any will do.

use crate::client::Client;
use crate::decisions::Decisions;
use crate::error::Error;
use crate::retry::Pauses;
use crate::submit::{Placed, Submitted};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

/// How long one node is asked to wait for a decision before another one is asked, if nothing else is said.
const EACH: Duration = Duration::from_secs(5);
/// How much longer a node may take to answer that it has seen no decision.
const GRACE: Duration = Duration::from_millis(500);

/// Nodes that can stand in for each other, each with a number of the caller's. Clones are the same nodes: they may be
/// taken out and put back while others use them.
#[derive(Clone, Debug)]
pub struct Nodes {
    all: Arc<RwLock<Vec<(usize, Client)>>>,
    each: Duration,
}

impl Default for Nodes {
    fn default() -> Nodes {
        Nodes::new([])
    }
}

impl Nodes {
    /// These nodes, numbered from 0.
    #[must_use]
    pub fn new(clients: impl IntoIterator<Item = Client>) -> Nodes {
        Nodes::numbered(clients.into_iter().enumerate())
    }

    /// These nodes, with numbers.
    #[must_use]
    pub fn numbered(nodes: impl IntoIterator<Item = (usize, Client)>) -> Nodes {
        Nodes {
            all: Arc::new(RwLock::new(nodes.into_iter().collect())),
            each: EACH,
        }
    }

    /// The same, where [`submit_and_wait`](Nodes::submit_and_wait) leaves a node that has not seen the decision after
    /// so long for the next one: 5 s otherwise. In every further round it stays as much longer with each.
    #[must_use]
    pub fn asking_each(mut self, each: Duration) -> Nodes {
        self.each = each;
        self
    }

    /// Asks a node as well, in the place of one of this number.
    pub fn insert(&self, node: usize, client: Client) {
        let mut nodes = self.write();
        nodes.retain(|(at, _)| *at != node);
        nodes.push((node, client));
    }

    /// Does not ask a node any more.
    pub fn remove(&self, node: usize) {
        self.write().retain(|(at, _)| *at != node);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.read().is_empty()
    }

    /// The node whose turn it is; `None` if there are none.
    #[must_use]
    pub fn pick(&self, turn: usize) -> Option<(usize, Client)> {
        let nodes = self.read();
        nodes.get(turn.checked_rem(nodes.len())?).cloned()
    }

    /// Submits a value under an idempotency key until a node has taken it, and says which. A node that is dead or busy is
    /// left for the next one; it begins with the one whose turn it is, and goes on for ever.
    ///
    /// # Errors
    /// If a node refuses the value, as every other would.
    pub async fn submit(
        &self,
        value: &[u8],
        key: &str,
        mut turn: usize,
    ) -> Result<(usize, Submitted), Error> {
        let mut pauses = Pauses::new();
        loop {
            if let Some((node, client)) = self.pick(turn) {
                match client.submit(value, key).await {
                    Ok(submitted) => return Ok((node, submitted)),
                    Err(error) if error.passes() => {}
                    Err(error) => return Err(error),
                }
                turn = turn.wrapping_add(1);
            }
            tokio::time::sleep(pauses.next()).await;
        }
    }

    /// Submits a value under an idempotency key and waits until a learner has decided it, for so long in all. A node that
    /// is dead or busy, has not seen the decision in time or does not play the learner is left for the next one; it
    /// begins with the one whose turn it is. A node that hangs is left half a second later than one that waits.
    ///
    /// # Errors
    /// If all nodes refuse it, or with what the last one has answered when the time is over. The value may
    /// still be decided then: ask again under the same key.
    pub async fn submit_and_wait(
        &self,
        value: &[u8],
        key: &str,
        learner: &str,
        timeout: Duration,
        mut turn: usize,
    ) -> Result<Placed, Error> {
        let start = Instant::now();
        let mut pauses = Pauses::new();
        let mut refused = BTreeSet::new();
        let mut last = None;
        let mut asked = 0;
        loop {
            let left = timeout.saturating_sub(start.elapsed());
            if let Some((node, client)) = self.pick(turn) {
                // Longer in every round: values may be long, and connections slow.
                let round = u32::try_from(asked / self.len().max(1)).unwrap_or(u32::MAX);
                let each = left.min(self.each.saturating_mul(round.saturating_add(1)));
                asked += 1;
                let answer = client.submit_and_wait(value, key, learner, each);
                let answer = tokio::time::timeout(each + GRACE, answer).await;
                match answer {
                    Ok(Ok(placed)) => return Ok(placed),
                    Ok(Err(error)) if error.is_of_the_node() => {
                        refused.insert(node);
                        if self.all_in(&refused) {
                            return Err(error);
                        }
                        last = Some(error);
                    }
                    Ok(Err(error)) if error.passes() => last = Some(error),
                    Ok(Err(error)) => return Err(error),
                    Err(_) => {
                        last.get_or_insert_with(|| Error::NoAnswer {
                            url: client.url().to_owned(),
                            reason: "it does not answer in time".to_owned(),
                        });
                    }
                }
                turn = turn.wrapping_add(1);
            }
            let pause = pauses.next();
            if start.elapsed() + pause >= timeout {
                return Err(last.unwrap_or_else(|| Error::NoAnswer {
                    url: "any node".to_owned(),
                    reason: "there is none".to_owned(),
                }));
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// The decisions of a learner from a slot on, as [`Client::decisions`], from whichever node that plays it answers.
    #[must_use]
    pub fn decisions(&self, learner: &str, from: u64) -> Decisions {
        Decisions::new(self.clone(), learner, from)
    }

    /// The name of the node that owns the highest ballot that any of these knows of. Those that do not answer know
    /// nothing.
    pub async fn leader(&self) -> Option<String> {
        let clients: Vec<Client> = self.read().iter().map(|(_, c)| c.clone()).collect();
        let statuses = clients.iter().map(Client::status);
        let statuses = futures::future::join_all(statuses).await;
        let known = statuses
            .iter()
            .flatten()
            .filter_map(|status| status.leads());
        known.max().map(|(_, leader)| leader.to_owned())
    }

    /// Whether these are all the nodes that there are, and there is one.
    pub(crate) fn all_in(&self, nodes: &BTreeSet<usize>) -> bool {
        let all = self.read();
        !all.is_empty() && all.iter().all(|(node, _)| nodes.contains(node))
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<(usize, Client)>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<(usize, Client)>> {
        self.all.write().unwrap_or_else(PoisonError::into_inner)
    }
}
