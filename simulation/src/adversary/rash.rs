//! 2av and 2b for every learner and anything announced, without asking what is safe.

use super::liar::{Aside, Liar, Said};
use super::voice::{Heard, Told, Voice, honest};
use crate::oracle::Place;
use consensus::hpaxos::{HPaxos, Message, OneC, SlotVotes, Votes};

/// Announcements that are answered at once, at most.
const PENDING: usize = 8;

/// Votes at once for whatever it hears announced, and adds 2b to its own 2av.
#[derive(Debug)]
pub(super) struct Rash {
    voice: Voice,
    heard: Vec<OneC>,
}

impl Rash {
    pub(super) fn new(voice: Voice) -> Self {
        let heard = Vec::new();
        Rash { voice, heard }
    }

    fn votes(&self, one_c: &OneC) -> Option<Heard> {
        let all = self.voice.learners();
        let slots = one_c.proposals.iter().map(|p| SlotVotes {
            slot: p.slot,
            two_av: Some((p.value, all)),
            two_b: Some((p.value, all)),
        });
        self.voice.sign(Message::Votes(Votes {
            ballot: one_c.ballot,
            slots: slots.collect(),
        }))
    }
}

impl Liar<HPaxos> for Rash {
    fn hears(&mut self, message: &Heard) {
        if let Message::OneC(one_c) = &**message
            && self.heard.len() < PENDING
        {
            self.heard.push(one_c.clone());
        }
    }

    fn says(&mut self, _: Place, message: &Heard, aside: &mut Aside<'_>) -> Vec<Told> {
        let Message::Votes(votes) = &**message else {
            return honest(message);
        };
        let mut rash = votes.clone();
        let all = self.voice.learners();
        for said in &mut rash.slots {
            if let Some((value, _)) = said.two_av {
                said.two_av = Some((value, all));
                said.two_b = said.two_b.map(|(v, _)| (v, all)).or(Some((value, all)));
            }
        }
        if !self.voice.is_mine(message) || rash == *votes {
            return honest(message);
        }
        aside.lie("lie: 2b before its 2av");
        let rash = self.voice.sign(Message::Votes(rash));
        honest(rash.as_ref().unwrap_or(message))
    }

    fn volunteers(&mut self, aside: &mut Aside<'_>) -> Vec<(Place, Told)> {
        let heard = std::mem::take(&mut self.heard);
        let votes: Vec<Heard> = heard.iter().filter_map(|c| self.votes(c)).collect();
        let mut said = Vec::new();
        for to in &self.voice.others {
            for votes in &votes {
                aside.lie("lie: votes for whatever is announced");
                said.push((*to, Said::Message(votes.clone())));
            }
        }
        said
    }
}
