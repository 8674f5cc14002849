//! A node of classic Paxos that hears anything from the other members. Nobody lies there, so what the
//! others say may break the network; it may not stop this node, nor make it break its own word.

use crate::source::Source;
use crate::{FOUR, MEMBERS, network};
use consensus::history::{History as _, MemoryHistory};
use consensus::paxos::{Body, Config, Input, Message, Output, Paxos, Record, Vote};
use consensus::{Ballot, Network, Protocol, RECENT_BYTES, Slot, SyncRequest, Time};
use crypto::{Digest, MemberId, codec};
use learner_graph::LearnerId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

const READ: &str = "acceptors = [\"a1\", \"a2\", \"a3\", \"a4\"]\n[learners]\n\
    read = { threshold = 3, of = [\"a1\", \"a2\", \"a3\", \"a4\"] }\n";

#[test]
fn node() {
    bolero::check!()
        .with_iterations(1500)
        .with_max_len(400)
        .for_each(|bytes: &[u8]| {
            assert_eq!(run(bytes), run(bytes), "the same inputs, other outputs");
        });
}

fn run(bytes: &[u8]) -> Vec<String> {
    static NETWORK: LazyLock<Arc<Network>> = LazyLock::new(|| Arc::new(network("paxos", FOUR)));
    let mut source = Source::new(bytes);
    let me = MemberId(source.below(usize::from(MEMBERS)) as u16);
    let mut world = World::new(Arc::clone(&NETWORK), me);
    while !source.is_empty() {
        world.act(&mut source);
    }
    world.transcript
}

struct World {
    network: Arc<Network>,
    me: MemberId,
    engine: Paxos,
    now: Time,
    said: Vec<Message>,
    stored: Vec<Record>,
    history: Arc<MemoryHistory<Message>>,
    own: Own,
    transcript: Vec<String>,
}

/// What the node under test has promised and said.
#[derive(Default)]
struct Own {
    stored: BTreeSet<Vec<u8>>,
    values: BTreeSet<Digest>,
    batches: BTreeSet<Digest>,
    max_bal: Ballot,
    started: Ballot,
    low_water: Slot,
    two_a: BTreeMap<(Ballot, Slot), Digest>,
    two_b: BTreeMap<(Ballot, Slot), Digest>,
    next: Slot,
    decided: BTreeMap<Slot, Digest>,
}

impl World {
    fn new(network: Arc<Network>, me: MemberId) -> Self {
        let history = Arc::new(MemoryHistory::default());
        World {
            engine: Paxos::new(Arc::clone(&network), config(me), history.clone()),
            history,
            network,
            me,
            now: Duration::from_millis(1),
            said: Vec::new(),
            stored: Vec::new(),
            own: Own::default(),
            transcript: Vec::new(),
        }
    }

    fn act(&mut self, source: &mut Source) {
        match source.below(18) {
            16 => self.history.flush(),
            17 => {
                self.history.flush();
                self.stored = self.engine.checkpoint();
                self.restart();
            }
            0 | 1 => {
                self.now += source.time();
                self.give(Vec::new());
            }
            2 => self.give(vec![Input::Submit(source.client_value())]),
            3 => self.give(vec![Input::Value(source.client_value())]),
            4 | 5 => self.give(vec![Input::Batch(source.batch())]),
            6 => self.give((0..MEMBERS).map(MemberId).map(Input::Alive).collect()),
            7 => self.restart(),
            8 => {
                let inputs = self.say(source);
                let mut outputs = self.step(inputs);
                outputs.truncate(source.below(outputs.len() + 1));
                self.execute(outputs);
                self.restart();
            }
            9 => {
                let next = source.several(4, Source::slot);
                let have = self.engine.sync_request().have;
                self.engine
                    .answer(&SyncRequest { next, have }, source.below(3) << 10);
            }
            _ => {
                let inputs = self.say(source);
                self.give(inputs);
            }
        }
    }

    /// What one or all of the others say now; or what this node said comes back late.
    fn say(&mut self, source: &mut Source) -> Vec<Input> {
        let others = (0..MEMBERS + 1).map(MemberId).filter(|m| *m != self.me);
        let others: Vec<MemberId> = others.collect();
        let (from, body) = match source.below(8) {
            0 => {
                let said = source.pick(&self.said).cloned();
                return said.map(Input::Message).into_iter().collect();
            }
            1 | 2 => {
                let ballot = source.ballot();
                let owner = self.network.owner(ballot).filter(|o| *o != self.me);
                let body = if source.below(2) == 0 {
                    Body::OneA { ballot }
                } else {
                    let values = values(source);
                    Body::TwoA { ballot, values }
                };
                (owner.into_iter().collect(), body)
            }
            3 | 4 => (others, body(source)),
            _ => (vec![others[source.below(others.len())]], body(source)),
        };
        let messages = from.into_iter().map(|from| Message {
            from,
            body: body.clone(),
        });
        messages.map(Input::Message).collect()
    }

    fn give(&mut self, mut inputs: Vec<Input>) {
        loop {
            let outputs = self.step(std::mem::take(&mut inputs));
            inputs = self.execute(outputs);
            if inputs.is_empty() {
                break;
            }
        }
        let status = self.engine.status();
        assert_eq!(status.max_bal, self.own.max_bal);
        assert_eq!(status.low_water, self.own.low_water);
    }

    fn step(&mut self, inputs: Vec<Input>) -> Vec<Output> {
        let outputs = self.engine.step(self.now, inputs);
        self.transcript
            .extend(outputs.iter().map(|o| format!("{o:?}")));
        outputs
    }

