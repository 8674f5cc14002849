//! Networks of our own machines.

use super::history::InMemory;
use super::{Load, Measured, cpu};
use consensus::hpaxos::{self, HPaxos};
use consensus::paxos::{self, Paxos};
use consensus::{
    Batching, ClientValue, HistoryOf, Input, InputOf, Member, Network, Output, OutputOf, Protocol,
    RECENT_BYTES, Time, steps,
};
use crypto::{Keypair, MemberId, Signer, Verified};
use learner_graph::{AcceptorId, LearnerId, parse_graph};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// As in a node whose configuration says nothing of it.
const WINDOW: u64 = 64;
const RECENT: u64 = 512;
const PATIENCE: Duration = Duration::from_secs(1);

/// What can be measured.
pub(super) trait Machine: Protocol {
    /// How many nodes there are if nothing else is said.
    const NODES: u16;

    /// Of so many nodes, how many decide.
    fn quorum(nodes: u16) -> u16;

    fn machine(network: &Arc<Network>, at: u16, history: Arc<HistoryOf<Self>>) -> Self;

    /// How long it takes to sign these again, and to verify them at every other node.
    fn signatures(_network: &Network, _sent: &[Self::Message]) -> [Duration; 2] {
        [Duration::ZERO; 2]
    }
}

impl Machine for Paxos {
    const NODES: u16 = 3;

    fn quorum(nodes: u16) -> u16 {
        nodes / 2 + 1
    }

    fn machine(network: &Arc<Network>, at: u16, history: Arc<HistoryOf<Self>>) -> Self {
        let config = paxos::Config {
            me: Some(MemberId(at)),
            learner: LearnerId(0),
            read: network.graph().clone(),
            patience: PATIENCE,
            window: WINDOW,
            batching: Batching::default(),
            max_waiting: usize::MAX,
            max_waiting_bytes: usize::MAX,
            recent: RECENT,
            recent_bytes: RECENT_BYTES,
        };
        Paxos::new(Arc::clone(network), config, history)
    }
}

impl Machine for HPaxos {
    const NODES: u16 = 4;

    /// 2f + 1 of 3f + 1.
    fn quorum(nodes: u16) -> u16 {
        2 * (nodes - 1) / 3 + 1
    }

    fn machine(network: &Arc<Network>, at: u16, history: Arc<HistoryOf<Self>>) -> Self {
        let config = hpaxos::Config {
            signer: Some(signer(network, at)),
            patience: PATIENCE,
            grace: Duration::ZERO,
            window: WINDOW,
            batching: Batching::default(),
            max_waiting: usize::MAX,
            max_waiting_bytes: usize::MAX,
            recent: RECENT,
            recent_bytes: RECENT_BYTES,
            page: hpaxos::PAGE,
        };
        HPaxos::new(Arc::clone(network), config, history)
    }

    fn signatures(network: &Network, sent: &[Verified<hpaxos::Message>]) -> [Duration; 2] {
        let nodes = u16::try_from(network.members().len()).expect("a few");
        let signers: Vec<Signer> = (0..nodes).map(|at| signer(network, at)).collect();
        let start = cpu();
        for message in sent {
            let signer = &signers[usize::from(message.signer().0)];
            let again = signer.sign((**message).clone()).expect("it was signed");
            std::hint::black_box(again);
        }
        let signing = cpu() - start;
        let start = cpu();
        for message in sent {
            let verified = HPaxos::open(message.signed().clone(), network);
            std::hint::black_box(verified.expect("it is genuine"));
        }
        let others = u32::try_from(signers.len() - 1).expect("a few");
        [signing, (cpu() - start) * others]
    }
}

fn signer(network: &Network, at: u16) -> Signer {
    Signer::new(key(at), MemberId(at), network.id())
}

fn key(at: u16) -> Keypair {
    Keypair::from_seed([u8::try_from(at).expect("a few") + 1; 32])
}

/// So many learners, all of which decide by any `quorum` of the acceptors, and agree while as many are safe as leave
/// no two quorums without one.
fn network(acceptors: u16, quorum: u16, learners: usize) -> Network {
    let names = |letter: &str, n: usize| -> Vec<String> {
        (0..n).map(|i| format!("{letter}{i:03}")).collect()
    };
    let (all, learners) = (names("a", usize::from(acceptors)), names("l", learners));
    let safe = 2 * (acceptors - quorum) + 1;
    let any = format!("{{ threshold = {quorum}, of = {all:?} }}");
    let decides: String = learners
        .iter()
        .map(|l| format!("{l} = \"any\"\n"))
        .collect();
    let graph = format!(
        "acceptors = {all:?}\n[define]\nany = {any}\n[learners]\n{decides}[[safe]]\nbetween = {learners:?}\nwhen = {{ threshold = {safe}, of = {all:?} }}\n"
    );
    let (graph, _) = parse_graph(&graph).expect("a valid graph");
    let member = |at: u16| Member {
        name: format!("n{at:03}"),
        key: key(at).public(),
        acceptor: Some(AcceptorId(at)),
        proposer: true,
    };
    let members = (0..acceptors).map(member).collect();
    Network::new("benchmark", "any", graph, members).expect("a network")
}

