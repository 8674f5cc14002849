//! What hangs on each acceptor or group: who stops, and whose promise ends, if it fails as well.

use super::faults::Tolerance;
use super::harm::{Disentangles, Harm, Stops};
use super::of_graph::Run;
use super::report::{FaultReport, Verdict, Weight};
use super::units::UnitSet;
use crate::expr::NodeId;
use crate::id::LearnerId;
use crate::set::AcceptorSet;
use std::collections::{BTreeMap, HashMap};

/// The most questions that are asked to weigh units.
const MAX_WEIGHED: usize = 20_000;

/// What comes of one more failure.
struct Change {
    /// The harm is done, and was not before.
    done: bool,
    /// Less is tolerated than before.
    weakened: bool,
}

/// What hangs on each unit of a class.
pub(super) struct ClassWeight {
    pub(super) class: UnitSet,
    /// Without a name.
    pub(super) weight: Weight,
    /// How many pairs it disentangles, which need not all be named.
    pub(super) disentangled: usize,
}

impl Run<'_> {
    /// What hangs on each unit; nothing if there are too many questions.
    pub(super) fn weights(
        &mut self,
        learners: &[LearnerId],
        pairs: &[(LearnerId, LearnerId)],
    ) -> Vec<Weight> {
        let classes = self.class_weights(learners, pairs, usize::MAX);
        let mut weights = Vec::new();
        for ClassWeight { class, weight, .. } in classes {
            weights.extend(class.iter().map(|unit| {
                let name = self.units.name(unit).to_owned();
                let weight = weight.clone();
                (unit, Weight { name, ..weight })
            }));
        }
        weights.sort_by_key(|(unit, _)| *unit);
        weights.into_iter().map(|(_, weight)| weight).collect()
    }

    /// The same for classes of units that nothing tells apart, with at most so many pairs named of each.
    pub(super) fn class_weights(
        &mut self,
        learners: &[LearnerId],
        pairs: &[(LearnerId, LearnerId)],
        named: usize,
    ) -> Vec<ClassWeight> {
        let all = self.graph.acceptors();
        let mut lives: HashMap<NodeId, Vec<LearnerId>> = HashMap::new();
        for l in learners {
            let live = self.graph.live[usize::from(l.0)].0;
            lives.entry(live).or_default().push(*l);
        }
        // In order, so that always the same are named.
        let mut agreements: BTreeMap<(usize, usize), Vec<(LearnerId, LearnerId)>> = BTreeMap::new();
        for (l1, l2) in pairs {
            if self.graph.trust_safe(*l1, *l2, &all) {
                let key = self.declared_key(*l1, *l2);
                agreements.entry(key).or_default().push((*l1, *l2));
            }
        }
        let roots = self.graph.live.iter().map(|(id, _)| *id);
        let roots = roots.chain(self.graph.rules.iter().map(|rule| rule.expr));
        let classes = self.classes((roots.collect(), all));
        if classes.len() * (lives.len() + agreements.len()) > MAX_WEIGHED {
            self.complete = false;
            return Vec::new();
        }
        let name = |l: LearnerId| self.graph.learner_name(l).to_owned();
        let mut weights = Vec::new();
        for class in classes {
            let Some(unit) = class.iter().next() else {
                continue;
            };
            let mut weight = Weight {
                name: String::new(),
                stops: Vec::new(),
                disentangles: Vec::new(),
                weakens_progress: 0,
                weakens_agreement: 0,
            };
            let failed = self.units.acceptors(&std::iter::once(unit).collect());
            for (live, learners) in &lives {
                let harm = Stops::new(self.graph, learners[0]);
                let change = self.change(self.stops.get(live), &harm, self.silent() | failed);
                if change.done {
                    weight.stops.extend(learners.iter().map(|l| name(*l)));
                }
                if change.weakened {
                    weight.weakens_progress += learners.len();
                }
            }
            weight.stops.sort();
            let mut disentangled = 0;
            let caught = self.options.suspicion.caught;
            for (key, pairs) in &agreements {
                let harm = Disentangles::new(self.graph, pairs[0].0, pairs[0].1);
                let change = self.change(self.declared.get(key), &harm, caught | failed);
                if change.done {
                    let room = named.saturating_sub(weight.disentangles.len());
                    let some = pairs.iter().take(room);
                    let names = some.map(|(a, b)| [name(*a), name(*b)]);
                    weight.disentangles.extend(names);
                    disentangled += pairs.len();
                }
                if change.weakened {
                    weight.weakens_agreement += pairs.len();
                }
            }
            weight.disentangles.sort();
            if self.effort().is_stopped() {
                // Of this class and those to come nothing is known, which is not the same as that nothing
                // hangs on them.
                self.complete = false;
                break;
            }
            weights.push(ClassWeight {
                class,
                weight,
                disentangled,
            });
        }
        weights
    }

    /// What is done with these acceptors faulty, beside what was known without one of them.
    fn change<H: Harm>(
        &self,
        before: Option<&FaultReport>,
        harm: &H,
        given: AcceptorSet,
    ) -> Change {
        let after = self.faults(harm, given).tolerance();
        let before = before.map(|report| (report.verdict, report.tolerated));
        let weakened = match (before, after) {
            (Some((Verdict::Exact, Some(_))), Tolerance::Broken) => true,
            (Some((Verdict::Exact, Some(before))), Tolerance::Faults { tolerated, .. }) => {
                tolerated < before
            }
            _ => false,
        };
        let held = before.is_some_and(|(verdict, _)| verdict != Verdict::Broken);
        Change {
            done: held && after == Tolerance::Broken,
            weakened,
        }
    }
}
