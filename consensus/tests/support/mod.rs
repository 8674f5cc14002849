//! A whole network of real state machines in one thread, on made-up time and a seeded scheduler.

#![allow(dead_code, missing_docs, unreachable_pub)]

mod rng;

use consensus::hpaxos::evidence::Finding;
use consensus::hpaxos::{self, HPaxos};
use consensus::paxos::{self, Paxos};
use consensus::storage::{MemoryStorage, Storage};
use consensus::{
    Batch, ClientValue, Decision, Fork, Input, InputOf, Member, Network, Output, OutputOf,
    Protocol, Record, RecordOf, Time,
};
use crypto::{Digest, Keypair, MemberId, Signer, codec};
use learner_graph::LearnerId;
pub use rng::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub const PATIENCE: Duration = Duration::from_millis(200);
const SYNC_EVERY: Duration = Duration::from_millis(50);

/// What the harness needs of a protocol beyond what a shell needs.
pub trait Machine: Protocol + Sized {
    /// The part of member `i`, as it starts for the first time.
    fn new(network: &Arc<Network>, i: usize) -> Self;
    /// Whether a statement binds its sender, so that it must be stored before it leaves.
    fn binds(message: &Self::Message) -> bool;
    /// Where it stands, for a person.
    fn picture(&self) -> String;
}

impl Machine for HPaxos {
    fn new(network: &Arc<Network>, i: usize) -> Self {
        HPaxos::new(Arc::clone(network), config(network, i))
    }
    fn binds(message: &Self::Message) -> bool {
        !matches!(**message, hpaxos::Message::Wish { .. })
    }
    fn picture(&self) -> String {
        format!("{:?}", self.status())
    }
}

impl Machine for Paxos {
    fn new(network: &Arc<Network>, i: usize) -> Self {
        let config = paxos::Config {
            me: Some(MemberId(i as u16)),
            learner: LearnerId(0),
            read: network.graph().clone(),
            patience: PATIENCE,
            window: 8,
            max_waiting: 1000,
        };
        Paxos::new(Arc::clone(network), config)
    }
    fn binds(message: &Self::Message) -> bool {
        !matches!(message.body, paxos::Body::Wish { .. })
    }
    fn picture(&self) -> String {
        format!("{:?}", self.status())
    }
}

#[derive(Clone)]
pub enum Packet<W, E> {
    Message(W),
    Batch(Batch),
    Value(ClientValue),
    Evidence(E),
}

pub struct Node<P: Protocol> {
    pub engine: Option<P>,
    pub storage: MemoryStorage,
    inbox: Vec<InputOf<P>>,
    timer: Option<Time>,
    fetching: BTreeSet<Digest>,
    pub logs: Vec<Vec<Decision>>,
    pub forks: Vec<Fork>,
    pub findings: Vec<P::Finding>,
    pub disconnected: Vec<(LearnerId, LearnerId)>,
    pub accepted: Vec<Digest>,
}

/// How a node that does not follow the protocol twists what it sends.
pub type Twist<P> = Box<dyn Fn(&<P as Protocol>::Message) -> Vec<<P as Protocol>::Wire>>;

/// Sees every record once it is durable, and whose it is.
pub type Watch<P> = Box<dyn FnMut(usize, &RecordOf<P>)>;

type Flying<P> = Packet<<P as Protocol>::Wire, <P as Protocol>::Evidence>;

pub struct Cluster<P: Machine> {
    pub network: Arc<Network>,
    pub nodes: Vec<Node<P>>,
    pub rng: Rng,
    pub now: Time,
    /// Percent of packets lost, and sent twice.
    pub loss: u64,
    pub twice: u64,
    /// Pairs (from, to) that do not hear each other.
    pub cut: BTreeSet<(usize, usize)>,
    pub twists: BTreeMap<usize, Twist<P>>,
    /// Called with every record once it is durable, in order.
    pub watch: Option<Watch<P>>,
    flying: Vec<(usize, usize, Flying<P>)>,
    next_sync: Time,
}

