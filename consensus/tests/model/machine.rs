//! The production state machine as the model's transition function.

use crate::liar::Liar;
use crate::world::{Id, Kind, SLOT, World};
use consensus::history::MemoryHistory;
use consensus::hpaxos::evidence::{Certificate, Evidence};
use consensus::hpaxos::{Config, HPaxos, Input, Message, Output, PAGE, Record};
use consensus::planted::Bug;
use consensus::{Ballot, Protocol, RECENT_BYTES, Time};
use crypto::{MemberId, Signer};
use learner_graph::{AcceptorId, LearnerId, LearnerSet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What is delivered to an acceptor in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivered {
    pub said: Vec<Id>,
    /// Everything that a liar says, after the rest, with evidence that it forged.
    pub lies: bool,
}

/// Runs machines, and remembers what they said.
pub struct Machines {
    pub world: World,
    pub liar: Option<Liar>,
    pub bug: Option<Bug>,
    memory: BTreeMap<(AcceptorId, Vec<Id>, Delivered), Arc<Vec<Id>>>,
}

impl Machines {
    pub fn new(world: World, liar: Option<Liar>, bug: Option<Bug>) -> Self {
        Machines {
            world,
            liar,
            bug,
            memory: BTreeMap::new(),
        }
    }

    /// How many different steps of machines were taken.
    pub fn steps(&self) -> usize {
        self.memory.len()
    }

    /// What an acceptor that has said `own` says when this is delivered to it.
    pub fn answer(
        &mut self,
        acceptor: AcceptorId,
        own: &[Id],
        delivered: Delivered,
    ) -> Arc<Vec<Id>> {
        let key = (acceptor, own.to_vec(), delivered);
        if let Some(known) = self.memory.get(&key) {
            return Arc::clone(known);
        }
        let said = with_bug(self.bug, || self.run(acceptor, own, &key.2));
        let said = Arc::new(said);
        self.memory.insert(key, Arc::clone(&said));
        said
    }

    fn run(&mut self, acceptor: AcceptorId, own: &[Id], delivered: &Delivered) -> Vec<Id> {
        let me = MemberId(acceptor.0);
        let mut machine = self.machine(Some(self.world.signer(me)));
        for message in self.world.stored(own) {
            machine.restore(Record::Message(message));
        }
        // Everyone is up: whether an acceptor joins rests on the wishes that are delivered.
        let members = 0..self.world.network.members().len() as u16;
        let mut inputs: Vec<Input> = members.map(|m| Input::Alive(MemberId(m))).collect();
        let mut heard = delivered.said.clone();
        if let Some(liar) = self.liar.as_ref().filter(|_| delivered.lies) {
            let all = liar.one_b.iter().flatten();
            heard.extend(all.chain(&liar.votes));
            inputs.push(Input::Evidence(liar.forged.clone()));
            let voted = delivered.said.iter().chain(&liar.votes).copied();
            let proved = disagreements(&self.world, &voted.collect::<Vec<Id>>());
            inputs.extend(proved.into_iter().map(Input::Evidence));
        }
        let message = |id: Id| Input::Message(self.world.statement(id).message.clone());
        inputs.extend(heard.into_iter().map(message));
        let mut said = Vec::new();
        for output in machine.step(Duration::from_millis(1), inputs) {
            // A wish binds nobody.
            if let Output::Send(m) = output
                && !matches!(*m, Message::Wish { .. })
            {
                said.extend(self.world.say(me, (*m).clone()));
            }
        }
        said
    }

    fn machine(&self, signer: Option<Signer>) -> HPaxos {
        let config = Config {
            signer,
            patience: Duration::from_secs(1),
            grace: Duration::ZERO,
            window: 1,
            batching: Default::default(),
            max_waiting: 1,
            max_waiting_bytes: usize::MAX,
            recent: 64,
            recent_bytes: RECENT_BYTES,
            page: PAGE,
        };
        let mut machine = HPaxos::new(
            Arc::clone(&self.world.network),
            config,
            Arc::new(MemoryHistory::default()),
        );
        for (batch, _) in &self.world.values {
            machine.restore(Record::Batch(batch.clone()));
        }
        machine
    }

    /// HPaxos: LearnerDecide, as the production learners do it: what each decides when it receives
    /// these 2b in this order.
    pub fn learn(&self, two_b: &[Id]) -> BTreeMap<LearnerId, BTreeSet<u8>> {
        let mut machine = self.machine(None);
        let message = |id: &Id| Input::Message(self.world.statement(*id).message.clone());
        let inputs = two_b.iter().map(message).collect();
        let mut decided: BTreeMap<LearnerId, BTreeSet<u8>> = BTreeMap::new();
        let place = |digest| self.world.values.iter().position(|(_, d)| *d == digest);
        let outputs = with_bug(self.bug, || machine.step(Time::ZERO, inputs));
        for output in outputs {
            let (learners, values) = match output {
                Output::Decided(d) => (d.learners, vec![d.value]),
                Output::Fork(f) => {
                    let values = f.values.iter().map(|(_, v)| *v).collect();
                    (LearnerSet::just(f.learner), values)
                }
                _ => continue,
            };
            let values: Vec<u8> = values
                .into_iter()
                .filter_map(place)
                .map(|i| i as u8)
                .collect();
            for learner in learners {
                decided.entry(learner).or_default().extend(&values);
            }
        }
        decided
    }
}

/// Evidence that two learners are not entangled, as whoever saw both decisions gossips it: it may come
/// before everything else.
fn disagreements(world: &World, said: &[Id]) -> Vec<Evidence> {
    let mut decided: Vec<Certificate> = Vec::new();
    let mut votes: BTreeMap<(u64, u8, LearnerId), Vec<Id>> = BTreeMap::new();
    for id in said {
        let said = world.statement(*id);
        if let Kind::TwoB(value, learner) = said.kind {
            let of = votes.entry((said.ballot, value, learner)).or_default();
            of.push(*id);
        }
    }
    for ((ballot, value, learner), ids) in votes {
        let from = ids.iter().map(|id| AcceptorId(world.statement(*id).from.0));
        if world.network.graph().is_quorum(learner, &from.collect()) {
            let signed = |id: &Id| world.statement(*id).message.signed().clone();
            decided.push(Certificate {
                learner,
                slot: SLOT,
                ballot: Ballot(ballot),
                value: world.values[usize::from(value)].1,
                two_b: ids.iter().map(signed).collect(),
            });
        }
    }
    let pairs = decided.iter().enumerate().flat_map(|(i, first)| {
        let others = decided[i + 1..].iter();
        let differ = others.filter(|second| second.value != first.value);
        differ.map(|second| Evidence::Disagreement {
            first: first.clone(),
            second: second.clone(),
        })
    });
    pairs.collect()
}

/// The checker has threads of its own, and the switch is one per thread.
pub fn with_bug<T>(bug: Option<Bug>, run: impl FnOnce() -> T) -> T {
    #[cfg(feature = "planted")]
    consensus::planted::plant(bug);
    #[cfg(not(feature = "planted"))]
    assert_eq!(bug, None, "bugs need the feature `planted`");
    let result = run();
    #[cfg(feature = "planted")]
    consensus::planted::plant(None);
    result
}
