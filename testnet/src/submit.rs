//! Submits the values of a run, a bounded number at a time.

use crate::values::Value;
use futures::StreamExt;
use hpaxos_client::{Error, Nodes};
use std::sync::Arc;
use tokio::sync::mpsc::{Sender, UnboundedReceiver};

/// Values submitted at the same time.
pub const AT_ONCE: usize = 16;

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
        error: Error,
    },
}

/// Submits the values whose places arrive, until no more can. With each comes the turn that chooses
/// the node to begin with.
pub async fn submit_all<T>(
    values: Arc<[Value]>,
    targets: Nodes,
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

async fn submit(place: usize, value: &Value, targets: &Nodes) -> Progress {
    match targets.submit(&value.bytes, &value.key, place).await {
        Ok((node, _)) => Progress::Accepted { value: place, node },
        Err(error) => Progress::Refused {
            value: place,
            error,
        },
    }
}