pub fn seed(i: usize) -> [u8; 32] {
    let mut s = [7; 32];
    s[0] = i as u8;
    s
}

/// A network in which node i plays acceptor i of the graph and is a proposer.
pub fn network(graph: &str) -> Arc<Network> {
    let graph = learner_graph::parse_graph(graph).expect("a valid graph").0;
    let members = graph
        .acceptors()
        .iter()
        .map(|a| Member {
            name: format!("n{:03}", a.0),
            key: Keypair::from_seed(seed(a.0.into())).public(),
            acceptor: Some(a),
            proposer: true,
        })
        .collect();
    Arc::new(Network::new("test", "hpaxos", graph, members).expect("a valid network"))
}

pub fn signer(network: &Network, i: usize) -> Signer {
    let keypair = Keypair::from_seed(seed(i));
    Signer::new(keypair, MemberId(i as u16), network.id())
}

pub fn config(network: &Network, i: usize) -> hpaxos::Config {
    hpaxos::Config {
        signer: Some(signer(network, i)),
        patience: PATIENCE,
        grace: Duration::from_millis(20),
        window: 8,
        max_waiting: 1000,
    }
}

pub fn value(text: &str) -> ClientValue {
    ClientValue::new(Vec::new(), text.as_bytes().to_vec()).expect("small")
}

impl<P: Machine> Cluster<P> {
    pub fn new(network: Arc<Network>, seed: u64) -> Self {
        let n = network.members().len();
        let learners = network.graph().n_learners();
        let node = |i| Node {
            engine: Some(P::new(&network, i)),
            storage: MemoryStorage::default(),
            inbox: Vec::new(),
            timer: None,
            fetching: BTreeSet::new(),
            logs: vec![Vec::new(); learners],
            forks: Vec::new(),
            findings: Vec::new(),
            disconnected: Vec::new(),
            accepted: Vec::new(),
        };
        Cluster {
            nodes: (0..n).map(node).collect(),
            network,
            rng: Rng(seed),
            now: Time::ZERO,
            loss: 0,
            twice: 0,
            cut: BTreeSet::new(),
            twists: BTreeMap::new(),
            watch: None,
            flying: Vec::new(),
            next_sync: Time::ZERO,
        }
    }

    pub fn submit(&mut self, node: usize, text: &str) {
        self.nodes[node].inbox.push(Input::Submit(value(text)));
    }

    /// SIGKILL in the middle of a step: nothing of the step has left, and of what it stored some
    /// prefix is kept.
    pub fn kill(&mut self, i: usize) {
        let kept = self.rng.below(6);
        let node = &mut self.nodes[i];
        let Some(mut engine) = node.engine.take() else {
            return;
        };
        let outputs = engine.step(self.now, std::mem::take(&mut node.inbox));
        let records = self.append(i, &outputs);
        let node = &mut self.nodes[i];
        node.timer = None;
        node.fetching.clear();
        node.storage.crash(kept);
        self.durable(i, &records[..kept.min(records.len())]);
    }

    fn append(&mut self, i: usize, outputs: &[OutputOf<P>]) -> Vec<RecordOf<P>> {
        let storage = &mut self.nodes[i].storage;
        let mut records = Vec::new();
        for output in outputs {
            if let Output::Persist(record) = output {
                storage.append(&codec::encode(record)).expect("memory");
                records.push(record.clone());
            }
        }
        records
    }

    fn durable(&mut self, i: usize, records: &[RecordOf<P>]) {
        if let Some(watch) = &mut self.watch {
            records.iter().for_each(|record| watch(i, record));
        }
    }

    pub fn restart(&mut self, i: usize) {
        let mut engine = P::new(&self.network, i);
        let node = &mut self.nodes[i];
        let before = std::mem::replace(
            &mut node.logs,
            vec![Vec::new(); self.network.graph().n_learners()],
        );
        for bytes in node.storage.durable().to_vec() {
            let record: RecordOf<P> = codec::decode(&bytes, 16 << 20).expect("own record");
            for output in engine.restore(record) {
                observe(node, output);
            }
        }
        node.engine = Some(engine);
        // What was once shown to observers is not taken back.
        for (before, after) in before.iter().zip(&node.logs) {
            for (b, a) in before.iter().zip(after) {
                assert_eq!(
                    (b.slot, b.value),
                    (a.slot, a.value),
                    "node {i} changed its log"
                );
            }
        }
    }

