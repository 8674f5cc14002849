//! The minimal sets of a family, as far as a reader wants to see them.

use crate::family::Family;
use crate::search::{Found, Search};
use crate::set::AcceptorSet;
use crate::validity::smallest;
use serde::Serialize;

/// The steps that looking for one more minimal set may take.
const STEPS: u64 = 20_000;

/// Some minimal sets of a family that is closed under supersets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Minimal<S> {
    /// The sets: the smaller ones first.
    pub sets: Vec<S>,
    /// Whether these are all; if not, there are more, or too many to be sure.
    pub complete: bool,
}

impl<S> Minimal<S> {
    /// Nobody has looked for any.
    pub(crate) fn none_listed() -> Self {
        Self {
            sets: Vec::new(),
            complete: false,
        }
    }
}

impl Minimal<AcceptorSet> {
    /// At most `cap` minimal sets of a family within `all`; `test` decides membership.
    pub(crate) fn of(
        family: &Family,
        all: &AcceptorSet,
        cap: usize,
        search: &mut Search,
        test: impl Fn(&AcceptorSet) -> bool,
    ) -> Self {
        let mut sets: Vec<AcceptorSet> = Vec::new();
        let mut known: Vec<Family> = Vec::new();
        // Each further set is one that contains none of those found so far, made minimal.
        let complete = loop {
            search.allow(STEPS);
            match search.separate(all, family, &known) {
                Found::Yes(_) if sets.len() == cap => break false,
                Found::Yes(set) => {
                    let set = smallest(set, &test);
                    known.push(search.supersets(&set));
                    sets.push(set);
                }
                Found::No => break true,
                Found::Undecided => break false,
            }
        };
        sets.sort_by_cached_key(|set| (set.len(), set.iter().collect::<Vec<_>>()));
        Self { sets, complete }
    }
}
