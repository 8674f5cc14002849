//! States and steps, as the checker asks for them.

use crate::judge::{self, Decisions};
use crate::liar::Liar;
use crate::machine::{Delivered, Machines};
use crate::phases::{Phase, Standing};
use crate::world::{Id, Kind, SLOT, World};
use consensus::Ballot;
use consensus::hpaxos::{Message, OneC, Proposal};
use consensus::planted::Bug;
use crypto::MemberId;
use learner_graph::{AcceptorId, LearnerId, LearnerSet};
use stateright::{Model, Property};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

/// What is checked.
#[derive(Clone, Debug)]
pub struct Setup {
    pub graph: &'static str,
    /// The ballots that safe acceptors join, ascending.
    pub ballots: Vec<u64>,
    /// The acceptor that follows no rule.
    pub liar: Option<&'static str>,
    /// The acceptor that falls silent before the last ballot.
    pub silent: Option<&'static str>,
    pub delivery: Delivery,
    /// Whether an acceptor may have heard what was decided before it joins.
    pub low_water: bool,
    pub bug: Option<Bug>,
}

/// Which sets of statements are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Those that matter, as `main.rs` argues.
    Enough,
    /// Every subset.
    Every,
}

/// What every acceptor has said, in its own order; nothing where it is the liar.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub said: Vec<Vec<Id>>,
}

/// One acceptor is given something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub acceptor: AcceptorId,
    pub delivered: Delivered,
}

pub struct Checked {
    pub setup: Setup,
    /// The acceptors that follow the rules.
    pub safe: Vec<AcceptorId>,
    /// The acceptor that takes no part in the last ballot.
    pub silent: Option<AcceptorId>,
    pub liar: Option<AcceptorId>,
    pub learners: Vec<LearnerId>,
    /// HPaxos: Ent, for these safe acceptors.
    pub entangled: Vec<LearnerSet>,
    /// Per ballot: the wishes and the 1a that make an acceptor join; 1c by value.
    pub one_a: Vec<Vec<Id>>,
    pub one_c: Vec<[Vec<Id>; 2]>,
    machines: Mutex<Machines>,
    /// What the learners decide, in any state.
    pub outcomes: Mutex<BTreeSet<Decisions>>,
}

impl Checked {
    pub fn new(setup: Setup) -> Self {
        let mut world = World::new(setup.graph);
        let graph = world.network.graph().clone();
        let named = |name: Option<&str>| name.map(|n| graph.acceptor(n).expect("an acceptor"));
        let (liar, silent) = (named(setup.liar), named(setup.silent));
        let safe: Vec<AcceptorId> = graph
            .acceptors()
            .iter()
            .filter(|a| Some(*a) != liar)
            .collect();
        let start = |b: &u64| start(&mut world, *b);
        let one_a = setup.ballots.iter().map(start).collect();
        let announce = |b: &u64| [0, 1].map(|v| announce(&mut world, *b, v, setup.delivery));
        let one_c = setup.ballots.iter().map(announce).collect();
        let lies = liar.map(|a| Liar::new(&mut world, a, &setup.ballots));
        Checked {
            entangled: graph.ent(&safe.iter().copied().collect()),
            learners: graph.learners().iter().collect(),
            outcomes: Mutex::default(),
            machines: Mutex::new(Machines::new(world, lies, setup.bug)),
            safe,
            silent,
            liar,
            one_a,
            one_c,
            setup,
        }
    }

    pub fn machines(&self) -> MutexGuard<'_, Machines> {
        self.machines.lock().expect("nobody panicked with it")
    }

    pub fn last_ballot(&self) -> u64 {
        *self.setup.ballots.last().expect("a ballot")
    }

    /// The 1c of a value for all learners.
    pub fn announced(&self, ballot: u64, value: u8) -> Vec<Id> {
        let at = self.setup.ballots.iter().position(|b| *b == ballot);
        let one_c = &self.one_c[at.expect("a ballot that is played")][usize::from(value)];
        one_c.last().copied().into_iter().collect()
    }

    /// What was said of this kind in a ballot: by safe acceptors, then by the liar.
    pub fn said(
        &self,
        machines: &Machines,
        state: &State,
        is_it: impl Fn(u64, Kind) -> bool,
    ) -> (Vec<Id>, Vec<Id>) {
        let matches = |id: &Id| {
            let said = machines.world.statement(*id);
            is_it(said.ballot, said.kind)
        };
        let safe = state.said.iter().flatten().copied().filter(matches);
        let lies = machines.liar.iter().flat_map(|l| &l.votes);
        (safe.collect(), lies.copied().filter(matches).collect())
    }

    pub fn takes_part(&self, acceptor: AcceptorId, ballot: u64) -> bool {
        self.silent != Some(acceptor) || ballot < self.last_ballot()
    }
}

