//! The clocks of the nodes, none of which is right.

use consensus::Time;
use std::time::Duration;

/// A clock that starts somewhere and runs too fast or too slow. It never goes back.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// What it shows at the beginning.
    pub offset: Duration,
    /// How much it goes forward in a thousand milliseconds; not 0.
    pub rate: u32,
}

impl Clock {
    /// The clock that is right.
    pub const TRUE: Clock = Clock {
        offset: Duration::ZERO,
        rate: 1000,
    };

    /// What it shows at a time.
    #[must_use]
    pub fn shows(&self, at: Time) -> Time {
        self.offset + at * self.rate / 1000
    }

    /// The first time at which it shows at least this.
    #[must_use]
    pub fn when(&self, shows: Time) -> Time {
        let local = shows.saturating_sub(self.offset);
        // The division below rounds down, and so does the one above.
        local * 1000 / self.rate + Duration::from_nanos(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_what_it_was_asked_for_when_it_said() {
        for rate in [500, 731, 1000, 1999] {
            let offset = Duration::from_millis(77);
            let clock = Clock { offset, rate };
            for ms in [77, 78, 1000, 123_457] {
                let shows = Duration::from_millis(ms);
                let at = clock.when(shows);
                assert!(clock.shows(at) >= shows, "{rate} {ms}");
                let before = at.saturating_sub(Duration::from_nanos(10));
                assert!(clock.shows(before) <= shows, "{rate} {ms}");
            }
        }
    }
}
