//! A few real state machines in memory: everything is delivered, in order, and time passes only when
//! there is nothing else to do.

use consensus::history::MemoryHistory;
use consensus::hpaxos::trace::{Action, Recorder, messages};
use consensus::hpaxos::{Config, HPaxos, Input, Message, Output, PAGE};
use consensus::{
    Batch, ClientValue, HistoryOf, Member, Network, Protocol, RECENT_BYTES, Record, Time,
};
use crypto::{Digest, Keypair, MemberId, Signer, codec};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const FOUR: &str = include_str!("../../../../examples/four.toml");
pub(crate) const MIXED: &str = include_str!("../../../../examples/mixed.toml");

struct Machine {
    protocol: HPaxos,
    history: Arc<HistoryOf<HPaxos>>,
    recorder: Recorder,
    inbox: VecDeque<Input>,
    timer: Option<Time>,
    stored: Vec<Vec<u8>>,
}

/// A network and what happened in it.
pub(crate) struct Run {
    pub(crate) network: Arc<Network>,
    machines: Vec<Machine>,
    /// Nodes that nobody hears and that hear nobody.
    pub(crate) cut: BTreeSet<usize>,
    /// A node that says its votes a second time for another value.
    pub(crate) liar: Option<usize>,
    now: Time,
    pub(crate) actions: Vec<(usize, Action)>,
}

fn keypair(i: usize) -> Keypair {
    Keypair::from_seed([i as u8 + 1; 32])
}

fn machine(network: &Arc<Network>, i: usize) -> Machine {
    let member = MemberId(i as u16);
    let config = Config {
        signer: Some(Signer::new(keypair(i), member, network.id())),
        patience: Duration::from_millis(500),
        grace: Duration::from_millis(20),
        window: 8,
        batching: Default::default(),
        max_waiting: 100,
        max_waiting_bytes: usize::MAX,
        recent: 64,
        recent_bytes: RECENT_BYTES,
        page: PAGE,
    };
    let history: Arc<HistoryOf<HPaxos>> = Arc::new(MemoryHistory::default());
    Machine {
        protocol: HPaxos::new(Arc::clone(network), config, Arc::clone(&history)),
        history,
        recorder: Recorder::new(Arc::clone(network), Some(member)),
        inbox: VecDeque::new(),
        timer: None,
        stored: Vec::new(),
    }
}

impl Machine {
    /// Bytes that it has, in memory or not.
    fn batch(&self, digest: &Digest) -> Option<Arc<Batch>> {
        let kept = || self.history.batch(digest);
        self.protocol.batch(digest).or_else(kept)
    }
}

impl Run {
    /// Node i plays acceptor i of the graph.
    pub(crate) fn new(graph: &str) -> Run {
        let graph = learner_graph::parse_graph(graph).expect("a valid graph").0;
        let member = |a: learner_graph::AcceptorId| Member {
            name: format!("n{}", a.0 + 1),
            key: keypair(a.0.into()).public(),
            acceptor: Some(a),
            proposer: true,
        };
        let members: Vec<Member> = graph.acceptors().iter().map(member).collect();
        let n = members.len();
        let network = Network::new("test", "hpaxos", graph, members).expect("a network");
        let network = Arc::new(network);
        let machines: Vec<Machine> = (0..n).map(|i| machine(&network, i)).collect();
        let init = |(i, m): (usize, &Machine)| {
            let actions = m.recorder.init();
            actions.into_iter().map(move |a| (i, a)).collect::<Vec<_>>()
        };
        Run {
            actions: machines.iter().enumerate().flat_map(init).collect(),
            network,
            machines,
            cut: BTreeSet::new(),
            liar: None,
            now: Time::ZERO,
        }
    }

    pub(crate) fn submit(&mut self, node: usize, text: &str) {
        let value = ClientValue::new(Vec::new(), text.as_bytes().to_vec()).expect("small");
        self.machines[node].inbox.push_back(Input::Submit(value));
    }

    /// Runs until nothing is left to do and so many timers were due.
    pub(crate) fn settle(&mut self, timers: usize) {
        let mut left = timers;
        loop {
            let busy = (0..self.machines.len()).find(|i| !self.machines[*i].inbox.is_empty());
            if let Some(i) = busy {
                self.step(i);
                continue;
            }
            if self.fetch() {
                continue;
            }
            let due = |m: &Machine| m.timer;
            let next = (0..self.machines.len()).filter_map(|i| Some((due(&self.machines[i])?, i)));
            let Some((at, i)) = next.min().filter(|_| left > 0) else {
                return;
            };
            left -= 1;
            self.now = self.now.max(at);
            self.beat();
            self.step(i);
        }
    }

