//! Evidence: what proves, to anyone who has the configuration, that an acceptor is not safe or that
//! two learners are not entangled.
//!
//! Nothing else counts. A rule that could convict a safe acceptor that crashed and restarted would
//! break the whole network.

use super::contradiction::{Contradiction, contradiction};
use super::message::Message;
use crate::planted::{Bug, planted};
use crate::{Ballot, Network, Slot};
use crypto::{Digest, MemberId, Refusal, Signed, Verified};
use learner_graph::{AcceptorId, AcceptorSet, LearnerId};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// Something that can be verified offline with nothing but the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// Two statements of one member that a member which follows the protocol never signs both.
    Contradiction {
        /// The one.
        first: Signed<Message>,
        /// The other.
        second: Signed<Message>,
    },
    /// Two decisions of one slot with different values. By `Safety`, the learners are not entangled.
    Disagreement {
        /// The one.
        first: Certificate,
        /// The other.
        second: Certificate,
    },
}

/// The 2b messages of a TrustLive quorum: a learner's decision, as others can check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The learner whose quorum it is.
    pub learner: LearnerId,
    /// The slot.
    pub slot: Slot,
    /// The ballot of the 2b messages.
    pub ballot: Ballot,
    /// The digest of the batch decided.
    pub value: Digest,
    /// The signed messages that hold the 2b.
    pub two_b: Vec<Signed<Message>>,
}

/// What verified evidence proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// An acceptor is caught: it is not safe.
    Caught(AcceptorId, Contradiction),
    /// A proposer announced two values. It loses its turns; this alone does not make it an unsafe
    /// acceptor.
    Equivocated(MemberId, Contradiction),
    /// Two learners are not entangled.
    NotEntangled {
        /// The one learner.
        first: LearnerId,
        /// The other learner, possibly the same one.
        second: LearnerId,
        /// The slot in which they decided differently.
        slot: Slot,
    },
}

/// Why evidence or a certificate proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EvidenceError {
    /// A message in it is not genuine.
    #[error("a message in it is refused: {0}")]
    Refused(#[from] Refusal),
    /// The two statements are compatible, or not of one member.
    #[error("the two statements do not contradict each other")]
    NoContradiction,
    /// The certificate names a learner that the graph does not have.
    #[error("the certificate names a learner that the configuration does not have")]
    UnknownLearner,
    /// The 2b messages are not those of a TrustLive quorum.
    #[error("the 2b messages are not those of a quorum of the learner")]
    NoQuorum,
    /// Both certificates are of the same value, or of different slots.
    #[error("the two certificates do not disagree about one slot")]
    NoDisagreement,
}

/// How a signed message becomes one that can be believed.
trait Open: Fn(Signed<Message>) -> Result<Verified<Message>, Refusal> {}
impl<F: Fn(Signed<Message>) -> Result<Verified<Message>, Refusal>> Open for F {}

impl Certificate {
    /// Checks every signature and the quorum. Returns the acceptors whose 2b count.
    ///
    /// # Errors
    /// [`EvidenceError`] says what is missing.
    pub fn verify(&self, network: &Network) -> Result<AcceptorSet, EvidenceError> {
        self.proves(network, |signed| signed.verify(network.keyring()))
    }

    fn proves(&self, network: &Network, open: impl Open) -> Result<AcceptorSet, EvidenceError> {
        let graph = network.graph();
        if !graph.learners().contains(self.learner) {
            return Err(EvidenceError::UnknownLearner);
        }
        // One message per acceptor is enough; more is a waste of everybody's time.
        if self.two_b.len() > graph.n_acceptors() {
            return Err(EvidenceError::NoQuorum);
        }
        let mut quorum = AcceptorSet::EMPTY;
        for signed in &self.two_b {
            let message = open(signed.clone())?;
            if let Some(acceptor) = network.acceptor_of(message.signer())
                && self.counts(&message)
            {
                quorum.insert(acceptor);
            }
        }
        if graph.is_quorum(self.learner, &quorum) || planted(Bug::BelieveCertificate) {
            Ok(quorum)
        } else {
            Err(EvidenceError::NoQuorum)
        }
    }