    /// Runs until `done` holds. Panics with a picture of the network after `limit` of its time.
    pub fn run_until(&mut self, limit: Duration, what: &str, done: impl Fn(&Self) -> bool) {
        let end = self.now + limit;
        while !done(self) {
            assert!(
                self.now < end,
                "not within {limit:?}: {what}\n{}",
                self.picture()
            );
            self.tick();
        }
    }

    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.tick();
        }
    }

    /// One step of every node that has something to do, then some deliveries, then time goes on.
    fn tick(&mut self) {
        for i in 0..self.nodes.len() {
            let due = self.nodes[i].timer.is_some_and(|t| t <= self.now);
            if due || !self.nodes[i].inbox.is_empty() || self.now == Time::ZERO {
                self.step(i);
            }
        }
        for _ in 0..self.flying.len() {
            if self.rng.percent(70) {
                let i = self.rng.below(self.flying.len());
                let (from, to, packet) = self.flying.swap_remove(i);
                self.deliver(from, to, packet);
            }
        }
        if self.now.as_millis().is_multiple_of(40) {
            self.ping();
        }
        if self.now >= self.next_sync {
            self.next_sync = self.now + SYNC_EVERY;
            self.sync();
        }
        self.now += Duration::from_millis(1);
    }

    fn deliver(&mut self, from: usize, to: usize, packet: Flying<P>) {
        if self.nodes[to].engine.is_none() {
            return;
        }
        let inbox = &mut self.nodes[to].inbox;
        inbox.push(Input::Alive(MemberId(from as u16)));
        inbox.push(match packet {
            Packet::Message(m) => Input::Message(P::open(m, &self.network).expect("genuine")),
            Packet::Batch(b) => Input::Batch(b),
            Packet::Value(v) => Input::Value(v),
            Packet::Evidence(e) => Input::Evidence(e),
        });
    }

    /// Whoever is up and connected is known to be.
    fn ping(&mut self) {
        for i in 0..self.nodes.len() {
            for j in (0..self.nodes.len()).filter(|j| *j != i) {
                let cut = self.cut.contains(&(i, j)) || self.cut.contains(&(j, i));
                if !cut && self.nodes[i].engine.is_some() && self.nodes[j].engine.is_some() {
                    let alive = Input::Alive(MemberId(i as u16));
                    self.nodes[j].inbox.push(alive);
                }
            }
        }
    }

    /// Every node asks one other for what it lacks.
    fn sync(&mut self) {
        for i in 0..self.nodes.len() {
            let j = self.rng.below(self.nodes.len());
            let cut = self.cut.contains(&(i, j)) || self.cut.contains(&(j, i));
            let (Some(asks), Some(answers)) = (&self.nodes[i].engine, &self.nodes[j].engine) else {
                continue;
            };
            // Whoever lies to all does not hand the truth out on request.
            if i == j || cut || self.twists.contains_key(&j) {
                continue;
            }
            let answer = answers.answer(&asks.sync_request(), 1 << 20);
            let wanted = self.nodes[i].fetching.clone();
            let batches: Vec<Batch> = wanted
                .iter()
                .filter_map(|d| answers.batch(d))
                .map(|b| Batch::clone(&b))
                .collect();
            self.nodes[j].inbox.push(Input::Alive(MemberId(i as u16)));
            for m in answer.messages {
                self.deliver(j, i, Packet::Message(m));
            }
            for e in answer.evidence {
                self.deliver(j, i, Packet::Evidence(e));
            }
            for b in batches {
                self.nodes[i].fetching.remove(&b.digest());
                self.deliver(j, i, Packet::Batch(b));
            }
            self.nodes[i].inbox.push(Input::Alive(MemberId(j as u16)));
        }
    }

    fn step(&mut self, i: usize) {
        let now = self.now;
        let node = &mut self.nodes[i];
        let Some(engine) = &mut node.engine else {
            return;
        };
        let inputs = std::mem::take(&mut node.inbox);
        node.timer = node.timer.filter(|t| *t > now);
        let outputs = engine.step(now, inputs);
        check_durable_first::<P>(&outputs);
        let records = self.append(i, &outputs);
        self.nodes[i].storage.sync().expect("memory");
        self.durable(i, &records);
        for output in outputs {
            self.execute(i, output);
        }
    }

    fn execute(&mut self, i: usize, output: OutputOf<P>) {
        match output {
            Output::Send(m) => {
                let said = match self.twists.get(&i) {
                    Some(twist) => twist(&m),
                    None => vec![P::wire(&m).clone()],
                };
                self.nodes[i].inbox.push(Input::Message(m));
                for message in said {
                    self.gossip(i, &Packet::Message(message));
                }
            }
            Output::SendBatch(b) => self.gossip(i, &Packet::Batch(b)),
            Output::SendValue(v) => self.gossip(i, &Packet::Value(v)),
            Output::SendEvidence(e) => self.gossip(i, &Packet::Evidence(e)),
            Output::SetTimer(t) => self.nodes[i].timer = Some(t),
            Output::Fetch(d) => drop(self.nodes[i].fetching.insert(d)),
            other => observe(&mut self.nodes[i], other),
        }
    }

    fn gossip(&mut self, from: usize, packet: &Flying<P>) {
        for to in 0..self.nodes.len() {
            if to == from || self.cut.contains(&(from, to)) || self.rng.percent(self.loss) {
                continue;
            }
            self.flying.push((from, to, packet.clone()));
            if self.rng.percent(self.twice) {
                self.flying.push((from, to, packet.clone()));
            }
        }
    }

    /// Loss, duplication, reordering, crashes in the middle of a step, one-way cuts, with values coming in
    /// all the while. Then everything heals, and every learner gets everything that was accepted.
    pub fn shake(&mut self, what: &str) {
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.loss = self.rng.next() % 30;
        self.twice = self.rng.next() % 30;
        for value in 0..36 {
            let up: Vec<usize> = all
                .iter()
                .copied()
                .filter(|i| self.nodes[*i].engine.is_some())
                .collect();
            if !up.is_empty() {
                let node = up[self.rng.below(up.len())];
                self.submit(node, &format!("value {value}"));
            }
            if value % 3 < 2 {
                continue;
            }
            let victim = self.rng.below(all.len());
            match self.rng.below(5) {
                0 => self.kill(victim),
                1 if self.nodes[victim].engine.is_none() => self.restart(victim),
                2 => drop(self.cut.insert((victim, self.rng.below(all.len())))),
                3 => self.cut.clear(),
                _ => {}
            }
            let time = self.rng.next() % 300;
            self.run_for(Duration::from_millis(time));
            self.check_agreement(&all);
        }
        self.loss = 0;
        self.cut.clear();
        for &i in &all {
            if self.nodes[i].engine.is_none() {
                self.restart(i);
            }
        }
        let accepted: BTreeSet<Digest> = self
            .nodes
            .iter()
            .flat_map(|n| n.accepted.iter().copied())
            .collect();
        let got = |log: &Vec<Decision>| -> BTreeSet<Digest> {
            log.iter()
                .flat_map(|d| &d.values)
                .map(ClientValue::id)
                .collect()
        };
        let limit = Duration::from_secs(60);
        self.run_until(limit, &format!("{what}: everything accepted"), |c| {
            let mut logs = c.nodes.iter().flat_map(|n| &n.logs);
            logs.all(|log| accepted.is_subset(&got(log)))
        });
        self.check_agreement(&all);
    }

    /// The texts that a learner has delivered at a node.
    pub fn texts(&self, node: usize, learner: &str) -> Vec<String> {
        let l = self.learner(learner);
        let values = self.nodes[node].logs[usize::from(l.0)]
            .iter()
            .flat_map(|d| &d.values);
        values
            .map(|v| String::from_utf8_lossy(&v.bytes).into_owned())
            .collect()
    }

    pub fn learner(&self, name: &str) -> LearnerId {
        self.network
            .graph()
            .learner(name)
            .expect("a learner of the graph")
    }

    /// Whether every living node has delivered `n` values to this learner.
    pub fn all_delivered(&self, learner: &str, n: usize) -> bool {
        (0..self.nodes.len())
            .filter(|i| self.nodes[*i].engine.is_some())
            .all(|i| self.texts(i, learner).len() >= n)
    }

    /// Entangled learners agree, on all nodes; a learner's log has no gap and no value twice.
    pub fn check_agreement(&self, safe: &[usize]) {
        let safe_set = self
            .network
            .graph()
            .acceptors()
            .iter()
            .filter(|a| safe.contains(&usize::from(a.0)))
            .collect();
        let ent = self.network.graph().ent(&safe_set);
        for l1 in self.network.graph().learners().iter() {
            for l2 in ent[usize::from(l1.0)].iter() {
                for &i in safe {
                    for &j in safe {
                        let a = &self.nodes[i].logs[usize::from(l1.0)];
                        let b = &self.nodes[j].logs[usize::from(l2.0)];
                        for (x, y) in a.iter().zip(b) {
                            assert_eq!(
                                (x.slot, x.value),
                                (y.slot, y.value),
                                "Safety: {l1:?} at {i}, {l2:?} at {j}\n{}",
                                self.picture()
                            );
                        }
                    }
                }
            }
        }
        for &i in safe {
            for log in &self.nodes[i].logs {
                assert!(
                    log.iter().enumerate().all(|(n, d)| d.slot.0 == n as u64),
                    "a gap at {i}"
                );
                let ids: Vec<Digest> = log
                    .iter()
                    .flat_map(|d| &d.values)
                    .map(ClientValue::id)
                    .collect();
                let distinct: BTreeSet<&Digest> = ids.iter().collect();
                assert_eq!(distinct.len(), ids.len(), "a value twice at {i}");
            }
        }
    }

    pub fn picture(&self) -> String {
        let mut text = format!("at {:?}\n", self.now);
        for (i, node) in self.nodes.iter().enumerate() {
            let logs: Vec<usize> = node.logs.iter().map(Vec::len).collect();
            match &node.engine {
                Some(e) => {
                    text += &format!(
                        "node {i}: {} delivered {logs:?} fetching {} timer {:?}\n",
                        e.picture(),
                        node.fetching.len(),
                        node.timer
                    );
                }
                None => text += &format!("node {i}: down, delivered {logs:?}\n"),
            }
        }
        text
    }
}

