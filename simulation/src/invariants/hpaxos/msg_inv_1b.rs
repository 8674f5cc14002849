//! MsgInv1b: for every 1b m of a safe acceptor `m.bal <= maxBal[m.lr, m.acc]`,
//! `m.votes = {p \in votesSent[m.acc] : MaxVote(m.acc, m.bal, p)}` and
//! `m.proposals = {p \in 2avSent[m.acc] : p.bal < m.bal /\ p.lr = m.lr}`.
//!
//! As built, `proposals` has of each value the entry with the highest ballot: KnowsSafeAt asks whether a 2av
//! was sent at a ballot or above, and for no more.

use super::{Broken, must};
use crate::conformance::Spec;
use crate::conformance::one_b::{OneB, same_set};
use consensus::Slot;
use learner_graph::AcceptorId;

/// The paper's name.
pub const NAME: &str = "MsgInv1b";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    let mut safe = spec.safe.iter();
    safe.try_for_each(|acc| of_acceptor(spec, slot, acc))
}

/// The formula for the 1b of one acceptor, in one slot.
pub(super) fn of_acceptor(spec: &Spec, slot: Slot, acc: AcceptorId) -> Result<(), Broken> {
    let mut messages = spec.one_b.of(acc).filter(|m| m.covers(slot));
    messages.try_for_each(|m| in_slot(spec, slot, m))
}

/// The formula for one 1b, in all slots.
pub(super) fn of_message(spec: &Spec, m: &OneB) -> Result<(), Broken> {
    let said = m.slots().map(|slot| in_slot(spec, slot, m));
    let others = spec.slots.range(m.low_water..);
    let others = others.filter(|(slot, _)| m.covers(**slot));
    let others = others.map(|(slot, _)| in_slot(spec, *slot, m));
    said.chain(others).collect()
}

fn in_slot(spec: &Spec, slot: Slot, m: &OneB) -> Result<(), Broken> {
    if !spec.safe.contains(m.acc) {
        return Ok(());
    }
    let who = || {
        let (acc, lr) = (spec.name_of_acceptor(m.acc), spec.name_of_learner(m.lr));
        format!("the 1b of {acc} for {lr} in ballot {}", m.bal)
    };
    let acceptor = &spec.acceptors[usize::from(m.acc.0)];
    let max_bal = acceptor.max_bal[usize::from(m.lr.0)];
    must(m.bal <= max_bal, NAME, slot, || {
        format!("{} is above its maxBal, {max_bal}", who())
    })?;
    let at = spec.slots.get(&slot);
    let at = at.map(|i| &i.acceptors[usize::from(m.acc.0)]);
    let votes = at.map_or(Vec::new(), |at| at.max_votes(m.bal));
    must(same_set(m.votes(slot), &votes), NAME, slot, || {
        format!("{} has other votes than it sent", who())
    })?;
    let proposals = at.map_or(Vec::new(), |at| at.proposals(m.lr, m.bal));
    must(same_set(m.proposals(slot), &proposals), NAME, slot, || {
        format!("{} has other proposals than it sent", who())
    })
}
