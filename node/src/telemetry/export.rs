//! Sends spans to a collector, as OTLP in JSON over HTTP.

use super::span::{Span, attribute};
use crate::view::metrics::Metrics;
use hpaxos_client::http_client;
use prometheus_client::metrics::counter::Counter;
use reqwest::{Client, Url};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

/// Spans in one request, at most.
const BATCH: usize = 512;
/// How long spans wait for others.
const PERIOD: Duration = Duration::from_millis(500);
/// How long a collector may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A task of its own.
pub(super) struct Exporter {
    client: Client,
    url: Url,
    resource: Value,
    sent: Counter,
    failed: Counter,
    /// Whether the last request failed: it is said once.
    failing: bool,
}

impl Exporter {
    /// Sends to this place, on behalf of a node.
    ///
    /// # Errors
    /// If there can be no client.
    pub(super) fn new(
        url: Url,
        network: &str,
        node: &str,
        metrics: &Metrics,
    ) -> reqwest::Result<Self> {
        let resource = json!({"attributes": [
            attribute("service.name", "hpaxos"),
            attribute("service.namespace", network),
            attribute("service.instance.id", node),
            attribute("service.version", env!("CARGO_PKG_VERSION")),
        ]});
        let client = match url.scheme() {
            "https" => http_client(),
            // A machine without certificates will do.
            _ => http_client().tls_certs_only([]),
        };
        Ok(Exporter {
            client: client.timeout(TIMEOUT).build()?,
            url,
            resource,
            sent: metrics.spans("sent"),
            failed: metrics.spans("failed"),
            failing: false,
        })
    }

    /// Runs until it is told to end, or nobody has anything to tell any more; sends what is left.
    pub(super) async fn run(
        mut self,
        mut queue: mpsc::Receiver<Span>,
        mut ending: oneshot::Receiver<()>,
    ) {
        let mut spans = Vec::new();
        let mut tick = tokio::time::interval(PERIOD);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let room = BATCH - spans.len();
            let due = tokio::select! {
                more = queue.recv_many(&mut spans, room) => {
                    if more == 0 {
                        break;
                    }
                    spans.len() >= BATCH
                }
                _ = tick.tick() => true,
                _ = &mut ending => break,
            };
            if due {
                self.send(std::mem::take(&mut spans)).await;
            }
        }
        queue.close();
        while let Some(span) = queue.recv().await {
            spans.push(span);
            if spans.len() >= BATCH {
                self.send(std::mem::take(&mut spans)).await;
            }
        }
        self.send(spans).await;
    }

    /// Sends some spans. Those that cannot be sent are lost: they are worth less than the memory.
    async fn send(&mut self, spans: Vec<Span>) {
        if spans.is_empty() {
            return;
        }
        let count = spans.len() as u64;
        let spans: Vec<Value> = spans.into_iter().map(Span::json).collect();
        let scope = json!({"name": "hpaxos", "version": env!("CARGO_PKG_VERSION")});
        let body = json!({"resourceSpans": [{
            "resource": self.resource,
            "scopeSpans": [{"scope": scope, "spans": spans}],
        }]});
        let request = self.client.post(self.url.clone()).json(&body);
        let answered = request.send().await.and_then(|r| r.error_for_status());
        match answered {
            Ok(_) => {
                self.sent.inc_by(count);
                self.failing = false;
            }
            Err(error) => {
                self.failed.inc_by(count);
                if !std::mem::replace(&mut self.failing, true) {
                    let url = self.url.as_str();
                    tracing::warn!(%error, url, "the collector takes no spans; they are lost until it does");
                }
            }
        }
    }
}
