//! What a liar is to the network around it.

use crate::chance::Chance;
use crate::oracle::Place;
use crate::tally::Tally;
use consensus::{Batch, Protocol};
use crypto::Digest;

/// Something that a liar says.
#[derive(Clone, Debug)]
pub enum Said<M> {
    /// A message.
    Message(M),
    /// The bytes of a batch.
    Batch(Batch),
}

/// What a liar is lent while it speaks.
#[derive(Debug)]
pub struct Aside<'a> {
    /// The chance of the run.
    pub chance: &'a mut Chance,
    tally: &'a mut Tally,
}

impl<'a> Aside<'a> {
    pub(crate) fn new(chance: &'a mut Chance, tally: &'a mut Tally) -> Self {
        Aside { chance, tally }
    }

    /// Counts something that an unmodified node would not have done.
    pub fn lie(&mut self, kind: &'static str) {
        self.tally.fault(kind);
    }
}

/// Says something else than the state machine does.
pub trait Liar<P: Protocol> {
    /// Whether it has anything to do with this place. It never hears the others and tells them nothing.
    fn knows(&self, _: Place) -> bool {
        true
    }

    /// It hears a message.
    fn hears(&mut self, _: &P::Message) {}

    /// What it tells this node instead of a message. Those of others that it was asked for come here as well.
    fn says(
        &mut self,
        to: Place,
        message: &P::Message,
        aside: &mut Aside<'_>,
    ) -> Vec<Said<P::Message>>;

    /// What it tells whom without being asked. Called a few times per patience.
    fn volunteers(&mut self, _: &mut Aside<'_>) -> Vec<(Place, Said<P::Message>)> {
        Vec::new()
    }

    /// Whether it gives this node the bytes of a batch.
    fn gives(&mut self, _: Place, _: &Digest, _: &mut Aside<'_>) -> bool {
        true
    }
}
