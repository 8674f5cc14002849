//! Work that is repeated with more steps for each question until there is no time left: easy questions are
//! answered before a hard one takes all of it.

use super::until::{Budget, Tell};
use std::sync::atomic::{AtomicBool, Ordering};

/// How often work is repeated.
const PASSES: u32 = 9;
/// How many times as many steps it may take each time.
const FACTOR: u64 = 8;

/// Does work once; if there is a time for it, again and again with more steps, so many times as many as the first
/// time, until everything is decided or the flag is raised. Whoever does it remembers what was decided, so that the
/// last answer is the best.
pub(super) fn deeper<T>(
    stop: &AtomicBool,
    budget: Budget,
    tell: Tell<'_>,
    is_decided: impl Fn(&T) -> bool,
    mut work: impl FnMut(u64, Tell<'_>) -> T,
) -> T {
    let mut times: u64 = 1;
    let mut best = work(times, &mut *tell);
    for _ in 0..PASSES {
        let stopped = stop.load(Ordering::Relaxed);
        if budget.seconds.is_none() || stopped || is_decided(&best) {
            break;
        }
        times = times.saturating_mul(FACTOR);
        let mut told = |what: &str, done: usize, all: usize| {
            tell(&format!("with more steps: {what}"), done, all);
        };
        best = work(times, &mut told);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many times as many steps the passes had, of which one is stopped.
    fn passes(seconds: Option<u64>, stop_at: usize, enough: u64) -> Vec<u64> {
        let stop = AtomicBool::new(false);
        let mut seen = Vec::new();
        let best = deeper(
            &stop,
            Budget { seconds },
            &mut |_, _, _| {},
            |times| *times >= enough,
            |times, _| {
                seen.push(times);
                stop.fetch_or(seen.len() == stop_at, Ordering::Relaxed);
                times
            },
        );
        assert_eq!(seen.last(), Some(&best));
        seen
    }

    #[test]
    fn steps_grow_until_all_is_decided_or_the_time_is_over() {
        let (second, third) = (FACTOR, FACTOR * FACTOR);
        let time = Some(60);
        assert_eq!(passes(None, 0, u64::MAX), [1]);
        assert_eq!(passes(time, 0, 1), [1]);
        assert_eq!(passes(time, 0, second), [1, second]);
        assert_eq!(passes(time, 3, u64::MAX), [1, second, third]);
        assert_eq!(passes(time, 0, u64::MAX).len(), 1 + PASSES as usize);
    }
}
