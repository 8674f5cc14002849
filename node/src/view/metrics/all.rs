//! Every metric of a node: declared once, with its name and what it means.

use super::buckets;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};
use std::sync::atomic::AtomicU64;

/// What tells the metrics of a family apart. Every label's values come from a bounded set: the graph, the nodes of
/// the configuration, or words of this program.
pub(crate) type Labels = Vec<(&'static str, String)>;
/// Counters that labels tell apart.
pub(crate) type Counters = Family<Labels, Counter>;
/// Gauges that labels tell apart.
pub(crate) type Gauges = Family<Labels, Gauge>;
/// Histograms that labels tell apart.
pub(crate) type Histograms = Family<Labels, Histogram, fn() -> Histogram>;
/// A gauge that is no whole number.
pub(crate) type Measure = Gauge<f64, AtomicU64>;

/// Declares metrics: the words after `///` are what Prometheus is told. A name ends with its unit; a counter's is
/// written with `_total` after it.
macro_rules! metrics {
    ($(#[$of:meta])* $all:ident; $($(#[doc = $help:literal])+ $field:ident: $kind:ty = $name:literal, $make:expr;)+) => {
        $(#[$of])*
        #[derive(Debug)]
        pub(crate) struct $all {
            $($(#[doc = $help])+ pub(crate) $field: $kind,)+
        }

        impl $all {
            /// The names of all, without the registry's prefix, and the types that they have here.
            #[cfg(test)]
            pub(super) const NAMES: &[(&str, &str)] = &[$(($name, stringify!($kind)),)+];

            /// All at zero, registered.
            pub(super) fn register(registry: &mut Registry) -> Self {
                let all = $all { $($field: $make,)+ };
                $(register(registry, $name, concat!($($help),+), all.$field.clone());)+
                all
            }
        }
    };
}

fn register(registry: &mut Registry, name: &str, help: &str, metric: impl Metric) {
    let help = help.trim().trim_end_matches('.');
    let units = [("_seconds", Unit::Seconds), ("_bytes", Unit::Bytes)];
    for (suffix, unit) in units {
        if let Some(name) = name.strip_suffix(suffix) {
            return registry.register_with_unit(name, help, unit, metric);
        }
    }
    registry.register(name, help, metric);
}

fn zero<T: Default>() -> T {
    T::default()
}

fn each(make: fn() -> Histogram) -> Histograms {
    Family::new_with_constructor(make)
}

metrics! {
    /// What a node counts and measures of itself. Each can be changed from any thread.
    All;

    /// Steps of the protocol
    steps: Counter = "steps", zero();
    /// How long a step of the protocol takes, without what it stores and sends
    step_time: Histogram = "step_duration_seconds", buckets::fast();
    /// Inputs handed to the protocol
    inputs: Counter = "inputs", zero();

    /// Records appended to storage
    records: Counter = "storage_records", zero();
    /// Bytes appended to storage
    record_bytes: Counter = "storage_bytes", zero();
    /// Times that storage was made durable
    syncs: Counter = "storage_syncs", zero();
    /// How long it takes to make storage durable
    sync_time: Histogram = "storage_sync_duration_seconds", buckets::fast();
    /// Records that share a sync
    records_per_sync: Histogram = "storage_records_per_sync", buckets::counts();
    /// Times that the log was replaced by a checkpoint
    checkpoints: Counter = "storage_checkpoints", zero();
    /// How long it takes to replace the log by a checkpoint; the protocol waits
    checkpoint_time: Histogram = "storage_checkpoint_duration_seconds", buckets::slow();
    /// Records replayed at the start
    replayed: Counter = "storage_replayed", zero();
    /// Bytes of the records in the log: what a start replays
    log_bytes: Gauge = "storage_log_bytes", zero();
    /// The size of the history's file
    history_bytes: Gauge = "history_bytes", zero();
    /// What the history keeps in memory until it is written
    history_unwritten: Gauge = "history_unwritten_bytes", zero();
    /// Room left on the file system of the data directory
    disk_free: Gauge = "disk_free_bytes", zero();

    /// Connections refused: not a node of this network
    foreign: Counter = "foreign_connections", zero();
    /// Frames sent, on a stream to one peer or as gossip to all, by way
    frames_sent: Counters = "frames_sent", zero();
    /// Frames received
    frames_received: Counter = "frames_received", zero();
    /// Messages received, again or for the first time, by kind; what is refused has none
    received: Counters = "messages_received", zero();
    /// Messages verified
    verified: Counter = "messages_verified", zero();
    /// How long it takes to verify a message
    verify_time: Histogram = "message_verification_seconds", buckets::fast();
    /// Messages received again, not verified again
    known: Counter = "messages_known", zero();
    /// Own messages sent, by kind
    sent: Counters = "messages_sent", zero();
    /// Things dropped at a bound, by reason
    dropped: Counters = "dropped", zero();
    /// Things received and refused, by reason and by who forwarded them
    refusals: Counters = "refusals", zero();
    /// Messages refused by the protocol in spite of a good signature, by reason
    protocol_refusals: Counters = "protocol_refusals", zero();

    /// Peers connected
    peers_connected: Gauge = "peers_connected", zero();
    /// Peers that are connected and not silent
    peers_heard: Gauge = "peers_heard", zero();
    /// Peers that the configuration has
    peers_expected: Gauge = "peers_expected", zero();
    /// The last round trip to a peer
    round_trip: Family<Labels, Measure> = "peer_round_trip_seconds", zero();

    /// Events that wait for the protocol
    engine_queue: Gauge = "engine_queue_events", zero();
    /// Received frames that wait for verification
    verify_queue: Gauge = "verify_queue_frames", zero();
    /// Bytes received that wait for verification or for the protocol
    verify_bytes: Gauge = "verify_queue_bytes", zero();
    /// Own frames that wait for a peer to send them to
    outbox: Gauge = "outbox_frames", zero();
    /// The same in bytes
    outbox_bytes: Gauge = "outbox_bytes", zero();

    /// The highest ballot seen joined
    ballot: Gauge = "ballot", zero();
    /// The acceptor's max_bal
    max_bal: Gauge = "max_bal", zero();
    /// Higher ballots learned of
    ballots: Counter = "ballots", zero();
    /// Ballots that this node has given up, by reason
    timeouts: Counters = "timeouts", zero();
    /// How long something may be outstanding for a learner now before this node gives a ballot up
    patience: Family<Labels, Measure> = "patience_seconds", zero();
    /// The acceptor's low-water mark
    low_water: Gauge = "low_water", zero();
    /// Slots that some learner has not decided, and that have left memory
    frozen: Gauge = "frozen_slots", zero();
    /// Client values that wait
    waiting: Gauge = "waiting_values", zero();
    /// Acceptors proved not safe
    caught: Gauge = "caught_acceptors", zero();
    /// Pieces of evidence known
    evidence: Gauge = "evidence", zero();
    /// Decisions delivered, by learner
    decisions: Counters = "decisions", zero();
    /// From this node's first knowledge of the oldest value in a decision to its delivery, by learner
    latency: Histograms = "decision_latency_seconds", each(buckets::slow);
    /// Forks seen, by learner
    forks: Counters = "forks", zero();
    /// The first slot that a learner has not decided here
    next_slot: Gauges = "next_slot", zero();
    /// The first slot that a learner has not decided at the peer that has come furthest
    ahead_slot: Gauges = "ahead_slot", zero();

    /// HTTP responses, by status
    http: Counters = "http_responses", zero();
    /// From a request's head to its response's, by route
    http_time: Histograms = "http_request_duration_seconds", each(buckets::slow);
    /// Spans for OpenTelemetry, by what became of them
    otlp_spans: Counters = "otlp_spans", zero();

    /// HTTP connections open
    http_connections: Gauge = "http_connections_open", zero();
    /// HTTP requests in progress
    http_requests: Gauge = "http_requests_in_progress", zero();
    /// Event streams open
    http_streams: Gauge = "http_streams_open", zero();
}

metrics! {
    /// What the operating system says of the process, under the names that all programs use.
    Process;

    /// Memory in use
    resident: Gauge = "resident_memory_bytes", zero();
    /// Address space in use
    virtual_memory: Gauge = "virtual_memory_bytes", zero();
    /// Time that processors spent
    cpu: Counter<f64, AtomicU64> = "cpu_seconds", zero();
    /// Open files and connections
    open_fds: Gauge = "open_fds", zero();
    /// How many may be open
    max_fds: Gauge = "max_fds", zero();
    /// Threads
    threads: Gauge = "threads", zero();
    /// When the process was started, since 1970
    start_time: Measure = "start_time_seconds", zero();
}
