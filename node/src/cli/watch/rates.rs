//! How many values are decided in each second, and how long they take.

use hpaxos_client::Decision;
use std::collections::BTreeMap;
use std::time::Duration;

/// Seconds that are kept.
const KEPT: u64 = 300;
/// What is told in the first seconds happened before.
const SETTLE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, Default)]
struct Second {
    values: BTreeMap<String, u64>,
    latencies: Vec<u64>,
}

/// The latest seconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    seconds: BTreeMap<u64, Second>,
}

impl Rates {
    /// A learner has decided something that nobody has told before.
    pub(super) fn decided(&mut self, at: Duration, decision: &Decision) {
        if at < SETTLE {
            return;
        }
        let second = self.seconds.entry(at.as_secs()).or_default();
        let values = second.values.entry(decision.learner.clone()).or_default();
        *values += decision.values.len() as u64;
        second.latencies.extend(decision.latency_ms);
        let oldest = at.as_secs().saturating_sub(KEPT);
        while self
            .seconds
            .first_key_value()
            .is_some_and(|(at, _)| *at < oldest)
        {
            self.seconds.pop_first();
        }
    }

    /// The last so many full seconds, the newest last: values that the busiest learner has decided.
    pub(super) fn values(&self, now: Duration, seconds: usize) -> Vec<u64> {
        let most = |second: &Second| second.values.values().copied().max().unwrap_or(0);
        self.row(now, seconds, most)
    }

    /// The same: the median of the milliseconds from a node's first knowledge of a value to its decision.
    pub(super) fn latencies(&self, now: Duration, seconds: usize) -> Vec<u64> {
        self.row(now, seconds, |second| {
            let mut sorted = second.latencies.clone();
            sorted.sort_unstable();
            sorted.get(sorted.len() / 2).copied().unwrap_or(0)
        })
    }

    fn row(&self, now: Duration, seconds: usize, of: impl Fn(&Second) -> u64) -> Vec<u64> {
        let now = now.as_secs();
        let from = now.saturating_sub(seconds as u64);
        (from..now)
            .map(|at| self.seconds.get(&at).map_or(0, &of))
            .collect()
    }
}
