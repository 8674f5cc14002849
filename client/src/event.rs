//! What a node's event stream says.

use crate::status::Timeout;
use crate::value::Decision;
use serde::{Deserialize, Serialize};

/// An event of a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// A learner that the node plays has decided the next slot.
    Decision(Decision),
    /// A higher ballot has begun.
    Ballot {
        /// The ballot.
        ballot: u64,
        /// The node that owns it.
        #[serde(default)]
        leader: Option<String>,
    },
    /// The node has given a ballot up.
    Timeout(Timeout),
    /// An acceptor is proved not to be safe, or two learners not to be entangled.
    Evidence {
        /// The acceptor that is caught, if it is about one.
        #[serde(default)]
        acceptor: Option<String>,
        /// What it says, in words.
        #[serde(default)]
        words: String,
    },
    /// Two learners are no longer connected: their agreement is no longer promised.
    Disconnected {
        /// The two; the same name twice for a learner and itself.
        learners: Vec<String>,
    },
    /// A connection to another node was opened or closed.
    Peer {
        /// The other node.
        peer: String,
        /// Whether it is connected now.
        connected: bool,
    },
    /// A learner saw two decisions of one slot.
    Fork {
        /// The learner.
        learner: String,
        /// The slot.
        slot: u64,
        /// The digests, the delivered one first.
        #[serde(default)]
        digests: Vec<String>,
    },
    /// The node has forgotten events that this stream missed.
    Gap {},
    /// Something that later versions say.
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Event {
        serde_json::from_str(text).expect("an event")
    }

    #[test]
    fn decisions_are_read() {
        let event = read(
            r#"{"event":"decision","node":"n1","learner":"bob","slot":3,"ballot":2,
                "values":[{"base64":"/wA="},{"base64":"aGk=","text":"hi","key":"bGluZS0x","id":"00"}],"latency_ms":12}"#,
        );
        let Event::Decision(decision) = event else {
            panic!("{event:?}")
        };
        let name = (decision.learner.as_str(), decision.slot, decision.ballot);
        assert_eq!(name, ("bob", 3, 2));
        assert_eq!(decision.latency_ms, Some(12));
        let bytes: Vec<_> = decision
            .values
            .into_iter()
            .map(|v| (v.key, v.bytes))
            .collect();
        assert_eq!(
            bytes,
            [(vec![], vec![255, 0]), (b"line-1".into(), b"hi".into())]
        );
    }

    #[test]
    fn other_events_are_read_or_passed_over() {
        let evidence = read(r#"{"event":"evidence","node":"n1","acceptor":null,"words":"w"}"#);
        let words = "w".into();
        let acceptor = None;
        assert_eq!(evidence, Event::Evidence { acceptor, words });
        let ballot = read(r#"{"event":"ballot","node":"n1","ballot":4,"leader":"n2"}"#);
        let leader = Some("n2".into());
        assert_eq!(ballot, Event::Ballot { ballot: 4, leader });
        let timeout = read(
            r#"{"event":"timeout","node":"n1","at_ms":7,"ballot":1,"next":2,"reason":"patience","words":"w"}"#,
        );
        let Event::Timeout(timeout) = timeout else {
            panic!("{timeout:?}")
        };
        assert_eq!((timeout.ballot, timeout.next), (1, 2));
        assert_eq!(
            read(r#"{"event":"gap","node":"n1","words":"w"}"#),
            Event::Gap {}
        );
        assert_eq!(
            read(r#"{"event":"news","node":"n1","of":[1]}"#),
            Event::Other
        );
    }

    #[test]
    fn broken_decisions_are_errors() {
        let decision = |slot: &str, value: &str| {
            let text = format!(
                r#"{{"event":"decision","learner":"l","slot":{slot},"ballot":1,"values":[{value}]}}"#
            );
            serde_json::from_str::<Event>(&text)
        };
        assert!(decision("0", r#"{"base64":"aGk="}"#).is_ok());
        assert!(decision("0", r#"{"base64":"%"}"#).is_err());
        assert!(decision("\"0\"", "").is_err());
    }
}
