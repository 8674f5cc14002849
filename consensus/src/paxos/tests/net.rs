//! Three nodes in one thread, for what shows in long logs and restarts only.

use super::{Config, Input, Message, Output, Paxos, Record, three};
use crate::history::{History, MemoryHistory};
use crate::{Batch, ClientValue, Decision, Network, Protocol, RECENT_BYTES, Slot, Time};
use crypto::MemberId;
use learner_graph::{LearnerGraph, LearnerId};
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Net {
    network: Arc<Network>,
    graph: LearnerGraph,
    recent: u64,
    chance: u64,
    /// Of a hundred messages so many are lost.
    pub(super) loss: u64,
    pub(super) now: Time,
    pub(super) nodes: Vec<Node>,
}

pub(super) struct Node {
    pub(super) machine: Paxos,
    pub(super) stored: Vec<Record>,
    pub(super) history: Arc<MemoryHistory<Message>>,
    pub(super) inbox: Vec<Input>,
    pub(super) delivered: Vec<Decision>,
    pub(super) spread: Vec<ClientValue>,
}

pub(super) fn value(n: u64) -> ClientValue {
    ClientValue::new(Vec::new(), n.to_le_bytes().to_vec()).expect("small")
}

impl Net {
    pub(super) fn new(recent: u64, seed: u64) -> Net {
        let (network, graph) = three();
        let mut net = Net {
            network,
            graph,
            recent,
            chance: seed * 2 + 1,
            loss: 0,
            now: Duration::from_secs(1),
            nodes: Vec::new(),
        };
        for i in 0..3 {
            let history = Arc::new(MemoryHistory::default());
            let machine = net.machine(i, Arc::clone(&history));
            net.nodes.push(Node {
                machine,
                stored: Vec::new(),
                history,
                inbox: Vec::new(),
                delivered: Vec::new(),
                spread: Vec::new(),
            });
        }
        net
    }

    /// A node that knows nothing but what the history has.
    pub(super) fn machine(&self, i: u16, history: Arc<MemoryHistory<Message>>) -> Paxos {
        let config = Config {
            me: Some(MemberId(i)),
            learner: LearnerId(0),
            read: self.graph.clone(),
            patience: Duration::from_millis(500),
            window: 4,
            batching: Default::default(),
            max_waiting: 100,
            max_waiting_bytes: usize::MAX,
            recent: self.recent,
            recent_bytes: RECENT_BYTES,
        };
        Paxos::new(Arc::clone(&self.network), config, history)
    }

    /// A number below `n` (Marsaglia's xorshift).
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 11) % n
    }

    pub(super) fn submit(&mut self, i: usize, value: ClientValue) {
        self.nodes[i].inbox.push(Input::Submit(value));
    }

    /// A node takes a step. Everything that it stores is durable before anything else.
    pub(super) fn step(&mut self, i: usize) {
        let node = &mut self.nodes[i];
        let inputs = std::mem::take(&mut node.inbox);
        for output in node.machine.step(self.now, inputs) {
            self.execute(i, output);
        }
        self.nodes[i].history.flush();
    }

    fn execute(&mut self, i: usize, output: Output) {
        let node = &mut self.nodes[i];
        match output {
            Output::Persist(record) => node.stored.push(record),
            Output::Send(message) => {
                node.inbox.push(Input::Message(message.clone()));
                self.others(i, &Input::Message(message));
            }
            Output::SendBatch(batch) => self.others(i, &Input::Batch(batch)),
            Output::SendValue(value) => {
                node.spread.push(value.clone());
                self.others(i, &Input::Value(value));
            }
            Output::Decided(decision) => node.delivered.push(decision),
            _ => {}
        }
    }

    fn others(&mut self, from: usize, input: &Input) {
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            if self.below(100) >= self.loss {
                self.nodes[to].inbox.push(input.clone());
            }
        }
    }

    /// One node asks another one for what it lacks.
    pub(super) fn ask(&mut self, asks: usize, asked: usize) {
        let request = self.nodes[asks].machine.sync_request();
        let answers = &self.nodes[asked];
        let old = request.next[0].0..answers.machine.remembered().0;
        let old = old.take(50).map_while(|slot| {
            let slot = Slot(slot);
            answers.history.decision(Paxos::ANY, slot).map(|d| d.proof)
        });
        let mut inputs: Vec<Input> = old.flatten().map(Input::Message).collect();
        let answer = Protocol::answer(&answers.machine, &request, 1 << 20);
        inputs.extend(answer.messages.into_iter().map(Input::Message));
        let wanted = Protocol::wanted(&self.nodes[asks].machine).iter();
        let batch = |d| {
            answers
                .machine
                .batch(d)
                .or_else(|| answers.history.batch(d))
        };
        let batches = wanted.filter_map(batch);
        inputs.extend(batches.map(|b| Input::Batch(Batch::clone(&b))));
        inputs.push(Input::Alive(MemberId(asked as u16)));
        self.nodes[asks].inbox.extend(inputs);
    }

    /// Nothing gets lost until nothing is left to do.
    pub(super) fn settle(&mut self) {
        while self.nodes.iter().any(|node| !node.inbox.is_empty()) {
            for i in 0..self.nodes.len() {
                self.step(i);
            }
            self.now += Duration::from_millis(1);
        }
    }

    /// A node that is given these records, and the history, takes the place of the old one.
    pub(super) fn restart(&mut self, i: usize, records: Vec<Record>) {
        let machine = self.restored(i, &records);
        let node = &mut self.nodes[i];
        node.machine = machine;
        node.stored = records;
        node.inbox.clear();
        self.step(i);
    }

    /// A node that is given these records, and the history.
    pub(super) fn restored(&mut self, i: usize, records: &[Record]) -> Paxos {
        let mut machine = self.machine(i as u16, Arc::clone(&self.nodes[i].history));
        for record in records {
            for output in machine.restore(record.clone()) {
                self.execute(i, output);
            }
        }
        machine
    }
}
