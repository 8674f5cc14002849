//! What clients saw from moment to moment around a leader's death. No I/O.

use std::time::Duration;

/// The length of a moment.
pub const WIDTH: Duration = Duration::from_millis(100);

/// A value: when it was first submitted, and when its decision was answered, from the start of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Zero for those that were on their way when the window began.
    pub asked: Duration,
    /// Within the window.
    pub answered: Duration,
}

/// The values that were answered in one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// How many.
    pub values: u64,
    /// From request to answer, the median; `None` of nothing.
    pub median: Option<Duration>,
    /// The longest.
    pub max: Option<Duration>,
}

/// A leader that was killed, and what became of values meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Its name.
    pub leader: String,
    /// When, from the start of the window.
    pub at: Duration,
    /// When the first value was decided that had been submitted after that: nothing that the dead leader
    /// had begun, so that somebody else leads.
    pub first: Option<Duration>,
    /// Moment by moment, [`WIDTH`] each.
    pub moments: Vec<Moment>,
}

impl Death {
    /// Of what was seen in a window of this length.
    #[must_use]
    pub fn new(leader: String, at: Duration, length: Duration, points: &[Point]) -> Death {
        let after = points.iter().filter(|point| point.asked >= at);
        let mut seen = vec![Vec::new(); length.as_nanos().div_ceil(WIDTH.as_nanos()) as usize];
        for point in points {
            let moment = (point.answered.as_nanos() / WIDTH.as_nanos()) as usize;
            if let Some(moment) = seen.get_mut(moment) {
                moment.push(point.answered.saturating_sub(point.asked));
            }
        }
        Death {
            first: after.map(|point| point.answered).min(),
            moments: seen.into_iter().map(Moment::of).collect(),
            leader,
            at,
        }
    }

    /// From the death to the first decision after it.
    #[must_use]
    pub fn pause(&self) -> Option<Duration> {
        self.first.map(|first| first.saturating_sub(self.at))
    }
}

impl Moment {
    fn of(mut times: Vec<Duration>) -> Moment {
        times.sort_unstable();
        Moment {
            values: times.len() as u64,
            median: times.get(times.len() / 2).copied(),
            max: times.last().copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn point(asked: u64, answered: u64) -> Point {
        Point {
            asked: ms(asked),
            answered: ms(answered),
        }
    }

    #[test]
    fn moments_have_what_was_answered_in_them() {
        let points = [
            point(0, 5),
            point(10, 40),
            point(90, 99),
            point(90, 250),
            point(290, 300),
        ];
        let death = Death::new("n1".into(), ms(100), ms(350), &points);
        let counts: Vec<u64> = death.moments.iter().map(|m| m.values).collect();
        assert_eq!(counts, [3, 0, 1, 1], "the window ends within the last one");
        let first = death.moments[0];
        assert_eq!((first.median, first.max), (Some(ms(9)), Some(ms(30))));
        assert_eq!(death.moments[1], Moment::default());
    }

    #[test]
    fn what_the_dead_leader_had_begun_is_no_sign_of_life() {
        let points = [
            point(90, 101),
            point(99, 900),
            point(100, 1200),
            point(110, 1100),
        ];
        let death = Death::new("n1".into(), ms(100), ms(2000), &points);
        assert_eq!(
            (death.first, death.pause()),
            (Some(ms(1100)), Some(ms(1000)))
        );
        let none = Death::new("n1".into(), ms(100), ms(2000), &points[..2]);
        assert_eq!((none.first, none.pause()), (None, None));
    }
}
