//! Announces values and never gives their bytes, or only to some nodes.

use super::liar::{Aside, Liar};
use super::voice::{Heard, Told, Voice, honest, nothing};
use crate::oracle::Place;
use consensus::hpaxos::{HPaxos, Message, OneC, Proposal};
use crypto::Digest;

/// Gives bytes to nobody, or to its audience alone; where it gives them to some, what it announces exists.
#[derive(Debug)]
pub(super) struct Miser {
    voice: Voice,
    to_some: bool,
}

impl Miser {
    pub(super) fn new(voice: Voice) -> Self {
        let to_some = voice.whim.is_multiple_of(2);
        Miser { voice, to_some }
    }
}

impl Liar<HPaxos> for Miser {
    /// Of every two slots, one is announced with a value that there is not.
    fn says(&mut self, _: Place, message: &Heard, aside: &mut Aside<'_>) -> Vec<Told> {
        let Message::OneC(one_c) = &**message else {
            return honest(message);
        };
        if !self.voice.is_mine(message) || self.to_some {
            return honest(message);
        }
        let ballot = one_c.ballot;
        let proposals = one_c.proposals.iter().map(|p| Proposal {
            value: match p.slot.0.is_multiple_of(2) {
                true => nothing(ballot, p.slot),
                false => p.value,
            },
            ..p.clone()
        });
        let proposals: Vec<Proposal> = proposals.collect();
        if proposals == one_c.proposals {
            return honest(message);
        }
        aside.lie("lie: 1c of a value without bytes");
        let other = self.voice.sign(Message::OneC(OneC { ballot, proposals }));
        honest(other.as_ref().unwrap_or(message))
    }

    fn gives(&mut self, to: Place, _: &Digest, aside: &mut Aside<'_>) -> bool {
        if self.to_some && self.voice.in_audience(to) {
            return true;
        }
        aside.lie("lie: bytes kept back");
        false
    }
}
