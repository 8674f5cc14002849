//! Misbehaviour on purpose, for test networks.
//!
//! It happens where messages leave the engine: the protocol itself stays as it is, and what is said
//! here is neither persisted nor given back to it.

use crate::config::Byzantine;
use consensus::Protocol;
use consensus::hpaxos::{Message, OneC, Proposal, SlotVotes, Votes};
use crypto::{Digest, Signer, Verified};
use learner_graph::LearnerSet;

/// What to send beside an own message, if that gives an opportunity.
pub(crate) type Lie<P> =
    Box<dyn Fn(&<P as Protocol>::Message) -> Option<<P as Protocol>::Wire> + Send>;

/// Signs a second story of HPaxos.
#[derive(Debug)]
pub(crate) struct Liar {
    behaviour: Byzantine,
    signer: Signer,
}

impl Liar {
    /// A liar with a signer of its own.
    pub(crate) fn new(behaviour: Byzantine, signer: Signer) -> Self {
        Liar { behaviour, signer }
    }

    /// What to send beside an own message, if that gives an opportunity.
    pub(crate) fn contradict(&self, message: &Message) -> Option<Verified<Message>> {
        match (self.behaviour, message) {
            (Byzantine::DoubleVote, Message::Votes(votes)) => {
                let slots = votes.slots.iter().map(|s| SlotVotes {
                    slot: s.slot,
                    two_av: s.two_av.as_ref().map(other),
                    two_b: s.two_b.as_ref().map(other),
                });
                let lie = Votes {
                    ballot: votes.ballot,
                    slots: slots.collect(),
                };
                self.signer.sign(Message::Votes(lie)).ok()
            }
            (Byzantine::DoubleAnnounce, Message::OneC(one_c)) => {
                let proposals = one_c.proposals.iter().map(|p| Proposal {
                    value: Digest::of(p.value.as_bytes()),
                    ..p.clone()
                });
                let lie = OneC {
                    ballot: one_c.ballot,
                    proposals: proposals.collect(),
                };
                self.signer.sign(Message::OneC(lie)).ok()
            }
            (Byzantine::DoubleVote | Byzantine::DoubleAnnounce, _) => None,
        }
    }
}

/// The same learners, another value.
fn other((value, learners): &(Digest, LearnerSet)) -> (Digest, LearnerSet) {
    (Digest::of(value.as_bytes()), *learners)
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::hpaxos::{Contradiction, contradiction};
    use consensus::{Ballot, Slot};
    use crypto::{Keypair, MemberId, NetworkId};

    fn liar(behaviour: Byzantine) -> Liar {
        let signer = Signer::new(
            Keypair::from_seed([1; 32]),
            MemberId(0),
            NetworkId(Digest::of(b"net")),
        );
        Liar::new(behaviour, signer)
    }

    #[test]
    fn a_double_announcement_contradicts_the_1c() {
        let liar = liar(Byzantine::DoubleAnnounce);
        let one_c = Message::OneC(OneC {
            ballot: Ballot(3),
            proposals: vec![Proposal {
                slot: Slot(7),
                value: Digest::of(b"v"),
                learners: LearnerSet::first(2),
            }],
        });
        let lie = liar.contradict(&one_c).unwrap();
        let expected = Contradiction::OneC {
            slot: Slot(7),
            ballot: Ballot(3),
        };
        assert_eq!(contradiction(&one_c, &lie), Some(expected));
        assert!(
            liar.contradict(&Message::OneA { ballot: Ballot(3) })
                .is_none()
        );
    }

    #[test]
    fn a_double_vote_contradicts_the_vote() {
        let liar = liar(Byzantine::DoubleVote);
        let learners = LearnerSet::first(2);
        let vote = Message::Votes(Votes {
            ballot: Ballot(3),
            slots: vec![SlotVotes {
                slot: Slot(7),
                two_av: None,
                two_b: Some((Digest::of(b"v"), learners)),
            }],
        });
        let lie = liar.contradict(&vote).unwrap();
        let expected = Contradiction::TwoB {
            slot: Slot(7),
            ballot: Ballot(3),
        };
        assert_eq!(contradiction(&vote, &lie), Some(expected));
        assert!(
            liar.contradict(&Message::OneA { ballot: Ballot(3) })
                .is_none()
        );
    }
}
