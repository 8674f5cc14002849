//! Processors of Disk Paxos over made-up disks, in one thread, on made-up time, with a seeded scheduler.
//!
//! An operation on a disk is taken apart into the atomic actions of module DiskSynod: each record
//! appended, the block written, each block read. Those of all processors and disks interleave at random, and
//! a processor or a disk may be gone between any two of them.

#![allow(dead_code, missing_docs, unreachable_pub)]

pub mod invariants;
#[path = "../support/rng.rs"]
mod rng;

use consensus::disk_paxos::{
    Action, Block, Config, DiskPaxos, Event, Input, LogRecord, MAX_BLOCK_BYTES, Operation, Output,
    ProcessorId, Record, Report,
};
use consensus::{Ballot, Batch, ClientValue, Member, Network, Protocol, Slot, Time};
use crypto::{Digest, Keypair, MemberId};
use invariants::Shadow;
use learner_graph::{AcceptorId, LearnerId, parse_unchecked};
use rng::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub const PATIENCE: Duration = Duration::from_millis(400);
/// No single event takes longer.
const TICK: Duration = Duration::from_millis(1);

/// A block with `bal` and `inp` of every slot, those below the floor included: they are in the log, and
/// the module knows of no dropping.
#[derive(Clone, Debug, Default)]
pub struct Whole {
    pub block: Arc<Block>,
    pub slots: BTreeMap<Slot, (Ballot, Digest)>,
}

/// A disk: a block and a log of each processor in its directory.
#[derive(Debug, Default)]
pub struct Disk {
    pub up: bool,
    /// Nothing happens on it, and nobody is told.
    pub stalled: bool,
    pub blocks: BTreeMap<ProcessorId, Whole>,
    pub logs: BTreeMap<ProcessorId, Vec<LogRecord>>,
}

/// A disk as a processor has it.
#[derive(Debug)]
enum Drive {
    Closed,
    Idle,
    Busy(Running),
}

/// An operation in progress.
#[derive(Debug)]
struct Running {
    action: Action,
    /// What a `Write` writes, with what its floor dropped.
    whole: Whole,
    done: usize,
    directory: Vec<ProcessorId>,
    read: Vec<(ProcessorId, Whole)>,
}

pub struct Node {
    pub id: ProcessorId,
    pub engine: Option<DiskPaxos>,
    pub shadow: Shadow,
    pub delivered: Vec<(Slot, Digest)>,
    pub values: Vec<Digest>,
    timer: Option<Time>,
    stored: Vec<Record>,
    drives: Vec<Drive>,
    wanted: BTreeSet<Digest>,
}

/// What reaches the other nodes beside the disks.
#[derive(Clone, Debug)]
enum Gossip {
    Decided(consensus::disk_paxos::Decided),
    Batch(Batch),
    Value(ClientValue),
}

pub struct World {
    pub rng: Rng,
    pub now: Time,
    pub network: Arc<Network>,
    pub nodes: Vec<Node>,
    pub disks: Vec<Disk>,
    pub submitted: BTreeSet<Digest>,
    /// HDiskSynod: `allInput`: what processors tried, made of what was submitted.
    pub inputs: BTreeSet<Digest>,
    pub gossip_up: bool,
    /// Of a hundred messages.
    pub loss: u64,
    mail: Vec<(usize, Gossip)>,
    /// The largest block that was written, in bytes of values.
    pub largest: usize,
    /// How often a log was appended to without a block.
    pub appended: usize,
    /// Atomic actions on disks, by processor.
    pub actions: Vec<u64>,
    /// Whether anything changed since the invariants were checked.
    changed: bool,
}

