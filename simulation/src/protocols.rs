//! The three protocols, as the simulation runs them.

use super::adversary::{self, Liar};
use super::cast::Part;
use super::conforms::Conforms;
use super::invariants::disk_synod::DiskSynod;
use super::invariants::evidence::Accused;
use super::invariants::voting::Voting;
use super::oracle::{Oracle, Place};
use super::setting::Setting;
use super::stage::Stage;
use super::words;
use consensus::disk_paxos::{self, Decided, DiskPaxos};
use consensus::hpaxos::evidence::Finding;
use consensus::hpaxos::{self, HPaxos};
use consensus::paxos::{self, Paxos};
use consensus::{Batching, HistoryOf, Network, NoEvidence, Protocol};
use crypto::Verified;
use learner_graph::LearnerId;
use std::sync::Arc;

/// How a node starts.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// How the run goes.
    pub setting: &'a Setting,
    /// The slots that stay in the node's memory once they are delivered.
    pub recent: u64,
}

impl Start<'_> {
    fn batching(self, stage: &Stage) -> Batching {
        Batching {
            delay: self.setting.batch_delay,
            bytes: stage.cast.bounds.batch_bytes,
        }
    }
}

/// What the simulation needs of a protocol beyond what a node needs.
pub trait Simulated: Protocol {
    /// Who checks its runs.
    type Oracle: Oracle<Self>;

    /// A fresh oracle.
    fn oracle(stage: &Arc<Stage>) -> Self::Oracle;

    /// The state machine of a place, as it starts for the first time.
    fn machine(
        stage: &Stage,
        place: Place,
        start: Start<'_>,
        history: Arc<HistoryOf<Self>>,
    ) -> Self;

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

/// The learner of a node where each is one.
fn own_learner(node: &Part) -> LearnerId {
    node.learners.first().copied().unwrap_or(LearnerId(0))
}

impl Simulated for HPaxos {
    type Oracle = Conforms;

    fn oracle(stage: &Arc<Stage>) -> Conforms {
        Conforms::new(stage)
    }

    fn machine(
        stage: &Stage,
        place: Place,
        start: Start<'_>,
        history: Arc<HistoryOf<Self>>,
    ) -> Self {
        HPaxos::new(
            Arc::clone(stage.network()),
            hpaxos::Config {
                signer: stage.signer(place),
                patience: start.setting.patience,
                grace: start.setting.grace,
                window: start.setting.window,
                batching: start.batching(stage),
                max_waiting: stage.cast.bounds.max_waiting,
                max_waiting_bytes: stage.cast.bounds.max_waiting_bytes,
                recent: start.recent,
                recent_bytes: start.setting.recent_bytes,
                page: start.setting.page,
            },
            history,
        )
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
        stage: &Stage,
        place: Place,
        start: Start<'_>,
        history: Arc<HistoryOf<Self>>,
    ) -> Self {
        let node = stage.node(place);
        Paxos::new(
            Arc::clone(stage.network()),
            paxos::Config {
                me: node.member,
                learner: own_learner(node),
                read: stage.read_quorums().clone(),
                patience: start.setting.patience,
                window: start.setting.window,
                batching: start.batching(stage),
                max_waiting: stage.cast.bounds.max_waiting,
                max_waiting_bytes: stage.cast.bounds.max_waiting_bytes,
                recent: start.recent,
                recent_bytes: start.setting.recent_bytes,
            },
            history,
        )
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
        stage: &Stage,
        place: Place,
        start: Start<'_>,
        history: Arc<HistoryOf<Self>>,
    ) -> Self {
        let node = stage.node(place);
        let processors = stage.cast.parts.iter();
        let processors = processors.filter_map(|part| part.processor.zip(part.member));
        DiskPaxos::new(
            Arc::clone(stage.network()),
            disk_paxos::Config {
                me: node.processor,
                processors: processors.collect(),
                learner: own_learner(node),
                patience: start.setting.patience,
                window: start.setting.window,
                batching: start.batching(stage),
                max_waiting: stage.cast.bounds.max_waiting,
                max_waiting_bytes: stage.cast.bounds.max_waiting_bytes,
                recent: start.recent,
                recent_bytes: start.setting.recent_bytes,
            },
            history,
        )
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
