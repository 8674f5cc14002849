//! An equivocating acceptor: different 2av and 2b to different nodes.

use super::liar::{Aside, Liar};
use super::rumours::Rumours;
use super::voice::{Heard, Told, Voice, honest};
use crate::oracle::Place;
use consensus::hpaxos::{HPaxos, Message, SlotVotes, Votes};

/// Votes for another value before some nodes.
#[derive(Debug)]
pub(super) struct TwoVotes {
    voice: Voice,
    rumours: Rumours,
}

impl TwoVotes {
    pub(super) fn new(voice: Voice) -> Self {
        let rumours = Rumours::default();
        TwoVotes { voice, rumours }
    }

    fn other(&self, votes: &Votes) -> Option<Heard> {
        let slots = votes.slots.iter().map(|said| {
            let value = said.two_av.or(said.two_b).map(|(value, _)| value);
            let other = self.rumours.another(votes.ballot, said.slot, value);
            SlotVotes {
                slot: said.slot,
                two_av: said.two_av.map(|(_, learners)| (other, learners)),
                two_b: said.two_b.map(|(_, learners)| (other, learners)),
            }
        });
        self.voice.sign(Message::Votes(Votes {
            ballot: votes.ballot,
            slots: slots.collect(),
        }))
    }
}

impl Liar<HPaxos> for TwoVotes {
    fn hears(&mut self, message: &Heard) {
        self.rumours.hears(message);
    }

    fn says(&mut self, to: Place, message: &Heard, aside: &mut Aside<'_>) -> Vec<Told> {
        let Message::Votes(votes) = &**message else {
            return honest(message);
        };
        if !self.voice.is_mine(message) || !self.voice.in_audience(to) {
            return honest(message);
        }
        aside.lie("lie: other 2av and 2b");
        let other = self.other(votes);
        self.voice.tell(to, message, other, aside.chance)
    }
}