impl World {
    pub fn new(processors: usize, disks: usize, seed: u64) -> World {
        let names = |n: usize, l: &str| (1..=n).map(|i| format!("\"{l}{i}\"")).collect::<Vec<_>>();
        let learners: String = (1..=processors)
            .map(|i| {
                format!(
                    "p{i} = {{ threshold = {}, of = [{}] }}\n",
                    disks / 2 + 1,
                    names(disks, "d").join(", ")
                )
            })
            .collect();
        let graph = format!(
            "acceptors = [{}]\n[learners]\n{learners}",
            names(disks, "d").join(", ")
        );
        let graph = parse_unchecked(&graph).expect("a graph");
        let member = |i: usize| Member {
            name: format!("p{i}"),
            key: Keypair::from_seed([i as u8; 32]).public(),
            acceptor: None,
            proposer: true,
        };
        let members = (1..=processors).map(member).collect();
        let network = Network::of_disks("test", "disk-paxos", graph, members).expect("a network");
        let node = |i: usize| Node {
            id: ProcessorId::new(i as u8).expect("not 0"),
            engine: None,
            shadow: Shadow::default(),
            delivered: Vec::new(),
            values: Vec::new(),
            timer: None,
            stored: Vec::new(),
            drives: (0..disks).map(|_| Drive::Closed).collect(),
            wanted: BTreeSet::new(),
        };
        let mut world = World {
            rng: Rng(seed),
            now: Time::ZERO,
            network: Arc::new(network),
            nodes: (1..=processors).map(node).collect(),
            disks: (0..disks)
                .map(|_| Disk {
                    up: true,
                    ..Disk::default()
                })
                .collect(),
            submitted: BTreeSet::new(),
            inputs: BTreeSet::new(),
            gossip_up: true,
            loss: 0,
            mail: Vec::new(),
            largest: 0,
            appended: 0,
            actions: vec![0; processors],
            changed: true,
        };
        for p in 0..processors {
            world.start(p);
        }
        world
    }

    pub fn start(&mut self, p: usize) {
        let ids = self.nodes.iter().map(|n| n.id).zip((0..).map(MemberId));
        let config = Config {
            me: Some(self.nodes[p].id),
            processors: ids.collect(),
            learner: LearnerId(p as u16),
            patience: PATIENCE,
            window: 4,
            max_waiting: 1000,
        };
        let mut engine = DiskPaxos::new(Arc::clone(&self.network), config);
        let node = &mut self.nodes[p];
        for record in &node.stored {
            assert!(engine.restore(record.clone()).is_empty());
        }
        (node.delivered, node.values) = (Vec::new(), Vec::new());
        node.engine = Some(engine);
        self.step(p, Vec::new());
    }

    /// A processor dies. What it was writing is on the disks or not.
    pub fn crash(&mut self, p: usize) {
        for d in 0..self.disks.len() {
            for _ in 0..self.rng.below(4) {
                self.act(p, d, false);
            }
            self.nodes[p].drives[d] = Drive::Closed;
        }
        self.nodes[p].engine = None;
        self.nodes[p].timer = None;
        self.nodes[p].wanted.clear();
        self.nodes[p].shadow.fail();
    }

    /// A disk stops answering. What was being written is on it or not.
    pub fn lose(&mut self, d: usize) {
        for p in 0..self.nodes.len() {
            for _ in 0..self.rng.below(4) {
                self.act(p, d, false);
            }
        }
        self.disks[d].up = false;
    }

    pub fn submit(&mut self, p: usize, text: &str) -> Digest {
        let value = ClientValue::new(Vec::new(), text.into()).expect("small");
        let id = value.id();
        self.submitted.insert(id);
        self.step(p, vec![Input::Submit(value)]);
        id
    }

    /// One step of a processor, with everything that follows.
    pub fn step(&mut self, p: usize, inputs: Vec<Input>) {
        let Some(engine) = &mut self.nodes[p].engine else {
            return;
        };
        self.changed = true;
        let outputs = engine.step(self.now, inputs);
        if self.nodes[p].timer.is_some_and(|t| t <= self.now) {
            self.nodes[p].timer = None;
        }
        self.note(p, &outputs);
        for output in outputs {
            self.execute(p, output);
        }
    }

    fn execute(&mut self, p: usize, output: Output) {
        match output {
            Output::Persist(record @ Record::Value(_)) => self.nodes[p].stored.push(record),
            Output::Persist(other) => panic!("only values are stored beside the disks: {other:?}"),
            Output::Disk(Operation { disk, action }) => self.begin(p, usize::from(disk.0), action),
            Output::Send(decided) => self.tell(p, &Gossip::Decided(decided)),
            Output::SendBatch(batch) => self.tell(p, &Gossip::Batch(batch)),
            Output::SendValue(value) => self.tell(p, &Gossip::Value(value)),
            Output::SetTimer(at) => self.nodes[p].timer = Some(at),
            Output::Fetch(digest) => {
                self.nodes[p].wanted.insert(digest);
            }
            Output::Decided(decision) => {
                let node = &mut self.nodes[p];
                assert_eq!(decision.slot.0, node.delivered.len() as u64, "in order");
                node.delivered.push((decision.slot, decision.value));
                node.values
                    .extend(decision.values.iter().map(ClientValue::id));
            }
            Output::Accepted(_) | Output::Full(_) | Output::Ballot { .. } => {}
            Output::SendEvidence(never) => match never {},
            Output::Evidence(never, _) => match never {},
            Output::Fork(_) | Output::Disconnected(..) => panic!("nobody lies"),
        }
    }