    /// HPaxos: ChosenIn, the part about one message.
    fn counts(&self, message: &Message) -> bool {
        let Message::Votes(votes) = message else {
            return false;
        };
        votes.ballot == self.ballot
            && votes.slots.iter().any(|s| {
                s.slot == self.slot
                    && s.two_b.as_ref().is_some_and(|(value, learners)| {
                        *value == self.value && learners.contains(self.learner)
                    })
            })
    }
}

impl Evidence {
    /// Evidence from two verified statements, if they contradict each other.
    #[must_use]
    pub fn from_pair(first: &Verified<Message>, second: &Verified<Message>) -> Option<Evidence> {
        (first.signer() == second.signer()).then_some(())?;
        contradiction(first, second)?;
        // The same pair gives the same evidence whichever came first.
        let (first, second) = if first.id() <= second.id() {
            (first, second)
        } else {
            (second, first)
        };
        Some(Evidence::Contradiction {
            first: first.signed().clone(),
            second: second.signed().clone(),
        })
    }

    /// Checks everything and says what is proved.
    ///
    /// # Errors
    /// [`EvidenceError`] if it proves nothing.
    pub fn verify(&self, network: &Network) -> Result<Finding, EvidenceError> {
        self.proves(network, |signed| signed.verify(network.keyring()))
    }

    /// The same for evidence that is made of messages which this node has verified: their signatures are not looked at.
    pub(super) fn recall(&self, network: &Network) -> Result<Finding, EvidenceError> {
        self.proves(network, |signed| signed.recall(network.keyring()))
    }

    fn proves(&self, network: &Network, open: impl Open) -> Result<Finding, EvidenceError> {
        match self {
            Evidence::Contradiction { first, second } => {
                let first = open(first.clone())?;
                let second = open(second.clone())?;
                if first.signer() != second.signer() {
                    return Err(EvidenceError::NoContradiction);
                }
                let found = contradiction(&first, &second).ok_or(EvidenceError::NoContradiction)?;
                match (&found, network.acceptor_of(first.signer())) {
                    (Contradiction::OneC { .. }, _) => {
                        Ok(Finding::Equivocated(first.signer(), found))
                    }
                    (_, Some(acceptor)) => Ok(Finding::Caught(acceptor, found)),
                    // An acceptor's words from a member that plays none bind nobody.
                    (_, None) => Err(EvidenceError::NoContradiction),
                }
            }
            Evidence::Disagreement { first, second } => {
                if first.slot != second.slot || first.value == second.value {
                    return Err(EvidenceError::NoDisagreement);
                }
                first.proves(network, &open)?;
                second.proves(network, &open)?;
                Ok(Finding::NotEntangled {
                    first: first.learner,
                    second: second.learner,
                    slot: first.slot,
                })
            }
        }
    }
}

impl Finding {
    /// The finding in words, with the names of the configuration.
    #[must_use]
    pub fn describe(&self, network: &Network) -> String {
        let graph = network.graph();
        match self {
            Finding::Caught(acceptor, found) => {
                format!(
                    "acceptor {} is not safe: it sent {found}",
                    graph.acceptor_name(*acceptor)
                )
            }
            Finding::Equivocated(member, found) => {
                let name = network.member(*member).map_or("?", |m| m.name.as_str());
                format!("proposer {name} equivocated: it sent {found}")
            }
            Finding::NotEntangled {
                first,
                second,
                slot,
            } if first == second => format!(
                "learner {} is not entangled with itself: it has two decisions in slot {slot}",
                graph.learner_name(*first)
            ),
            Finding::NotEntangled {
                first,
                second,
                slot,
            } => format!(
                "learners {} and {} are not entangled: they decided differently in slot {slot}",
                graph.learner_name(*first),
                graph.learner_name(*second)
            ),
        }
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "decision of slot {} in ballot {}: {}",
            self.slot, self.ballot, self.value
        )
    }
}
