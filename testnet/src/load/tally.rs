//! What clients count, and what becomes of it. No I/O.

use super::timeline::Point;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Different kinds of errors that are told apart; the rest is counted together.
const KINDS: usize = 8;
/// The longest time that is told exactly, in microseconds: an hour. Longer ones count as this.
const LONGEST: u64 = 3_600_000_000;

/// The time that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Its start.
    pub start: Instant,
    /// Its end, which is no part of it.
    pub end: Instant,
}

/// Times with three significant digits.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Times(Histogram::new_with_bounds(1, LONGEST, 3).expect("these bounds are in order"))
    }
}

impl Times {
    /// Counts a time, rounded to microseconds.
    pub fn record(&mut self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(LONGEST);
        self.0.saturating_record(us.max(1));
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time that this part of all times, 0 to 1, does not exceed; zero if there are none.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(part))
    }

    /// The longest; zero if there are none.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }

    fn add(&mut self, other: &Times) {
        self.0.add(&other.0).expect("all have the same bounds");
    }
}

/// What one client, or all of them, saw.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Values whose decision was answered within the window.
    pub values: u64,
    /// Values whose decision was answered at any time, the warm-up included.
    pub answered: u64,
    /// From request to answer: of all values whose time has a part in the window, those included
    /// that were submitted before its end and answered after it.
    pub times: Times,
    /// Requests at any time that did not end with a decision, by what happened instead.
    pub errors: BTreeMap<String, u64>,
    /// Each of `values`, if they are to be noted.
    pub points: Option<Vec<Point>>,
}

impl Tally {
    /// Nothing has been seen. With `points`, every value of the window will be noted.
    #[must_use]
    pub fn new(points: bool) -> Tally {
        Tally {
            points: points.then(Vec::new),
            ..Tally::default()
        }
    }

    /// A value was decided.
    pub fn decided(&mut self, window: Window, asked: Instant, answered: Instant) {
        self.answered += 1;
        if answered < window.start {
            return;
        }
        self.times.record(answered.saturating_duration_since(asked));
        if answered < window.end {
            self.values += 1;
            let since = |at: Instant| at.saturating_duration_since(window.start);
            if let Some(points) = &mut self.points {
                points.push(Point {
                    asked: since(asked),
                    answered: since(answered),
                });
            }
        }
    }

    /// A request did not end with a decision.
    pub fn failed(&mut self, how: String) {
        self.failed_often(how, 1);
    }

    fn failed_often(&mut self, how: String, times: u64) {
        let known = self.errors.len() < KINDS || self.errors.contains_key(&how);
        let how = if known { how } else { "others".to_owned() };
        *self.errors.entry(how).or_default() += times;
    }

    /// All errors.
    #[must_use]
    pub fn error_count(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Takes in what another client saw.
    pub fn add(&mut self, other: Tally) {
        self.values += other.values;
        self.answered += other.answered;
        self.times.add(&other.times);
        if let (Some(points), Some(others)) = (&mut self.points, other.points) {
            points.extend(others);
        }
        for (how, times) in other.errors {
            self.failed_often(how, times);
        }
    }
}

/// How many in a second.
#[must_use]
pub fn per_second(n: u64, time: Duration) -> f64 {
    n as f64 / time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// About, as exact as times are.
    fn near(time: Duration, expected: Duration) -> bool {
        time.abs_diff(expected) <= expected / 500
    }

    #[test]
    fn the_window_decides_what_counts() {
        let zero = Instant::now();
        let window = Window {
            start: zero + ms(100),
            end: zero + ms(200),
        };
        let mut tally = Tally::default();
        for (asked, answered) in [(0, 99), (50, 100), (150, 199), (150, 200), (199, 5000)] {
            tally.decided(window, zero + ms(asked), zero + ms(answered));
        }
        assert_eq!(
            (tally.values, tally.answered, tally.times.count()),
            (2, 5, 4)
        );
        assert!(near(tally.times.max(), ms(4801)), "{:?}", tally.times.max());
    }

    #[test]
    fn quantiles_are_those_of_all_clients_together() {
        let zero = Instant::now();
        let window = Window {
            start: zero,
            end: zero + ms(10_000),
        };
        let mut all = Tally::default();
        for client in 0..4 {
            let mut tally = Tally::default();
            for n in (1..=1000).filter(|n| n % 4 == client) {
                tally.decided(window, zero, zero + ms(n));
            }
            all.add(tally);
        }
        let times = &all.times;
        assert!(near(times.quantile(0.5), ms(500)));
        assert!(near(times.quantile(0.95), ms(950)));
        assert!(near(times.quantile(0.99), ms(990)));
        assert!(near(times.max(), ms(1000)));
        assert_eq!((all.values, all.answered), (1000, 1000));
    }

    #[test]
    fn values_of_the_window_are_noted_if_wished() {
        let zero = Instant::now();
        let window = Window {
            start: zero + ms(100),
            end: zero + ms(200),
        };
        let (mut one, mut all) = (Tally::new(true), Tally::new(true));
        let mut without = Tally::new(false);
        for (asked, answered) in [(0, 99), (50, 110), (150, 199), (150, 200)] {
            let [asked, answered] = [asked, answered].map(|at| zero + ms(at));
            one.decided(window, asked, answered);
            without.decided(window, asked, answered);
        }
        all.add(one);
        let point = |asked, answered| Point {
            asked: ms(asked),
            answered: ms(answered),
        };
        assert_eq!(all.points, Some(vec![point(0, 10), point(50, 99)]));
        assert_eq!((without.points, without.values), (None, 2));
    }

    #[test]
    fn no_error_is_lost() {
        let (mut one, mut two) = (Tally::default(), Tally::default());
        for n in 0..20 {
            one.failed(format!("kind {}", n % 10));
            two.failed(format!("kind {}", n + 5));
        }
        one.add(two);
        assert_eq!(one.error_count(), 40);
        assert_eq!(one.errors["kind 5"], 3);
        assert_eq!(one.errors.len(), KINDS + 1);
        assert_eq!(one.answered, 0);
    }

    #[test]
    fn nothing_is_zero_and_long_times_do_not_fail() {
        let mut times = Times::default();
        assert_eq!((times.max(), times.quantile(0.5)), Default::default());
        times.record(Duration::ZERO);
        assert_eq!(times.max(), Duration::from_micros(1));
        times.record(Duration::from_secs(1 << 40));
        assert!(near(times.max(), Duration::from_secs(3600)));
        assert_eq!(per_second(30, ms(1500)), 20.0);
    }
}
