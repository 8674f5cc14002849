//! Clients. In a closed loop each has one value on its way, and submits the next when it has the answer. In an open
//! loop values come at a rate, whatever has become of those before.

use super::tally::{Tally, Window};
use crate::mix::mix;
use crate::show::words;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hpaxos_client::{Client, Error, Gather};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long a value may take to be decided before it counts as an error.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The pause after an error, so that a network that refuses is not asked millions of times.
const PAUSE: Duration = Duration::from_millis(100);

/// Values of an open loop that may be on their way; more are not submitted, which is an error.
const MOST_ON_THE_WAY: usize = 10_000;

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
    /// The requests that clients share; without them each has its own.
    pub shared: Option<Gather>,
}

/// What is asked of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// So many clients in a closed loop.
    Clients(usize),
    /// So many values in a second, in an open loop.
    Rate(u32),
}

impl Demand {
    /// The clients, or the rate, for a program.
    #[must_use]
    pub fn numbers(self) -> (Option<usize>, Option<u32>) {
        match self {
            Demand::Clients(n) => (Some(n), None),
            Demand::Rate(rate) => (None, Some(rate)),
        }
    }

    /// For a column of a table.
    #[must_use]
    pub fn short(self) -> String {
        match self {
            Demand::Clients(n) => n.to_string(),
            Demand::Rate(rate) => format!("{rate}/s"),
        }
    }
}

impl std::fmt::Display for Demand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Demand::Clients(n) => f.write_str(&words::count(*n, "client")),
            Demand::Rate(rate) => write!(f, "{rate} values/s offered"),
        }
    }
}

/// Asks that of the targets in turn, until the window ends and every request begun in it is answered. With
/// `points`, every value of the window is noted.
pub async fn run(
    targets: &[Target],
    demand: Demand,
    values: &mut Values,
    window: Window,
    points: bool,
) -> Tally {
    let clients = match demand {
        Demand::Rate(rate) => return open(targets, rate, values, window, points).await,
        Demand::Clients(clients) => clients,
    };
    let values = std::cell::RefCell::new(values);
    let next = || values.borrow_mut().make();
    let loops = (0..clients).map(|at| client(targets, at, &next, window, Tally::new(points)));
    let mut all = Tally::new(points);
    for tally in futures::future::join_all(loops).await {
        all.add(tally);
    }
    all
}

/// Submits so many values in a second, each at its time. Its time is counted from then, not from when it could be
/// submitted: who waits behind others waits.
async fn open(
    targets: &[Target],
    rate: u32,
    values: &mut Values,
    window: Window,
    points: bool,
) -> Tally {
    let (begin, each) = (Instant::now(), Duration::from_secs(1) / rate.max(1));
    let mut tally = Tally::new(points);
    let mut on_the_way = FuturesUnordered::new();
    let mut due = begin;
    for at in 0.. {
        let Some(target) = targets.get(at % targets.len().max(1)) else {
            break;
        };
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(due.into()) => break,
                Some((asked, answer)) = on_the_way.next() => tally.answer(window, asked, answer),
            }
        }
        if due >= window.end {
            break;
        }
        if on_the_way.len() >= MOST_ON_THE_WAY {
            tally.failed(format!("{MOST_ON_THE_WAY} values are on their way already"));
        } else {
            let (asked, value) = (due, values.make());
            on_the_way.push(async move { (asked, target.ask(&value).await) });
        }
        due += each;
    }
    while let Some((asked, answer)) = on_the_way.next().await {
        tally.answer(window, asked, answer);
    }
    tally
}

/// Why a value was not decided.
enum Failed {
    /// The node did not answer, for this reason.
    Silent(String),
    /// It answered something else.
    Otherwise(String),
}

impl Target {
    /// Submits a value, and waits until the learner has decided it.
    async fn ask(&self, value: &[u8]) -> Result<(), Failed> {
        let decided = match &self.shared {
            Some(shared) => {
                // The time in which it waits for a request is its own as well.
                let decided = timeout(PATIENCE, shared.decide(value.to_vec(), "")).await;
                decided.unwrap_or(Ok(None)).map(|receipt| receipt.is_some())
            }
            None => {
                let answer = self.node.decide(value, "", &self.learner, PATIENCE).await;
                answer.map(|submitted| submitted.receipt.is_some())
            }
        };
        Err(Failed::Otherwise(match decided {
            Ok(true) => return Ok(()),
            Ok(false) => "not decided in time".to_owned(),
            Err(Error::NoAnswer { reason, .. }) => return Err(Failed::Silent(reason)),
            Err(Error::Refused { problem, .. } | Error::Busy { problem, .. }) => {
                format!("status {}", problem.status)
            }
            Err(Error::Unreadable { why, .. }) => format!("unreadable: {why}"),
            Err(other) => other.to_string(),
        }))
    }
}

impl Tally {
    fn answer(&mut self, window: Window, asked: Instant, answer: Result<(), Failed>) {
        match answer {
            Ok(()) => self.decided(window, asked, Instant::now()),
            Err(Failed::Silent(why)) => self.failed(format!("no answer: {why}")),
            Err(Failed::Otherwise(how)) => self.failed(how),
        }
    }
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
        let answer = target.ask(&value).await;
        let silent = matches!(answer, Err(Failed::Silent(_)));
        let pause = match (&answer, silent) {
            (Ok(()), _) => false,
            // Nobody answers.
            (Err(_), true) => often % targets.len() == 0,
            (Err(_), false) => true,
        };
        tally.answer(window, asked, answer);
        if silent {
            unanswered = Some((asked, value, often + 1));
            at += 1;
        }
        if pause {
            tokio::time::sleep(PAUSE).await;
        }
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
