//! 1b with votes and 2av that never happened.

use super::liar::{Aside, Liar};
use super::rumours::Rumours;
use super::voice::{Heard, Told, Voice, honest, report};
use crate::chance::Chance;
use crate::oracle::Place;
use consensus::Ballot;
use consensus::hpaxos::{HPaxos, Message, OneB};
use std::collections::BTreeMap;

/// Slots that it invents something about, from the low-water mark on.
const SLOTS: u64 = 12;
/// Its 1b that are remembered.
const KEPT: usize = 16;

/// Tells everybody the same 1b, with histories that it made up.
#[derive(Debug)]
pub(super) struct Inventor {
    voice: Voice,
    rumours: Rumours,
    told: BTreeMap<Ballot, Heard>,
}

impl Inventor {
    pub(super) fn new(voice: Voice) -> Self {
        Inventor {
            voice,
            rumours: Rumours::default(),
            told: BTreeMap::new(),
        }
    }

    fn invent(&self, one_b: &OneB, chance: &mut Chance) -> Option<Heard> {
        let mut slots: BTreeMap<_, _> = one_b.slots.iter().map(|r| (r.slot, r.clone())).collect();
        for slot in (0..SLOTS).map(|n| one_b.low_water.plus(n)) {
            if chance.percent(50) {
                let ballot = Ballot(1 + chance.below(one_b.ballot.0 - 1));
                let value = self.rumours.another(ballot, slot, None);
                let learners = self.voice.learners().iter();
                let learners = learners.filter(|_| chance.percent(70)).collect();
                slots.insert(slot, report(slot, ballot, value, learners));
            }
        }
        slots.retain(|s, r| one_b.covers(*s) && r.votes.iter().all(|e| !e.learners.is_empty()));
        self.voice.sign(Message::OneB(OneB {
            slots: slots.into_values().collect(),
            ..one_b.clone()
        }))
    }
}

impl Liar<HPaxos> for Inventor {
    fn hears(&mut self, message: &Heard) {
        self.rumours.hears(message);
    }

    fn says(&mut self, _: Place, message: &Heard, aside: &mut Aside<'_>) -> Vec<Told> {
        let Message::OneB(one_b) = &**message else {
            return honest(message);
        };
        // Below the first ballot nothing can have happened.
        if !self.voice.is_mine(message) || one_b.ballot <= Ballot::FIRST {
            return honest(message);
        }
        if !self.told.contains_key(&one_b.ballot) {
            let invented = self.invent(one_b, aside.chance);
            let told = invented.unwrap_or_else(|| message.clone());
            self.told.insert(one_b.ballot, told);
            if self.told.len() > KEPT {
                self.told.pop_first();
            }
        }
        let told = self.told.get(&one_b.ballot).unwrap_or(message);
        if told.id() != message.id() {
            aside.lie("lie: votes and 2av in a 1b that never happened");
        }
        honest(told)
    }
}
