//! What a repair costs: faults that learners and pairs stood before, and uniformity.

use super::super::violation::Price;
use super::Attempts;
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::kinds::Kinds;
use crate::search::{Found, Search};
use crate::set::AcceptorSet;
use crate::uniform::KnownDifferences;
use std::collections::HashMap;
use std::hash::Hash;

/// What a graph stands: the number of acceptors that do a harm, and the largest number if none do; nothing if that was
/// not decided.
#[derive(Debug)]
pub(super) struct Stood {
    /// Of each learner: silent, they stop it.
    stop: Vec<Option<usize>>,
    /// Of each pair: lying, they end its promise. Promises that are not there are counted elsewhere.
    end: Vec<Option<usize>>,
    uniform: Option<bool>,
}

impl Attempts<'_> {
    /// What is stood less in a changed graph.
    pub(super) fn price(&self, changed: &LearnerGraph) -> Price {
        let before = self.stood.get_or_init(|| self.stood_by(self.graph));
        let after = self.stood_by(changed);
        let fewer = |before: &[Option<usize>], after: &[Option<usize>]| {
            let pairs = before.iter().zip(after);
            let fewer = pairs.map(|(before, after)| Some(usize::from((*after)? < (*before)?)));
            fewer.sum::<Option<usize>>()
        };
        Price {
            crashes: fewer(&before.stop, &after.stop),
            lies: fewer(&before.end, &after.end),
            uniformity: match (before.uniform, after.uniform) {
                (Some(before), Some(after)) => Some(before && !after),
                _ => None,
            },
        }
    }

    fn stood_by(&self, graph: &LearnerGraph) -> Stood {
        let kinds = Kinds::of(graph);
        let mut search = Search::new(&graph.exprs, &self.effort.again(0));
        let honest = graph.acceptors() - *self.caught;
        let mut known = HashMap::new();
        let stop = graph.learners().iter().map(|l| {
            self.fewest(&mut known, kinds.quorums_of(l), &mut search, || {
                (*self.available, Some(Family::live(graph, l)))
            })
        });
        let stop = stop.collect();
        let mut known = HashMap::new();
        let end = graph.pairs().into_iter().map(|(a, b)| {
            self.fewest(&mut known, kinds.promise(a, b), &mut search, || {
                (honest, Family::agreement(graph, a, b))
            })
        });
        let end = end.collect();
        let effort = self.effort.again(self.question.min(self.effort.left()));
        let allowed = effort.left();
        let uniformity = graph.uniformity_within(&effort, &mut KnownDifferences::default());
        self.effort.take(allowed - effort.left());
        Stood {
            stop,
            end,
            uniform: uniformity.verdict(),
        }
    }

    /// The size of the smallest set without which the others are not in a family.
    fn fewest<K: Eq + Hash>(
        &self,
        known: &mut HashMap<K, Option<usize>>,
        kind: K,
        search: &mut Search,
        of: impl FnOnce() -> (AcceptorSet, Option<Family>),
    ) -> Option<usize> {
        *known.entry(kind).or_insert_with(|| {
            let allowed = self.question.min(self.effort.left());
            if allowed == 0 {
                return None;
            }
            search.allow(allowed);
            let (within, family) = of();
            let found = family.map_or(Found::No, |family| search.leave(&within, &family));
            self.effort.take(allowed - search.left() + 1);
            match found {
                Found::Yes(set) => Some(set.len()),
                Found::No => Some(usize::MAX),
                Found::Undecided => None,
            }
        })
    }
}
