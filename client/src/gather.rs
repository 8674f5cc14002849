//! Values of many tasks, gathered into few requests.

use crate::client::Client;
use crate::error::Error;
use crate::many::{Fate, Values};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};

/// Values that wait for a request, at most: who submits more waits.
const WAITING: usize = 4096;

/// Submits the values of many tasks to one node, and waits for the decisions of one learner. A value that comes while
/// a request is free goes at once; those that come while all are on their way go together with the next one, so that a
/// request carries the more values the more tasks there are. Clones share the requests, which end with the last of
/// them.
#[derive(Clone, Debug)]
pub struct Gather {
    values: mpsc::Sender<Waiting>,
    url: String,
}

/// A value, and who waits for it.
#[derive(Debug)]
struct Waiting {
    value: Vec<u8>,
    key: String,
    told: oneshot::Sender<Result<Fate, Error>>,
}

impl Gather {
    /// Has so many requests at a time on their way to this node, at least one, each of which waits for so long for
    /// this learner. Call it within a tokio runtime.
    #[must_use]
    pub fn start(node: &Client, learner: &str, timeout: Duration, requests: usize) -> Gather {
        let (values, waiting) = mpsc::channel(WAITING);
        let queue = Arc::new(Mutex::new(Queue {
            waiting,
            left: None,
        }));
        for _ in 0..requests.max(1) {
            let (node, learner) = (node.clone(), learner.to_owned());
            let queue = Arc::clone(&queue);
            tokio::spawn(async move {
                loop {
                    let next = queue.lock().await.next().await;
                    let Some((values, told)) = next else { return };
                    let fates = node.decide_many(&values, &learner, timeout).await;
                    tell(told, fates);
                }
            });
        }
        let url = node.url().to_owned();
        Gather { values, url }
    }

    /// Submits a value under an idempotency key, empty for none, and waits until the learner has decided it. What is
    /// [`Fate::Kept`] was not decided in time, and still waits to be.
    ///
    /// # Errors
    /// As [`Client::decide`]. [`Error::TooLarge`] if no node takes such a value or key.
    pub async fn decide(&self, value: Vec<u8>, key: &str) -> Result<Fate, Error> {
        // What no node takes would take the others of its request with it.
        Values::size(&value, key)?;
        let (told, fate) = oneshot::channel();
        let key = key.to_owned();
        let waiting = Waiting { value, key, told };
        // Whoever takes values out of the queue tells what became of them.
        self.values.send(waiting).await.map_err(|_| self.ended())?;
        fate.await.map_err(|_| self.ended())?
    }

    fn ended(&self) -> Error {
        Error::NoAnswer {
            url: self.url.clone(),
            reason: "the runtime in which the requests were made has ended".to_owned(),
        }
    }
}

/// What waits for a request, of which there are several.
struct Queue {
    waiting: mpsc::Receiver<Waiting>,
    /// What did not fit into the last one.
    left: Option<Waiting>,
}

type Told = Vec<oneshot::Sender<Result<Fate, Error>>>;

impl Queue {
    /// As many of the values that wait as fit into one request, once there is one. `None` if there will be no more.
    async fn next(&mut self) -> Option<(Values, Told)> {
        let mut next = match self.left.take() {
            Some(left) => Some(left),
            None => Some(self.waiting.recv().await?),
        };
        let (mut values, mut told) = (Values::default(), Vec::new());
        while let Some(waiting) = next {
            match values.push(&waiting.value, &waiting.key) {
                Ok(true) => told.push(waiting.told),
                Ok(false) if !values.is_empty() => {
                    self.left = Some(waiting);
                    break;
                }
                // Each was seen to fit into a request of its own.
                Ok(false) | Err(_) => {}
            }
            next = self.waiting.try_recv().ok();
        }
        Some((values, told))
    }
}

/// Who has gone away is told nothing.
fn tell(told: Told, fates: Result<Vec<Fate>, Error>) {
    match fates {
        Ok(fates) => {
            for (told, fate) in told.into_iter().zip(fates) {
                let _ = told.send(Ok(fate));
            }
        }
        Err(error) => {
            for told in told {
                let _ = told.send(Err(error.clone()));
            }
        }
    }
}
