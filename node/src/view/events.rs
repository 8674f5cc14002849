//! The event log: the latest events, kept so that streams can resume.

use super::decisions::Delivered;
use super::timeouts::Timeout;
use consensus::Slot;
use learner_graph::LearnerId;
use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Something that clients can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// A learner of this node delivered a decision.
    Decision(LearnerId, Arc<Delivered>),
    /// This node learned of a higher ballot.
    Ballot {
        /// The ballot.
        ballot: u64,
        /// The name of its owner.
        leader: String,
    },
    /// This node has given a ballot up.
    Timeout(Timeout),
    /// Evidence was found or received.
    Evidence {
        /// The acceptor that is caught, if one is.
        acceptor: Option<String>,
        /// What it proves, in words.
        words: String,
    },
    /// Two learners are no longer connected.
    Disconnected([String; 2]),
    /// A connection to a peer was opened or closed.
    Peer {
        /// The peer's name.
        peer: String,
        /// Whether it is connected now.
        connected: bool,
    },
    /// A learner saw a second decision in a slot.
    Fork {
        /// The learner's name.
        learner: String,
        /// The slot.
        slot: Slot,
        /// The digests, the delivered one first.
        digests: [String; 2],
    },
}

impl Happening {
    fn size(&self) -> usize {
        match self {
            Happening::Decision(_, delivered) => delivered.size(),
            _ => 256,
        }
    }
}

/// Names an event of one run of a node: `RUN-NUMBER` as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventId {
    /// Which run of the node; numbers start again in each.
    pub(crate) run: u64,
    /// Counts events from 1.
    pub(crate) number: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.run, self.number)
    }
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (run, number) = text.split_once('-').ok_or(())?;
        let run = u64::from_str_radix(run, 16).map_err(|_| ())?;
        Ok(EventId {
            run,
            number: number.parse().map_err(|_| ())?,
        })
    }
}

/// Where a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// With the next event.
    Now,
    /// With the oldest event that is kept.
    Oldest,
    /// With so many of the latest events that are kept.
    Last(u64),
    /// After this event.
    After(EventId),
}

/// What a stream gets next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Events in order.
    Events(Vec<Noted>),
    /// Events are missing: those before this number are no longer kept.
    Gap(u64),
}

/// An event that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Its number in this run.
    pub(crate) number: u64,
    /// When it was noted, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// What it is.
    pub(crate) what: Arc<Happening>,
}

/// The latest events; the oldest are dropped at the bound.
pub(crate) struct EventLog {
    run: u64,
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
}

struct Ring {
    kept: VecDeque<Noted>,
    bytes: usize,
    next: u64,
    max_count: usize,
    max_bytes: usize,
}

