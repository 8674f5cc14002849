//! An equivocating proposer: different 1c to different nodes.

use super::liar::{Aside, Liar, Said};
use super::voice::{Heard, Told, Voice, honest};
use crate::oracle::Place;
use consensus::hpaxos::{HPaxos, Message, OneC, Proposal};
use consensus::{Ballot, Batch, ClientValue, Slot};

/// Announces values of its own before some nodes, with their bytes.
#[derive(Debug)]
pub(super) struct TwoValues {
    voice: Voice,
}

impl TwoValues {
    pub(super) fn new(voice: Voice) -> Self {
        TwoValues { voice }
    }
}

/// A batch that no client has asked for.
fn made_up(ballot: Ballot, slot: Slot) -> Batch {
    let value = ClientValue {
        key: Vec::new(),
        bytes: format!("made up for slot {slot} in ballot {ballot}").into_bytes(),
    };
    let values = vec![value];
    Batch {
        values: values.into(),
    }
}

impl Liar<HPaxos> for TwoValues {
    fn says(&mut self, to: Place, message: &Heard, aside: &mut Aside<'_>) -> Vec<Told> {
        let Message::OneC(one_c) = &**message else {
            return honest(message);
        };
        if !self.voice.is_mine(message) || !self.voice.in_audience(to) {
            return honest(message);
        }
        aside.lie("lie: another 1c");
        let batch = |p: &Proposal| made_up(one_c.ballot, p.slot);
        let proposals = one_c.proposals.iter().map(|p| Proposal {
            value: batch(p).digest(),
            ..p.clone()
        });
        let other = self.voice.sign(Message::OneC(OneC {
            ballot: one_c.ballot,
            proposals: proposals.collect(),
        }));
        let bytes = one_c.proposals.iter().map(|p| Said::Batch(batch(p)));
        let mut said = self.voice.tell(to, message, other, aside.chance);
        said.extend(bytes);
        said
    }
}
