//! What every liar of HPaxos has: a key, and an audience that is told another story.

use super::liar::Said;
use crate::chance::Chance;
use crate::oracle::Place;
use crate::stage::Stage;
use consensus::hpaxos::{Entry, Message, SlotReport};
use consensus::{Ballot, Network, Slot};
use crypto::{Digest, Signer, Verified};
use learner_graph::LearnerSet;
use std::sync::Arc;

/// A message as HPaxos takes it.
pub(super) type Heard = Verified<Message>;
/// What a liar of HPaxos says.
pub(super) type Told = Said<Heard>;

/// How often, of a hundred times, a node that is told the other story is told the truth as well.
const BOTH: u64 = 15;

/// The voice of one node.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    pub(super) network: Arc<Network>,
    /// All other places.
    pub(super) others: Vec<Place>,
    /// What the seed has chosen for this node beyond its audience.
    pub(super) whim: u64,
    signer: Signer,
    audience: Vec<Place>,
}

impl Voice {
    /// The voice of a place that signs; `None` if it does not. Twins have one mind, that of their `node`.
    pub(super) fn new(stage: &Stage, place: Place, node: Place, seed: u64) -> Option<Self> {
        let mut chance = Chance::new(seed, 1000 + node as u64);
        let others: Vec<Place> = (0..stage.places()).filter(|p| *p != place).collect();
        let mut audience = others.clone();
        audience.retain(|_| chance.percent(50));
        if audience.is_empty() || audience.len() == others.len() {
            audience = others.iter().copied().take(1).collect();
        }
        Some(Voice {
            network: Arc::clone(stage.network()),
            whim: chance.below(u64::MAX),
            signer: stage.signer(place)?,
            others,
            audience,
        })
    }

    /// Whether a message is this node's own.
    pub(super) fn is_mine(&self, message: &Heard) -> bool {
        message.signer() == self.signer.member()
    }

    /// Whether a place is told the other story.
    pub(super) fn in_audience(&self, place: Place) -> bool {
        self.audience.contains(&place)
    }

    /// All learners.
    pub(super) fn learners(&self) -> LearnerSet {
        self.network.graph().learners()
    }

    /// Signs a statement; nothing if it cannot be said.
    pub(super) fn sign(&self, message: Message) -> Option<Heard> {
        self.signer.sign(message).ok()
    }

    /// The ballot of this node that follows a ballot.
    pub(super) fn own_ballot_after(&self, ballot: Ballot) -> Option<Ballot> {
        let turns = self.network.proposers().len() as u64;
        let mut next = (1..=turns).map(|n| Ballot(ballot.0.saturating_add(n)));
        next.find(|b| self.network.owner(*b) == Some(self.signer.member()))
    }

    /// The other story for its audience, sometimes beside the truth, and the truth for the rest.
    pub(super) fn tell(
        &self,
        to: Place,
        truth: &Heard,
        story: Option<Heard>,
        chance: &mut Chance,
    ) -> Vec<Told> {
        match story {
            Some(story) if self.in_audience(to) => {
                let mut both = vec![story];
                if chance.percent(BOTH) {
                    both.push(truth.clone());
                }
                both.into_iter().map(Said::Message).collect()
            }
            _ => honest(truth),
        }
    }
}

/// The message itself.
pub(super) fn honest(message: &Heard) -> Vec<Told> {
    vec![Said::Message(message.clone())]
}

/// A value that nobody has the bytes of.
pub(super) fn nothing(ballot: Ballot, slot: Slot) -> Digest {
    Digest::of(format!("nothing in slot {slot} of ballot {ballot}").as_bytes())
}

/// A report of one vote and one 2av, of this ballot, for all these learners.
pub(super) fn report(
    slot: Slot,
    ballot: Ballot,
    value: Digest,
    learners: LearnerSet,
) -> SlotReport {
    let entry = Entry {
        ballot,
        value,
        learners,
    };
    SlotReport {
        slot,
        votes: vec![entry.clone()],
        proposals: vec![entry],
    }
}
