//! 1b that hide what was voted.

use super::liar::{Aside, Liar};
use super::voice::{Heard, Told, Voice, honest};
use crate::oracle::Place;
use consensus::hpaxos::{Entry, HPaxos, Message, OneB, SlotReport};
use learner_graph::LearnerSet;

/// Leaves votes, 2av or both out of its 1b, for some learners or for all, as the seed has chosen.
#[derive(Debug)]
pub(super) struct Hider {
    voice: Voice,
    votes: bool,
    proposals: bool,
    learners: LearnerSet,
}

impl Hider {
    pub(super) fn new(voice: Voice) -> Self {
        let whim = voice.whim;
        let what = whim % 3;
        let some = voice.learners().iter();
        let some = some.filter(|l| (whim >> 8 >> (l.0 % 32)) & 1 == 1);
        let some: LearnerSet = some.collect();
        let all = some.is_empty() || (whim >> 4).is_multiple_of(2);
        Hider {
            votes: what != 1,
            proposals: what != 2,
            learners: if all { voice.learners() } else { some },
            voice,
        }
    }

    fn without(&self, entries: &[Entry]) -> Vec<Entry> {
        let left = entries.iter().map(|e| Entry {
            learners: e.learners - self.learners,
            ..e.clone()
        });
        left.filter(|e| !e.learners.is_empty()).collect()
    }

    fn hide(&self, report: &SlotReport) -> SlotReport {
        let mut left = report.clone();
        if self.votes {
            left.votes = self.without(&report.votes);
        }
        if self.proposals {
            left.proposals = self.without(&report.proposals);
        }
        left
    }
}

impl Liar<HPaxos> for Hider {
    fn says(&mut self, _: Place, message: &Heard, aside: &mut Aside<'_>) -> Vec<Told> {
        let Message::OneB(one_b) = &**message else {
            return honest(message);
        };
        let mut slots: Vec<SlotReport> = one_b.slots.iter().map(|r| self.hide(r)).collect();
        if !self.voice.is_mine(message) || slots == one_b.slots {
            return honest(message);
        }
        slots.retain(|r| !r.votes.is_empty() || !r.proposals.is_empty());
        aside.lie("lie: votes or 2av hidden in a 1b");
        let hidden = self.voice.sign(Message::OneB(OneB {
            slots,
            ..one_b.clone()
        }));
        honest(hidden.as_ref().unwrap_or(message))
    }
}
