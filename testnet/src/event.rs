//! What nodes say, read from the JSON of their event streams.

use crate::observe::Item;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// An event of a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum NodeEvent {
    /// A learner has decided a slot.
    Decision(Decided),
    /// An acceptor is proved not to be safe, or two learners not to be entangled.
    Evidence {
        /// The acceptor that is caught, if it is about one.
        #[serde(default)]
        acceptor: Option<String>,
        /// What it says, in words.
        #[serde(default)]
        words: String,
    },
    /// Two learners are no longer connected.
    Disconnected {
        /// The two.
        learners: Vec<String>,
    },
    /// A higher ballot has begun.
    Ballot {
        /// The ballot.
        ballot: u64,
        /// Its owner.
        #[serde(default)]
        leader: Option<String>,
    },
    /// A learner saw two decisions of one slot.
    Fork {
        /// The learner.
        learner: String,
        /// The slot.
        slot: u64,
    },
    /// The node has forgotten events that this stream missed.
    Gap {},
    /// Something else, a connection to a peer for example.
    #[serde(other)]
    Other,
}

/// A decision as a node tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Decided {
    /// The learner.
    pub learner: String,
    /// The slot.
    pub slot: u64,
    /// The ballot in which it was decided.
    pub ballot: u64,
    /// The client values, in delivery order.
    pub values: Vec<DecidedValue>,
}

/// A client value as a node tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawValue")]
pub struct DecidedValue(pub Item);

#[derive(Deserialize)]
struct RawValue {
    base64: Option<String>,
    text: Option<String>,
    #[serde(default)]
    key: String,
}

impl TryFrom<RawValue> for DecidedValue {
    type Error = String;

    fn try_from(raw: RawValue) -> Result<Self, String> {
        let bytes = match (raw.base64, raw.text) {
            (Some(base64), _) => STANDARD
                .decode(base64)
                .map_err(|e| format!("base64: {e}"))?,
            (None, Some(text)) => text.into_bytes(),
            (None, None) => return Err("a value without base64 and text".to_owned()),
        };
        let key = STANDARD.decode(raw.key).map_err(|e| format!("key: {e}"))?;
        Ok(DecidedValue(Item {
            key: String::from_utf8_lossy(&key).into_owned(),
            bytes,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> NodeEvent {
        serde_json::from_str(text).expect("an event")
    }

    #[test]
    fn decisions_are_read() {
        let event = read(
            r#"{"event":"decision","node":"n1","learner":"bob","slot":3,"ballot":2,
                "values":[{"base64":"/wA="},{"base64":"aGk=","text":"hi","key":"bGluZS0x","id":"00"}],"latency_ms":12}"#,
        );
        let NodeEvent::Decision(decided) = event else {
            panic!("{event:?}")
        };
        assert_eq!(
            (decided.learner.as_str(), decided.slot, decided.ballot),
            ("bob", 3, 2)
        );
        let items: Vec<_> = decided
            .values
            .into_iter()
            .map(|v| (v.0.key, v.0.bytes))
            .collect();
        assert_eq!(
            items,
            [
                (String::new(), vec![255, 0]),
                ("line-1".into(), b"hi".to_vec())
            ]
        );
    }

    #[test]
    fn other_events_are_read_or_passed_over() {
        let evidence = read(r#"{"event":"evidence","node":"n1","acceptor":null,"words":"w"}"#);
        assert_eq!(
            evidence,
            NodeEvent::Evidence {
                acceptor: None,
                words: "w".into()
            }
        );
        let ballot = read(r#"{"event":"ballot","node":"n1","ballot":4,"leader":"n2"}"#);
        assert_eq!(
            ballot,
            NodeEvent::Ballot {
                ballot: 4,
                leader: Some("n2".into())
            }
        );
        assert_eq!(
            read(r#"{"event":"peer","node":"n1","peer":"n2","connected":true}"#),
            NodeEvent::Other
        );
        assert_eq!(read(r#"{"event":"gap","node":"n1"}"#), NodeEvent::Gap {});
    }

    #[test]
    fn broken_values_are_errors() {
        let decision = |value: &str| {
            let text = format!(
                r#"{{"event":"decision","learner":"l","slot":0,"ballot":1,"values":[{value}]}}"#
            );
            serde_json::from_str::<NodeEvent>(&text)
        };
        assert!(decision(r#"{"base64":"aGk="}"#).is_ok());
        assert!(decision(r#"{"base64":"%"}"#).is_err());
        assert!(decision(r#"{"base64":"aGk=","key":"%"}"#).is_err());
        assert!(decision("{}").is_err());
    }
}