impl Model for Checked {
    type State = State;
    type Action = Action;

    /// All have joined the first ballot.
    fn init_states(&self) -> Vec<State> {
        let mut machines = self.machines();
        let n = machines.world.network.graph().n_acceptors();
        let mut said = vec![Vec::new(); n];
        for acceptor in &self.safe {
            let delivered = Delivered {
                said: self.one_a[0].clone(),
                lies: false,
            };
            let one_b = machines.answer(*acceptor, &[], delivered);
            assert_eq!(one_b.len(), 1, "everyone joins the first ballot");
            said[usize::from(acceptor.0)] = one_b.to_vec();
        }
        vec![State { said }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let machines = self.machines();
        let standing = Standing::of(self, &machines, state);
        for (at, ballot) in self.setup.ballots.iter().enumerate() {
            let steps = [
                (Phase::Join, self.joins(&machines, state, at)),
                (Phase::Propose, self.proposals(&machines, state, at)),
                (Phase::Vote, self.votes(&machines, state, at)),
            ];
            for acceptor in self.safe.iter().copied() {
                if !self.takes_part(acceptor, *ballot) {
                    continue;
                }
                for (phase, steps) in &steps {
                    let here = (at, *phase);
                    let every = self.setup.delivery == Delivery::Every;
                    if !every && !standing.may(self, acceptor, here) {
                        continue;
                    }
                    // The values differ in name only: the first acceptor to propose anything in the first
                    // ballot proposes the first value.
                    let renamed = |d: &&Delivered| {
                        here == (0, Phase::Propose) && d.said.contains(&self.one_c[0][1][0])
                    };
                    let named = every || standing.named(self, acceptor);
                    let steps = steps.iter().filter(|d| named || !renamed(d));
                    actions.extend(steps.cloned().map(|delivered| Action {
                        acceptor,
                        delivered,
                    }));
                }
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut machines = self.machines();
        let at = usize::from(action.acceptor.0);
        let said = machines.answer(action.acceptor, &state.said[at], action.delivered);
        let mut own = state.said[at].clone();
        own.extend(said.iter().filter(|id| !state.said[at].contains(id)));
        if own.len() == state.said[at].len() {
            return None;
        }
        own.sort_unstable_by_key(|id| {
            let said = machines.world.statement(*id);
            (said.ballot, said.kind, *id)
        });
        let mut next = state.clone();
        next.said[at] = own;
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(judge::SAFETY, judge::safety),
            Property::always(judge::NOT_CONVICTED, judge::not_convicted),
            Property::sometimes(judge::DECISION, judge::decision),
        ];
        if self
            .entangled
            .iter()
            .any(|row| row.len() < self.learners.len())
        {
            properties.push(Property::sometimes(
                judge::DISAGREEMENT,
                judge::disagreement,
            ));
        }
        if self.silent.is_some() {
            properties.push(Property::always(judge::DEADLOCK_FREE, judge::no_deadlock));
        }
        properties
    }
}

/// Everyone's wish for a ballot, and its 1a.
fn start(world: &mut World, ballot: u64) -> Vec<Id> {
    let ballot = Ballot(ballot);
    let acceptors = world.network.graph().acceptors();
    let mut said = Vec::new();
    for a in acceptors.iter().filter(|_| ballot > Ballot::FIRST) {
        said.extend(world.say(MemberId(a.0), Message::Wish { ballot }));
    }
    said.push(world.say_as_owner(Message::OneA { ballot }));
    said
}

/// The 1c of a value: for all learners, or for every set of them.
fn announce(world: &mut World, ballot: u64, value: usize, delivery: Delivery) -> Vec<Id> {
    let all: Vec<LearnerId> = world.network.graph().learners().iter().collect();
    let sets = match delivery {
        Delivery::Enough => (1 << all.len()) - 1..1 << all.len(),
        Delivery::Every => 1..1 << all.len(),
    };
    let one_c = sets.map(|set: u32| {
        let chosen = all.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1);
        let proposal = Proposal {
            slot: SLOT,
            value: world.values[value].1,
            learners: chosen.map(|(_, l)| *l).collect(),
        };
        world.say_as_owner(Message::OneC(OneC {
            ballot: Ballot(ballot),
            proposals: vec![proposal],
        }))
    });
    one_c.collect()
}
