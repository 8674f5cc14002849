//! Closed-loop clients: each has one value on its way, and submits the next when it has the answer.

use super::tally::{Tally, Window};
use crate::mix::mix;
use hpaxos_client::{Client, Error};
use std::time::{Duration, Instant};

/// How long a value may take to be decided before it counts as an error.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause after an error, so that a network that refuses is not asked millions of times.
const PAUSE: Duration = Duration::from_millis(100);

/// Distinct values that look random and cannot be compressed: no two with different numbers are equal.
#[derive(Debug)]
pub struct Values {
    bytes: usize,
    next: u64,
}

impl Values {
    /// Values of so many bytes, 8 at least.
    #[must_use]
    pub fn new(bytes: usize) -> Values {
        let bytes = bytes.max(8);
        Values { bytes, next: 0 }
    }

    /// The bytes of each.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn make(&mut self) -> Vec<u8> {
        self.next += 1;
        let words = (0..self.bytes.div_ceil(8) as u64).map(|word| mix(self.next ^ (word << 40)));
        let mut value: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        value.truncate(self.bytes);
        value
    }
}

/// A node with a learner that it plays, to wait for.
#[derive(Clone, Debug)]
pub struct Target {
    /// The node.
    pub node: Client,
    /// The learner.
    pub learner: String,
}

/// Runs so many clients, spread over the targets in turn, until the window ends and every request
/// begun in it is answered. With `points`, every value of the window is noted.
pub async fn run(
    targets: &[Target],
    clients: usize,
    values: &mut Values,
    window: Window,
    points: bool,
) -> Tally {
    let values = std::cell::RefCell::new(values);
    let next = || values.borrow_mut().make();
    let loops = (0..clients).map(|at| client(targets, at, &next, window, Tally::new(points)));
    let mut all = Tally::new(points);
    for tally in futures::future::join_all(loops).await {
        all.add(tally);
    }
    all
}

/// A client that begins with the target at a place. When that does not answer, which is an error, it goes to
/// the next one with the same value, whose time goes on, and stays there.
async fn client(
    targets: &[Target],
    mut at: usize,
    next: &impl Fn() -> Vec<u8>,
    window: Window,
    mut tally: Tally,
) -> Tally {
    // A value that is asked for again, since when, and how often it was.
    let mut unanswered: Option<(Instant, Vec<u8>, usize)> = None;
    while let Some(target) = targets.get(at.checked_rem(targets.len()).unwrap_or(0)) {
        let (asked, value, often) = match unanswered.take() {
            Some(again) if again.0.elapsed() < PATIENCE => again,
            _ => (Instant::now(), next(), 1),
        };
        if asked >= window.end {
            return tally;
        }
        let answer = target.node.decide(&value, "", &target.learner, PATIENCE);
        let error = match answer.await {
            Ok(submitted) if submitted.receipt.is_some() => {
                tally.decided(window, asked, Instant::now());
                continue;
            }
            Ok(_) => "not decided in time".to_owned(),
            Err(Error::Refused { problem, .. } | Error::Busy { problem, .. }) => {
                format!("status {}", problem.status)
            }
            Err(Error::NoAnswer { reason, .. }) => {
                tally.failed(format!("no answer: {reason}"));
                unanswered = Some((asked, value, often + 1));
                at += 1;
                // Nobody answers.
                if often % targets.len() == 0 {
                    tokio::time::sleep(PAUSE).await;
                }
                continue;
            }
            Err(Error::Unreadable { why, .. }) => format!("unreadable: {why}"),
            Err(other) => other.to_string(),
        };
        tally.failed(error);
        tokio::time::sleep(PAUSE).await;
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn values_have_their_size_and_differ() {
        for bytes in [8, 9, 100, 4096] {
            let mut values = Values::new(bytes);
            let seen: BTreeSet<Vec<u8>> = (0..10_000).map(|_| values.make()).collect();
            assert_eq!(seen.len(), 10_000);
            assert!(seen.iter().all(|value| value.len() == bytes));
        }
    }

    #[test]
    fn every_byte_of_a_value_looks_random() {
        let mut values = Values::new(100);
        let seen: Vec<Vec<u8>> = (0..1000).map(|_| values.make()).collect();
        for at in 0..100 {
            let bytes: BTreeSet<u8> = seen.iter().map(|value| value[at]).collect();
            // Of 1000 random bytes, about 251 are different.
            assert!(bytes.len() > 200, "byte {at} takes {} values", bytes.len());
        }
    }
}
