//! The invariants of the paper's proof, each in a file of its name.
//!
//! | invariant | file | line of the paper's text |
//! |---|---|---|
//! | VotesSentSpec1 | `votes_sent_spec_1` | 310 |
//! | VotesSentSpec2 | `votes_sent_spec_2` | 312 |
//! | VotesSentSpec3 | `votes_sent_spec_3` | 315 |
//! | VotesSentSpec4 | `votes_sent_spec_4` | 320 |
//! | 2avSentSpec1 | `two_av_sent_spec_1` | 324 |
//! | 2avSentSpec2 | `two_av_sent_spec_2` | 330 |
//! | 2avSentSpec3 | `two_av_sent_spec_3` | 333 |
//! | ConnectedSpec | `connected_spec` | 338 |
//! | DecisionSpec | `decision_spec` | 341 |
//! | MsgInv1b | `msg_inv_1b` | 344 |
//! | MsgInv2av | `msg_inv_2av` | 348 |
//! | MsgInv2b | `msg_inv_2b` | 361 |
//! | HeterogeneousSpec | `heterogeneous_spec` | 1667 |
//! | Safety | `safety` | 2149 |
//! | what evidence may name | `evidence` | none: the implementation's |
//!
//! They are asked of the state of a [`Spec`], in one slot. Two differ from the paper in what the
//! implementation changes: in MsgInv1b `proposals` has of each value the highest ballot, and in MsgInv2av
//! KnowsSafeAt is the vouching rule. In all of them a 1b counts in the instances of the slots that it covers
//! only, for it was sent in no other.

pub mod connected_spec;
pub mod decision_spec;
pub mod evidence;
pub mod heterogeneous_spec;
pub mod msg_inv_1b;
pub mod msg_inv_2av;
pub mod msg_inv_2b;
pub mod safety;
#[cfg(test)]
mod tests;
pub mod two_av_sent_spec_1;
pub mod two_av_sent_spec_2;
pub mod two_av_sent_spec_3;
pub mod votes_sent_spec_1;
pub mod votes_sent_spec_2;
pub mod votes_sent_spec_3;
pub mod votes_sent_spec_4;

use crate::conformance::{AtAcceptor, Instance, Spec};
use consensus::Slot;
use consensus::hpaxos::trace::{Action, Msg};
use learner_graph::AcceptorId;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the invariant {invariant} does not hold{}: {why}", self.place())]
pub struct Broken {
    /// Its name in the paper.
    pub invariant: &'static str,
    /// The slot, if it is about one.
    pub slot: Option<Slot>,
    /// What contradicts it.
    pub why: String,
}

impl Broken {
    fn place(&self) -> String {
        self.slot.map_or(String::new(), |s| format!(" in slot {s}"))
    }
}

/// An invariant in one slot.
pub type InSlot = fn(&Spec, Slot) -> Result<(), Broken>;

/// All invariants that are about one slot, with their names.
pub const IN_SLOT: [(&str, InSlot); 13] = [
    (votes_sent_spec_1::NAME, votes_sent_spec_1::holds),
    (votes_sent_spec_2::NAME, votes_sent_spec_2::holds),
    (votes_sent_spec_3::NAME, votes_sent_spec_3::holds),
    (votes_sent_spec_4::NAME, votes_sent_spec_4::holds),
    (two_av_sent_spec_1::NAME, two_av_sent_spec_1::holds),
    (two_av_sent_spec_2::NAME, two_av_sent_spec_2::holds),
    (two_av_sent_spec_3::NAME, two_av_sent_spec_3::holds),
    (decision_spec::NAME, decision_spec::holds),
    (msg_inv_1b::NAME, msg_inv_1b::holds),
    (msg_inv_2av::NAME, msg_inv_2av::holds),
    (msg_inv_2b::NAME, msg_inv_2b::holds),
    (heterogeneous_spec::NAME, heterogeneous_spec::holds),
    (safety::NAME, safety::holds),
];

/// Looks at what an action can have broken, after it was taken.
///
/// What a message was justified by only grows, so that messages sent before need not be looked at again,
/// but for what a 1b told about the acceptor that now says more.
///
/// # Errors
/// [`Broken`] names the first invariant that does not hold.
pub fn check(spec: &Spec, action: &Action) -> Result<(), Broken> {
    match action {
        Action::Send(m) => sent(spec, m),
        Action::LearnerDecide { slot, .. } => {
            decision_spec::holds(spec, *slot)?;
            safety::holds(spec, *slot)
        }
        Action::Disconnect { .. } => {
            connected_spec::holds(spec)?;
            evidence::holds(spec)
        }
        // No formula says anything of what acceptors that are not safe have sent, nor of what any proposer has, but that
        // there is as much of it.
        Action::FakeSend(_) | Action::Recv(..) | Action::LearnerRecv(_) => Ok(()),
    }
}

fn sent(spec: &Spec, m: &Msg) -> Result<(), Broken> {
    match m {
        Msg::OneA { .. } | Msg::OneC(..) => Ok(()),
        Msg::OneB { lr, acc, bal, .. } => {
            for one_b in spec.one_b.at(*acc, *bal, *lr) {
                msg_inv_1b::of_message(spec, one_b)?;
            }
            Ok(())
        }
        Msg::TwoAv(acc, vote, slot) => {
            two_av_sent_spec_1::holds(spec, *slot)?;
            two_av_sent_spec_2::holds(spec, *slot)?;
            two_av_sent_spec_3::holds(spec, *slot)?;
            msg_inv_2av::of_message(spec, *slot, *acc, vote)?;
            msg_inv_1b::of_acceptor(spec, *slot, *acc)?;
            heterogeneous_spec::holds(spec, *slot)
        }
        Msg::TwoB(acc, vote, slot) => {
            votes_sent_spec_1::holds(spec, *slot)?;
            votes_sent_spec_2::holds(spec, *slot)?;
            votes_sent_spec_3::holds(spec, *slot)?;
            votes_sent_spec_4::holds(spec, *slot)?;
            msg_inv_2b::of_message(spec, *slot, *acc, vote)?;
            msg_inv_1b::of_acceptor(spec, *slot, *acc)?;
            heterogeneous_spec::holds(spec, *slot)
        }
    }
}

/// All invariants, in all slots.
///
/// # Errors
/// [`Broken`] names the first one that does not hold.
pub fn check_all(spec: &Spec) -> Result<(), Broken> {
    connected_spec::holds(spec)?;
    evidence::holds(spec)?;
    for slot in spec.slots() {
        for (_, holds) in IN_SLOT {
            holds(spec, slot)?;
        }
    }
    Ok(())
}

/// A formula, with words for what contradicts it.
fn must(
    holds: bool,
    invariant: &'static str,
    slot: Slot,
    why: impl FnOnce() -> String,
) -> Result<(), Broken> {
    if holds {
        return Ok(());
    }
    Err(Broken {
        invariant,
        slot: Some(slot),
        why: why(),
    })
}

/// The instance of a slot with \A A \in SafeAcceptor; nothing where nothing was said.
fn each_safe<'a>(
    spec: &'a Spec,
    slot: Slot,
) -> impl Iterator<Item = (&'a Instance, AcceptorId, &'a AtAcceptor)> {
    let instance = spec.slots.get(&slot);
    let of = |instance: &'a Instance| {
        let safe = spec.safe.iter();
        safe.map(move |acc| (instance, acc, &instance.acceptors[usize::from(acc.0)]))
    };
    instance.into_iter().flat_map(of)
}
