//! Evidence accuses nobody who follows the protocol, and separates nobody who must agree.
//!
//! ConnectedSpec: entangled learners are connected, at every node and at all times. And what it rests on: no
//! safe acceptor is ever caught, no honest proposer is ever found to equivocate, no two entangled learners
//! are found to disagree.

use crate::oracle::{Place, Verdict, Violation};
use crate::protocols::Simulated;
use crate::stage::Stage;
use consensus::{Output, OutputOf};
use crypto::MemberId;
use learner_graph::{AcceptorId, LearnerId, LearnerSet, Suspicion};
use std::collections::{BTreeMap, BTreeSet};

/// Whom evidence accuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accused {
    /// An acceptor, of not being safe.
    Acceptor(AcceptorId),
    /// A proposer, of announcing two values.
    Proposer(MemberId),
    /// Two learners, possibly the same one, of having decided differently.
    Pair(LearnerId, LearnerId),
}

/// The evidence that nodes which follow the protocol have reported, and what they concluded.
#[derive(Debug)]
pub struct Evidence {
    entangled: Vec<LearnerSet>,
    known: BTreeMap<Place, Suspicion>,
    disconnected: BTreeMap<Place, BTreeSet<(LearnerId, LearnerId)>>,
    /// The learners that a node saw fork.
    forks: BTreeMap<Place, BTreeSet<LearnerId>>,
}

impl Evidence {
    /// Nothing is reported yet.
    #[must_use]
    pub fn new(stage: &Stage) -> Self {
        Evidence {
            entangled: stage.entangled(),
            known: BTreeMap::new(),
            disconnected: BTreeMap::new(),
            forks: BTreeMap::new(),
        }
    }

    /// What a node's evidence proves.
    #[must_use]
    pub fn known(&self, place: Place) -> Suspicion {
        self.known.get(&place).cloned().unwrap_or_default()
    }

    /// HPaxos: Disconnect, the pairs that a node has disconnected.
    #[must_use]
    pub fn disconnected(&self, place: Place) -> BTreeSet<(LearnerId, LearnerId)> {
        self.disconnected.get(&place).cloned().unwrap_or_default()
    }

    /// The learners of which a node has reported two decisions of a slot.
    #[must_use]
    pub fn forks(&self, place: Place) -> BTreeSet<LearnerId> {
        self.forks.get(&place).cloned().unwrap_or_default()
    }

    /// A node that follows the protocol reports something.
    ///
    /// # Errors
    /// If it accuses somebody who follows the protocol, or separates learners that must agree.
    pub fn told<P: Simulated>(
        &mut self,
        stage: &Stage,
        place: Place,
        output: &OutputOf<P>,
    ) -> Verdict {
        match output {
            Output::Evidence(_, finding) => self.accuses(stage, place, P::accuses(finding)),
            Output::Disconnected(a, b) => {
                self.must_not_agree(stage, "ConnectedSpec", (*a, *b))?;
                let pair = (*a.min(b), *a.max(b));
                self.disconnected.entry(place).or_default().insert(pair);
                Ok(())
            }
            Output::Fork(fork) => {
                let learner = fork.learner;
                self.must_not_agree(stage, "Safety", (learner, learner))?;
                self.forks.entry(place).or_default().insert(learner);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn accuses(&mut self, stage: &Stage, place: Place, accused: Accused) -> Verdict {
        let known = self.known.entry(place).or_default();
        match accused {
            Accused::Acceptor(acceptor) if stage.safe().contains(acceptor) => {
                let name = stage.network().graph().acceptor_name(acceptor);
                Err(wrong(
                    stage,
                    place,
                    &format!("acceptor {name}, which is safe"),
                ))
            }
            Accused::Proposer(member) if stage.is_honest(member) => {
                let name = stage.network().member(member).map_or("?", |m| &m.name);
                let whom = format!("proposer {name}, which follows the protocol");
                Err(wrong(stage, place, &whom))
            }
            Accused::Acceptor(acceptor) => {
                known.caught.insert(acceptor);
                Ok(())
            }
            Accused::Proposer(_) => Ok(()),
            Accused::Pair(a, b) => {
                let pair = (a.min(b), a.max(b));
                if !known.disagreements.contains(&pair) {
                    known.disagreements.push(pair);
                }
                self.must_not_agree(stage, "Safety", pair)
            }
        }
    }

    fn must_not_agree(
        &self,
        stage: &Stage,
        invariant: &'static str,
        (a, b): (LearnerId, LearnerId),
    ) -> Verdict {
        match self.entangled[usize::from(a.0)].contains(b) {
            false => Ok(()),
            true => {
                let (a, b) = (stage.learner(a), stage.learner(b));
                let what = format!("evidence separates {a} and {b}, which are entangled");
                Err(Violation::of(invariant, what))
            }
        }
    }
}

fn wrong(stage: &Stage, place: Place, whom: &str) -> Violation {
    let what = format!("{} has evidence against {whom}", stage.name(place));
    Violation::of("evidence accuses nobody who follows the protocol", what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adversary::{Adversary, Behaviour};
    use crate::cast::Cast;

    /// a1 lies: la and lb are entangled, lc is with nobody.
    fn stage() -> Stage {
        let cast = Cast::hpaxos(include_str!("../../../examples/lg4.toml"), 0).unwrap();
        let liar = Adversary {
            node: 0,
            behaviour: Behaviour::Votes,
        };
        Stage::new(cast, vec![liar]).unwrap()
    }

    #[test]
    fn only_liars_may_be_accused() {
        let stage = stage();
        let mut evidence = Evidence::new(&stage);
        let mut accuses = |whom| evidence.accuses(&stage, 1, whom).is_ok();
        for place in 0..3 {
            let acceptor = stage.acceptor(place).unwrap();
            let member = stage.member(place).unwrap();
            assert_eq!(accuses(Accused::Acceptor(acceptor)), place == 0);
            assert_eq!(accuses(Accused::Proposer(member)), place == 0);
        }
        assert_eq!(evidence.known(1).caught.len(), 1);
        assert!(evidence.known(0).caught.is_empty());
    }

    #[test]
    fn only_learners_that_need_not_agree_may_be_separated() {
        let stage = stage();
        let [la, lb, lc] = [LearnerId(0), LearnerId(1), LearnerId(2)];
        let mut evidence = Evidence::new(&stage);
        for (a, b, allowed) in [
            (la, lb, false),
            (la, la, false),
            (lc, la, true),
            (lc, lc, true),
        ] {
            let accused = evidence.accuses(&stage, 1, Accused::Pair(a, b));
            assert_eq!(accused.is_ok(), allowed, "{a:?} {b:?}");
            use consensus::hpaxos::HPaxos;
            let told = evidence.told::<HPaxos>(&stage, 1, &Output::Disconnected(a, b));
            assert_eq!(told.is_ok(), allowed, "{a:?} {b:?}");
        }
        assert_eq!(evidence.disconnected(1), [(la, lc), (lc, lc)].into());
    }
}
