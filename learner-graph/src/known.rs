//! What is known of questions that may be asked again with more steps: what is decided is asked once, and what was
//! found is not lost if the time is over while it is asked for again.

use std::collections::HashMap;
use std::hash::Hash;

/// Answers by what the questions are about.
pub(crate) struct Known<K, V> {
    answers: HashMap<K, Answer<V>>,
    pass: u32,
}

struct Answer<V> {
    found: V,
    /// More steps tell nothing more.
    decided: bool,
    /// When it was asked for.
    pass: u32,
}

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Self {
            answers: HashMap::new(),
            pass: 0,
        }
    }
}

impl<K: Eq + Hash, V: Clone> Known<K, V> {
    /// From now on what is not decided is asked for again.
    pub(crate) fn again(&mut self) {
        self.pass += 1;
    }

    /// The answer, if it is not to be asked for: it is decided, or was asked for since it was begun
    /// [again](Self::again), or the work was stopped.
    pub(crate) fn get(&self, key: &K, stopped: bool) -> Option<V> {
        let known = self.answers.get(key);
        let known = known.filter(|a| a.decided || a.pass == self.pass || stopped);
        known.map(|answer| answer.found.clone())
    }

    /// What is known, decided or not.
    pub(crate) fn find(&self, key: &K) -> Option<&V> {
        self.answers.get(key).map(|answer| &answer.found)
    }

    /// Keeps an answer, and tells it. If the work was stopped before it was decided, the answer before it, for
    /// which there was time, is worth more.
    pub(crate) fn keep(&mut self, key: K, found: V, decided: bool, stopped: bool) -> V {
        let pass = self.pass;
        let answer = Answer {
            found,
            decided,
            pass,
        };
        if !decided && stopped {
            return self.answers.entry(key).or_insert(answer).found.clone();
        }
        let kept = answer.found.clone();
        self.answers.insert(key, answer);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decided_is_asked_once() {
        let mut known = Known::default();
        assert_eq!(known.get(&'a', true), None);
        assert_eq!(known.keep('a', 1, true, false), 1);
        assert_eq!(known.keep('b', 2, false, false), 2);
        assert_eq!(known.get(&'b', false), Some(2), "asked for in this pass");
        known.again();
        assert_eq!(known.get(&'a', false), Some(1));
        assert_eq!(known.get(&'b', false), None);
        assert_eq!(known.get(&'b', true), Some(2), "there is no time to ask");
    }

    #[test]
    fn what_was_stopped_is_worth_less() {
        let mut known = Known::default();
        known.keep('a', 1, false, false);
        known.again();
        assert_eq!(known.keep('a', 0, false, true), 1);
        assert_eq!(known.keep('a', 2, true, true), 2, "decided in time");
        assert_eq!(known.keep('b', 3, false, true), 3, "nothing was known");
    }
}
