//! What a node keeps although it has left memory: every decision that was delivered, with its proof and
//! its bytes, and what was said in slots that some learner has not decided for long.
//!
//! ```text
//!   state machine ──keep──► history (in memory, seen at once) ──flush, after the log's sync──► disk
//!         ▲                    │
//!         └──next, delivered, decision, batch, page (read only when something old is asked for)
//! ```
//!
//! The caller makes durable what is kept, and never before the records that led to it: a decision may
//! rest on a vote of this very node, which must not be forgotten while its consequence is remembered.
//! What is lost of it in a crash is made again from the records.

use crate::{Ballot, Batch, Decision, Page, Slot};
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerId, LearnerSet};
use std::sync::Arc;

mod memory;

pub use memory::MemoryHistory;

/// One thing for the history to keep; `W` is a message as it travels.
#[derive(Clone, Debug, PartialEq)]
pub enum Keep<W> {
    /// A decision that is delivered to its learners: the next of their logs. For a learner that has it already, or
    /// to whose log it is not the next, it changes nothing.
    Decision {
        /// The decision.
        decision: Decision,
        /// The bytes decided.
        batch: Arc<Batch>,
        /// What proves it to another node.
        proof: Vec<W>,
    },
    /// Everything that may still matter of slots that leave memory undecided by some learner; takes the
    /// place of what was kept of this page before.
    Page {
        /// Which slots.
        page: Page,
        /// What was said about them.
        messages: Vec<W>,
        /// The bytes of every value that these messages name, as far as they are here.
        batches: Vec<Arc<Batch>>,
    },
    /// Every learner has got everything below this slot: of pages below nobody will ask again.
    Settled(Slot),
}

/// A decision as the history gives it back.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept<W> {
    /// The ballot in which a quorum sent its 2b.
    pub ballot: Ballot,
    /// The digest of the batch.
    pub value: Digest,
    /// The acceptors whose 2b make the decision.
    pub quorum: AcceptorSet,
    /// What proves it to another node.
    pub proof: Vec<W>,
}

/// See the module. What was kept is seen by every later call.
///
/// An implementation that cannot read or write answers as if there were nothing, and tells its owner,
/// who must not execute anything of a step that asked, and stop.
pub trait History<W>: Send + Sync {
    /// The first slot of a learner's log that is not here: everything before is.
    fn next(&self, learner: LearnerId) -> Slot;

    /// The learners to which a client's value has been delivered, by the value's id.
    fn delivered(&self, value: &Digest) -> LearnerSet;

    /// A learner's decision in a slot.
    fn decision(&self, learner: LearnerId, slot: Slot) -> Option<Kept<W>>;

    /// The digest that a learner has decided in a slot: where it is on disk, quicker than to read what proves it.
    fn value(&self, learner: LearnerId, slot: Slot) -> Option<Digest> {
        self.decision(learner, slot).map(|kept| kept.value)
    }

    /// The bytes behind a digest.
    fn batch(&self, digest: &Digest) -> Option<Arc<Batch>>;

    /// Whether the bytes behind a digest are here: quicker than to read them.
    fn has_batch(&self, digest: &Digest) -> bool;

    /// Whether anything was kept of a page.
    fn has_page(&self, page: Page) -> bool;

    /// What was kept of a page, if it was.
    fn page(&self, page: Page) -> Option<Vec<W>>;

    /// Keeps something.
    fn keep(&self, keep: Keep<W>);
}
