//! Two different 1b for one ballot.

use super::liar::{Aside, Liar};
use super::voice::{Heard, Told, Voice, honest};
use crate::oracle::Place;
use consensus::hpaxos::{HPaxos, Message, OneB};

/// Tells some nodes a 1b that shows nothing, or, where there is nothing to show, one that settles a slot.
#[derive(Debug)]
pub(super) struct TwoOneBs {
    voice: Voice,
}

impl TwoOneBs {
    pub(super) fn new(voice: Voice) -> Self {
        TwoOneBs { voice }
    }
}

impl Liar<HPaxos> for TwoOneBs {
    fn says(&mut self, to: Place, message: &Heard, aside: &mut Aside<'_>) -> Vec<Told> {
        let Message::OneB(one_b) = &**message else {
            return honest(message);
        };
        if !self.voice.is_mine(message) || !self.voice.in_audience(to) {
            return honest(message);
        }
        aside.lie("lie: another 1b");
        let low_water = match one_b.slots.is_empty() {
            true => one_b.low_water.next(),
            false => one_b.low_water,
        };
        let other = self.voice.sign(Message::OneB(OneB {
            ballot: one_b.ballot,
            low_water,
            scope: one_b.scope.clone(),
            slots: Vec::new(),
        }));
        self.voice.tell(to, message, other, aside.chance)
    }
}
