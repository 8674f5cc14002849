//! Some nodes are told nothing.

use super::liar::{Aside, Liar};
use super::voice::{Heard, Told, Voice, honest};
use crate::oracle::Place;
use consensus::hpaxos::HPaxos;

/// Keeps every message from its audience, its own and what that asks for.
#[derive(Debug)]
pub(super) struct Withholder {
    voice: Voice,
}

impl Withholder {
    pub(super) fn new(voice: Voice) -> Self {
        Withholder { voice }
    }
}

impl Liar<HPaxos> for Withholder {
    fn says(&mut self, to: Place, message: &Heard, aside: &mut Aside<'_>) -> Vec<Told> {
        if !self.voice.in_audience(to) {
            return honest(message);
        }
        aside.lie("lie: message withheld");
        Vec::new()
    }
}
