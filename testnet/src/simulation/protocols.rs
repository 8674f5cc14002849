//! The three protocols, as the simulation runs them.

use super::adversary::{self, Liar};
use super::conforms::Conforms;
use super::invariants::disk_synod::DiskSynod;
use super::invariants::evidence::Accused;
use super::invariants::voting::Voting;
use super::oracle::{Oracle, Place};
use super::stage::Stage;
use super::words;
use consensus::disk_paxos::{Decided, DiskPaxos};
use consensus::hpaxos::evidence::Finding;
use consensus::hpaxos::{self, HPaxos};
use consensus::paxos::{self, Paxos};
use consensus::{HistoryOf, Network, NoEvidence, Protocol};
use crypto::Verified;
use learner_graph::LearnerId;
use node::config::Config;
use node::machines;
use std::sync::Arc;

/// What the simulation needs of a protocol beyond what a node needs.
pub trait Simulated: Protocol {
    /// Who checks its runs.
    type Oracle: Oracle<Self>;

    /// A fresh oracle.
    fn oracle(stage: &Arc<Stage>) -> Self::Oracle;

    /// The state machine of a place, as it starts for the first time, by this configuration.
    fn machine(config: &Config, stage: &Stage, place: Place, history: Arc<HistoryOf<Self>>)
    -> Self;

    /// The log of a learner in the history of a node that plays it.
    fn in_history(learner: LearnerId) -> LearnerId;

    /// Whether a statement binds its sender, so that it must be stored before it leaves.
    fn binds(message: &Self::Message) -> bool;

    /// A message in words.
    fn words(message: &Self::Message, network: &Network) -> String;

    /// What a place says instead of the truth.
    fn liar(stage: &Stage, place: Place, seed: u64) -> Option<Box<dyn Liar<Self>>>;

    /// Whom a finding accuses.
    fn accuses(finding: &Self::Finding) -> Accused;
}

impl Simulated for HPaxos {
    type Oracle = Conforms;

    fn oracle(stage: &Arc<Stage>) -> Conforms {
        Conforms::new(stage)
    }

    fn machine(
        config: &Config,
        stage: &Stage,
        place: Place,
        history: Arc<HistoryOf<Self>>,
    ) -> Self {
        machines::hpaxos(config, stage.signer(place), history)
    }

    fn in_history(learner: LearnerId) -> LearnerId {
        learner
    }

    fn binds(message: &Verified<hpaxos::Message>) -> bool {
        !matches!(**message, hpaxos::Message::Wish { .. })
    }

    fn words(message: &Verified<hpaxos::Message>, network: &Network) -> String {
        words::hpaxos(message, network)
    }

    fn liar(stage: &Stage, place: Place, seed: u64) -> Option<Box<dyn Liar<Self>>> {
        adversary::liar(stage, place, seed)
    }

    fn accuses(finding: &Finding) -> Accused {
        match finding {
            Finding::Caught(acceptor, _) => Accused::Acceptor(*acceptor),
            Finding::Equivocated(member, _) => Accused::Proposer(*member),
            Finding::NotEntangled { first, second, .. } => Accused::Pair(*first, *second),
        }
    }
}

impl Simulated for Paxos {
    type Oracle = Voting;

    fn oracle(stage: &Arc<Stage>) -> Voting {
        Voting::new(stage)
    }

    fn machine(
        config: &Config,
        stage: &Stage,
        place: Place,
        history: Arc<HistoryOf<Self>>,
    ) -> Self {
        machines::paxos(config, stage.node(place), history)
    }

    fn in_history(_: LearnerId) -> LearnerId {
        LearnerId(0)
    }

    fn binds(message: &paxos::Message) -> bool {
        !matches!(message.body, paxos::Body::Wish { .. })
    }

    fn words(message: &paxos::Message, _: &Network) -> String {
        words::paxos(message)
    }

    /// Nobody lies.
    fn liar(_: &Stage, _: Place, _: u64) -> Option<Box<dyn Liar<Self>>> {
        None
    }

    fn accuses(finding: &NoEvidence) -> Accused {
        match *finding {}
    }
}

impl Simulated for DiskPaxos {
    type Oracle = DiskSynod;

    fn oracle(stage: &Arc<Stage>) -> DiskSynod {
        DiskSynod::new(stage)
    }

    fn machine(
        config: &Config,
        stage: &Stage,
        place: Place,
        history: Arc<HistoryOf<Self>>,
    ) -> Self {
        machines::disk_paxos(config, stage.node(place), history)
    }

    fn in_history(_: LearnerId) -> LearnerId {
        LearnerId(0)
    }

    /// What is decided is on the disks.
    fn binds(_: &Decided) -> bool {
        false
    }

    fn words(message: &Decided, _: &Network) -> String {
        format!("what is committed{}", words::votes(&message.votes))
    }

    /// Nobody lies.
    fn liar(_: &Stage, _: Place, _: u64) -> Option<Box<dyn Liar<Self>>> {
        None
    }

    fn accuses(finding: &NoEvidence) -> Accused {
        match *finding {}
    }
}
