//! What is known of a run, for those who expect something of it.

use super::Intake;
use crate::observe::{Learner, Node};
use crate::scenario::Known;

impl Intake {
    /// An acceptor that some node has evidence against although nobody told it to misbehave.
    pub(in crate::up) fn wrongly_caught(&self) -> Option<&str> {
        let told = |acceptor: &String| {
            let mut liars = self.nodes.byzantine.iter();
            liars.any(|node| self.acceptors[*node].as_ref() == Some(acceptor))
        };
        let mut caught = self.caught.iter().map(|(_, acceptor)| acceptor);
        caught.find(|acceptor| !told(acceptor)).map(String::as_str)
    }

    /// Whether a node has evidence against an acceptor.
    pub(super) fn is_caught(&self, node: Node, acceptor: &str) -> bool {
        self.caught.contains(&(node, acceptor.to_owned()))
    }

    /// Whether something holds at every node that runs and behaves, and there is one.
    fn everywhere(&self, holds: impl Fn(Node) -> bool) -> bool {
        let nodes = self.nodes.living();
        !nodes.is_empty() && nodes.into_iter().all(holds)
    }
}

impl Known for Intake {
    fn decided(&self, learner: Learner, node: Node, value: usize) -> bool {
        self.tracker.has(learner, node, value)
    }

    fn nodes(&self, learner: Learner) -> Vec<Node> {
        let mut nodes = self.nodes.living();
        nodes.retain(|node| self.expect.plays(*node, learner));
        nodes
    }

    fn differ(&self, pair: (Learner, Learner)) -> bool {
        self.observer.diverged().contains_key(&pair)
    }

    fn disconnected(&self, pair: (Learner, Learner)) -> bool {
        self.everywhere(|node| self.disconnected.contains(&(node, pair)))
    }

    fn caught(&self, acceptor: &str) -> bool {
        self.everywhere(|node| self.is_caught(node, acceptor))
    }

    fn evidence(&self, words: &str) -> bool {
        let says = |node: Node| {
            let mut evidence = self.evidence.iter();
            evidence.any(|(knows, says)| *knows == node && says.contains(words))
        };
        self.everywhere(says)
    }

    fn ballot(&self) -> u64 {
        self.ballot
    }
}
