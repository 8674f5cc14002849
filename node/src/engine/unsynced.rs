//! What is stored and not durable yet, because nothing that has left this node rests on it.

use consensus::Time;
use std::time::Duration;

/// So much later it is made durable at the latest: a restart has to ask others for no more than that.
const LATEST: Duration = Duration::from_millis(50);
/// From so many bytes on it is made durable at once.
const MOST: u64 = 1 << 20;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    /// Records.
    pub(super) records: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// When the first of them was stored.
    since: Time,
}

impl Unsynced {
    /// A record of so many bytes is stored.
    pub(super) fn add(&mut self, bytes: u64, now: Time) {
        if self.records == 0 {
            self.since = now;
        }
        self.records += 1;
        self.bytes += bytes;
    }

    /// When all of it is to be made durable, if there is any.
    pub(super) fn due(&self) -> Option<Time> {
        (self.records > 0).then(|| {
            if self.bytes < MOST {
                self.since.saturating_add(LATEST)
            } else {
                self.since
            }
        })
    }

    /// Whether that is now.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.due().is_some_and(|due| due <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_becomes_durable_soon_and_when_it_is_much_at_once() {
        let ms = Time::from_millis;
        let mut unsynced = Unsynced::default();
        assert_eq!(unsynced.due(), None);
        unsynced.add(1, ms(7));
        unsynced.add(1, ms(30));
        assert_eq!(unsynced.due(), Some(ms(57)));
        assert!(!unsynced.is_due(ms(56)));
        assert!(unsynced.is_due(ms(57)));
        unsynced.add(MOST - 2, ms(31));
        assert!(unsynced.is_due(ms(31)));
    }
}