    fn execute(&mut self, outputs: Vec<Output>) -> Vec<Input> {
        let mut back = Vec::new();
        for output in outputs {
            self.own.told(&output, self.me);
            match output {
                Output::Persist(record) => self.stored.push(record),
                Output::Send(message) => {
                    self.said.push(message.clone());
                    back.push(Input::Message(message));
                }
                _ => {}
            }
        }
        back
    }

    fn restart(&mut self) {
        self.history.crash();
        self.engine = Paxos::new(
            Arc::clone(&self.network),
            config(self.me),
            self.history.clone(),
        );
        self.own.next = self.history.next(LearnerId(0));
        for record in &self.stored {
            for output in self.engine.restore(record.clone()) {
                assert!(!matches!(output, Output::Persist(_) | Output::Send(_)));
                self.own.told(&output, self.me);
            }
        }
        self.give(Vec::new());
    }
}

impl Own {
    fn told(&mut self, output: &Output, me: MemberId) {
        match output {
            Output::Persist(Record::Message(message)) => {
                self.stored.insert(codec::encode(message));
                if message.from == me {
                    self.says(&message.body);
                }
            }
            Output::Persist(Record::Batch(batch)) => {
                self.batches.insert(batch.digest());
            }
            Output::Persist(Record::Value(value)) => {
                self.values.insert(value.id());
            }
            Output::Persist(Record::LowWater(mark)) => {
                assert!(*mark > self.low_water, "the mark only rises");
                self.low_water = *mark;
            }
            Output::Send(message) => {
                let stored = self.stored.contains(&codec::encode(message));
                let wish = matches!(message.body, Body::Wish { .. });
                assert!(stored || wish, "sent before it was stored: {message:?}");
            }
            Output::Accepted(value) => assert!(self.values.contains(value)),
            Output::Decided(d) => {
                assert_eq!(d.slot, self.next, "slots are delivered in order");
                self.next = d.slot.next();
                let first = *self.decided.entry(d.slot).or_insert(d.value);
                assert_eq!(first, d.value, "a restart changes no decision");
                self.values.extend(d.values.iter().map(|v| v.id()));
            }
            _ => {}
        }
    }

    fn says(&mut self, body: &Body) {
        match body {
            Body::OneA { ballot } => {
                assert!(*ballot > self.started, "a ballot is started once");
                self.started = *ballot;
            }
            Body::OneB {
                ballot,
                low_water,
                votes,
            } => {
                assert!(
                    *ballot > self.max_bal,
                    "ballots are joined in ascending order"
                );
                assert_eq!(*low_water, self.low_water, "the mark is stored first");
                self.max_bal = *ballot;
                self.shows(votes);
            }
            Body::TwoA { ballot, values } => {
                assert_eq!(*ballot, self.started);
                for (slot, value) in values {
                    let first = self.two_a.insert((*ballot, *slot), *value);
                    assert_eq!(first, None, "a value is proposed once");
                }
            }
            Body::TwoB { ballot, values } => {
                assert!(*ballot >= self.max_bal, "a promise is kept");
                self.max_bal = *ballot;
                for (slot, value) in values {
                    assert!(*slot >= self.low_water, "nothing below the mark");
                    assert!(self.batches.contains(value), "the bytes are stored first");
                    let first = self.two_b.insert((*ballot, *slot), *value);
                    assert_eq!(first, None, "a vote is cast once");
                }
            }
            Body::Decided { .. } => {}
            Body::Wish { .. } => panic!("a wish need not be stored"),
        }
    }

    /// Paxos: Phase1b, `maxVbal` and `maxVal` of every slot from the mark on.
    fn shows(&self, votes: &[Vote]) {
        let mut highest = BTreeMap::new();
        for ((ballot, slot), value) in &self.two_b {
            if *slot >= self.low_water {
                highest.insert(*slot, (*ballot, *value));
            }
        }
        let shown = votes.iter().map(|v| (v.slot, (v.ballot, v.value)));
        assert_eq!(shown.collect::<BTreeMap<_, _>>(), highest);
    }
}

fn config(me: MemberId) -> Config {
    Config {
        me: Some(me),
        learner: LearnerId(0),
        read: learner_graph::parse_unchecked(READ).expect("a graph"),
        patience: Duration::from_secs(1),
        window: 4,
        batching: Default::default(),
        recent: 1,
        recent_bytes: RECENT_BYTES,
        max_waiting: 4,
        max_waiting_bytes: usize::MAX,
    }
}

fn values(source: &mut Source) -> Vec<(Slot, Digest)> {
    source.several(3, |s| (s.near_slot(), s.digest()))
}

fn votes(source: &mut Source) -> Vec<Vote> {
    source.several(3, |s| Vote {
        slot: s.near_slot(),
        ballot: s.ballot(),
        value: s.digest(),
    })
}

fn body(source: &mut Source) -> Body {
    let ballot = source.ballot();
    match source.below(9) {
        0 => Body::OneA { ballot },
        1 | 2 => Body::OneB {
            ballot,
            low_water: if source.byte() < 200 {
                Slot(0)
            } else {
                source.near_slot()
            },
            votes: votes(source),
        },
        3 => Body::TwoA {
            ballot,
            values: values(source),
        },
        4..7 => Body::TwoB {
            ballot,
            values: values(source),
        },
        7 => Body::Decided {
            votes: votes(source),
        },
        _ => Body::Wish { ballot },
    }
}
