//! Values of many tasks, gathered into few requests.

use crate::client::Client;
use crate::error::{Error, Problem};
use crate::many::{Fate, Values};
use crate::retry::WhileBusy;
use crate::submit::Receipt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::sleep;

/// Values that wait for a request, at most: who submits more waits.
const WAITING: usize = 4096;
/// The longest time that one request waits for decisions. Values that are stuck have all requests for no longer than
/// this; then those that came meanwhile go with them.
const ROUND: Duration = Duration::from_secs(1);
/// The pause of a request after the node had no room for some of its values.
const FULL_PAUSE: Duration = Duration::from_millis(50);

/// Submits the values of many tasks to one node, and waits for the decisions of one learner. A value that comes while
/// a request is free goes at once; those that come while all are on their way go together with the next one, so that a
/// request carries the more values the more tasks there are. A request is over when some of its values are decided; the
/// others go again with the next one. Clones share the requests, which end with the last of them.
#[derive(Clone, Debug)]
pub struct Gather {
    values: mpsc::Sender<Waiting>,
    url: String,
    /// How long each value is waited for.
    timeout: Duration,
    /// How long a busy node is asked again, for each value.
    busy: Duration,
}

/// A value with its key, and who waits for it.
#[derive(Debug)]
struct Waiting {
    value: Arc<(Vec<u8>, String)>,
    told: oneshot::Sender<Result<Fate, Error>>,
}

impl Gather {
    /// Has so many requests at a time on their way to this node, at least one, and waits for this learner's decision
    /// of each value for so long. Call it within a tokio runtime.
    #[must_use]
    pub fn start(node: &Client, learner: &str, timeout: Duration, requests: usize) -> Gather {
        let (values, waiting) = mpsc::channel(WAITING);
        let queue = Arc::new(Mutex::new(Queue {
            waiting,
            left: None,
        }));
        // Each value is asked for again by itself.
        let once = node.clone().retrying(Duration::ZERO);
        for _ in 0..requests.max(1) {
            let (node, learner) = (once.clone(), learner.to_owned());
            let queue = Arc::clone(&queue);
            tokio::spawn(async move {
                loop {
                    let next = queue.lock().await.next().await;
                    let Some((values, told)) = next else { return };
                    let wait = timeout.min(ROUND);
                    let fates = node.decide_many(&values, &learner, wait).await;
                    let full = |fates: &Vec<Fate>| fates.contains(&Fate::Full);
                    let full = fates.as_ref().is_ok_and(full);
                    tell(told, fates);
                    if full {
                        sleep(FULL_PAUSE).await;
                    }
                }
            });
        }
        Gather {
            values,
            url: node.url().to_owned(),
            timeout,
            busy: node.busy(),
        }
    }

    /// Submits a value under an idempotency key, empty for none, and waits until the learner has decided it: where, or
    /// `None` if that has not happened in time, and the value still waits to be decided. Its time begins with the
    /// call, and is looked at whenever a request is over: every second at least, and the time in which the value waits
    /// for a request comes on top.
    ///
    /// Dropping the future gives the value up: what has not been sent by then is not, and what has been may be decided
    /// all the same.
    ///
    /// # Errors
    /// As [`Client::decide`]. [`Error::TooLarge`] if no node takes such a value or key. [`Error::Busy`] also if too many
    /// values wait at the node for as long as it is [asked again](Client::retrying).
    pub async fn decide(&self, value: Vec<u8>, key: &str) -> Result<Option<Arc<Receipt>>, Error> {
        // What no node takes would take the others of its request with it.
        Values::size(&value, key)?;
        let over = Instant::now().checked_add(self.timeout);
        let mut busy = WhileBusy::new(self.busy);
        let value = Arc::new((value, key.to_owned()));
        loop {
            let error = match self.ask(&value).await {
                Ok(Fate::Decided(receipt)) => return Ok(Some(receipt)),
                Ok(Fate::Kept) if over.is_some_and(|over| Instant::now() >= over) => {
                    return Ok(None);
                }
                Ok(Fate::Kept) => continue,
                Ok(Fate::Full) => self.full(),
                Err(error) => error,
            };
            busy.pause(error).await?;
        }
    }

    /// What becomes of a value with one request.
    async fn ask(&self, value: &Arc<(Vec<u8>, String)>) -> Result<Fate, Error> {
        let (told, fate) = oneshot::channel();
        let value = Arc::clone(value);
        let waiting = Waiting { value, told };
        // Whoever takes values out of the queue tells what became of them.
        self.values.send(waiting).await.map_err(|_| self.ended())?;
        fate.await.map_err(|_| self.ended())?
    }

    fn full(&self) -> Error {
        Error::Busy {
            url: self.url.clone(),
            problem: Problem {
                kind: "urn:hpaxos:problem:full".to_owned(),
                status: 429,
                detail: "too many values wait to be decided".to_owned(),
            },
            retry_after: None,
        }
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
        let (mut values, mut told) = (Values::default(), Vec::new());
        loop {
            let next = match self.left.take() {
                Some(left) => left,
                None if values.is_empty() => self.waiting.recv().await?,
                None => match self.waiting.try_recv() {
                    Ok(next) => next,
                    Err(_) => return Some((values, told)),
                },
            };
            if next.told.is_closed() {
                continue;
            }
            let (value, key) = &*next.value;
            match values.push(value, key) {
                Ok(true) => told.push(next.told),
                Ok(false) => {
                    self.left = Some(next);
                    return Some((values, told));
                }
                Err(error) => {
                    let _ = next.told.send(Err(error));
                }
            }
        }
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
