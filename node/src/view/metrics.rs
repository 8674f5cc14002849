//! What Prometheus is told.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;

/// Counters that labels tell apart. Every label's values come from a bounded set.
type Labelled = Family<Vec<(&'static str, String)>, Counter>;

/// All metrics of a node. Each can be changed from any thread.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) steps: Counter,
    pub(crate) inputs: Counter,
    pub(crate) records: Counter,
    pub(crate) record_bytes: Counter,
    pub(crate) syncs: Counter,
    /// Times that the log was replaced by a checkpoint.
    pub(crate) checkpoints: Counter,
    pub(crate) replayed: Counter,
    pub(crate) foreign: Counter,
    pub(crate) frames_received: Counter,
    pub(crate) verified: Counter,
    pub(crate) known: Counter,
    pub(crate) peers_connected: Gauge,
    pub(crate) ballot: Gauge,
    pub(crate) max_bal: Gauge,
    pub(crate) low_water: Gauge,
    pub(crate) frozen: Gauge,
    pub(crate) waiting: Gauge,
    pub(crate) caught: Gauge,
    pub(crate) evidence: Gauge,
    sent: Labelled,
    dropped: Labelled,
    refusals: Labelled,
    decisions: Labelled,
    forks: Labelled,
    http: Labelled,
}

impl Metrics {
    /// Every metric at zero, registered. Reasons and learners come into being when they are counted.
    pub(crate) fn new() -> Self {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("hpaxos"),
            steps: Counter::default(),
            inputs: Counter::default(),
            records: Counter::default(),
            record_bytes: Counter::default(),
            syncs: Counter::default(),
            checkpoints: Counter::default(),
            replayed: Counter::default(),
            foreign: Counter::default(),
            frames_received: Counter::default(),
            verified: Counter::default(),
            known: Counter::default(),
            peers_connected: Gauge::default(),
            ballot: Gauge::default(),
            max_bal: Gauge::default(),
            low_water: Gauge::default(),
            frozen: Gauge::default(),
            waiting: Gauge::default(),
            caught: Gauge::default(),
            evidence: Gauge::default(),
            sent: Family::default(),
            dropped: Family::default(),
            refusals: Family::default(),
            decisions: Family::default(),
            forks: Family::default(),
            http: Family::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("steps", "Steps of the protocol", self.steps.clone());
        r.register(
            "inputs",
            "Inputs handed to the protocol",
            self.inputs.clone(),
        );
        r.register(
            "storage_records",
            "Records appended to storage",
            self.records.clone(),
        );
        r.register(
            "storage_bytes",
            "Bytes appended to storage",
            self.record_bytes.clone(),
        );
        r.register(
            "storage_syncs",
            "Times that storage was made durable",
            self.syncs.clone(),
        );
        r.register(
            "storage_checkpoints",
            "Times that the log was replaced by a checkpoint",
            self.checkpoints.clone(),
        );
        r.register(
            "storage_replayed",
            "Records replayed at the start",
            self.replayed.clone(),
        );
        r.register(
            "foreign_connections",
            "Connections refused: not a node of this network",
            self.foreign.clone(),
        );
        r.register(
            "frames_received",
            "Gossip frames received",
            self.frames_received.clone(),
        );
        r.register(
            "messages_verified",
            "Messages verified",
            self.verified.clone(),
        );
        r.register(
            "messages_known",
            "Messages received again, not verified again",
            self.known.clone(),
        );
        r.register(
            "peers_connected",
            "Peers connected",
            self.peers_connected.clone(),
        );
        r.register(
            "ballot",
            "The highest ballot seen joined",
            self.ballot.clone(),
        );
        r.register("max_bal", "The acceptor's max_bal", self.max_bal.clone());
        r.register(
            "low_water",
            "The acceptor's low-water mark",
            self.low_water.clone(),
        );
        r.register(
            "frozen_slots",
            "Slots that some learner has not decided, and that have left memory",
            self.frozen.clone(),
        );
        r.register(
            "waiting_values",
            "Client values that wait",
            self.waiting.clone(),
        );
        r.register(
            "caught_acceptors",
            "Acceptors proved not safe",
            self.caught.clone(),
        );
        r.register(
            "evidence",
            "Pieces of evidence known",
            self.evidence.clone(),
        );
        r.register(
            "messages_sent",
            "Own messages sent, by kind",
            self.sent.clone(),
        );
        r.register(
            "dropped",
            "Things dropped at a bound, by reason",
            self.dropped.clone(),
        );
        r.register(
            "refusals",
            "Things received and refused, by reason and by who forwarded them",
            self.refusals.clone(),
        );
        r.register(
            "decisions",
            "Decisions delivered, by learner",
            self.decisions.clone(),
        );
        r.register("forks", "Forks seen, by learner", self.forks.clone());
        r.register(
            "http_responses",
            "HTTP responses, by status",
            self.http.clone(),
        );
    }

    /// Counts an own message.
    pub(crate) fn sent(&self, kind: &str) {
        by(&self.sent, "kind", kind).inc();
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

    /// Counts a decision.
    pub(crate) fn decided(&self, learner: &str) {
        by(&self.decisions, "learner", learner).inc();
    }

    /// Counts a fork.
    pub(crate) fn forked(&self, learner: &str) {
        by(&self.forks, "learner", learner).inc();
    }

    /// How many forks a learner saw.
    pub(crate) fn forks_of(&self, learner: &str) -> u64 {
        by(&self.forks, "learner", learner).get()
    }

    /// Counts an HTTP response.
    pub(crate) fn responded(&self, status: u16) {
        by(&self.http, "status", &status.to_string()).inc();
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

    /// The text that Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn by(family: &Labelled, label: &'static str, value: &str) -> Counter {
    family.get_or_create_owned(&vec![(label, value.to_owned())])
}

fn refusal(reason: &str, peer: &str) -> Vec<(&'static str, String)> {
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