    fn begin(&mut self, p: usize, d: usize, action: Action) {
        let node = &mut self.nodes[p];
        assert!(
            matches!(node.drives[d], Drive::Idle),
            "one operation at a time on an open disk: {action:?}"
        );
        let whole = match &action {
            Action::Write { block, .. } => {
                let bytes: usize = block.entries.values().map(|e| size(&e.inp)).sum();
                assert!(bytes <= MAX_BLOCK_BYTES, "a block of {bytes} bytes");
                self.largest = self.largest.max(bytes);
                node.shadow.dblock(block)
            }
            Action::Append(_) => {
                self.appended += 1;
                Whole::default()
            }
            _ => Whole::default(),
        };
        node.drives[d] = Drive::Busy(Running {
            action,
            whole,
            done: 0,
            directory: Vec::new(),
            read: Vec::new(),
        });
    }

    /// One atomic action of processor p on disk d. The report is lost unless it is `heard`.
    fn act(&mut self, p: usize, d: usize, heard: bool) {
        if self.disks[d].stalled {
            return;
        }
        if matches!(self.nodes[p].drives[d], Drive::Busy(_)) {
            self.changed = true;
            self.actions[p] += 1;
        }
        let (node, disk) = (&mut self.nodes[p], &mut self.disks[d]);
        let me = node.id;
        let report = match &mut node.drives[d] {
            Drive::Closed if disk.up && heard => {
                // A processor joins: its first block is there before anything else.
                let own = Block::clone(&disk.blocks.entry(me).or_default().block);
                let logged = Slot(disk.logs.entry(me).or_default().len() as u64);
                node.drives[d] = Drive::Idle;
                Report::Opened { own, logged }
            }
            Drive::Closed | Drive::Idle => return,
            Drive::Busy(_) if !disk.up => {
                node.drives[d] = Drive::Closed;
                Report::Failed("gone".into())
            }
            Drive::Busy(running) => match run(running, me, disk) {
                None => return,
                // Whoever dies meanwhile has done this, and no more.
                Some(_) if !heard => return,
                Some(report) => {
                    if let Action::Write { .. } = running.action {
                        let (wrote, read) = (running.whole.clone(), running.read.clone());
                        node.shadow.read(d, wrote, read);
                    }
                    node.drives[d] = Drive::Idle;
                    report
                }
            },
        };
        if heard {
            let disk = AcceptorId(d as u16);
            self.step(p, vec![Input::Disk(Event { disk, report })]);
        }
    }

    /// Keeps the invariants' variables.
    fn note(&mut self, p: usize, outputs: &[Output]) {
        let id = self.nodes[p].id;
        let mut on_disks = BTreeMap::new();
        let blocks = self.disks.iter().filter_map(|d| d.blocks.get(&id));
        for (slot, (bal, inp)) in blocks.flat_map(|w| &w.slots) {
            let largest: &mut (Ballot, Digest) = on_disks.entry(*slot).or_insert((*bal, *inp));
            *largest = (*largest).max((*bal, *inp));
        }
        let node = &mut self.nodes[p];
        let dblock = node.engine.as_ref().and_then(DiskPaxos::dblock);
        for batch in node.shadow.follow(dblock, &on_disks) {
            let known = |v: &ClientValue| self.submitted.contains(&v.id());
            assert!(batch.values.iter().all(known), "nobody submitted {batch:?}");
            self.inputs.insert(batch.digest());
        }
        for output in outputs {
            if let Output::Send(decided) = output {
                node.shadow.output(decided);
            }
        }
    }

