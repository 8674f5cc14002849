//! What a claim proves, by a network's configuration.

use super::{Claim, Flaw, ValueJson, refusal_in_words, signers};
use crate::Config;
use consensus::hpaxos::evidence::{Certificate, EvidenceError};
use consensus::{Ballot, Network, Slot};
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerId};
use std::collections::BTreeSet;

/// A decision that is proved. Nothing else makes one than [`Claim::verify`].
#[derive(Clone, Debug)]
pub(crate) struct Proved {
    /// The learner whose quorum voted.
    pub(crate) learner: LearnerId,
    /// The slot.
    pub(crate) slot: Slot,
    /// The ballot of the votes.
    pub(crate) ballot: Ballot,
    /// The digest of the batch.
    pub(crate) digest: Digest,
    /// The acceptors that voted, a quorum of the learner.
    pub(crate) quorum: AcceptorSet,
    /// The values of the batch, in order.
    pub(crate) values: Vec<ValueJson>,
}

impl Claim {
    /// Checks everything against the configuration, whose mode must be `hpaxos`.
    ///
    /// # Errors
    /// [`Flaw`] says what is not as the configuration has it, or not signed.
    pub(crate) fn verify(self, config: &Config) -> Result<Proved, Flaw> {
        let Claim { line, certificate } = self;
        let network = &config.network;
        if line.network_id != network.id() || line.network != config.name {
            return Err(Flaw::Network {
                name: line.network,
                id: line.network_id,
                own_name: config.name.clone(),
                own_id: network.id(),
            });
        }
        let graph = network.graph();
        let learner = match graph.learner(&line.learner) {
            Some(learner) if learner == certificate.learner => learner,
            Some(_) => return Err(Flaw::Another("learner")),
            None => return Err(Flaw::UnknownLearner(line.learner)),
        };
        let quorum = quorum(network, &certificate)?;
        if line.signers != signers(network, &certificate) {
            return Err(Flaw::Signers);
        }
        Ok(Proved {
            learner,
            slot: line.slot,
            ballot: line.ballot,
            digest: line.digest,
            quorum,
            values: line.values,
        })
    }
}

/// HPaxos: ChosenIn(lr, bal, val), from one signed 2b of every acceptor of the quorum and nothing else.
fn quorum(network: &Network, certificate: &Certificate) -> Result<AcceptorSet, Flaw> {
    let mut signed = BTreeSet::new();
    for message in &certificate.two_b {
        if !signed.insert(message.signer()) {
            let name = network.member(message.signer());
            let name = name.map_or("?", |m| m.name.as_str());
            return Err(Flaw::SameSigner(name.to_owned()));
        }
    }
    let quorum = certificate.verify(network).map_err(|error| match error {
        EvidenceError::Refused(refusal) => Flaw::Refused(refusal_in_words(&refusal, network)),
        error => Flaw::Proof(error),
    })?;
    if quorum.len() != certificate.two_b.len() {
        return Err(Flaw::Idle);
    }
    Ok(quorum)
}
