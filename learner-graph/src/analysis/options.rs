//! What an analysis is to assume, what is asked, and how far it may go.

use super::pattern::apart;
use super::units::{UnitSet, Units};
use crate::set::AcceptorSet;
use crate::suspicion::Suspicion;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What an analysis is to assume, and how far it may go.
#[derive(Clone, Debug)]
pub struct Options {
    /// The kind of group that fails as a whole; acceptors by themselves if there is none.
    pub by: Option<String>,
    /// Acceptors that are silent.
    pub crashed: AcceptorSet,
    /// What is known of acceptors that lie and of learners that have disagreed.
    pub suspicion: Suspicion,
    /// The most patterns of minimal sets that are listed of each kind. None are looked for if it is 0:
    /// tolerances and a smallest set are known much sooner.
    pub max_sets: usize,
    /// The steps that the solver may take for one question, apart from what is proved by symmetry;
    /// some microseconds each, more in large graphs.
    pub steps: u64,
    /// Raised by somebody who wants what is known so far.
    pub stop: Arc<AtomicBool>,
    /// What is asked.
    pub scope: Scope,
}

/// What an analysis is to find out; of everything else it says that it is not decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scope {
    /// Everything.
    #[default]
    Everything,
    /// What breaks validity, and what is tolerated.
    Change,
    /// Whether the graph is valid, and what is tolerated.
    Tolerances,
    /// What breaks validity but not what mends it, what stops learners and what declared agreements
    /// tolerate, and what hangs on each acceptor.
    Picture,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            by: None,
            crashed: AcceptorSet::EMPTY,
            suspicion: Suspicion::default(),
            max_sets: 100,
            steps: 20_000,
            stop: Arc::default(),
            scope: Scope::Everything,
        }
    }
}

impl Options {
    /// Whether the flag is raised.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// What has failed is not like what has not: classes of units taken apart by that.
    pub(super) fn told_apart(&self, units: &Units, classes: Vec<UnitSet>) -> Vec<UnitSet> {
        let failed = [self.suspicion.caught, self.crashed].map(|set| units.touched(&set));
        apart(apart(classes, &failed[0]), &failed[1])
    }
}
