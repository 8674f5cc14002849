//! The one timer of a node.

use crate::{Output, Time};

/// What the caller was last asked for.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    set: Option<Time>,
}

impl Timer {
    /// Asks for a step at the earliest of these times that lies ahead, unless that was asked for already.
    pub(crate) fn set<M, W, E, F>(
        &mut self,
        times: impl IntoIterator<Item = Option<Time>>,
        now: Time,
        out: &mut Vec<Output<M, W, E, F>>,
    ) {
        let next = times.into_iter().flatten().filter(|t| *t > now).min();
        if next != self.set {
            self.set = next;
            out.extend(next.map(Output::SetTimer));
        }
    }
}
