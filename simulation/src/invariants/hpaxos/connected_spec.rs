//! ConnectedSpec: `\A A \in SafeAcceptor : \A L1, L2 \in Learner : <<L1, L2>> \in Ent => <<L1, L2>> \in connected[A]`.

use super::Broken;
use crate::conformance::Spec;

/// The paper's name.
pub const NAME: &str = "ConnectedSpec";

/// The formula.
///
/// # Errors
/// [`Broken`] if it does not hold.
pub fn holds(spec: &Spec) -> Result<(), Broken> {
    for acc in spec.safe {
        let connected = &spec.acceptors[usize::from(acc.0)].connected;
        for l1 in spec.graph.learners() {
            let lost = spec.ent[usize::from(l1.0)] - connected[usize::from(l1.0)];
            if let Some(l2) = lost.iter().next() {
                let (l1, l2) = (spec.name_of_learner(l1), spec.name_of_learner(l2));
                let acc = spec.name_of_acceptor(acc);
                return Err(Broken {
                    invariant: NAME,
                    slot: None,
                    why: format!("{l1} and {l2} are entangled, and not connected for {acc}"),
                });
            }
        }
    }
    Ok(())
}
