//! What a decision proves, for people and for programs.

use crate::Config;
use crate::decision::{Proved, ValueJson};
use serde_json::{Value, json};
use std::fmt::{self, Write as _};
use std::rc::Rc;

/// Characters of a value that are shown; `--json` has all of them.
const SHOWN_CHARS: usize = 200;

/// Where a decision stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The file as the user named it.
    pub(super) file: Rc<str>,
    /// The line in it, from 1 on.
    pub(super) line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A proved decision in words, several lines of them.
pub(super) fn proved(place: &Place, config: &Config, proved: &Proved) -> String {
    let graph = config.network.graph();
    let learner = graph.learner_name(proved.learner);
    let quorum = graph.names(&proved.quorum);
    let mut words = format!(
        "{place}: {learner} decided slot {} in ballot {}: the acceptors {quorum} signed it, a quorum of {learner}\n    \
         batch {}",
        proved.slot, proved.ballot, proved.digest
    );
    for value in &proved.values {
        // Writing to a text cannot fail.
        let _ = write!(words, "\n    {}", value_words(value));
    }
    if proved.values.is_empty() {
        words.push_str("\n    no values: the slot was filled to close a gap");
    }
    words
}

/// A value as text if it is one, with whatever could disturb a terminal escaped.
fn value_words(value: &ValueJson) -> String {
    match &value.text {
        Some(text) => match text.char_indices().nth(SHOWN_CHARS) {
            None => format!("{text:?}"),
            Some((end, _)) => format!("{:?}… ({} bytes)", &text[..end], text.len()),
        },
        None => format!("no text, value {}", value.id),
    }
}

/// A proved decision as the object that events and answers show, with where it stands.
pub(super) fn proved_json(place: &Place, config: &Config, proved: &Proved) -> Value {
    let graph = config.network.graph();
    let acceptors = proved.quorum.iter().map(|a| graph.acceptor_name(a));
    json!({
        "event": "decision",
        "valid": true,
        "file": *place.file,
        "line": place.line,
        "learner": graph.learner_name(proved.learner),
        "slot": proved.slot,
        "ballot": proved.ballot,
        "digest": proved.digest,
        "acceptors": acceptors.collect::<Vec<_>>(),
        "values": proved.values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::ClientValue;

    fn words(bytes: &[u8]) -> String {
        value_words(&ValueJson::new(
            &ClientValue::new(Vec::new(), bytes.to_vec()).unwrap(),
        ))
    }

    #[test]
    fn values_are_shown_on_one_short_line() {
        assert_eq!(words(b"hello"), "\"hello\"");
        assert_eq!(words(b""), "\"\"");
        assert_eq!(words(b"a\nb"), "\"a\\nb\"");
        // Turns the direction of writing.
        assert_eq!(words("a\u{202e}b".as_bytes()), "\"a\\u{202e}b\"");
        assert!(words(b"\xff").starts_with("no text, value "));
        let long = words("ü".repeat(1000).as_bytes());
        assert!(long.ends_with("\"… (2000 bytes)"), "{long}");
        assert_eq!(long.matches('ü').count(), SHOWN_CHARS);
    }
}
