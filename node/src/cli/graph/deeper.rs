//! Work that is repeated with more steps for each question until there is no time left: easy questions are
//! answered before a hard one takes all of it.

use super::until::Tell;
use learner_graph::Options;

/// How many times the steps are multiplied.
const PASSES: u32 = 9;
/// By how much.
const FACTOR: u64 = 8;

/// Does work once; if there is a time for it, again and again with more steps, until everything is decided or
/// the time is over. The answer of a pass that was stopped on its way is worth less than that of the one before.
pub(super) fn deeper<T>(
    options: &Options,
    has_time: bool,
    tell: Tell<'_>,
    is_decided: impl Fn(&T) -> bool,
    mut work: impl FnMut(&Options, Tell<'_>) -> T,
) -> T {
    let stopped = || options.stop.load(std::sync::atomic::Ordering::Relaxed);
    let mut best = work(options, &mut *tell);
    if !has_time {
        return best;
    }
    let mut steps = options.steps;
    for _ in 0..PASSES {
        if is_decided(&best) || stopped() {
            break;
        }
        steps = steps.saturating_mul(FACTOR);
        let options = Options {
            steps,
            ..options.clone()
        };
        let mut told = |what: &str, done: usize, all: usize| {
            tell(&format!("with more steps: {what}"), done, all);
        };
        let found = work(&options, &mut told);
        if stopped() && !is_decided(&found) {
            break;
        }
        best = found;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    /// The steps of the passes, of which one may be stopped, and the one whose answer is given.
    fn passes(has_time: bool, stop_at: usize, enough: u64) -> (Vec<u64>, u64) {
        let options = Options::default();
        let mut seen = Vec::new();
        let best = deeper(
            &options,
            has_time,
            &mut |_, _, _| {},
            |steps| *steps >= enough,
            |options, _| {
                seen.push(options.steps);
                options
                    .stop
                    .fetch_or(seen.len() == stop_at, Ordering::Relaxed);
                options.steps
            },
        );
        (seen, best)
    }

    #[test]
    fn steps_grow_until_all_is_decided_or_the_time_is_over() {
        let first = Options::default().steps;
        let (second, third) = (first * FACTOR, first * FACTOR * FACTOR);
        assert_eq!(passes(false, 0, u64::MAX), (vec![first], first));
        assert_eq!(passes(true, 0, first), (vec![first], first));
        assert_eq!(passes(true, 0, second), (vec![first, second], second));
        // What was stopped is not the answer, unless it decided everything.
        let all = vec![first, second, third];
        assert_eq!(passes(true, 3, u64::MAX), (all.clone(), second));
        assert_eq!(passes(true, 3, third), (all, third));
        assert_eq!(passes(true, 0, u64::MAX).0.len(), 1 + PASSES as usize);
    }
}
