//! Colluding liars: two groups of nodes, and a story for each.
//!
//! Every colluder is two unmodified nodes with one key. The first of each deals with the one group and with
//! the first of the others, the second with the other group and the second of the others: each group sees
//! a network in which all liars follow the protocol.

use super::liar::{Aside, Liar};
use super::voice::{Heard, Told, honest};
use crate::chance::Chance;
use crate::oracle::Place;
use crate::stage::Stage;
use consensus::hpaxos::HPaxos;

/// One of two personalities.
#[derive(Debug)]
pub(super) struct Colluder {
    /// Whom it deals with.
    group: Vec<Place>,
    second: bool,
}

impl Colluder {
    /// The first group is `side`, or what the seed says.
    pub(super) fn new(stage: &Stage, place: Place, side: Option<&[Place]>, seed: u64) -> Self {
        // One stream for all colluders: they have one mind.
        let mut chance = Chance::new(seed, 999);
        let drawn: Vec<bool> = (0..stage.places()).map(|_| chance.percent(50)).collect();
        let in_first = |p: Place| match (is_colluder(stage, p), side) {
            (true, _) => !is_second(stage, p),
            (false, Some(side)) => side.contains(&p),
            (false, None) => drawn[p],
        };
        let second = is_second(stage, place);
        let places = 0..stage.places();
        let group = places.filter(|p| in_first(*p) != second).collect();
        Colluder { group, second }
    }
}

fn is_colluder(stage: &Stage, place: Place) -> bool {
    let adversary = stage.adversary(place);
    adversary.is_some_and(|a| matches!(a.behaviour, super::Behaviour::Collude(_)))
}

fn is_second(stage: &Stage, place: Place) -> bool {
    stage.twin(place).is_some_and(|other| other < place)
}

impl Liar<HPaxos> for Colluder {
    fn knows(&self, place: Place) -> bool {
        self.group.contains(&place)
    }

    fn says(&mut self, _: Place, message: &Heard, aside: &mut Aside<'_>) -> Vec<Told> {
        if self.second {
            aside.lie("lie: the other story of colluders");
        }
        honest(message)
    }
}
