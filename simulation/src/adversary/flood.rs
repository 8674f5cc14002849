//! More ballots, wishes and values than anybody needs.

use super::liar::{Aside, Liar, Said};
use super::rumours::Rumours;
use super::voice::{Heard, Told, Voice, honest, nothing};
use crate::chance::Chance;
use crate::oracle::Place;
use consensus::hpaxos::{
    Entry, HPaxos, Message, OneB, OneC, Proposal, Scope, SlotReport, SlotVotes, Votes,
};
use consensus::{Ballot, Page, Slot};
use crypto::Digest;

/// Messages of a flood that are said to everybody at once.
const AT_ONCE: u64 = 4;
/// Messages in all: a run that waits for its bound must end.
const IN_ALL: u64 = 160;
/// How far ahead ballots are.
const AHEAD: [u64; 4] = [1, 8, 60, 1 << 40];

/// Says a lot, of its own accord.
#[derive(Debug)]
pub(super) struct Flood {
    voice: Voice,
    rumours: Rumours,
    left: u64,
}

impl Flood {
    pub(super) fn new(voice: Voice) -> Self {
        Flood {
            voice,
            rumours: Rumours::default(),
            left: IN_ALL,
        }
    }

    /// A digest of its own for each number.
    fn value(&self, n: u64) -> Digest {
        nothing(Ballot(n), Slot(self.left))
    }

    fn one(&self, n: u64, chance: &mut Chance) -> Option<(&'static str, Message)> {
        let ahead = AHEAD[chance.place(AHEAD.len())] + n;
        let ballot = Ballot(self.rumours.ballot.0.saturating_add(ahead));
        let own = self.voice.own_ballot_after(ballot);
        let learners = self.voice.learners();
        let value = self.value(n);
        let last = self.rumours.slots().next_back().unwrap_or_default();
        let slot = Slot(chance.below(last.0 + 8));
        Some(match chance.below(6) {
            0 => ("lie: flood of wishes", Message::Wish { ballot }),
            1 => ("lie: flood of 1a", Message::OneA { ballot: own? }),
            2 => {
                let slots = Vec::new();
                let low_water = Slot(0);
                let one_b = OneB {
                    ballot,
                    low_water,
                    scope: Scope::ALL,
                    slots,
                };
                ("lie: flood of 1b", Message::OneB(one_b))
            }
            3 => {
                // Parts of a 1b about any slots, whether it has left them out or not.
                let end = slot.plus(1 + chance.below(6));
                let shown = Entry {
                    ballot: Ballot::FIRST,
                    value,
                    learners,
                };
                let slots = vec![SlotReport {
                    slot,
                    votes: vec![shown.clone()],
                    proposals: vec![shown],
                }];
                let one_b = OneB {
                    ballot: self.rumours.ballot.max(Ballot(2)),
                    low_water: Slot(0),
                    scope: Scope::Only(Page { start: slot, end }),
                    slots,
                };
                ("lie: flood of parts of a 1b", Message::OneB(one_b))
            }
            4 => {
                // Of the present ballot, where they count.
                let ballot = self.rumours.ballot.max(Ballot::FIRST);
                let said = SlotVotes {
                    slot,
                    two_av: Some((value, learners)),
                    two_b: Some((value, learners)),
                };
                let slots = vec![said];
                (
                    "lie: flood of votes",
                    Message::Votes(Votes { ballot, slots }),
                )
            }
            _ => {
                let proposal = |slot| Proposal {
                    slot,
                    value,
                    learners,
                };
                let slots = (0..16).map(|s| slot.plus(s));
                let one_c = OneC {
                    ballot: own?,
                    proposals: slots.map(proposal).collect(),
                };
                ("lie: flood of 1c", Message::OneC(one_c))
            }
        })
    }
}

impl Liar<HPaxos> for Flood {
    fn hears(&mut self, message: &Heard) {
        // What it has said about far ballots comes back.
        if !self.voice.is_mine(message) {
            self.rumours.hears(message);
        }
    }

    fn says(&mut self, _: Place, message: &Heard, _: &mut Aside<'_>) -> Vec<Told> {
        honest(message)
    }

    fn volunteers(&mut self, aside: &mut Aside<'_>) -> Vec<(Place, Told)> {
        let mut said = Vec::new();
        for n in 0..AT_ONCE.min(self.left) {
            self.left -= 1;
            let Some((kind, message)) = self.one(n, aside.chance) else {
                continue;
            };
            let Some(message) = self.voice.sign(message) else {
                continue;
            };
            for to in &self.voice.others {
                aside.lie(kind);
                said.push((*to, Said::Message(message.clone())));
            }
        }
        said
    }
}
