//! Submits values to the nodes of a network, a bounded number at a time.
//!
//! A value goes to one node. If that node is dead or busy the value goes to the next one, under the
//! same idempotency key, so that it is decided once whoever got it.

use super::{ClientError, NodeClient, Submitted};
use crate::values::Value;
use futures::StreamExt;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::sync::mpsc::{Sender, UnboundedReceiver};

/// Values submitted at the same time.
pub const AT_ONCE: usize = 16;
/// The pause before the next node is tried after one did not answer.
const PAUSE: Duration = Duration::from_millis(50);

/// The nodes that values may be submitted to, changed while submitting goes on.
#[derive(Clone, Debug)]
pub struct Targets(Arc<RwLock<Vec<(usize, NodeClient)>>>);

impl Targets {
    /// Submit to these nodes.
    #[must_use]
    pub fn new(nodes: Vec<(usize, NodeClient)>) -> Self {
        Targets(Arc::new(RwLock::new(nodes)))
    }

    /// Submit to a node again.
    pub fn insert(&self, node: usize, client: NodeClient) {
        let mut nodes = self
            .0
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        nodes.push((node, client));
    }

    /// Do not submit to a node any more.
    pub fn remove(&self, node: usize) {
        let mut nodes = self
            .0
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        nodes.retain(|(at, _)| *at != node);
    }

    /// The node whose turn it is; `None` if there are none.
    #[must_use]
    pub fn pick(&self, turn: usize) -> Option<(usize, NodeClient)> {
        let nodes = self
            .0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        nodes.get(turn.checked_rem(nodes.len())?).cloned()
    }
}

/// What happens to a value on its way.
#[derive(Debug)]
pub enum Progress {
    /// It is about to be sent to a node. Comes before any decision of it can.
    Posting {
        /// The value's place.
        value: usize,
    },
    /// A node keeps it.
    Accepted {
        /// The value's place.
        value: usize,
        /// The node's.
        node: usize,
    },
    /// It will never be accepted.
    Refused {
        /// The value's place.
        value: usize,
        /// Why.
        error: ClientError,
    },
}

/// Submits the values whose places arrive, until no more can. With each comes the turn that chooses
/// the node to begin with.
pub async fn submit_all<T>(
    values: Arc<[Value]>,
    targets: Targets,
    places: UnboundedReceiver<usize>,
    wrap: impl Fn(Progress) -> T,
    to: Sender<T>,
) {
    let (values, targets, wrap, to) = (&values, &targets, &wrap, &to);
    let places = futures::stream::unfold(places, |mut places| async move {
        places.recv().await.map(|place| (place, places))
    });
    let submissions = places.map(|place| async move {
        let Some(value) = values.get(place) else {
            return;
        };
        // Gone receivers are noticed by whoever dropped them.
        let _ = to.send(wrap(Progress::Posting { value: place })).await;
        let progress = submit(place, value, targets).await;
        let _ = to.send(wrap(progress)).await;
    });
    submissions.buffer_unordered(AT_ONCE).collect::<()>().await;
}

async fn submit(place: usize, value: &Value, targets: &Targets) -> Progress {
    let mut turn = place;
    loop {
        let Some((node, client)) = targets.pick(turn) else {
            // Nobody is left; the run ends otherwise, or somebody comes back.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        match client.submit(&value.key, value.bytes.clone()).await {
            Ok(Submitted::Accepted) => return Progress::Accepted { value: place, node },
            Ok(Submitted::Busy(pause)) => tokio::time::sleep(pause).await,
            Err(ClientError::NoAnswer { .. }) => tokio::time::sleep(PAUSE).await,
            Err(error @ (ClientError::Refused { .. } | ClientError::Unreadable { .. })) => {
                return Progress::Refused {
                    value: place,
                    error,
                };
            }
        }
        turn += 1;
    }
}
