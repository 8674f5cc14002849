//! What a message costs by parts: reading it, verifying it, asking whether some acceptors are a quorum, and what an
//! acceptor does with it.
//!
//! `cargo bench -p consensus --bench parts`, or with words of a name. In networks of 3f + 1 acceptors with quorums of 2f + 1
//! and one learner.

use consensus::history::MemoryHistory;
use consensus::hpaxos::{
    Config, Entry, HPaxos, Input, Message, OneB, OneC, Output, PAGE, Proposal, Scope, SlotReport,
    SlotVotes, Votes,
};
use consensus::{Ballot, Batch, Batching, Member, Network, Protocol, RECENT_BYTES, Slot};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crypto::{Digest, Keypair, MemberId, Signed, Signer, Verified, codec};
use learner_graph::{AcceptorId, AcceptorSet, LearnerId, LearnerSet, parse_graph};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// Networks of so many acceptors.
const ACCEPTORS: [u16; 3] = [4, 13, 49];
/// Messages about so many slots.
const SLOTS: [u64; 2] = [1, 64];
const ALL: [LearnerId; 1] = [LearnerId(0)];

struct Net {
    network: Arc<Network>,
    signers: Vec<Signer>,
}

impl Net {
    fn of(acceptors: u16) -> Net {
        let names: Vec<String> = (0..acceptors).map(|a| format!("a{a:02}")).collect();
        let f = (acceptors - 1) / 3;
        let quorum = 2 * f + 1;
        let some = |n: u16| format!("{{ threshold = {n}, of = {names:?} }}");
        let graph = format!(
            "acceptors = {names:?}\n[learners]\nl = {}\n[[safe]]\nbetween = [\"l\"]\nwhen = {}\n",
            some(quorum),
            some(acceptors - f)
        );
        let (graph, _) = parse_graph(&graph).expect("a valid graph");
        let key = |at: u16| Keypair::from_seed([at as u8 + 1; 32]);
        let member = |at: u16| Member {
            name: format!("n{at:02}"),
            key: key(at).public(),
            acceptor: Some(AcceptorId(at)),
            proposer: true,
        };
        let members = (0..acceptors).map(member).collect();
        let network = Network::new("benchmark", "any", graph, members).expect("a network");
        let signer = |at: u16| Signer::new(key(at), MemberId(at), network.id());
        Net {
            signers: (0..acceptors).map(signer).collect(),
            network: Arc::new(network),
        }
    }

    /// What the owner of a ballot says, or an acceptor.
    fn says(&self, member: MemberId, message: Message) -> Verified<Message> {
        let signer = &self.signers[usize::from(member.0)];
        signer.sign(message).expect("small enough")
    }

    fn owner(&self, ballot: Ballot) -> MemberId {
        self.network.owner(ballot).expect("a ballot has one")
    }

    /// The acceptor that is looked at: one that leads neither ballot.
    fn acceptor(&self) -> HPaxos {
        let key = Keypair::from_seed([4; 32]);
        let config = Config {
            signer: Some(Signer::new(key, MemberId(3), self.network.id())),
            patience: Duration::from_secs(3600),
            grace: Duration::ZERO,
            window: 64,
            batching: Batching::default(),
            max_waiting: usize::MAX,
            max_waiting_bytes: usize::MAX,
            recent: 512,
            recent_bytes: RECENT_BYTES,
            page: PAGE,
        };
        let history = Arc::new(MemoryHistory::default());
        HPaxos::new(Arc::clone(&self.network), config, history)
    }

    /// Votes for the same value in so many slots.
    fn votes(&self, member: MemberId, ballot: Ballot, slots: u64) -> Verified<Message> {
        let all: LearnerSet = ALL.into_iter().collect();
        let slot = |n| SlotVotes {
            slot: Slot(n),
            two_av: Some((value(), all)),
            two_b: None,
        };
        let slots = (0..slots).map(slot).collect();
        self.says(member, Message::Votes(Votes { ballot, slots }))
    }

    /// An announcement for so many slots.
    fn one_c(&self, ballot: Ballot, slots: u64) -> Verified<Message> {
        let proposal = |n| Proposal {
            slot: Slot(n),
            value: value(),
            learners: ALL.into_iter().collect(),
        };
        let proposals = (0..slots).map(proposal).collect();
        let message = Message::OneC(OneC { ballot, proposals });
        self.says(self.owner(ballot), message)
    }

