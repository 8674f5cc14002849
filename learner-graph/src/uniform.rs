//! Uniformity: whether liveness is guaranteed for a learner whatever was voted before.

use crate::effort::Effort;
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::kinds::Kinds;
use crate::known::Known;
use crate::search::{Found, Search};
use crate::set::AcceptorSet;
use crate::validity::smallest;

/// The steps that checking uniformity may take.
pub const UNIFORMITY_STEPS: u64 = 500_000;

/// A set of acceptors that makes a learner agree with itself but not with another one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The learner; old votes of `other` can starve it.
    pub learner: LearnerId,
    /// A learner that it can agree with.
    pub other: LearnerId,
    /// In TrustSafe(learner, learner) and not in TrustSafe(learner, other). Minimal.
    pub set: AcceptorSet,
}

/// What a check of uniformity found.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Uniformity {
    /// One difference per ordered pair that has one.
    pub differences: Vec<Difference>,
    /// Pairs for which the steps ran out.
    pub undecided: Vec<(LearnerId, LearnerId)>,
}

impl Uniformity {
    /// Whether the graph was shown to be uniform.
    pub fn holds(&self) -> bool {
        self.verdict() == Some(true)
    }

    /// Whether the graph is uniform; nothing if that was not decided.
    pub fn verdict(&self) -> Option<bool> {
        match (self.differences.is_empty(), self.undecided.is_empty()) {
            (false, _) => Some(false),
            (true, true) => Some(true),
            (true, false) => None,
        }
    }
}

/// What is known of pairs that TrustSafe tells apart, the learner first: a set of its own that is none of the two.
pub(crate) type KnownDifferences = Known<[usize; 2], Found<AcceptorSet>>;

impl LearnerGraph {
    /// Checks in at most `steps` steps ([`UNIFORMITY_STEPS`] is a good number) whether every
    /// learner is uniform: whether it has the same TrustSafe sets with all learners that it has
    /// any with, itself included.
    ///
    /// By transitivity, what makes a learner agree with anyone makes it agree with itself, so
    /// only a set of its own that is missing from the other family can tell them apart.
    pub fn uniformity(&self, steps: u64) -> Uniformity {
        self.uniformity_within(&Effort::steps(steps), &mut KnownDifferences::default())
    }

    /// The same within an effort; what is known is not asked again.
    pub(crate) fn uniformity_within(
        &self,
        effort: &Effort,
        known: &mut KnownDifferences,
    ) -> Uniformity {
        let mut search = Search::new(&self.exprs, effort);
        let mut result = Uniformity::default();
        let kinds = Kinds::of(self);
        for learner in self.learners() {
            for other in self.learners().iter().filter(|other| *other != learner) {
                let key = [learner, other].map(|l| kinds.agreement(l));
                let found = known.get(&key, effort.is_stopped()).unwrap_or_else(|| {
                    let found = match effort.is_stopped() {
                        true => Found::Undecided,
                        false => self.difference(&mut search, learner, other),
                    };
                    known.keep(key, found, found != Found::Undecided, effort.is_stopped())
                });
                match found {
                    Found::Yes(set) => result.differences.push(Difference {
                        learner,
                        other,
                        set,
                    }),
                    Found::No => {}
                    Found::Undecided => result.undecided.push((learner, other)),
                }
            }
        }
        result
    }

    /// A minimal set in TrustSafe(learner, learner) and not in TrustSafe(learner, other).
    fn difference(
        &self,
        search: &mut Search,
        learner: LearnerId,
        other: LearnerId,
    ) -> Found<AcceptorSet> {
        let own = Family::agreement(self, learner, learner);
        let shared = Family::agreement(self, learner, other);
        let (Some(own), Some(shared)) = (own, shared) else {
            return Found::No;
        };
        let found = search.separate(&self.acceptors(), &own, &[shared]);
        found.map(|set| smallest(set, |s| self.trust_safe(learner, learner, s)))
    }
}
