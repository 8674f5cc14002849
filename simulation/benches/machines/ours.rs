//! Networks of our own machines.

use super::history::InMemory;
use super::{Load, Measured};
use consensus::hpaxos::{self, HPaxos};
use consensus::paxos::{self, Paxos};
use consensus::{
    Batching, ClientValue, HistoryOf, Input, InputOf, Output, OutputOf, Protocol, Slot, Time, steps,
};
use crypto::{Signer, Verified};
use learner_graph::LearnerId;
use simulation::cast::{Cast, key};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As in a node whose configuration says nothing of it.
const WINDOW: u64 = 64;
const RECENT: u64 = 512;
const PATIENCE: Duration = Duration::from_secs(1);

/// What can be measured.
pub(super) trait Machine: Protocol {
    fn cast(learners: usize) -> Cast;
    fn machine(cast: &Cast, at: usize, history: Arc<HistoryOf<Self>>) -> Self;

    /// How long it takes to sign these again, and to verify them at every other node.
    fn signatures(_cast: &Cast, _sent: &[Self::Message]) -> [Duration; 2] {
        [Duration::ZERO; 2]
    }
}

impl Machine for Paxos {
    fn cast(_: usize) -> Cast {
        Cast::paxos(3, 2, 2).expect("a network")
    }

    fn machine(cast: &Cast, at: usize, history: Arc<HistoryOf<Self>>) -> Self {
        let config = paxos::Config {
            me: cast.parts[at].member,
            learner: LearnerId(0),
            read: cast.read_quorums.clone().expect("read quorums"),
            patience: PATIENCE,
            window: WINDOW,
            batching: Batching::default(),
            max_waiting: usize::MAX,
            max_waiting_bytes: usize::MAX,
            recent: RECENT,
        };
        Paxos::new(Arc::clone(&cast.network), config, history)
    }
}

impl Machine for HPaxos {
    fn cast(learners: usize) -> Cast {
        let names: Vec<String> = (0..learners).map(|l| format!("l{l}")).collect();
        let decides = names.iter().map(|name| format!("{name} = \"any3\"\n"));
        let graph = format!(
            "acceptors = [\"a\", \"b\", \"c\", \"d\"]\n\
             [define]\nany3 = {{ threshold = 3, of = [\"a\", \"b\", \"c\", \"d\"] }}\n\
             [learners]\n{}\n[[safe]]\nbetween = {names:?}\nwhen = \"any3\"\n",
            decides.collect::<String>()
        );
        Cast::hpaxos(&graph, 0).expect("a network")
    }

    fn machine(cast: &Cast, at: usize, history: Arc<HistoryOf<Self>>) -> Self {
        let config = hpaxos::Config {
            signer: Some(signer(cast, at)),
            patience: PATIENCE,
            grace: Duration::ZERO,
            window: WINDOW,
            batching: Batching::default(),
            max_waiting: usize::MAX,
            max_waiting_bytes: usize::MAX,
            recent: RECENT,
            page: hpaxos::PAGE,
        };
        HPaxos::new(Arc::clone(&cast.network), config, history)
    }

    fn signatures(cast: &Cast, sent: &[Verified<hpaxos::Message>]) -> [Duration; 2] {
        let signers: Vec<Signer> = (0..cast.parts.len()).map(|at| signer(cast, at)).collect();
        let start = Instant::now();
        for message in sent {
            let signer = &signers[usize::from(message.signer().0)];
            let again = signer.sign((**message).clone()).expect("it was signed");
            std::hint::black_box(again);
        }
        let signing = start.elapsed();
        let start = Instant::now();
        for message in sent {
            let verified = HPaxos::open(message.signed().clone(), &cast.network);
            std::hint::black_box(verified.expect("it is genuine"));
        }
        let others = u32::try_from(signers.len() - 1).expect("a few");
        [signing, start.elapsed() * others]
    }
}

