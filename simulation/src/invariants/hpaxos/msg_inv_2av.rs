//! MsgInv2av: for every 2av m of a safe acceptor InitializedBallot(m.lr, m.bal), AnnouncedValue(m.lr, m.bal,
//! m.val), KnowsSafeAt(m.lr, m.acc, m.bal, m.val), `[m.lr, m.bal, m.val] \in 2avSent[m.acc]`, and a quorum of
//! m.lr of whose members it has received a 1b of m.bal.
//!
//! As built, AnnouncedValue is of this learner, and KnowsSafeAt the vouching rule, which includes the quorum
//! of 1b. It stays true, since `received` and the evidence only grow.

use super::{Broken, each_safe, must};
use crate::conformance::Spec;
use consensus::Slot;
use consensus::hpaxos::trace::Vote;
use learner_graph::AcceptorId;

/// The paper's name.
pub const NAME: &str = "MsgInv2av";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    for (instance, acc, _) in each_safe(spec, slot) {
        let sent = instance.two_av.iter().filter(|(_, by)| by.contains(acc));
        for (vote, _) in sent {
            of_message(spec, slot, acc, vote)?;
        }
    }
    Ok(())
}

/// The formula for one 2av.
pub(super) fn of_message(spec: &Spec, slot: Slot, acc: AcceptorId, m: &Vote) -> Result<(), Broken> {
    let Some(instance) = spec.slots.get(&slot).filter(|_| spec.safe.contains(acc)) else {
        return Ok(());
    };
    let who = || {
        let (acc, m) = (spec.name_of_acceptor(acc), spec.name_of_vote(m));
        format!("the 2av {m} of {acc}")
    };
    let initialized = spec.one_a.contains(&(m.lr, m.bal));
    must(initialized, NAME, slot, || format!("{} has no 1a", who()))?;
    let announced = instance.one_c.contains(m);
    must(announced, NAME, slot, || format!("{} has no 1c", who()))?;
    let safe = spec.knows_safe_at(acc, slot, m);
    must(safe.is_ok(), NAME, slot, || {
        let why = safe.err().unwrap_or_default();
        format!("{}: its value is not known to be safe: {why}", who())
    })?;
    let at = &instance.acceptors[usize::from(acc.0)];
    must(at.two_av_sent.contains(m), NAME, slot, || {
        format!("{} is not in its 2avSent", who())
    })
}