struct Net<P: Machine> {
    now: Time,
    nodes: Vec<Node<P>>,
    /// What arrives in the next round, and in those after, with where.
    travelling: VecDeque<Vec<(usize, InputOf<P>)>>,
    /// How many rounds it takes.
    rounds: usize,
    sent: Vec<P::Message>,
    /// The bytes of values and batches that have left a node, to every other one.
    bytes: usize,
}

struct Node<P: Machine> {
    machine: P,
    inbox: Vec<InputOf<P>>,
    /// Values delivered to the first learner.
    delivered: usize,
}

pub(super) fn run<P: Machine>(load: Load, learners: usize, nodes: Option<u16>) -> Measured {
    let nodes = nodes.unwrap_or(P::NODES);
    let network = Arc::new(network(nodes, P::quorum(nodes), learners));
    let node = |at| Node {
        machine: P::machine(&network, at, Arc::new(InMemory::new())),
        inbox: Vec::new(),
        delivered: 0,
    };
    let mut net = Net {
        now: Duration::from_secs(1),
        nodes: (0..nodes).map(node).collect(),
        travelling: VecDeque::new(),
        rounds: 0,
        sent: Vec::new(),
        bytes: 0,
    };
    // A leader is there before anything is measured.
    for _ in 0..10 {
        (0..net.nodes.len()).for_each(|at| net.step(at));
        net.arrive();
        net.now += Duration::from_millis(1);
    }
    net.rounds = load.rounds();
    net.sent.clear();
    net.bytes = 0;
    let start = cpu();
    let mut submitted = 0;
    while net.nodes.iter().any(|n| n.delivered < load.commands) {
        let at = &mut net.nodes[load.at];
        let end = load.next(submitted, at.delivered);
        for n in submitted..end {
            let value = ClientValue::new(Vec::new(), load.command(n)).expect("small");
            at.inbox.push(Input::Submit(value));
        }
        submitted = end;
        for at in 0..net.nodes.len() {
            if !net.nodes[at].inbox.is_empty() {
                net.step(at);
            }
        }
        net.arrive();
    }
    let seconds = (cpu() - start).as_secs_f64();
    let others = net.nodes.len() - 1;
    let bytes = net.sent.iter().map(|m| P::wire_bytes(P::wire(m)));
    let bytes = net.bytes + bytes.sum::<usize>() * others;
    let [signing, verifying] = P::signatures(&network, &net.sent);
    Measured {
        seconds,
        signing: signing.as_secs_f64(),
        verifying: verifying.as_secs_f64(),
        messages: (net.sent.len() * others) as f64
            / net.nodes[0].machine.next(LearnerId(0)).0 as f64,
        bytes: bytes as f64,
    }
}

impl<P: Machine> Net<P> {
    fn step(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        let inputs = std::mem::take(&mut node.inbox);
        let mut outputs = Vec::new();
        let taken = |more: Vec<OutputOf<P>>| {
            outputs.extend(more);
            Ok::<(), Infallible>(())
        };
        let Ok(left) = steps(&mut node.machine, self.now, inputs, |_| (), taken);
        node.inbox.extend(left);
        for output in outputs {
            self.execute(at, output);
        }
    }

    fn execute(&mut self, at: usize, output: OutputOf<P>) {
        match output {
            Output::Send(message) => {
                self.others(at, || Input::Message(message.clone()));
                self.sent.push(message);
            }
            Output::SendBatch(batch) => {
                self.bytes += batch.values_len() * (self.nodes.len() - 1);
                self.others(at, || Input::Batch(batch.clone()));
            }
            Output::SendValue(value) => {
                self.bytes += value.encoded_len() * (self.nodes.len() - 1);
                self.others(at, || Input::Value(value.clone()));
            }
            Output::SendEvidence(_) | Output::Fetch(_) | Output::Full(_) => {
                panic!("nobody lies, and nothing is lost or refused")
            }
            Output::Decided(decision) if decision.learners.contains(LearnerId(0)) => {
                self.nodes[at].delivered += decision.values.len();
            }
            _ => {}
        }
    }

    fn others(&mut self, at: usize, input: impl Fn() -> InputOf<P>) {
        while self.travelling.len() <= self.rounds {
            self.travelling.push_back(Vec::new());
        }
        let last = self.travelling.back_mut().expect("just added");
        let others = (0..self.nodes.len()).filter(|other| *other != at);
        last.extend(others.map(|other| (other, input())));
    }

    fn arrive(&mut self) {
        for (to, input) in self.travelling.pop_front().into_iter().flatten() {
            self.nodes[to].inbox.push(input);
        }
    }
}
