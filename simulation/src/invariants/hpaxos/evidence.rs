//! What evidence may name: no safe acceptor is caught, and no entangled learners are found apart. The paper
//! has no evidence; its Disconnect may choose any pairs that are not in Ent.

use super::Broken;
use crate::conformance::Spec;
use learner_graph::{AcceptorId, LearnerId};

/// There is no name in the paper.
pub const NAME: &str = "evidence";

/// The formula.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec) -> Result<(), Broken> {
    let broken = |why| {
        Err(Broken {
            invariant: NAME,
            slot: None,
            why,
        })
    };
    for (at, acceptor) in spec.acceptors.iter().enumerate() {
        let by = AcceptorId(u16::try_from(at).unwrap_or(u16::MAX));
        let by = spec.name_of_acceptor(by);
        if let Some(acc) = acceptor.caught.iter().find(|a| spec.safe.contains(*a)) {
            let acc = spec.name_of_acceptor(acc);
            return broken(format!("{acc} is safe, and caught for {by}"));
        }
        let entangled = |(l1, l2): &&(LearnerId, LearnerId)| spec.are_entangled(*l1, *l2);
        if let Some((l1, l2)) = acceptor.apart.iter().find(entangled) {
            let (l1, l2) = (spec.name_of_learner(*l1), spec.name_of_learner(*l2));
            return broken(format!(
                "{l1} and {l2} are entangled, and found apart for {by}"
            ));
        }
    }
    Ok(())
}
