//! Scenarios: what is done to a network, step by step, and what must come of it.
//!
//! ```text
//!   FILE.toml ──file──► Scenario ──► launch ──► Run (up), which plays the steps one after the other
//! ```

pub mod command;
pub mod file;

use crate::expect::Expectation;
use crate::fault::Fault;
use crate::launch::layout::Layout;
use crate::observe::{Learner, Node};
use crate::show::words;
use crate::values::Value;
use std::ops::Range;
use std::time::Duration;

/// A scenario that makes sense.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called.
    pub title: String,
    /// What can be learned from it.
    pub lesson: String,
    /// The network.
    pub layout: Layout,
    /// What its graph predicts.
    pub expect: Expectation,
    /// What the graph's author may not expect.
    pub warnings: Vec<String>,
    /// The values of all steps.
    pub values: Vec<Value>,
    /// What is done and expected.
    pub steps: Vec<Step>,
}

/// One thing after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it is, in words.
    pub words: String,
    /// What it is.
    pub action: Action,
    /// How long it may take.
    pub within: Duration,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Something is done to the network. It is over when processes that were killed are gone, and those that were
    /// started are ready.
    Fault(Fault),
    /// Values are submitted. It is over when nodes have accepted them.
    Submit {
        /// Which of the scenario's.
        values: Range<usize>,
        /// The node that they are for; any that behaves if it is not said.
        to: Option<Node>,
    },
    /// It is over when all of this holds.
    Expect(Expected),
}

/// What must become true, at every node that runs and behaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// Learners that have decided the values.
    pub decided: Vec<Learner>,
    /// Learners that decide none of the values, for a while.
    pub waits: Vec<Learner>,
    /// The values that both are about.
    pub values: Vec<usize>,
    /// The nodes at which they do, if not at all.
    pub at: Option<Vec<Node>>,
    /// Learners that have not decided different values.
    pub agree: Vec<(Learner, Learner)>,
    /// Learners that have.
    pub differ: Vec<(Learner, Learner)>,
    /// Learners that are proved not to be entangled.
    pub disconnected: Vec<(Learner, Learner)>,
    /// Acceptors that there is evidence against.
    pub caught: Vec<String>,
    /// What some evidence says.
    pub evidence: Option<String>,
    /// The highest ballot so far.
    pub ballot: Option<u64>,
    /// How long a while is.
    pub long: Duration,
}

/// What is known of a run, as far as expectations ask for it.
pub trait Known {
    /// Whether a learner has decided a value at a node.
    fn decided(&self, learner: Learner, node: Node, value: usize) -> bool;
    /// The nodes that run and behave, and play a learner.
    fn nodes(&self, learner: Learner) -> Vec<Node>;
    /// Whether two learners were seen to decide differently.
    fn differ(&self, pair: (Learner, Learner)) -> bool;
    /// Whether every node that runs and behaves says that two learners are disconnected.
    fn disconnected(&self, pair: (Learner, Learner)) -> bool;
    /// Whether every node that runs and behaves has evidence against an acceptor.
    fn caught(&self, acceptor: &str) -> bool;
    /// Whether every node that runs and behaves has evidence that says this.
    fn evidence(&self, words: &str) -> bool;
    /// The highest ballot that a node has told which behaves.
    fn ballot(&self) -> u64;
}

/// How an expectation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It holds.
    Holds,
    /// Not yet, for this reason.
    NotYet(String),
    /// It can hold no more, for this reason.
    Broken(String),
}

impl Expected {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn says_nothing(&self) -> bool {
        let pairs = [&self.agree, &self.differ, &self.disconnected];
        let learners = self.decided.is_empty() && self.waits.is_empty();
        let others = self.caught.is_empty() && self.evidence.is_none() && self.ballot.is_none();
        learners && others && pairs.iter().all(|pairs| pairs.is_empty())
    }

