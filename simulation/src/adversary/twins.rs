//! Twins: one key, two nodes, each of which follows the protocol with a storage of its own.

use super::liar::{Aside, Liar};
use super::voice::{Heard, Told, Voice, honest};
use crate::oracle::Place;
use crate::stage::Stage;
use consensus::hpaxos::HPaxos;

/// One of two. The unmodified node is the first; what the second says is the lie.
#[derive(Debug)]
pub(super) struct Twin {
    voice: Voice,
    other: Option<Place>,
    /// Whether the two hear each other as peers do.
    acquainted: bool,
    second: bool,
}

impl Twin {
    pub(super) fn new(stage: &Stage, place: Place, voice: Voice) -> Self {
        let other = stage.twin(place);
        Twin {
            other,
            acquainted: voice.whim.is_multiple_of(2),
            second: other.is_some_and(|other| other < place),
            voice,
        }
    }
}

impl Liar<HPaxos> for Twin {
    fn knows(&self, place: Place) -> bool {
        self.acquainted || self.other != Some(place)
    }

    fn says(&mut self, _: Place, message: &Heard, aside: &mut Aside<'_>) -> Vec<Told> {
        if self.second && self.voice.is_mine(message) {
            aside.lie("lie: a twin speaks");
        }
        honest(message)
    }
}
