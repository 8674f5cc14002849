//! Nodes that do not follow the protocol.

use super::chance::Chance;
use super::oracle::Place;
use consensus::Protocol;

/// One node that does not follow the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adversary {
    /// Which, by its place.
    pub node: Place,
    /// What it does.
    pub behaviour: Behaviour,
}

impl Adversary {
    /// Whether it is two nodes with one key.
    #[must_use]
    pub fn is_twin(&self) -> bool {
        self.behaviour == Behaviour::Twins
    }
}

/// What a node does that it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// There are two of it, with one key, each of which follows the protocol.
    Twins,
}

/// Says something else than the state machine does.
pub trait Liar<P: Protocol> {
    /// It hears a message.
    fn hears(&mut self, message: &P::Message);

    /// What it tells this node instead of a message of its own.
    fn says(&mut self, to: Place, message: &P::Message, chance: &mut Chance) -> Vec<P::Message>;

    /// What it tells whom without being asked. Called a few times per patience.
    fn volunteers(&mut self, chance: &mut Chance) -> Vec<(Place, P::Message)>;
}
