//! A node of HPaxos among three members that say anything at all, validly signed.

mod others;
mod own;

use crate::source::Source;
use crate::{FOUR, MEMBERS, MIXED, network, signer};
use consensus::history::MemoryHistory;
use consensus::hpaxos::{Config, HPaxos, Input, Message, Output, Record};
use consensus::{Batch, Network, Protocol, RECENT_BYTES, Status, SyncRequest, Time};
use crypto::{MemberId, Signer, Verified};
use others::Others;
use own::Own;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

const MAX_WAITING: usize = 4;
/// Slots that stay in memory, and those of a page.
const RECENT: u64 = 4;
const PAGE: u64 = 2;

#[test]
fn node() {
    bolero::check!()
        .with_iterations(150)
        .with_max_len(400)
        .for_each(|bytes: &[u8]| {
            assert_eq!(run(bytes), run(bytes), "the same inputs, other outputs");
        });
}

/// One run; returns what came out of it.
fn run(bytes: &[u8]) -> Vec<String> {
    let mut source = Source::new(bytes);
    static NETWORKS: LazyLock<[Arc<Network>; 2]> =
        LazyLock::new(|| [FOUR, MIXED].map(|graph| Arc::new(network("hpaxos", graph))));
    let network = Arc::clone(&NETWORKS[source.below(2)]);
    let me = source.below(usize::from(MEMBERS)) as u16;
    let mut world = World::new(network, me);
    while !source.is_empty() {
        world.act(&mut source);
    }
    world.flush();
    world.transcript
}

struct World {
    network: Arc<Network>,
    me: u16,
    engine: HPaxos,
    now: Time,
    others: Others,
    own: Own,
    /// Inputs of one step, while they are gathered.
    held: Option<Vec<Input>>,
    stored: Vec<Record>,
    transcript: Vec<String>,
}

impl World {
    fn new(network: Arc<Network>, me: u16) -> Self {
        let signers: Vec<Signer> = (0..MEMBERS).map(|i| signer(&network, i)).collect();
        let mut world = World {
            engine: HPaxos::new(
                Arc::clone(&network),
                config(&network, me),
                Arc::new(MemoryHistory::default()),
            ),
            now: Duration::from_millis(1),
            others: Others::new(signers, me),
            own: Own::new(Arc::clone(&network), MemberId(me)),
            held: None,
            stored: Vec::new(),
            transcript: Vec::new(),
            network,
            me,
        };
        world.all_alive();
        world
    }

    fn all_alive(&mut self) {
        let alive = (0..MEMBERS).map(MemberId).map(Input::Alive);
        self.give(alive.collect());
    }

    /// One thing that can happen to a node.
    fn act(&mut self, source: &mut Source) {
        match source.below(24) {
            0 | 1 => {
                self.now += source.time();
                self.flush();
            }
            2 => self.give(vec![Input::Submit(source.client_value())]),
            3 => self.give(vec![Input::Value(source.client_value())]),
            4 | 5 => self.give(vec![Input::Batch(source.batch())]),
            6 => self.all_alive(),
            7 => self.restart(),
            8 => self.crash(source),
            9 => self.asked(source),
            10 => self.hold(),
            _ => {
                let inputs = self.others.say(source, &self.network);
                self.give(inputs);
            }
        }
    }

    /// From now on inputs are gathered, or are given in one step.
    fn hold(&mut self) {
        match self.held.take() {
            Some(held) => self.give(held),
            None => self.held = Some(Vec::new()),
        }
    }

    fn flush(&mut self) {
        let held = self.held.take().unwrap_or_default();
        self.give(held);
    }

    fn give(&mut self, inputs: Vec<Input>) {
        if let Some(held) = &mut self.held {
            return held.extend(inputs);
        }
        let mut inputs = inputs;
        loop {
            let outputs = self.step(std::mem::take(&mut inputs));
            self.execute(outputs, &mut inputs);
            if inputs.is_empty() {
                break;
            }
        }
        self.own.stands_at(&self.engine.status());
        bounded(&self.engine.status(), &self.network);
    }

    fn step(&mut self, inputs: Vec<Input>) -> Vec<Output> {
        for input in &inputs {
            self.own.heard(input);
        }
        let outputs = self.engine.step(self.now, inputs);
        self.transcript
            .extend(outputs.iter().map(|o| format!("{o:?}")));
        outputs
    }

    /// Executes outputs in order, as the shell does; what is sent comes back.
    fn execute(&mut self, outputs: Vec<Output>, back: &mut Vec<Input>) {
        for output in outputs {
            self.own.told(&output, self.now);
            match output {
                Output::Persist(record) => self.stored.push(record),
                Output::Send(message) => {
                    self.others.heard(&message);
                    back.push(Input::Message(message));
                }
                Output::SendBatch(batch) => self.others.heard_batch(&batch),
                _ => {}
            }
        }
    }

    /// SIGKILL while the outputs of a step are executed: only a part of them happens.
    fn crash(&mut self, source: &mut Source) {
        let mut inputs = self.held.take().unwrap_or_default();
        inputs.extend(self.others.say(source, &self.network));
        let mut outputs = self.step(inputs);
        outputs.truncate(source.below(outputs.len() + 1));
        self.execute(outputs, &mut Vec::new());
        self.restart();
    }

    fn restart(&mut self) {
        self.held = None;
        let mut engine = HPaxos::new(
            Arc::clone(&self.network),
            config(&self.network, self.me),
            Arc::new(MemoryHistory::default()),
        );
        self.own.restarted();
        for record in &self.stored {
            self.own.restored(record);
            for output in engine.restore(record.clone()) {
                assert!(
                    !matches!(output, Output::Persist(_) | Output::Send(_)),
                    "a restart does nothing by itself: {output:?}"
                );
                self.own.told(&output, self.now);
            }
        }
        self.own.stands_at(&engine.status());
        self.engine = engine;
        self.all_alive();
    }

    /// A peer asks for what it lacks.
    fn asked(&mut self, source: &mut Source) {
        let next = source.several(4, |s| s.slot());
        let mine = self.engine.sync_request();
        assert_eq!(mine.next.len(), self.network.graph().n_learners());
        let have = mine.have.into_iter().take(source.below(4)).collect();
        let answer = self
            .engine
            .answer(&SyncRequest { next, have }, source.below(3) << 10);
        for message in answer.messages {
            message
                .verify(self.network.keyring())
                .expect("kept as it was signed");
        }
        for evidence in answer.evidence {
            evidence
                .verify(&self.network)
                .expect("kept as it was proved");
        }
    }
}

fn config(network: &Network, me: u16) -> Config {
    Config {
        signer: Some(signer(network, me)),
        patience: Duration::from_secs(1),
        grace: Duration::from_millis(10),
        window: 4,
        batching: Default::default(),
        max_waiting: MAX_WAITING,
        max_waiting_bytes: usize::MAX,
        recent: RECENT,
        recent_bytes: RECENT_BYTES,
        page: PAGE,
    }
}

/// What a node tells about itself does not grow with what it was told.
fn bounded(status: &Status, network: &Network) {
    let graph = network.graph();
    assert_eq!(status.next.len(), graph.n_learners());
    assert_eq!(status.connected.len(), graph.n_learners());
    assert!(status.caught.is_subset(&graph.acceptors()));
    assert!(status.refused.len() <= 32, "{:?}", status.refused);
    assert!(status.next.iter().all(|n| *n >= status.low_water));
}