    /// Everybody who hears others gets the bytes that it wants and one of them has. True if there were any.
    fn fetch(&mut self) -> bool {
        let connected = || (0..self.machines.len()).filter(|i| !self.cut.contains(i));
        let given = |digest: &Digest| connected().find_map(|i| self.machines[i].batch(digest));
        let mut found = Vec::new();
        for i in connected() {
            let given = self.machines[i].protocol.wanted().iter().filter_map(given);
            found.extend(given.map(|batch| (i, batch)));
        }
        let any = !found.is_empty();
        for (i, batch) in found {
            let batch = Input::Batch(Batch::clone(&batch));
            self.machines[i].inbox.push_back(batch);
        }
        any
    }

    /// Everybody who can be heard is.
    fn beat(&mut self) {
        let heard: Vec<MemberId> = (0..self.machines.len())
            .filter(|i| !self.cut.contains(i))
            .map(|i| MemberId(i as u16))
            .collect();
        for (i, machine) in self.machines.iter_mut().enumerate() {
            if !self.cut.contains(&i) {
                machine
                    .inbox
                    .extend(heard.iter().copied().map(Input::Alive));
            }
        }
    }

    /// A node is heard again, and asks the others for what it missed, and they it.
    pub(crate) fn heal(&mut self, node: usize) {
        self.cut.remove(&node);
        for other in (0..self.machines.len()).filter(|i| *i != node) {
            for (from, to) in [(other, node), (node, other)] {
                let request = self.machines[to].protocol.sync_request();
                let answer = self.machines[from].protocol.answer(&request, 1 << 20);
                for wire in answer.messages {
                    let message = HPaxos::open(wire, &self.network).expect("signed by a member");
                    self.machines[to].inbox.push_back(Input::Message(message));
                }
            }
        }
    }

    /// A node ends and starts again, with what it has stored.
    pub(crate) fn restart(&mut self, node: usize) {
        let stored = std::mem::take(&mut self.machines[node].stored);
        let mut again = machine(&self.network, node);
        for bytes in &stored {
            let record = codec::decode(bytes, 16 << 20).expect("its own record");
            let received = again.recorder.restored(&record);
            self.actions.extend(received.into_iter().map(|a| (node, a)));
            again.protocol.restore(record);
        }
        again.stored = stored;
        self.machines[node] = again;
        self.step(node);
    }

    fn step(&mut self, i: usize) {
        let machine = &mut self.machines[i];
        machine.timer = machine.timer.filter(|t| *t > self.now);
        let inputs: Vec<Input> = machine.inbox.drain(..).collect();
        let mut actions: Vec<Action> = Vec::new();
        actions.extend(
            inputs
                .iter()
                .flat_map(|input| machine.recorder.heard(input)),
        );
        let outputs = machine.protocol.step(self.now, inputs);
        actions.extend(outputs.iter().flat_map(|out| machine.recorder.told(out)));
        if self.liar == Some(i) {
            actions = actions.into_iter().filter_map(Action::of_unsafe).collect();
        }
        self.actions.extend(actions.into_iter().map(|a| (i, a)));
        for output in outputs {
            self.execute(i, output);
        }
    }

    fn execute(&mut self, i: usize, output: Output) {
        match output {
            Output::Persist(record) => self.machines[i].stored.push(store(&record)),
            Output::Send(message) => {
                if self.liar == Some(i) {
                    self.lie(i, &message);
                }
                self.spread(i, &Input::Message(message.clone()));
                self.machines[i].inbox.push_back(Input::Message(message));
            }
            Output::SendBatch(batch) => self.spread(i, &Input::Batch(batch)),
            Output::SendValue(value) => self.spread(i, &Input::Value(value)),
            Output::SendEvidence(evidence) => self.spread(i, &Input::Evidence(evidence)),
            Output::SetTimer(at) => self.machines[i].timer = Some(at),
            _ => {}
        }
    }

    fn spread(&mut self, from: usize, input: &Input) {
        if self.cut.contains(&from) {
            return;
        }
        let others = (0..self.machines.len()).filter(|j| *j != from && !self.cut.contains(j));
        for j in others {
            self.machines[j].inbox.push_back(input.clone());
        }
    }

    fn lie(&mut self, i: usize, message: &Message) {
        let Message::Votes(votes) = message else {
            return;
        };
        let mut lie = votes.clone();
        for said in &mut lie.slots {
            for (value, _) in said.two_av.iter_mut().chain(&mut said.two_b) {
                *value = Digest::of(value.as_bytes());
            }
        }
        let member = MemberId(i as u16);
        let signer = Signer::new(keypair(i), member, self.network.id());
        let lie = signer.sign(Message::Votes(lie)).expect("small");
        let lies = messages(&lie, member, &self.network);
        let lies = lies.into_iter().map(|m| (i, Action::FakeSend(m)));
        self.actions.extend(lies);
        self.spread(i, &Input::Message(lie));
    }
}

fn store(
    record: &Record<crypto::Signed<Message>, consensus::hpaxos::evidence::Evidence>,
) -> Vec<u8> {
    codec::encode(record)
}
