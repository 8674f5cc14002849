//! Every message another lie, by chance.

use super::liar::{Aside, Liar};
use super::voice::{Heard, Told, Voice, honest};
use super::{Behaviour, single};
use crate::oracle::Place;
use consensus::hpaxos::HPaxos;
use crypto::Digest;

/// How often, of a hundred times, it tells the truth.
const TRUTH: u64 = 30;

/// One of every kind that takes one node.
pub(super) struct Mixed {
    kinds: Vec<Box<dyn Liar<HPaxos>>>,
}

impl Mixed {
    pub(super) fn new(voice: &Voice) -> Self {
        let all = Behaviour::ALL.iter();
        let kinds = all.filter_map(|b| single(b, voice.clone())).collect();
        Mixed { kinds }
    }

    /// One of the kinds; `None` for the truth.
    fn one(&mut self, aside: &mut Aside<'_>) -> Option<&mut Box<dyn Liar<HPaxos>>> {
        let at = aside.chance.place(self.kinds.len());
        match aside.chance.percent(TRUTH) {
            true => None,
            false => self.kinds.get_mut(at),
        }
    }
}

impl Liar<HPaxos> for Mixed {
    fn hears(&mut self, message: &Heard) {
        self.kinds.iter_mut().for_each(|k| k.hears(message));
    }

    fn says(&mut self, to: Place, message: &Heard, aside: &mut Aside<'_>) -> Vec<Told> {
        match self.one(aside) {
            Some(liar) => liar.says(to, message, aside),
            None => honest(message),
        }
    }

    fn volunteers(&mut self, aside: &mut Aside<'_>) -> Vec<(Place, Told)> {
        match self.one(aside) {
            Some(liar) => liar.volunteers(aside),
            None => Vec::new(),
        }
    }

    fn gives(&mut self, to: Place, value: &Digest, aside: &mut Aside<'_>) -> bool {
        match self.one(aside) {
            Some(liar) => liar.gives(to, value, aside),
            None => true,
        }
    }
}
