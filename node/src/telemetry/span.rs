//! Spans, and their names, which everybody finds by himself.

use crypto::Digest;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Names a trace: the first half of a value's id.
pub(super) type TraceId = [u8; 16];
/// Names a span of a trace.
pub(super) type SpanId = [u8; 8];

/// Something that took a while.
#[derive(Clone, Debug)]
pub(super) struct Span {
    trace: TraceId,
    id: SpanId,
    parent: Option<SpanId>,
    name: String,
    /// Whether it is the answer to somebody outside.
    server: bool,
    start: SystemTime,
    end: SystemTime,
    attributes: Vec<Value>,
    events: Vec<Value>,
    links: Vec<Value>,
}

/// The trace of a value.
pub(super) fn trace(value: &Digest) -> TraceId {
    let mut id = [0; 16];
    id.copy_from_slice(&value.0[..16]);
    id
}

/// The span at the root of a value's trace.
pub(super) fn root(value: &Digest) -> SpanId {
    short(&value.0[16..])
}

/// A span of a value's trace that these words tell from all others.
pub(super) fn named(value: &Digest, words: &str) -> SpanId {
    let all = [value.0.as_slice(), words.as_bytes()].concat();
    short(&Digest::of(&all).0)
}

/// The leader's span about a value in a slot of a ballot.
pub(super) fn proposal(value: &Digest, slot: u64, ballot: u64) -> SpanId {
    named(value, &format!("propose {slot} {ballot}"))
}

fn short(bytes: &[u8]) -> SpanId {
    let mut id = [0; 8];
    id.copy_from_slice(&bytes[..8]);
    id
}

impl Span {
    /// A span of a value's trace. Clocks may be put back: it does not end before it begins.
    pub(super) fn new(
        value: &Digest,
        id: SpanId,
        name: impl Into<String>,
        start: SystemTime,
        end: SystemTime,
    ) -> Self {
        Span {
            trace: trace(value),
            id,
            parent: None,
            name: name.into(),
            server: false,
            start,
            end: end.max(start),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
        }
    }

    /// Under the root of its trace.
    pub(super) fn under_root(mut self, value: &Digest) -> Self {
        self.parent = Some(root(value));
        self
    }

    /// It answers somebody outside.
    pub(super) fn server(mut self) -> Self {
        self.server = true;
        self
    }

    /// With a text.
    pub(super) fn text(mut self, key: &str, text: &str) -> Self {
        self.attributes.push(attribute(key, text));
        self
    }

    /// With a number.
    pub(super) fn number(mut self, key: &str, number: u64) -> Self {
        // Whole numbers are written as text: they have 64 bits, and numbers of JSON may not.
        let value = json!({"key": key, "value": {"intValue": number.to_string()}});
        self.attributes.push(value);
        self
    }

    /// With something that happened meanwhile.
    pub(super) fn event(mut self, name: &str, at: SystemTime) -> Self {
        self.events
            .push(json!({"timeUnixNano": nanos(at), "name": name}));
        self
    }

    /// With another span that it has to do with.
    pub(super) fn link(mut self, trace: &TraceId, id: &SpanId) -> Self {
        self.links
            .push(json!({"traceId": hex::encode(trace), "spanId": hex::encode(id)}));
        self
    }

    /// As a collector takes it.
    pub(super) fn json(self) -> Value {
        let mut span = json!({
            "traceId": hex::encode(self.trace),
            "spanId": hex::encode(self.id),
            "name": self.name,
            // SERVER and INTERNAL.
            "kind": if self.server { 2 } else { 1 },
            "startTimeUnixNano": nanos(self.start),
            "endTimeUnixNano": nanos(self.end),
            "attributes": self.attributes,
        });
        if let Some(parent) = self.parent {
            span["parentSpanId"] = hex::encode(parent).into();
        }
        for (name, list) in [("events", self.events), ("links", self.links)] {
            if !list.is_empty() {
                span[name] = list.into();
            }
        }
        span
    }
}

/// An attribute that is a text.
pub(super) fn attribute(key: &str, text: &str) -> Value {
    json!({"key": key, "value": {"stringValue": text}})
}

fn nanos(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_span_is_written_as_collectors_take_it() {
        let value = Digest(std::array::from_fn(|i| i as u8));
        let at = |nanos| UNIX_EPOCH + Duration::from_nanos(nanos);
        let span = Span::new(&value, proposal(&value, 4, 1), "propose", at(5), at(9))
            .under_root(&value)
            .text("who", "n1")
            .number("slot", 4)
            .event("accepted", at(7))
            .link(&trace(&value), &root(&value));
        let expected = json!({
            "traceId": "000102030405060708090a0b0c0d0e0f",
            "spanId": hex::encode(proposal(&value, 4, 1)),
            "parentSpanId": "1011121314151617",
            "name": "propose",
            "kind": 1,
            "startTimeUnixNano": "5",
            "endTimeUnixNano": "9",
            "attributes": [
                {"key": "who", "value": {"stringValue": "n1"}},
                {"key": "slot", "value": {"intValue": "4"}},
            ],
            "events": [{"timeUnixNano": "7", "name": "accepted"}],
            "links": [{"traceId": "000102030405060708090a0b0c0d0e0f", "spanId": "1011121314151617"}],
        });
        assert_eq!(span.json(), expected);
    }

    #[test]
    fn spans_of_a_value_have_names_of_their_own() {
        let value = Digest::of(b"v");
        let ids = [
            root(&value),
            proposal(&value, 1, 1),
            proposal(&value, 1, 2),
            proposal(&value, 2, 1),
            named(&value, "decide n1 alice"),
            named(&value, "decide n2 alice"),
        ];
        let different: std::collections::BTreeSet<SpanId> = ids.into_iter().collect();
        assert_eq!(different.len(), ids.len());
    }
}
