//! What Prometheus is told.

mod all;
mod buckets;
mod process;
#[cfg(test)]
mod tests;

use all::{All, Counters, Histograms, Labels, Measure, Process};
use consensus::{Slot, Status, Why};
use learner_graph::{LearnerGraph, LearnerId};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::OnceLock;
use std::time::Duration;

/// All metrics of a node. Each can be changed from any thread.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    all: All,
    /// What of these each learner has, by its number: looked up once, since all of it changes with every slot.
    of: Vec<OfLearner>,
    process: Process,
}

/// What is counted of a learner.
#[derive(Debug)]
struct OfLearner {
    decisions: Counter,
    latency: Histogram,
    forks: Counter,
    next_slot: Gauge,
    ahead_slot: Gauge,
    /// Nodes that play no acceptor never wait.
    patience: OnceLock<Measure>,
    labels: Labels,
}

impl Deref for Metrics {
    type Target = All;

    fn deref(&self) -> &All {
        &self.all
    }
}

impl Metrics {
    /// Every metric at zero, registered. Those with labels come into being when they are counted, those of learners at
    /// once, but for patience: what never happens is told as well.
    pub(crate) fn new(graph: &LearnerGraph) -> Self {
        let mut registry = Registry::default();
        let process = Process::register(registry.sub_registry_with_prefix("process"));
        process.started_now();
        let all = All::register(registry.sub_registry_with_prefix("hpaxos"));
        for reason in Why::NAMES {
            by(&all.timeouts, "reason", reason);
        }
        let of = |learner| {
            let labels = label("learner", graph.learner_name(learner));
            OfLearner {
                decisions: all.decisions.get_or_create_owned(&labels),
                latency: all.latency.get_or_create_owned(&labels),
                forks: all.forks.get_or_create_owned(&labels),
                next_slot: all.next_slot.get_or_create_owned(&labels),
                ahead_slot: all.ahead_slot.get_or_create_owned(&labels),
                patience: OnceLock::new(),
                labels,
            }
        };
        Metrics {
            of: graph.learners().iter().map(of).collect(),
            all,
            process,
            registry,
        }
    }

    /// Counts an own message.
    pub(crate) fn sent(&self, kind: &str) {
        by(&self.sent, "kind", kind).inc();
    }

    /// Counts a message of others that may be believed.
    pub(crate) fn received(&self, kind: &str) {
        by(&self.received, "kind", kind).inc();
    }

    /// Counts a ballot given up.
    pub(crate) fn gave_up(&self, reason: &str) {
        by(&self.timeouts, "reason", reason).inc();
    }

    /// How long something may be outstanding for a learner.
    pub(crate) fn waits(&self, learner: LearnerId, patience: Duration) {
        if let Some(of) = self.of(learner) {
            let gauge = || self.patience.get_or_create_owned(&of.labels);
            of.patience.get_or_init(gauge).set(patience.as_secs_f64());
        }
    }

    fn of(&self, learner: LearnerId) -> Option<&OfLearner> {
        self.of.get(usize::from(learner.0))
    }

    /// Counts frames sent.
    pub(crate) fn frames_sent(&self, way: &str, n: u64) {
        by(&self.frames_sent, "way", way).inc_by(n);
    }

    /// Counts things dropped at a bound.
    pub(crate) fn dropped(&self, reason: &str, n: u64) {
        by(&self.dropped, "reason", reason).inc_by(n);
    }

    /// Counts something received and refused.
    pub(crate) fn refused(&self, reason: &str, peer: &str) {
        self.refusals
            .get_or_create_owned(&refusal(reason, peer))
            .inc();
    }

    /// Where the protocol stands.
    pub(crate) fn stands(&self, status: &Status) {
        self.ballot.set(whole(status.ballot.0));
        self.max_bal.set(whole(status.max_bal.0));
        self.low_water.set(whole(status.low_water.0));
        self.frozen.set(whole(status.frozen));
        self.waiting.set(whole(status.waiting as u64));
        self.caught.set(whole(status.caught.len() as u64));
        // It counts from its start, and so does this.
        for (reason, all) in &status.refused {
            let counter = by(&self.protocol_refusals, "reason", reason);
            counter.inc_by(all.saturating_sub(counter.get()));
        }
    }

    /// Counts a decision; `latency` is missing if it was made before this run, or brings nothing new.
    pub(crate) fn decided(&self, learner: LearnerId, latency: Option<Duration>) {
        let Some(of) = self.of(learner) else {
            return;
        };
        of.decisions.inc();
        if let Some(latency) = latency {
            of.latency.observe(latency.as_secs_f64());
        }
    }

    /// How far a learner has come here, and at the peer that has come furthest.
    pub(crate) fn came_to(&self, learner: LearnerId, next: Slot, ahead: Slot) {
        if let Some(of) = self.of(learner) {
            of.next_slot.set(whole(next.0));
            of.ahead_slot.set(whole(ahead.0));
        }
    }

    /// A peer has answered a ping.
    pub(crate) fn answered(&self, peer: &str, after: Duration) {
        let gauge = self.round_trip.get_or_create_owned(&label("peer", peer));
        gauge.set(after.as_secs_f64());
    }

    /// Counts a fork.
    pub(crate) fn forked(&self, learner: LearnerId) {
        if let Some(of) = self.of(learner) {
            of.forks.inc();
        }
    }

    /// How many forks a learner saw.
    pub(crate) fn forks_of(&self, learner: LearnerId) -> u64 {
        self.of(learner).map_or(0, |of| of.forks.get())
    }

    /// Counts an HTTP response.
    pub(crate) fn responded(&self, route: &str, status: u16, after: Duration) {
        by(&self.http, "status", &status.to_string()).inc();
        observe(&self.http_time, "route", route, after);
    }

    /// Counts spans of which this became.
    pub(crate) fn spans(&self, outcome: &str) -> Counter {
        by(&self.otlp_spans, "outcome", outcome)
    }

    /// What was refused, by reason, for these peers and reasons.
    pub(crate) fn refusals_by_reason(&self, peers: &[String]) -> BTreeMap<&'static str, u64> {
        let count = |reason: &str| {
            let of = |peer: &String| {
                self.refusals
                    .get(&refusal(reason, peer))
                    .map_or(0, |c| c.get())
            };
            peers.iter().map(of).sum::<u64>()
        };
        REASONS
            .iter()
            .chain(&crypto::Refusal::REASONS)
            .map(|r| (*r, count(r)))
            .filter(|(_, n)| *n > 0)
            .collect()
    }

    /// The text that Prometheus reads. Looks at the process as it is now.
    pub(crate) fn text(&self) -> String {
        self.process.refresh();
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn label(name: &'static str, value: &str) -> Labels {
    vec![(name, value.to_owned())]
}

fn by(family: &Counters, name: &'static str, value: &str) -> Counter {
    family.get_or_create_owned(&label(name, value))
}

fn observe(family: &Histograms, name: &'static str, value: &str, took: Duration) {
    let histogram = family.get_or_create_owned(&label(name, value));
    histogram.observe(took.as_secs_f64());
}

/// A number as gauges take it.
pub(crate) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn refusal(reason: &str, peer: &str) -> Labels {
    vec![("reason", reason.to_owned()), ("peer", peer.to_owned())]
}

/// Reasons to refuse beside those of signed messages.
pub(crate) const REASONS: [&str; 6] = [
    "frame",
    "too_many_parts",
    "batch_out_of_bounds",
    "value_out_of_bounds",
    "evidence",
    "wrong_network",
];
