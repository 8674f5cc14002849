//! Silence in chosen phases.

use super::liar::{Aside, Liar, Said};
use super::voice::{Heard, Told, Voice, honest};
use crate::oracle::Place;
use consensus::hpaxos::{HPaxos, Message, SlotVotes, Votes};

/// Says nothing to anybody in the phases that the seed has chosen, at least one of them.
#[derive(Debug)]
pub(super) struct Silent {
    voice: Voice,
    one_a: bool,
    one_b: bool,
    one_c: bool,
    two_av: bool,
    two_b: bool,
}

impl Silent {
    pub(super) fn new(voice: Voice) -> Self {
        // Not none of the five.
        let phases = 1 + voice.whim % 31;
        let chosen = |phase: u32| (phases >> phase) & 1 == 1;
        Silent {
            one_a: chosen(0),
            one_b: chosen(1),
            one_c: chosen(2),
            two_av: chosen(3),
            two_b: chosen(4),
            voice,
        }
    }

    /// What is left of its votes.
    fn less(&self, votes: &Votes) -> Votes {
        let slots = votes.slots.iter().map(|said| SlotVotes {
            slot: said.slot,
            two_av: said.two_av.filter(|_| !self.two_av),
            two_b: said.two_b.filter(|_| !self.two_b),
        });
        let left = slots.filter(|s| s.two_av.is_some() || s.two_b.is_some());
        Votes {
            ballot: votes.ballot,
            slots: left.collect(),
        }
    }
}

impl Liar<HPaxos> for Silent {
    fn says(&mut self, _: Place, message: &Heard, aside: &mut Aside<'_>) -> Vec<Told> {
        if !self.voice.is_mine(message) {
            return honest(message);
        }
        let (kind, left) = match &**message {
            Message::OneA { .. } if self.one_a => ("lie: no 1a", None),
            Message::OneB(_) if self.one_b => ("lie: no 1b", None),
            Message::OneC(_) if self.one_c => ("lie: no 1c", None),
            Message::Votes(votes) => {
                let left = self.less(votes);
                if left == *votes {
                    return honest(message);
                }
                let left = (!left.slots.is_empty()).then_some(left);
                let signed = left.and_then(|left| self.voice.sign(Message::Votes(left)));
                ("lie: no 2av or no 2b", signed)
            }
            _ => return honest(message),
        };
        aside.lie(kind);
        left.into_iter().map(Said::Message).collect()
    }
}
