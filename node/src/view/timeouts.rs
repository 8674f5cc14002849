//! Ballots that this node has given up.

use super::View;
use super::events::{Happening, now_ms};
use consensus::{GivenUp, Why};

/// Learners that are named.
const NAMED: usize = 4;

/// A ballot that was given up, as clients get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timeout {
    /// The ballot.
    pub(crate) ballot: u64,
    /// The one that this node wishes for, or starts, instead.
    pub(crate) next: u64,
    /// Why, for programs: one of [`Why::NAMES`].
    pub(crate) reason: &'static str,
    /// Why, in words.
    pub(crate) words: String,
}

/// What has been given up since the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeouts {
    /// How often.
    pub(crate) times: u64,
    /// The last one, and when, in milliseconds since 1970.
    pub(crate) last: Option<(u64, Timeout)>,
}

impl View {
    /// This node has given a ballot up.
    pub(crate) fn given_up(&self, given_up: &GivenUp) {
        let timeout = Timeout {
            ballot: given_up.ballot.0,
            next: given_up.next.0,
            reason: given_up.why.name(),
            words: self.why(given_up.why),
        };
        let (ballot, next) = (timeout.ballot, timeout.next);
        tracing::info!(ballot, next, why = %timeout.words, "gives a ballot up");
        self.metrics.gave_up(timeout.reason);
        self.write(|s| {
            s.timeouts.times += 1;
            s.timeouts.last = Some((now_ms(), timeout.clone()));
        });
        self.events.push(Happening::Timeout(timeout));
    }

    /// What has been given up since the start.
    pub(crate) fn timeouts(&self) -> Timeouts {
        self.read(|s| s.timeouts.clone())
    }

    fn why(&self, why: Why) -> String {
        match why {
            Why::Patience { learners, patience } => {
                let named = learners.iter().take(NAMED).map(|l| self.learner_name(l));
                let named: Vec<&str> = named.collect();
                let more = match learners.len() - named.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let (named, ms) = (named.join(", "), patience.as_millis());
                format!("patience of {ms} ms ran out for {named}{more}")
            }
            Why::Others => "others gave it up, enough of them that one is honest".to_owned(),
            Why::Equivocated => "its leader is proved to have announced two values".to_owned(),
        }
    }
}
