//! When nothing is decided for long, somebody who waits wants to know. No I/O.

use std::time::Duration;

/// How long nothing is decided before it is worth a word, and again.
const LONG: Duration = Duration::from_secs(10);

/// Since when no more is decided.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standstill {
    since: Duration,
    done: usize,
}

impl Standstill {
    /// Whether it is time for a word, with so many of the submitted values decided by now.
    pub fn lasts(&mut self, now: Duration, done: usize, submitted: usize) -> bool {
        let moves = done != self.done || done >= submitted;
        let long = now.saturating_sub(self.since) >= LONG;
        if moves || long {
            *self = Standstill { since: now, done };
        }
        long && !moves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_every_so_often_while_nothing_moves() {
        let mut standstill = Standstill::default();
        let mut at = |seconds, done| standstill.lasts(Duration::from_secs(seconds), done, 5);
        assert!(
            !at(9, 0) && at(10, 0) && !at(19, 0) && at(20, 0),
            "every 10 s"
        );
        assert!(
            !at(29, 1) && !at(38, 1) && at(39, 1),
            "since the last decision"
        );
        assert!(!at(60, 5) && !at(90, 5), "all is decided");
    }
}
