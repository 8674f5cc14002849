//! What may be delivered to an acceptor in one step, once for each action of the specification.

use crate::machine::{Delivered, Machines};
use crate::model::{Checked, Delivery, State};
use crate::world::{Id, Kind};
use learner_graph::LearnerId;

impl Checked {
    /// HPaxos: Phase1b; with `low_water` by an acceptor that may know what was decided before.
    pub fn joins(&self, machines: &Machines, state: &State, at: usize) -> Vec<Delivered> {
        let start = |said| Delivered { said, lies: false };
        let mut steps = vec![start(self.one_a[at].clone())];
        if self.setup.low_water {
            let ballot = self.setup.ballots[at];
            let is_it = |b, kind| b < ballot && matches!(kind, Kind::TwoB(..));
            let (safe, lies) = self.said(machines, state, is_it);
            steps.push(start([safe, lies, self.one_a[at].clone()].concat()));
        }
        steps
    }

    /// HPaxos: Phase2av: a 1c, 1b of its ballot, and what may be evidence.
    pub fn proposals(&self, machines: &Machines, state: &State, at: usize) -> Vec<Delivered> {
        let ballot = self.setup.ballots[at];
        let (one_b, _) = self.said(machines, state, |b, k| (b, k) == (ballot, Kind::OneB));
        let decisions = |b, kind| b < ballot && matches!(kind, Kind::TwoB(..));
        let (two_b, _) = self.said(machines, state, decisions);
        let mut steps = Vec::new();
        for one_c in self.one_c[at].iter().flatten() {
            for one_b in self.choices(&one_b) {
                for lie in self.lies(machines, at) {
                    let mut said = [one_b.as_slice(), &lie, &[*one_c]].concat();
                    if self.setup.delivery == Delivery::Every {
                        // Whoever has not heard the 1a cannot join.
                        let said = said.clone();
                        steps.push(Delivered { said, lies: false });
                    }
                    said.push(self.started(at));
                    if self.setup.delivery == Delivery::Every || self.liar.is_none() {
                        let said = said.clone();
                        steps.push(Delivered { said, lies: false });
                    }
                    if self.liar.is_some() {
                        let said = [said.as_slice(), &two_b].concat();
                        steps.push(Delivered { said, lies: true });
                    }
                }
            }
        }
        steps
    }

    /// The 1b of the liar that comes first, if any does.
    fn lies(&self, machines: &Machines, at: usize) -> Vec<Vec<Id>> {
        let Some(liar) = &machines.liar else {
            return vec![Vec::new()];
        };
        let all = &liar.one_b[at];
        match self.setup.delivery {
            Delivery::Enough => vec![vec![liar.most_permissive(at)]],
            Delivery::Every => all.iter().map(|id| vec![*id]).chain([Vec::new()]).collect(),
        }
    }

    /// HPaxos: Phase2b: 2av of a ballot and value.
    pub fn votes(&self, machines: &Machines, state: &State, at: usize) -> Vec<Delivered> {
        let ballot = self.setup.ballots[at];
        let mut steps = Vec::new();
        if ballot == self.last_ballot() {
            return steps;
        }
        for value in [0, 1] {
            for learners in self.audiences() {
                let is_it = |b, kind| match kind {
                    Kind::TwoAv(v, l) => (b, v) == (ballot, value) && learners.contains(&l),
                    _ => false,
                };
                let (safe, lies) = self.said(machines, state, is_it);
                if !safe.is_empty() {
                    let all = [safe, lies].concat();
                    let sets = self.choices(&all).into_iter();
                    steps.extend(sets.map(|mut said: Vec<Id>| {
                        said.push(self.started(at));
                        Delivered { said, lies: false }
                    }));
                }
            }
        }
        steps
    }

    /// The 1a of a ballot, which everyone has heard of.
    fn started(&self, at: usize) -> Id {
        *self.one_a[at].last().expect("a 1a")
    }

    /// For whom 2av are delivered at once.
    fn audiences(&self) -> Vec<Vec<LearnerId>> {
        match self.setup.delivery {
            Delivery::Enough => self.learners.iter().map(|l| vec![*l]).collect(),
            Delivery::Every => vec![self.learners.clone()],
        }
    }

    /// Which of the statements are delivered.
    fn choices(&self, all: &[Id]) -> Vec<Vec<Id>> {
        let of = |choice: usize| {
            let chosen = all.iter().enumerate().filter(|(i, _)| choice >> i & 1 == 1);
            chosen.map(|(_, id)| *id).collect()
        };
        match self.setup.delivery {
            Delivery::Enough => vec![all.to_vec()],
            Delivery::Every => (0..1 << all.len()).map(of).collect(),
        }
    }
}
