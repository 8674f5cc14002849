//! MsgInv2b: for every 2b m of a safe acceptor `[m.lr, m.bal, m.val] \in votesSent[m.acc]`, and a quorum of
//! m.lr of whose members it has received the same 2av.

use super::{Broken, each_safe, must};
use crate::conformance::Spec;
use consensus::Slot;
use consensus::hpaxos::trace::Vote;
use learner_graph::AcceptorId;

/// The paper's name.
pub const NAME: &str = "MsgInv2b";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    for (instance, acc, _) in each_safe(spec, slot) {
        let sent = instance.two_b.iter().filter(|(_, by)| by.contains(acc));
        for (vote, _) in sent {
            of_message(spec, slot, acc, vote)?;
        }
    }
    Ok(())
}

/// The formula for one 2b.
pub(super) fn of_message(spec: &Spec, slot: Slot, acc: AcceptorId, m: &Vote) -> Result<(), Broken> {
    let Some(instance) = spec.slots.get(&slot).filter(|_| spec.safe.contains(acc)) else {
        return Ok(());
    };
    let who = || {
        let (acc, m) = (spec.name_of_acceptor(acc), spec.name_of_vote(m));
        format!("the 2b {m} of {acc}")
    };
    let at = &instance.acceptors[usize::from(acc.0)];
    must(at.votes_sent.contains(m), NAME, slot, || {
        format!("{} is not in its votesSent", who())
    })?;
    let senders = at.two_av.get(m).copied().unwrap_or_default();
    must(spec.graph.is_quorum(m.lr, &senders), NAME, slot, || {
        let names = spec.graph.names(&senders);
        format!("{} has 2av of {names} only behind it", who())
    })
}