    /// The expectation as a person says it.
    #[must_use]
    pub fn words(&self, learners: &[String]) -> String {
        let names = |all: &[Learner]| {
            words::list(
                &all.iter()
                    .map(|l| learners[*l].as_str())
                    .collect::<Vec<_>>(),
            )
        };
        let mut said = Vec::new();
        let values = words::count(self.values.len(), "value");
        if !self.decided.is_empty() {
            said.push(format!("{} to decide {values}", names(&self.decided)));
        }
        if !self.waits.is_empty() {
            let time = words::time(self.long);
            said.push(format!(
                "{} to decide none of {values} for {time}",
                names(&self.waits)
            ));
        }
        for (pairs, what) in [
            (&self.agree, "to agree"),
            (&self.differ, "to decide differently"),
            (&self.disconnected, "not to be sure of each other any more"),
        ] {
            said.extend(
                pairs
                    .iter()
                    .map(|(a, b)| format!("{} {what}", names(&[*a, *b]))),
            );
        }
        if !self.caught.is_empty() {
            said.push(format!("{} to be caught", words::list(&self.caught)));
        }
        said.extend(
            self.evidence
                .as_ref()
                .map(|says| format!("evidence of \"{says}\"")),
        );
        said.extend(
            self.ballot
                .map(|ballot| format!("ballot {ballot} to be the last")),
        );
        words::list(&said)
    }

    /// How it stands after this time, by what is known.
    #[must_use]
    pub fn stands(&self, known: &dyn Known, learners: &[String], elapsed: Duration) -> Stand {
        if let Some(why) = self.broken(known, learners) {
            return Stand::Broken(why);
        }
        if let Some(why) = self.lacks(known, learners) {
            return Stand::NotYet(why);
        }
        match self.waits.is_empty() || elapsed >= self.long {
            true => Stand::Holds,
            false => Stand::NotYet("it is not over".to_owned()),
        }
    }

    /// What cannot be made good any more.
    fn broken(&self, known: &dyn Known, learners: &[String]) -> Option<String> {
        for learner in &self.waits {
            if self.places(known, *learner).is_empty() {
                let name = &learners[*learner];
                return Some(format!(
                    "{name} is played by no node there that runs and behaves"
                ));
            }
            let nodes = self.places(known, *learner);
            let mut all = nodes
                .iter()
                .flat_map(|n| self.values.iter().map(move |v| (*n, *v)));
            if all.any(|(node, value)| known.decided(*learner, node, value)) {
                return Some(format!("{} has decided", learners[*learner]));
            }
        }
        let ballot = known.ballot();
        if self.ballot.is_some_and(|last| last < ballot) {
            return Some(format!("ballot {ballot} has begun"));
        }
        let differ = self.agree.iter().find(|pair| known.differ(**pair));
        differ.map(|(a, b)| format!("{} and {} decided differently", learners[*a], learners[*b]))
    }

    /// What is missing.
    fn lacks(&self, known: &dyn Known, learners: &[String]) -> Option<String> {
        for learner in &self.decided {
            let nodes = self.places(known, *learner);
            if nodes.is_empty() {
                return Some(format!(
                    "{} is played by no node that runs and behaves",
                    learners[*learner]
                ));
            }
            for node in nodes {
                let has = |value: &&usize| known.decided(*learner, node, **value);
                let count = self.values.iter().filter(has).count();
                if count < self.values.len() {
                    let (name, all) = (&learners[*learner], self.values.len());
                    return Some(format!(
                        "{name} has decided {count} of {all} at node n{}",
                        node + 1
                    ));
                }
            }
        }
        let pair = |what: &str, (a, b): &(Learner, Learner)| {
            format!("{} and {} {what}", learners[*a], learners[*b])
        };
        let same = self.differ.iter().find(|pair| !known.differ(**pair));
        let sure = self
            .disconnected
            .iter()
            .find(|pair| !known.disconnected(**pair));
        let free = self.caught.iter().find(|name| !known.caught(name));
        let unknown = self.evidence.as_ref().filter(|says| !known.evidence(says));
        let below = self.ballot.filter(|ballot| known.ballot() < *ballot);
        same.map(|p| pair("have not decided differently", p))
            .or(sure.map(|p| pair("are not disconnected everywhere", p)))
            .or(free.map(|name| format!("{name} is not caught everywhere")))
            .or(unknown.map(|says| format!("not every node has evidence of \"{says}\"")))
            .or(below.map(|ballot| format!("ballot {ballot} has not begun")))
    }

    fn places(&self, known: &dyn Known, learner: Learner) -> Vec<Node> {
        let mut nodes = known.nodes(learner);
        if let Some(at) = &self.at {
            nodes.retain(|node| at.contains(node));
        }
        nodes
    }
}
