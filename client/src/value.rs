//! Values and decisions, as every route and the event stream tell them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A client value in a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Value {
    /// The digest of key and bytes, in hex: two submissions with the same id are one.
    pub id: String,
    /// The idempotency key; empty if it was submitted without.
    pub key: Vec<u8>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A value as nodes write it.
#[derive(Deserialize, Serialize)]
struct Raw {
    #[serde(default)]
    id: String,
    base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    key: String,
}

impl TryFrom<Raw> for Value {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        let bytes = match (raw.base64, raw.text) {
            (Some(base64), _) => STANDARD
                .decode(base64)
                .map_err(|e| format!("base64: {e}"))?,
            (None, Some(text)) => text.into_bytes(),
            (None, None) => return Err("a value without base64 and text".to_owned()),
        };
        let key = STANDARD.decode(raw.key).map_err(|e| format!("key: {e}"))?;
        Ok(Value {
            id: raw.id,
            key,
            bytes,
        })
    }
}

impl From<Value> for Raw {
    fn from(value: Value) -> Raw {
        Raw {
            text: value.text().map(str::to_owned),
            base64: Some(STANDARD.encode(&value.bytes)),
            key: STANDARD.encode(&value.key),
            id: value.id,
        }
    }
}

impl Value {
    /// The value as text, if it is UTF-8 without control characters other than tab and line breaks.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.bytes).ok()?;
        let plain = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
        text.chars().all(plain).then_some(text)
    }
}

/// A learner's decision of one slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Decision {
    /// The learner.
    #[serde(default)]
    pub learner: String,
    /// The place in the learner's log, from 0 without gaps.
    pub slot: u64,
    /// The ballot in which it was decided.
    #[serde(default)]
    pub ballot: u64,
    /// The digest of the decided batch, in hex.
    #[serde(default)]
    pub digest: String,
    /// The values of the batch that are new to the learner, in order; may be empty.
    pub values: Vec<Value>,
    /// Milliseconds from the node's first knowledge of the oldest value to the decision, if it knows.
    #[serde(default)]
    pub latency_ms: Option<u64>,
    /// Whose votes decided, as far as the node has seen.
    #[serde(default)]
    pub acceptors: Vec<String>,
}

/// A part of a learner's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Page {
    /// The node that answers.
    #[serde(default)]
    pub node: String,
    /// Decisions in slot order.
    pub decisions: Vec<Decision>,
    /// The slot to ask for next. The same that was asked for if there is nothing more yet.
    pub next: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_written_as_nodes_write_them() {
        let text = r#"{"id":"00","base64":"aGk=","text":"hi","key":"bGluZS0x"}"#;
        let value: Value = serde_json::from_str(text).expect("a value");
        assert_eq!(value.key, b"line-1");
        assert_eq!(
            (value.text(), value.bytes.as_slice()),
            (Some("hi"), b"hi".as_slice())
        );
        assert_eq!(serde_json::to_string(&value).expect("JSON"), text);
        let binary: Value = serde_json::from_str(r#"{"base64":"/wA="}"#).expect("a value");
        assert_eq!(
            (binary.text(), binary.bytes.as_slice()),
            (None, [255, 0].as_slice())
        );
    }

    #[test]
    fn broken_values_are_errors() {
        for text in ["{}", r#"{"base64":"%"}"#, r#"{"base64":"aGk=","key":"%"}"#] {
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
    }
}
