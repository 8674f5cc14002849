//! Whoever watches a run and knows what must hold.

use super::disks::{Disk, Visit, Whole};
use consensus::disk_paxos::Block;
use consensus::hpaxos::trace::Action;
use consensus::{ClientValue, InputOf, OutputOf, Protocol, RecordOf};
use std::sync::Arc;

/// Something that must hold does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}: {what}")]
pub struct Violation {
    /// The invariant, by the paper's name where it has one.
    pub invariant: &'static str,
    /// What was seen instead, in words.
    pub what: String,
}

impl Violation {
    /// What was seen where this invariant should hold.
    pub fn of(invariant: &'static str, what: impl Into<String>) -> Self {
        Violation {
            invariant,
            what: what.into(),
        }
    }
}

/// Everything held, or something did not.
pub type Verdict = Result<(), Violation>;

/// A node, by its place in the simulated network.
pub type Place = usize;

/// Follows a protocol's run, step by step, and checks what its specification promises.
///
/// Only nodes that follow the protocol are shown, but for [`Oracle::lied`].
pub trait Oracle<P: Protocol> {
    /// A node starts, for the first time or again.
    fn started(&mut self, _: Place) -> Verdict {
        Ok(())
    }

    /// A node that starts again takes back what it had stored.
    fn restored(&mut self, _: Place, _: &RecordOf<P>) -> Verdict {
        Ok(())
    }

    /// A node is gone.
    fn died(&mut self, _: Place) {}

    /// A client submits a value to a node, whether that follows the protocol or not.
    fn submitted(&mut self, _: &ClientValue) {}

    /// A step is about to be given this input.
    fn heard(&mut self, _: Place, _: &InputOf<P>) -> Verdict {
        Ok(())
    }

    /// A node has taken a step; what it asks for is not done yet.
    fn stepped(&mut self, _: Place, _: &P, _: &[Disk]) -> Verdict {
        Ok(())
    }

    /// What a step asked for happens: a record is durable, the rest is executed.
    fn told(&mut self, _: Place, _: &OutputOf<P>) -> Verdict {
        Ok(())
    }

    /// A node that does not follow the protocol has said this to somebody.
    fn lied(&mut self, _: Place, _: &P::Message) -> Verdict {
        Ok(())
    }

    /// HPaxos: what happened where, in the words of the specification, if it was to be kept.
    fn actions(&mut self) -> Vec<(Place, Action)> {
        Vec::new()
    }

    /// Disk Paxos: the block that is being written, with what it dropped.
    ///
    /// # Errors
    /// If the node must not write this block.
    fn writes(&mut self, _: Place, block: &Arc<Block>) -> Result<Whole, Violation> {
        Ok(Whole {
            block: Arc::clone(block),
            ..Whole::default()
        })
    }

    /// Disk Paxos: a node is about to hear what it wrote and read on a disk.
    fn visited(&mut self, _: Place, _: usize, _: Visit) {}

    /// Disk Paxos: something changed on the disks, or a step is over.
    fn changed(&mut self, _: &[Disk]) -> Verdict {
        Ok(())
    }
}
