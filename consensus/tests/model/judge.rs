//! What is asked of every state.

use crate::machine::{Delivered, Machines, with_bug};
use crate::model::{Checked, State};
use crate::world::{Id, Kind};
use consensus::hpaxos::{Message, check, contradiction};
use crypto::Verified;
use learner_graph::{AcceptorId, AcceptorSet, LearnerId};
use std::collections::{BTreeMap, BTreeSet};

pub const SAFETY: &str = "HPaxos: Safety: entangled learners agree";
pub const NOT_CONVICTED: &str = "what a safe acceptor says is well-formed and convicts nobody";
pub const DECISION: &str = "every learner decides";
pub const DISAGREEMENT: &str = "learners that are not entangled differ";
pub const DEADLOCK_FREE: &str = "some value can be proposed to those who are up";

/// Per learner, the values that it may decide.
pub type Decisions = BTreeMap<LearnerId, BTreeSet<u8>>;

/// The 2b that are there, or, in the last ballot, would be sent if all its 2av were delivered. There an
/// acceptor counts for two values if it would vote for either: that is more than can happen, and it
/// is still not to lead to a disagreement.
pub fn two_b(model: &Checked, machines: &mut Machines, state: &State) -> Vec<Id> {
    let (safe, lies) = model.said(machines, state, |_, k| matches!(k, Kind::TwoB(..)));
    let mut said = [safe, lies].concat();
    let last = model.last_ballot();
    for value in [0, 1] {
        for learner in &model.learners {
            let is_it = |b, kind| (b, kind) == (last, Kind::TwoAv(value, *learner));
            let (safe, lies) = model.said(machines, state, is_it);
            if safe.is_empty() {
                continue;
            }
            let all = [safe, lies].concat();
            for acceptor in voters(model) {
                let delivered = Delivered {
                    said: all.clone(),
                    lies: false,
                };
                let own = &state.said[usize::from(acceptor.0)];
                said.extend(machines.answer(acceptor, own, delivered).iter());
            }
        }
    }
    said
}

fn voters(model: &Checked) -> impl Iterator<Item = AcceptorId> {
    let last = model.last_ballot();
    let all = model.safe.iter().copied();
    all.filter(move |a| model.takes_part(*a, last))
}

/// HPaxos: ChosenIn(l, b, v), with the graph alone.
pub fn chosen(machines: &Machines, two_b: &[Id]) -> Decisions {
    let mut senders: BTreeMap<(u64, u8, LearnerId), AcceptorSet> = BTreeMap::new();
    for id in two_b {
        let said = machines.world.statement(*id);
        if let Kind::TwoB(value, learner) = said.kind {
            let set = senders.entry((said.ballot, value, learner)).or_default();
            set.insert(AcceptorId(said.from.0));
        }
    }
    let graph = machines.world.network.graph();
    let mut decisions = Decisions::new();
    for ((_, value, learner), set) in senders {
        if graph.is_quorum(learner, &set) {
            decisions.entry(learner).or_default().insert(value);
        }
    }
    decisions
}

pub fn decisions(model: &Checked, state: &State) -> Decisions {
    let mut machines = model.machines();
    let two_b = two_b(model, &mut machines, state);
    chosen(&machines, &two_b)
}

/// HPaxos: Safety.
pub fn safety(model: &Checked, state: &State) -> bool {
    let decisions = decisions(model, state);
    let mut outcomes = model.outcomes.lock().expect("nobody panicked with it");
    if !outcomes.contains(&decisions) {
        outcomes.insert(decisions.clone());
    }
    drop(outcomes);
    let agree = |l1: &LearnerId, l2: LearnerId| {
        let of = |l| decisions.get(&l).cloned().unwrap_or_default();
        let (first, second) = (of(*l1), of(l2));
        first.is_empty() || second.is_empty() || (first.len() == 1 && first == second)
    };
    let entangled = |l: &LearnerId| model.entangled[usize::from(l.0)].into_iter();
    model
        .learners
        .iter()
        .all(|l1| entangled(l1).all(|l2| agree(l1, l2)))
}

/// Every learner decides.
pub fn decision(model: &Checked, state: &State) -> bool {
    let decisions = decisions(model, state);
    model.learners.iter().all(|l| decisions.contains_key(l))
}

/// Two learners decide differently.
pub fn disagreement(model: &Checked, state: &State) -> bool {
    let decisions = decisions(model, state);
    let values: BTreeSet<u8> = decisions.into_values().flatten().collect();
    values.len() > 1
}

/// Nothing that a safe acceptor signs contradicts another of its statements, or is refused.
pub fn not_convicted(model: &Checked, state: &State) -> bool {
    let machines = model.machines();
    let network = &machines.world.network;
    state.said.iter().all(|own| {
        let messages = own.iter().map(|id| &machines.world.statement(*id).message);
        let messages: Vec<_> = messages.collect();
        let formed = messages.iter().all(|m| check(m, network).is_ok());
        let mut pairs = messages.iter().enumerate();
        let contradicts = |(i, first): (usize, &&Verified<Message>)| {
            let mut others = messages[i + 1..].iter();
            others.any(|second| contradiction(first, second).is_some())
        };
        formed && !with_bug(model.setup.bug, || pairs.any(contradicts))
    })
}

/// Once everyone who is up has joined the last ballot and proposed nothing there, each learner with a quorum
/// among them has a value for which such a quorum sends its 2av after its 1c and all their 1b.
pub fn no_deadlock(model: &Checked, state: &State) -> bool {
    let mut machines = model.machines();
    let last = model.last_ballot();
    let (one_b, _) = model.said(&machines, state, |b, k| (b, k) == (last, Kind::OneB));
    let in_last = |b, k| b == last && matches!(k, Kind::TwoAv(..));
    let (proposed, _) = model.said(&machines, state, in_last);
    let up: AcceptorSet = voters(model).collect();
    if one_b.len() < up.len() || !proposed.is_empty() {
        return true;
    }
    let graph = machines.world.network.graph().clone();
    let served = |machines: &mut Machines, learner| {
        [0, 1].into_iter().any(|value| {
            let said = [one_b.clone(), model.announced(last, value)].concat();
            let proposes = |a: &AcceptorId| {
                let delivered = Delivered {
                    said: said.clone(),
                    lies: false,
                };
                let answer = machines.answer(*a, &state.said[usize::from(a.0)], delivered);
                let is_it = Kind::TwoAv(value, learner);
                let mut kinds = answer.iter().map(|id| machines.world.statement(*id).kind);
                kinds.any(|kind| kind == is_it)
            };
            graph.is_quorum(learner, &voters(model).filter(proposes).collect())
        })
    };
    let live = model.learners.iter().filter(|l| graph.is_quorum(**l, &up));
    live.copied().all(|l| served(&mut machines, l))
}