/// Rule 8: whatever was promised, proposed or voted is stored before it leaves.
fn check_durable_first<P: Machine>(outputs: &[OutputOf<P>]) {
    let mut stored: Vec<&P::Wire> = Vec::new();
    for output in outputs {
        match output {
            Output::Persist(Record::Message(m)) => stored.push(m),
            Output::Send(m) if P::binds(m) => {
                assert!(
                    stored.contains(&P::wire(m)),
                    "sent before it was stored: {m:?}"
                );
            }
            _ => {}
        }
    }
}

/// No acceptor that followed the protocol is convicted.
pub fn check_convictions(cluster: &Cluster<HPaxos>, safe: &[usize]) {
    for node in &cluster.nodes {
        for finding in &node.findings {
            if let Finding::Caught(a, why) = finding {
                let honest = safe.contains(&usize::from(a.0));
                assert!(!honest, "a safe acceptor {a:?} is convicted: {why}");
            }
        }
    }
}

fn observe<P: Protocol>(node: &mut Node<P>, output: OutputOf<P>) {
    match output {
        Output::Decided(d) => node.logs[usize::from(d.learner.0)].push(d),
        Output::Fork(f) => node.forks.push(f),
        Output::Evidence(_, finding) => node.findings.push(finding),
        Output::Disconnected(a, b) => node.disconnected.push((a, b)),
        Output::Accepted(id) => node.accepted.push(id),
        _ => {}
    }
}