    fn tell(&mut self, from: usize, what: &Gossip) {
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            if self.gossip_up && !self.rng.percent(self.loss) {
                self.mail.push((to, what.clone()));
            }
        }
    }

    fn deliver_mail(&mut self) {
        let at = self.rng.below(self.mail.len());
        let (to, what) = self.mail.swap_remove(at);
        let input = match what {
            Gossip::Decided(decided) => Input::Message(decided),
            Gossip::Batch(batch) => {
                self.nodes[to].wanted.remove(&batch.digest());
                Input::Batch(batch)
            }
            Gossip::Value(value) => Input::Value(value),
        };
        self.step(to, vec![input]);
    }

    /// One node asks another one for what it lacks.
    fn sync(&mut self) {
        let (p, q) = (
            self.rng.below(self.nodes.len()),
            self.rng.below(self.nodes.len()),
        );
        let (Some(asks), Some(answers)) = (&self.nodes[p].engine, &self.nodes[q].engine) else {
            return;
        };
        let messages = answers.answer(&asks.sync_request(), 1 << 20).messages;
        let wanted = self.nodes[p].wanted.iter();
        let batches: Vec<Batch> = wanted
            .filter_map(|d| answers.batch(d))
            .map(|b| (*b).clone())
            .collect();
        let mut inputs: Vec<Input> = messages.into_iter().map(Input::Message).collect();
        for batch in batches {
            self.nodes[p].wanted.remove(&batch.digest());
            inputs.push(Input::Batch(batch));
        }
        self.step(p, inputs);
    }

    /// Lets something happen, and checks everything.
    pub fn happen(&mut self) {
        self.now += TICK.mul_f64(self.rng.below(1000) as f64 / 1000.0);
        for p in 0..self.nodes.len() {
            if self.nodes[p].timer.is_some_and(|t| t <= self.now) {
                self.step(p, Vec::new());
            }
        }
        if self.gossip_up && self.rng.percent(3) {
            self.sync();
        }
        if !self.mail.is_empty() && self.rng.percent(40) {
            self.deliver_mail();
        } else {
            let (p, d) = (
                self.rng.below(self.nodes.len()),
                self.rng.below(self.disks.len()),
            );
            if self.nodes[p].engine.is_some() {
                self.act(p, d, true);
            }
        }
        if std::mem::take(&mut self.changed) {
            invariants::check(self);
        }
    }

    /// Lets things happen until something holds, or says what it looked like in the end.
    pub fn until(&mut self, what: &str, most: Duration, holds: impl Fn(&World) -> bool) {
        let end = self.now + most;
        while !holds(self) {
            assert!(
                self.now < end,
                "{what}: not within {most:?}\n{}",
                self.picture()
            );
            self.happen();
        }
    }

    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.happen();
        }
    }

    /// Whether a processor has delivered everything that was submitted.
    pub fn has_all(&self, p: usize) -> bool {
        let values: BTreeSet<_> = self.nodes[p].values.iter().copied().collect();
        self.submitted.is_subset(&values)
    }

    pub fn picture(&self) -> String {
        let of = |n: &Node| match &n.engine {
            Some(e) => format!(
                "{} delivered {}: {:?}\n",
                n.id,
                n.delivered.len(),
                e.status()
            ),
            None => format!("{} is down\n", n.id),
        };
        let nodes: String = self.nodes.iter().map(of).collect();
        format!("at {:?}\n{nodes}", self.now)
    }
}

fn size(batch: &Batch) -> usize {
    batch.values.iter().map(ClientValue::encoded_len).sum()
}

/// One atomic action of an operation. Its report when it is done.
fn run(running: &mut Running, me: ProcessorId, disk: &mut Disk) -> Option<Report> {
    let at = running.done;
    running.done += 1;
    let log = match &running.action {
        Action::Write { log, .. } | Action::Append(log) => log.as_slice(),
        Action::Read | Action::ReadLog { .. } => &[],
    };
    if let Some(record) = log.get(at) {
        let mine = disk.logs.entry(me).or_default();
        assert_eq!(record.slot.0, mine.len() as u64, "a log has no gaps");
        mine.push(record.clone());
        return None;
    }
    match &running.action {
        Action::Append(_) => return Some(Report::Appended),
        Action::ReadLog {
            of,
            from,
            max_bytes,
        } => {
            let log = disk.logs.get(of).map_or(&[] as &[_], Vec::as_slice);
            let from = usize::try_from(from.0).expect("small").min(log.len());
            // So small that a log comes in several parts.
            let records = log[from..].iter().take(max_bytes.min(&3).to_owned());
            let records = records.cloned().collect();
            return Some(Report::Log { of: *of, records });
        }
        Action::Write { .. } if at == log.len() => {
            disk.blocks.insert(me, running.whole.clone());
            return None;
        }
        Action::Write { .. } | Action::Read => {}
    }
    let first = log.len() + usize::from(matches!(running.action, Action::Write { .. }));
    if at == first {
        let others = disk.blocks.keys().copied().filter(|q| *q != me);
        running.directory = others.collect();
    } else if let Some(q) = running.directory.get(at - first - 1) {
        running.read.push((*q, disk.blocks[q].clone()));
    }
    if running.read.len() < running.directory.len() {
        return None;
    }
    let blocks = running.read.iter();
    Some(Report::Blocks(
        blocks.map(|(q, w)| (*q, Arc::clone(&w.block))).collect(),
    ))
}
