//! Clients that do not give up: each submits a value until some node has told that it is decided, then the
//! next one.
//!
//! A value that was submitted to a node that died is submitted to another one, byte for byte the same: it
//! counts once, whoever got it.

use super::Report;
use super::stamp::Stamp;
use hpaxos_client::{Client, Error, Nodes, Submitted};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;

/// How long a client waits for a decision before it asks another node.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pause before another node is asked.
const PAUSE: Duration = Duration::from_millis(20);
/// The pause after a node that has too much to do.
const BUSY_PAUSE: Duration = Duration::from_millis(200);

/// What all clients share.
#[derive(Debug)]
pub struct Shared {
    /// The nodes that live.
    pub targets: Nodes,
    /// The learner of each node's own, for clients that wait for whichever it is.
    pub own: Vec<String>,
    /// Bytes of each value.
    pub value_bytes: usize,
    pace: Pace,
    over: AtomicBool,
}

/// When the next value may be submitted, if there is a limit to how many.
#[derive(Debug)]
struct Pace {
    each: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    /// When one more may be submitted. What was not submitted in time is not made up for.
    fn turn(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = (*next).max(now);
        *next = turn + self.each;
        turn
    }
}

impl Shared {
    /// At most `rate` values a second, all clients together; as many as they can if that is `None`.
    #[must_use]
    pub fn new(targets: Nodes, own: Vec<String>, value_bytes: usize, rate: Option<u32>) -> Shared {
        let each = rate.map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate.max(1));
        let next = Mutex::new(Instant::now());
        Shared {
            targets,
            own,
            value_bytes,
            pace: Pace { each, next },
            over: AtomicBool::new(false),
        }
    }

    /// From now on nothing new is submitted.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Waits until one more may be submitted; `false` if it may not any more.
    async fn turn(&self) -> bool {
        if self.pace.each > Duration::ZERO {
            tokio::time::sleep_until(self.pace.turn(Instant::now()).into()).await;
        }
        !self.is_over()
    }
}

/// A client, which waits for one learner, or for that of the node it asks. It reports every value that was
/// decided, and its end.
pub async fn client(id: u32, learner: Option<String>, shared: Arc<Shared>, to: Sender<Report>) {
    // A gone receiver is noticed by whoever dropped it.
    for number in 0.. {
        if !shared.turn().await {
            let _ = to.send(Report::Ended { client: id }).await;
            return;
        }
        let stamp = Stamp { client: id, number };
        let asked = Instant::now();
        let report = match decide(stamp, learner.as_deref(), &shared).await {
            Ok(()) => Report::Acknowledged {
                stamp,
                latency: asked.elapsed(),
            },
            Err(error) => Report::Refused { stamp, error },
        };
        let refused = matches!(report, Report::Refused { .. });
        if to.send(report).await.is_err() || refused {
            return;
        }
    }
}

/// Submits a value until it is decided.
///
/// # Errors
/// If a node says that it never will be.
async fn decide(stamp: Stamp, learner: Option<&str>, shared: &Shared) -> Result<(), Error> {
    let value = stamp.value(shared.value_bytes);
    // Each client begins with a node of its own, and asks the next one only if that does not help.
    let mut turn = stamp.client as usize;
    loop {
        let Some((node, target)) = shared.targets.pick(turn) else {
            // Somebody comes back.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let own = || shared.own.get(node).map_or("", String::as_str);
        match ask(&target, &value, learner.unwrap_or_else(own)).await? {
            Asked::Decided => return Ok(()),
            Asked::Elsewhere => tokio::time::sleep(PAUSE).await,
            Asked::Busy => tokio::time::sleep(BUSY_PAUSE).await,
        }
        turn += 1;
    }
}

enum Asked {
    Decided,
    /// Not decided in time, or no answer.
    Elsewhere,
    Busy,
}

async fn ask(target: &Client, value: &[u8], learner: &str) -> Result<Asked, Error> {
    match target.decide(value, "", learner, PATIENCE).await {
        Ok(Submitted { receipt: None, .. }) => Ok(Asked::Elsewhere),
        Ok(_) => Ok(Asked::Decided),
        Err(Error::Busy { .. }) => Ok(Asked::Busy),
        Err(Error::NoAnswer { .. }) => Ok(Asked::Elsewhere),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spread_in_time_and_lost_time_is_lost() {
        let start = Instant::now();
        let each = Duration::from_millis(10);
        let pace = Pace {
            each,
            next: Mutex::new(start),
        };
        let turns: Vec<Instant> = (0..3).map(|_| pace.turn(start)).collect();
        assert_eq!(turns, [start, start + each, start + 2 * each]);
        let late = start + Duration::from_secs(5);
        assert_eq!(pace.turn(late), late);
        assert_eq!(pace.turn(late), late + each);
    }
}
