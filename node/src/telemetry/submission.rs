//! The span of a submission, at the node where the value came in.

use super::Telemetry;
use super::span::{Span, SpanId, TraceId, named, root};
use crypto::Digest;
use std::sync::Arc;
use std::time::SystemTime;

/// A submission in progress. Its span ends when it is dropped, whatever ends it.
pub(crate) struct Submission {
    telemetry: Arc<Telemetry>,
    id: Digest,
    start: SystemTime,
    /// Whether nobody has submitted the value here before.
    first: bool,
    accepted: Option<SystemTime>,
    decided: Option<u64>,
    /// What the client said it belongs to.
    client: Option<(TraceId, SpanId)>,
}

impl Submission {
    /// A submission that began at this time; `None` if its value is not followed. `traceparent` is the client's
    /// header of this name.
    pub(crate) fn begin(
        telemetry: &Arc<Telemetry>,
        id: Digest,
        start: SystemTime,
        traceparent: Option<&str>,
    ) -> Option<Self> {
        telemetry.follows(&id).then(|| Submission {
            telemetry: Arc::clone(telemetry),
            id,
            start,
            first: telemetry.first_submission(id),
            accepted: None,
            decided: None,
            client: traceparent.and_then(parent),
        })
    }

    /// The value is durable here.
    pub(crate) fn accepted(&mut self) {
        self.accepted = Some(SystemTime::now());
    }

    /// The client was told the slot.
    pub(crate) fn decided(&mut self, slot: u64) {
        self.decided = Some(slot);
    }
}

impl Drop for Submission {
    fn drop(&mut self) {
        let id = &self.id;
        // Whoever is told of a decision without having brought a new value has submitted it again.
        let known = self.decided.is_some() && self.accepted.is_none();
        let first = self.first && !known;
        let (span, name) = if first {
            (root(id), "submit")
        } else {
            let words = format!("again {} {:?}", self.telemetry.node, self.start);
            (named(id, &words), "submit again")
        };
        let mut span = Span::new(id, span, name, self.start, SystemTime::now()).server();
        if !first {
            span = span.under_root(id);
        }
        span = span.text("hpaxos.value", &id.to_string());
        if let Some(at) = self.accepted {
            span = span.event("accepted", at);
        }
        if let Some(slot) = self.decided {
            span = span.number("hpaxos.slot", slot);
        }
        if let Some((trace, parent)) = &self.client {
            span = span.link(trace, parent);
        }
        self.telemetry.emit(span);
    }
}

/// The client's trace and span, as W3C Trace Context writes them: `00-TRACE-SPAN-FLAGS`.
fn parent(header: &str) -> Option<(TraceId, SpanId)> {
    let mut parts = header.split('-');
    let version = parts.next()?;
    if version.len() != 2 || version == "ff" {
        return None;
    }
    let (mut trace, mut span) = (TraceId::default(), SpanId::default());
    hex::decode_to_slice(parts.next()?, &mut trace).ok()?;
    hex::decode_to_slice(parts.next()?, &mut span).ok()?;
    parts.next()?;
    (trace != TraceId::default() && span != SpanId::default()).then_some((trace, span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_trace_is_read_or_left_out() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        let found = parent(&format!("00-{trace}-{span}-01")).unwrap();
        assert_eq!(
            (hex::encode(found.0), hex::encode(found.1)),
            (trace.into(), span.into())
        );
        let zeros = "0".repeat(32);
        for bad in [
            String::new(),
            format!("00-{trace}-{span}"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{zeros}-{span}-01"),
            format!("00-{span}-{trace}-01"),
        ] {
            assert_eq!(parent(&bad), None, "{bad}");
        }
    }
}
