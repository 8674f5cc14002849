//! Old messages again, its own and others'.

use super::liar::{Aside, Liar, Said};
use super::voice::{Heard, Told, Voice, honest};
use crate::oracle::Place;
use consensus::hpaxos::HPaxos;

/// Messages that are kept, the oldest of the run and the latest.
const KEPT: usize = 256;
/// Messages that are repeated at once.
const AT_ONCE: usize = 3;
/// Messages in all: a run that waits for its bound must end.
const IN_ALL: u64 = 3000;

/// Repeats what it has heard and said at some other time, to somebody.
#[derive(Debug)]
pub(super) struct Replay {
    voice: Voice,
    kept: Vec<Heard>,
    /// Where the next message goes once all places are taken.
    next: usize,
    left: u64,
}

impl Replay {
    pub(super) fn new(voice: Voice) -> Self {
        Replay {
            voice,
            kept: Vec::new(),
            next: KEPT / 2,
            left: IN_ALL,
        }
    }

    fn keep(&mut self, message: &Heard) {
        if self.kept.len() < KEPT {
            return self.kept.push(message.clone());
        }
        self.kept[self.next] = message.clone();
        self.next = if self.next + 1 == KEPT {
            KEPT / 2
        } else {
            self.next + 1
        };
    }
}

impl Liar<HPaxos> for Replay {
    fn hears(&mut self, message: &Heard) {
        self.keep(message);
    }

    fn says(&mut self, to: Place, message: &Heard, _: &mut Aside<'_>) -> Vec<Told> {
        // Once is enough.
        if self.voice.is_mine(message) && self.voice.others.first() == Some(&to) {
            self.keep(message);
        }
        honest(message)
    }

    fn volunteers(&mut self, aside: &mut Aside<'_>) -> Vec<(Place, Told)> {
        let mut said = Vec::new();
        for _ in 0..AT_ONCE {
            let to = aside.chance.pick(&self.voice.others).copied();
            let message = aside.chance.pick(&self.kept).cloned();
            let (Some(to), Some(message), true) = (to, message, self.left > 0) else {
                break;
            };
            self.left -= 1;
            aside.lie("lie: an old message");
            said.push((to, Said::Message(message)));
        }
        said
    }
}
