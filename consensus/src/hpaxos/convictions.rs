//! HPaxos: `connected`, from evidence.

use super::evidence::{Evidence, Finding};
use super::safe_at::Trust;
use crate::Network;
use crate::planted::{Bug, planted};
use crypto::MemberId;
use learner_graph::{LearnerGraph, LearnerId, LearnerSet, Suspicion};

/// All evidence known here and what follows from it.
#[derive(Debug)]
pub(super) struct Convictions {
    evidence: Vec<(Evidence, Finding)>,
    suspicion: Suspicion,
    connected: Vec<LearnerSet>,
    equivocators: Vec<MemberId>,
}

/// What new evidence changed.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) finding: Finding,
    /// HPaxos: Disconnect, the pairs in ascending order.
    pub(super) disconnected: Vec<(LearnerId, LearnerId)>,
}

impl Convictions {
    /// HPaxos: Init, `connected[A] = Learner \X Learner`, less the pairs that no TrustSafe set
    /// joins: those are never entangled.
    pub(super) fn new(graph: &LearnerGraph) -> Self {
        let suspicion = Suspicion::default();
        Convictions {
            evidence: Vec::new(),
            connected: graph.connected(&suspicion),
            suspicion,
            equivocators: Vec::new(),
        }
    }

    /// Takes in verified evidence. `None` if it proves nothing that is not known: one proof per
    /// acceptor, per proposer and per pair of learners is kept.
    pub(super) fn admit(
        &mut self,
        evidence: Evidence,
        finding: Finding,
        graph: &LearnerGraph,
    ) -> Option<Admitted> {
        match finding {
            Finding::Caught(acceptor, _) => {
                if !self.suspicion.caught.insert(acceptor) {
                    return None;
                }
            }
            Finding::Equivocated(member, _) => {
                if self.equivocators.contains(&member) {
                    return None;
                }
                self.equivocators.push(member);
            }
            Finding::NotEntangled { first, second, .. } => {
                if !self.are_connected(first, second) {
                    return None;
                }
                self.suspicion.disagreements.push((first, second));
            }
        }
        self.evidence.push((evidence, finding.clone()));
        let disconnected = match finding {
            Finding::Equivocated(..) => Vec::new(),
            _ => self.recompute(graph),
        };
        Some(Admitted {
            finding,
            disconnected,
        })
    }

    fn recompute(&mut self, graph: &LearnerGraph) -> Vec<(LearnerId, LearnerId)> {
        let mut connected = graph.connected(&self.suspicion);
        if planted(Bug::DisconnectAll) && !self.suspicion.disagreements.is_empty() {
            connected.fill(LearnerSet::EMPTY);
        }
        let mut lost = Vec::new();
        for l1 in graph.learners().iter() {
            let row = usize::from(l1.0);
            let gone = self.connected[row] - connected[row];
            lost.extend(gone.iter().filter(|l2| l1 <= *l2).map(|l2| (l1, l2)));
            // HPaxos: Disconnect only ever removes pairs.
            self.connected[row] &= connected[row];
        }
        lost
    }

    pub(super) fn are_connected(&self, l1: LearnerId, l2: LearnerId) -> bool {
        self.connected
            .get(usize::from(l1.0))
            .is_some_and(|row| row.contains(l2))
    }

    pub(super) fn connected(&self) -> &[LearnerSet] {
        &self.connected
    }

    pub(super) fn suspicion(&self) -> &Suspicion {
        &self.suspicion
    }

    pub(super) fn evidence(&self) -> &[(Evidence, Finding)] {
        &self.evidence
    }

    /// Whether a proposer has lost its turns. Where all have, none has.
    pub(super) fn lost_turns(&self, proposer: Option<MemberId>, network: &Network) -> bool {
        let equivocated = |m: &MemberId| self.equivocators.contains(m);
        proposer.is_some_and(|p| equivocated(&p)) && !network.proposers().iter().all(equivocated)
    }

    /// What KnowsSafeAt depends on.
    pub(super) fn trust<'a>(&'a self, graph: &'a LearnerGraph) -> Trust<'a> {
        Trust {
            graph,
            connected: &self.connected,
            suspicion: &self.suspicion,
        }
    }
}
