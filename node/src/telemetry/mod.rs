//! OpenTelemetry: spans that follow a value from its submission to every learner's decision, across nodes.
//!
//! ```text
//!   http ───submit──────────────┐
//!   engine ─propose, decide─────┴─► queue (bounded) ──► exporter (a task) ──POST /v1/traces──► collector
//! ```
//!
//! Nothing in a message says which trace it belongs to: a value's id is known to everybody who has the value, and
//! names the trace and the span at its root. So the spans of all nodes are one tree. Whoever has a span to tell
//! waits for nobody: what finds the queue full is dropped and counted.

mod export;
mod follow;
mod span;
mod submission;

pub(crate) use follow::Follow;
pub(crate) use submission::Submission;

use crate::view::metrics::Metrics;
use crypto::Digest;
use export::Exporter;
use prometheus_client::metrics::counter::Counter;
use reqwest::Url;
use span::Span;
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Spans that may wait for the exporter.
const QUEUE: usize = 8192;
/// Values whose first appearance at this node is remembered.
const MAX_VALUES: usize = 65_536;

/// Where spans go, and of which values.
#[derive(Clone, Debug, PartialEq)]
pub struct Otlp {
    /// The collector, as `http://HOST:4318`: spans are sent to `/v1/traces` under it.
    pub endpoint: String,
    /// Which part of all values is followed, from 0 to 1. Nodes with the same number follow the same values.
    pub ratio: f64,
}

/// Takes spans from any thread.
pub(crate) struct Telemetry {
    node: String,
    /// Values are followed whose number is below.
    below: u64,
    spans: mpsc::Sender<Span>,
    dropped: Counter,
    /// Values that were submitted here.
    submitted: Mutex<Recent>,
}

/// The exporter as the node has it.
pub(crate) struct Exporting {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Exporting {
    /// Sends what is there, and ends.
    pub(crate) async fn flush(self) {
        // It may have ended already.
        let _ = self.end.send(());
        let _ = self.task.await;
    }
}

/// The latest values, so many and no more.
#[derive(Default)]
struct Recent {
    known: HashSet<Digest>,
    order: VecDeque<Digest>,
}

impl Recent {
    /// Notes a value. False if it was there.
    fn insert(&mut self, id: Digest) -> bool {
        if !self.known.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > MAX_VALUES
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

impl Telemetry {
    /// Starts the exporter, on the runtime that this is called on.
    ///
    /// # Errors
    /// If there is something wrong with the endpoint or the ratio: what, in words.
    pub(crate) fn start(
        otlp: &Otlp,
        network: &str,
        node: &str,
        metrics: &Metrics,
    ) -> Result<(Arc<Telemetry>, Exporting), String> {
        if !(0.0..=1.0).contains(&otlp.ratio) {
            return Err(format!("the ratio {} is not from 0 to 1", otlp.ratio));
        }
        let url = traces(&otlp.endpoint)?;
        let (spans, queue) = mpsc::channel(QUEUE);
        let (end, ending) = oneshot::channel();
        let exporter = Exporter::new(url, network, node, metrics).map_err(|e| e.to_string())?;
        let telemetry = Telemetry {
            node: node.to_owned(),
            // Exact for 0 and 1, and near enough for what is between.
            below: (otlp.ratio * (1u64 << 63) as f64) as u64,
            spans,
            dropped: metrics.spans("dropped"),
            submitted: Mutex::default(),
        };
        let task = tokio::spawn(exporter.run(queue, ending));
        Ok((Arc::new(telemetry), Exporting { end, task }))
    }

    /// Whether a value is followed: as the usual samplers decide it, by the second half of the trace's id.
    fn follows(&self, id: &Digest) -> bool {
        let mut half = [0; 8];
        half.copy_from_slice(&id.0[8..16]);
        u64::from_be_bytes(half) >> 1 < self.below
    }

    /// Hands a span to the exporter, or drops it.
    fn emit(&self, span: Span) {
        if self.spans.try_send(span).is_err() {
            self.dropped.inc();
        }
    }

    /// Whether a value is submitted here for the first time, as far as is known.
    fn first_submission(&self, id: Digest) -> bool {
        // A set is whole between statements that can panic.
        let mut submitted = self
            .submitted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        submitted.insert(id)
    }
}

/// Where the traces of an endpoint go.
fn traces(endpoint: &str) -> Result<Url, String> {
    let wrong = |why: String| format!("'{endpoint}' is no http://HOST:PORT: {why}");
    let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let url = Url::parse(&url).map_err(|error| wrong(error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        other => Err(wrong(format!("the scheme is '{other}'"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ratio: f64) -> Telemetry {
        Telemetry {
            node: "n1".into(),
            below: (ratio * (1u64 << 63) as f64) as u64,
            spans: mpsc::channel(2).0,
            dropped: Counter::default(),
            submitted: Mutex::default(),
        }
    }

    #[test]
    fn a_part_of_all_values_is_followed_and_a_larger_part_includes_it() {
        let ids: Vec<Digest> = (0..1000u32).map(|i| Digest::of(&i.to_le_bytes())).collect();
        let followed = |ratio| -> Vec<&Digest> {
            let telemetry = of(ratio);
            ids.iter().filter(|id| telemetry.follows(id)).collect()
        };
        assert_eq!((followed(0.0).len(), followed(1.0).len()), (0, 1000));
        let (tenth, half) = (followed(0.1), followed(0.5));
        assert!((60..140).contains(&tenth.len()), "{}", tenth.len());
        assert!((430..570).contains(&half.len()), "{}", half.len());
        assert!(tenth.iter().all(|id| half.contains(id)));
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let (spans, _queue) = mpsc::channel(2);
        let telemetry = Telemetry { spans, ..of(1.0) };
        let now = std::time::SystemTime::now();
        for _ in 0..5 {
            let id = Digest::of(b"v");
            telemetry.emit(Span::new(&id, span::root(&id), "x", now, now));
        }
        assert_eq!(telemetry.dropped.get(), 3);
    }

    #[test]
    fn an_endpoint_is_an_url() {
        for good in ["http://localhost:4318", "https://c.example/base/"] {
            let url = traces(good).unwrap();
            assert!(url.path().ends_with("/v1/traces"), "{url}");
            assert!(!url.path().contains("//"), "{url}");
        }
        for bad in ["", "localhost:4318", "collector", "ftp://h"] {
            assert!(traces(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_latest_values_are_remembered() {
        let mut recent = Recent::default();
        let id = |i: usize| Digest::of(&i.to_le_bytes());
        for i in 0..=MAX_VALUES {
            assert!(recent.insert(id(i)));
        }
        assert_eq!(recent.known.len(), MAX_VALUES);
        assert!(!recent.insert(id(1)));
        assert!(recent.insert(id(0)), "the oldest was forgotten");
    }
}
