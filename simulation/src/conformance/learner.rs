//! HPaxos: LearnerAction.

use super::refused::{Guard, no, require};
use super::{Msg, Slot, Spec, Vote};

impl Spec {
    /// HPaxos: LearnerRecv(l): m \in msgs, a 2b for l.
    pub(super) fn learner_recv(&self, m: &Msg) -> Guard {
        require(matches!(m, Msg::TwoB(..)), "m.type = \"2b\"", || {
            "learners receive 2b only".into()
        })?;
        self.is_in_msgs(m)
    }

    /// HPaxos: m \in msgs.
    pub(super) fn is_in_msgs(&self, m: &Msg) -> Guard {
        if self.is_sent(m) {
            return Ok(());
        }
        let why = format!("nobody has sent {}", self.name_of_msg(m));
        Err(no("m \\in msgs", why).waits_for(m))
    }

    /// HPaxos: LearnerDecide(l, b): ChosenIn(l, b, v).
    pub(super) fn learner_decide(&self, node: usize, slot: Slot, vote: &Vote) -> Guard {
        self.typed(vote.lr, vote.bal)?;
        let chosen = self.chosen_in(node, slot, vote);
        require(chosen, "ChosenIn(l, b, v)", || {
            let senders = self.received_by_learner(node, slot, vote);
            format!(
                "{} has received here such 2b from {} only, which is no quorum of it",
                self.name_of_learner(vote.lr),
                self.graph.names(&senders)
            )
        })
    }

    /// HPaxos: ChosenIn(lr, bal, v) in a slot, by what the learner received at a node.
    pub(crate) fn chosen_in(&self, node: usize, slot: Slot, vote: &Vote) -> bool {
        let senders = self.received_by_learner(node, slot, vote);
        self.graph.is_quorum(vote.lr, &senders)
    }

    fn received_by_learner(
        &self,
        node: usize,
        slot: Slot,
        vote: &Vote,
    ) -> learner_graph::AcceptorSet {
        let at = self.slots.get(&slot).and_then(|i| i.nodes.get(node));
        let senders = at.and_then(|at| at.received.get(vote));
        senders.copied().unwrap_or_default()
    }

    /// HPaxos: receivedByLearner' = [receivedByLearner EXCEPT ![l] = receivedByLearner[l] \cup {m}].
    pub(super) fn learner_receives(&mut self, node: usize, m: &Msg) {
        if let Msg::TwoB(acc, vote, slot) = m {
            let at = self.instance(*slot).at_node(node);
            at.received.entry(*vote).or_default().insert(*acc);
        }
    }
}