fn signer(cast: &Cast, at: usize) -> Signer {
    let member = cast.parts[at].member.expect("a member");
    Signer::new(key(at), member, cast.network.id())
}

struct Net<P: Machine> {
    now: Time,
    nodes: Vec<Node<P>>,
    sent: Vec<P::Message>,
}

struct Node<P: Machine> {
    machine: P,
    inbox: Vec<InputOf<P>>,
    /// Values delivered to the first learner.
    delivered: usize,
}

pub(super) fn run<P: Machine>(load: Load, learners: usize) -> Measured {
    let cast = P::cast(learners);
    let node = |at| Node {
        machine: P::machine(&cast, at, Arc::new(InMemory::new())),
        inbox: Vec::new(),
        delivered: 0,
    };
    let mut net = Net {
        now: Duration::from_secs(1),
        nodes: (0..cast.parts.len()).map(node).collect::<Vec<Node<P>>>(),
        sent: Vec::new(),
    };
    // A leader is there before anything is measured.
    for _ in 0..3 {
        net.exchange();
        net.now += Duration::from_millis(1);
    }
    net.sent.clear();
    let start = Instant::now();
    let mut submitted = 0;
    while net.nodes.iter().any(|n| n.delivered < load.commands) {
        let at = &mut net.nodes[load.at];
        let end = load.commands.min(at.delivered + load.waiting);
        for n in submitted..end {
            let value = ClientValue::new(Vec::new(), load.command(n)).expect("small");
            at.inbox.push(Input::Submit(value));
        }
        submitted = end;
        net.exchange();
    }
    let seconds = start.elapsed().as_secs_f64();
    let [signing, verifying] = P::signatures(&cast, &net.sent).map(|time| time.as_secs_f64());
    let n = net.nodes[0].machine.next(LearnerId(0));
    if std::env::var("DETAIL").is_ok() {
        eprintln!("    {} slots, {} messages", n.0, net.sent.len());
    }
    assert!(n > Slot(0));
    Measured {
        seconds,
        signing,
        verifying,
    }
}

impl<P: Machine> Net<P> {
    /// Every node takes steps until there is nothing to say any more.
    fn exchange(&mut self) {
        loop {
            let mut quiet = true;
            for at in 0..self.nodes.len() {
                let node = &mut self.nodes[at];
                let inputs = std::mem::take(&mut node.inbox);
                let first = self.now == Duration::from_secs(1);
                if inputs.is_empty() && !first {
                    continue;
                }
                quiet = false;
                let mut outputs = Vec::new();
                let taken = |more: Vec<OutputOf<P>>| {
                    outputs.extend(more);
                    Ok::<(), Infallible>(())
                };
                let left = steps(&mut node.machine, self.now, inputs, |_| (), taken);
                let Ok(left) = left;
                node.inbox.extend(left);
                for output in outputs {
                    self.execute(at, output);
                }
            }
            if quiet {
                break;
            }
            if self.now == Duration::from_secs(1) {
                self.now += Duration::from_millis(1);
            }
        }
    }

    fn execute(&mut self, at: usize, output: OutputOf<P>) {
        match output {
            Output::Send(message) => {
                self.others(at, || Input::Message(message.clone()));
                self.sent.push(message);
            }
            Output::SendBatch(batch) => self.others(at, || Input::Batch(batch.clone())),
            Output::SendValue(value) => self.others(at, || Input::Value(value.clone())),
            Output::SendEvidence(_) | Output::Fetch(_) | Output::Full(_) => {
                panic!("nobody lies, and nothing is lost or refused")
            }
            Output::Decided(decision) if decision.learner == LearnerId(0) => {
                self.nodes[at].delivered += decision.values.len();
            }
            _ => {}
        }
    }

    fn others(&mut self, at: usize, input: impl Fn() -> InputOf<P>) {
        let others = self.nodes.iter_mut().enumerate();
        for (_, other) in others.filter(|(other, _)| *other != at) {
            other.inbox.push(input());
        }
    }
}