impl EventLog {
    pub(crate) fn new(run: u64, max_count: usize, max_bytes: usize) -> Self {
        let ring = Ring {
            kept: VecDeque::new(),
            bytes: 0,
            next: 1,
            max_count,
            max_bytes,
        };
        EventLog {
            run,
            ring: Mutex::new(ring),
            newest: watch::Sender::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // The ring is consistent between statements that can panic.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event and wakes the streams.
    pub(crate) fn push(&self, happening: Happening) {
        self.push_all([happening]);
    }

    /// Adds events, if there are any, and wakes the streams.
    pub(crate) fn push_all(&self, happenings: impl IntoIterator<Item = Happening>) {
        let mut happenings = happenings.into_iter().peekable();
        if happenings.peek().is_none() {
            return;
        }
        let at_ms = now_ms();
        let mut ring = self.lock();
        for happening in happenings {
            let number = ring.next;
            ring.next += 1;
            ring.bytes += happening.size();
            ring.kept.push_back(Noted {
                number,
                at_ms,
                what: Arc::new(happening),
            });
        }
        while ring.kept.len() > ring.max_count
            || (ring.bytes > ring.max_bytes && ring.kept.len() > 1)
        {
            let Some(oldest) = ring.kept.pop_front() else {
                break;
            };
            ring.bytes -= oldest.what.size();
        }
        let newest = ring.next - 1;
        drop(ring);
        self.newest.send_replace(newest);
    }

    /// The number of the first event of a stream, and whether events before it were missed.
    pub(crate) fn start(&self, from: From) -> (u64, bool) {
        let ring = self.lock();
        let oldest = ring.next - ring.kept.len() as u64;
        match from {
            From::Now => (ring.next, false),
            From::Oldest => (oldest, oldest > 1),
            From::Last(n) => (oldest.max(ring.next.saturating_sub(n)), false),
            // An earlier run's numbers mean nothing here, nor do numbers from the future.
            From::After(id) if id.run != self.run || id.number >= ring.next => (oldest, true),
            From::After(id) => (id.number + 1, false),
        }
    }

    /// At most `limit` events from a number on, about `max_bytes` of them but at least one.
    pub(crate) fn read(&self, from: u64, limit: usize, max_bytes: usize) -> Next {
        let ring = self.lock();
        let oldest = ring.next - ring.kept.len() as u64;
        if from < oldest {
            return Next::Gap(oldest);
        }
        let skip = usize::try_from(from - oldest).unwrap_or(usize::MAX);
        let mut left = max_bytes;
        let fits = |noted: &&Noted| {
            let some_left = left > 0;
            left = left.saturating_sub(noted.what.size());
            some_left
        };
        let events = ring.kept.iter().skip(skip).take(limit);
        Next::Events(events.take_while(fits).cloned().collect())
    }

    /// Changes whenever there is a new event.
    pub(crate) fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// The full name of an event of this run.
    pub(crate) fn id(&self, number: u64) -> EventId {
        EventId {
            run: self.run,
            number,
        }
    }
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(n: u64) -> EventLog {
        let log = EventLog::new(0xab, 4, 1 << 20);
        for ballot in 1..=n {
            log.push(Happening::Ballot {
                ballot,
                leader: "n1".into(),
            });
        }
        log
    }

    fn numbers(next: Next) -> Vec<u64> {
        match next {
            Next::Events(events) => events.iter().map(|e| e.number).collect(),
            Next::Gap(to) => panic!("gap up to {to}"),
        }
    }

    #[test]
    fn a_stream_resumes_where_it_was() {
        let log = log(3);
        let id: EventId = log.id(1).to_string().parse().unwrap();
        assert_eq!(log.start(From::After(id)), (2, false));
        assert_eq!(numbers(log.read(2, 10, 1 << 20)), [2, 3]);
        assert_eq!(numbers(log.read(2, 1, 1 << 20)), [2]);
        assert_eq!(log.start(From::Now), (4, false));
        assert!(numbers(log.read(4, 10, 1 << 20)).is_empty());
        assert_eq!(log.start(From::Oldest), (1, false));
        assert_eq!(log.start(From::Last(2)), (2, false));
        assert_eq!(log.start(From::Last(9)), (1, false));
    }

    #[test]
    fn a_part_is_bounded_in_bytes() {
        let log = log(4);
        assert_eq!(numbers(log.read(1, 10, 257)), [1, 2]);
        assert_eq!(numbers(log.read(3, 10, 1)), [3], "at least one");
    }

    #[test]
    fn what_is_no_longer_kept_is_a_gap() {
        let log = log(10);
        assert_eq!(log.start(From::After(log.id(2))), (3, false));
        assert_eq!(log.read(3, 10, 1 << 20), Next::Gap(7));
        assert_eq!(numbers(log.read(7, 10, 1 << 20)), [7, 8, 9, 10]);
        assert_eq!(log.start(From::Oldest), (7, true));
    }

    #[test]
    fn ids_of_another_run_or_the_future_are_gaps() {
        let log = log(3);
        assert_eq!(
            log.start(From::After(EventId { run: 1, number: 2 })),
            (1, true)
        );
        assert_eq!(log.start(From::After(log.id(99))), (1, true));
        for bad in ["", "5", "x-1", "ab-", "ab-x"] {
            assert!(bad.parse::<EventId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_ring_is_bounded_in_bytes_too() {
        let log = EventLog::new(1, 100, 1000);
        for ballot in 0..50 {
            log.push(Happening::Ballot {
                ballot,
                leader: String::new(),
            });
        }
        assert_eq!(log.lock().kept.len(), 3);
    }
}
