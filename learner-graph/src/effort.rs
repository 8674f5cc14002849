//! How much work a question may take, and a way to stop it from elsewhere.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What ran out when something was not decided, by whether it was stopped.
pub fn out_of(stopped: bool) -> &'static str {
    if stopped { "the time" } else { "the steps" }
}

/// Work that is still allowed: a number of steps, and a flag that anybody can raise. Clones share
/// both. What is not decided when it ends is reported as not decided.
#[derive(Clone, Debug)]
pub struct Effort {
    steps: Rc<Cell<u64>>,
    stop: Arc<AtomicBool>,
}

impl Effort {
    /// So many steps: one is a decision of the solver (several in a large formula), some lines of what it is asked, or a
    /// state of a search: some microseconds.
    pub fn steps(steps: u64) -> Self {
        Self::until(steps, Arc::default())
    }

    /// So many steps, or until the flag is raised.
    pub fn until(steps: u64, stop: Arc<AtomicBool>) -> Self {
        Self {
            steps: Rc::new(Cell::new(steps)),
            stop,
        }
    }

    /// Other steps under the same flag.
    pub fn again(&self, steps: u64) -> Self {
        Self::until(steps, Arc::clone(&self.stop))
    }

    /// The steps that are left.
    pub(crate) fn left(&self) -> u64 {
        self.steps.get()
    }

    /// Whether work may go on.
    pub fn is_left(&self) -> bool {
        self.steps.get() > 0 && !self.is_stopped()
    }

    /// Whether the flag is raised.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Takes one step; false if none was left.
    pub(crate) fn step(&self) -> bool {
        self.take(1)
    }

    /// Takes some steps; false if none were left.
    pub(crate) fn take(&self, steps: u64) -> bool {
        let left = self.is_left();
        self.steps.set(self.steps.get().saturating_sub(steps));
        left
    }
}