    /// An acceptor joins, and has voted in an older ballot in so many slots.
    fn one_b(&self, member: MemberId, ballot: Ballot, slots: u64) -> Verified<Message> {
        let entry = || Entry {
            ballot: Ballot(1),
            value: value(),
            learners: ALL.into_iter().collect(),
        };
        let report = |n| SlotReport {
            slot: Slot(n),
            votes: vec![entry()],
            proposals: vec![entry()],
        };
        let one_b = OneB {
            ballot,
            low_water: Slot(0),
            scope: Scope::ALL,
            slots: (0..slots).map(report).collect(),
        };
        self.says(member, Message::OneB(one_b))
    }
}

fn batch() -> Batch {
    Batch::default()
}

fn value() -> Digest {
    batch().digest()
}

/// How many messages of a step are votes.
fn votes(out: &[Output]) -> usize {
    let is_vote =
        |out: &&Output| matches!(out, Output::Send(m) if matches!(**m, Message::Votes(_)));
    out.iter().filter(is_vote).count()
}

fn messages(c: &mut Criterion) {
    let net = Net::of(4);
    let mut group = c.benchmark_group("message");
    for slots in SLOTS {
        let message = net.votes(MemberId(0), Ballot(1), slots);
        let bytes = codec::encode(message.signed());
        group.throughput(Throughput::Elements(slots));
        group.bench_function(BenchmarkId::new("decode", slots), |b| {
            let limit = Signed::<Message>::MAX_ENCODED;
            b.iter(|| codec::decode::<Signed<Message>>(black_box(&bytes), limit).expect("encoded"));
        });
        group.bench_function(BenchmarkId::new("verify", slots), |b| {
            let open = |signed| HPaxos::open(signed, &net.network).expect("genuine");
            b.iter_batched(|| message.signed().clone(), open, BatchSize::SmallInput);
        });
        group.bench_function(BenchmarkId::new("sign", slots), |b| {
            let sign = |message| net.says(MemberId(0), message);
            b.iter_batched(|| Message::clone(&message), sign, BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn graph(c: &mut Criterion) {
    let mut group = c.benchmark_group("graph");
    for acceptors in ACCEPTORS {
        let net = Net::of(acceptors);
        let (graph, l) = (net.network.graph(), LearnerId(0));
        let f = usize::from(acceptors - 1) / 3;
        let some = AcceptorSet::first(2 * f + 1);
        group.bench_function(BenchmarkId::new("quorum", acceptors), |b| {
            b.iter(|| graph.is_quorum(l, black_box(&some)));
        });
        group.bench_function(BenchmarkId::new("TrustSafe", acceptors), |b| {
            b.iter(|| graph.trust_safe(l, l, black_box(&some)));
        });
    }
    group.finish();
}

/// One message to an acceptor that has heard what comes before.
fn step(c: &mut Criterion) {
    let mut group = c.benchmark_group("step");
    for acceptors in ACCEPTORS {
        let net = Net::of(acceptors);
        let members = || (0..acceptors).map(MemberId);
        let now = Duration::from_secs(1);
        let joined = |ballot: Ballot, slots: u64| {
            let mut acceptor = net.acceptor();
            let start = Message::OneA { ballot };
            let start = net.says(net.owner(ballot), start);
            let mut inputs = vec![Input::Message(start), Input::Batch(batch())];
            inputs.extend(members().map(|m| Input::Message(net.one_b(m, ballot, slots))));
            acceptor.step(now, inputs);
            acceptor
        };
        for slots in SLOTS {
            group.throughput(Throughput::Elements(slots));
            // Without old votes KnowsSafeAt is a quorum that covers the slot; with them it is the vouching rule.
            for (name, ballot, old) in [("1c", Ballot(1), 0), ("1c, KnowsSafeAt", Ballot(2), slots)]
            {
                let one_c = net.one_c(ballot, slots);
                let vote = |mut acceptor: HPaxos| {
                    let out = acceptor.step(now, vec![Input::Message(one_c.clone())]);
                    assert_eq!(votes(&out), 1, "it votes");
                    (acceptor, out)
                };
                let setup = || joined(ballot, old);
                let name = format!("{name}, {acceptors} acceptors");
                group.bench_function(BenchmarkId::new(name, slots), |b| {
                    b.iter_batched(setup, vote, BatchSize::SmallInput);
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, messages, graph, step);
criterion_main!(benches);
