//! What can go wrong with a request.

use serde::Deserialize;
use std::time::Duration;

/// A request failed. Whether asking again can help is in the kind: [`NoAnswer`](Error::NoAnswer),
/// [`Busy`](Error::Busy) and [`Undecided`](Error::Undecided) pass, the others do not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// This is not the address of a node.
    #[error("{url}: {why}; write http://HOST:PORT, for example http://127.0.0.1:8001")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// This machine cannot make connections.
    #[error("no sockets: {0}")]
    NoSockets(String),
    /// This cannot be an idempotency key: a node would not see it as it is.
    #[error(
        "the idempotency key '{0}' has control characters, or blanks at an end; leave them out"
    )]
    Key(String),
    /// The value or its idempotency key is longer than nodes take them: nothing was sent.
    #[error("the {what} has {bytes} bytes, and nodes take {limit} at most; nothing was sent")]
    TooLarge {
        /// What is too long.
        what: &'static str,
        /// Its bytes.
        bytes: usize,
        /// The most that nodes take.
        limit: usize,
    },
    /// No answer: the node is dead, or does not answer in time.
    #[error("cannot reach {url}: {reason}")]
    NoAnswer {
        /// The address asked.
        url: String,
        /// What happened instead.
        reason: String,
    },
    /// The node has too much to do, is starting or is ending, or a proxy does not reach it. Ask again later, or
    /// another node.
    #[error("{url} is busy ({}): {}", problem.status, problem.detail)]
    Busy {
        /// The address asked.
        url: String,
        /// What the node says about it.
        problem: Problem,
        /// When it says to ask again.
        retry_after: Option<Duration>,
    },
    /// The node refuses, and would refuse again.
    #[error("{url} answers {}: {}", problem.status, problem.detail)]
    Refused {
        /// The address asked.
        url: String,
        /// What the node says about it.
        problem: Problem,
    },
    /// An answer that is not what it should be.
    #[error("{url}{path} answered what cannot be read: {why}")]
    Unreadable {
        /// The address asked.
        url: String,
        /// The path there.
        path: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The node has taken the value, but the learner has not decided it in time. It still waits to be
    /// decided: ask again under the same key.
    #[error("{learner} has not decided value {id} within {} ms; it still waits to be decided", waited.as_millis())]
    Undecided {
        /// The id of the value.
        id: String,
        /// The learner.
        learner: String,
        /// How long it was waited for.
        waited: Duration,
    },
}

impl Error {
    /// Whether the same request may succeed at another node, although never at this one: it does not play a learner,
    /// for example, or writes what cannot be read.
    #[must_use]
    pub fn is_of_the_node(&self) -> bool {
        matches!(self, Error::Refused { .. } | Error::Unreadable { .. })
    }

    /// Whether the same request may succeed later, or at another node.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Error::NoAnswer { .. } | Error::Busy { .. } | Error::Undecided { .. } => true,
            Error::Address { .. }
            | Error::NoSockets(_)
            | Error::Key(_)
            | Error::TooLarge { .. }
            | Error::Refused { .. }
            | Error::Unreadable { .. } => false,
        }
    }
}

/// A problem document, RFC 9457, as a node writes it. If the answer is something else, its status and
/// the beginning of its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// A name that does not change with the words, such as `urn:hpaxos:problem:unknown-learner`; empty if
    /// the answer was no problem document.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// The HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// What the problem is, and what to do about it.
    pub detail: String,
}

/// Characters of an answer that is no problem document.
const SHOWN_CHARS: usize = 300;

impl Problem {
    /// Reads what came with a status.
    pub(crate) fn read(status: u16, text: &[u8]) -> Problem {
        let read = serde_json::from_slice(text);
        let mut problem: Problem = read.unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(text);
            let shown = text.chars().filter(|c| !c.is_control());
            let detail: String = shown.take(SHOWN_CHARS).collect();
            let none = || "no reason was given".to_owned();
            Problem {
                detail: Some(detail).filter(|d| !d.is_empty()).unwrap_or_else(none),
                ..Problem::default()
            }
        });
        problem.status = status;
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_read_or_shown() {
        let text =
            br#"{"type":"urn:hpaxos:problem:full","title":"t","status":200,"detail":"because"}"#;
        let problem = Problem::read(429, text);
        assert_eq!(problem.kind, "urn:hpaxos:problem:full");
        assert_eq!((problem.status, problem.detail.as_str()), (429, "because"));
        let other = Problem::read(502, b"<h1>\nBad \x1b[2J gateway</h1>");
        assert_eq!((other.kind.as_str(), other.status), ("", 502));
        assert_eq!(other.detail, "<h1>Bad [2J gateway</h1>");
        assert_eq!(Problem::read(500, b"").detail, "no reason was given");
    }
}
