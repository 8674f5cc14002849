//! HeterogeneousSpec: once a safe acceptor has sent a 2av, no quorum of an entangled learner can decide
//! another value in a lower ballot.
//!
//! ```text
//! \A L1, L2, B1, B2, V1, V2, A2 \in SafeAcceptor, Q, M \in msgs :
//!     <<L1, L2>> \in Ent /\ [lr |-> L1, q |-> Q] \in TrustLive
//!     /\ M = [type |-> "2av", lr |-> L2, acc |-> A2, bal |-> B2, val |-> V2] /\ B1 < B2 /\ V1 # V2
//!     => CannotDecide(Q, L1, B1, V1)
//! CannotDecide(Q, L, B, V) ==
//!     \E A \in SafeAcceptor : A \in Q /\ (\E L0 : LeftBallot(L0, A, B)) /\ ~ VotedFor(L, A, B, V)
//! ```

use super::{Broken, must};
use crate::conformance::{Instance, Spec};
use consensus::hpaxos::trace::Vote;
use consensus::{Ballot, Slot};
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerId};
use std::collections::{BTreeMap, BTreeSet};

/// The paper's name.
pub const NAME: &str = "HeterogeneousSpec";

/// The formula in one slot.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec, slot: Slot) -> Result<(), Broken> {
    let Some(instance) = spec.slots.get(&slot) else {
        return Ok(());
    };
    let of_safe = instance.two_av.iter();
    let of_safe = of_safe.filter(|(_, by)| by.intersects(&spec.safe));
    // Many a message asks for the same, so that it is asked once, on behalf of one of them.
    let mut asked = BTreeMap::new();
    for (m, _) in of_safe {
        for l1 in spec.ent[usize::from(m.lr.0)] {
            let rivals = rivals(instance, l1, m).into_iter();
            asked.extend(rivals.map(|(b1, v1)| ((l1, b1, v1), m)));
        }
    }
    for ((l1, b1, v1), m) in asked {
        let cannot = cannot_decide(spec, instance, slot, l1, b1, v1);
        must(cannot, NAME, slot, || {
            let (l1, m) = (spec.name_of_learner(l1), spec.name_of_vote(m));
            let value = v1.map_or("any value".into(), |v| format!("{v:?}"));
            format!("a 2av {m} was sent, and {l1} may still decide {value} in ballot {b1}")
        })?;
    }
    Ok(())
}

/// The B1 and V1 to ask for: those with votes, and for all others a value without any in the ballot
/// before B2, which is the one that the fewest have left.
fn rivals(instance: &Instance, l1: LearnerId, m: &Vote) -> BTreeSet<(Ballot, Option<Digest>)> {
    let voted = instance.two_b.keys();
    let voted = voted.filter(|v| v.lr == l1 && v.bal < m.bal && v.val != m.val);
    let voted = voted.map(|v| (v.bal, Some(v.val)));
    let before = m.bal.0.checked_sub(1).map(|b| (Ballot(b), None));
    voted.chain(before).collect()
}

/// CannotDecide for every quorum of L: each has a member among those that can vote V no more.
fn cannot_decide(
    spec: &Spec,
    instance: &Instance,
    slot: Slot,
    lr: LearnerId,
    bal: Ballot,
    val: Option<Digest>,
) -> bool {
    let voted = val.and_then(|val| instance.two_b.get(&Vote { lr, bal, val }));
    let voted = voted.copied().unwrap_or_default();
    let left = |acc: &learner_graph::AcceptorId| {
        let mut one_bs = spec.one_b.of(*acc);
        one_bs.any(|m| m.covers(slot) && bal < m.bal)
    };
    let bound: AcceptorSet = (spec.safe - voted).iter().filter(left).collect();
    !spec.graph.is_quorum(lr, &(spec.graph.acceptors() - bound))
}
