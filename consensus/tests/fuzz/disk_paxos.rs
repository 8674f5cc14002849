//! A processor of Disk Paxos whose disks report anything: late, twice, unasked, of blocks and logs that
//! no processor wrote. What it writes itself stays in order.

use crate::source::Source;
use crate::{FOUR, network};
use consensus::disk_paxos::{
    Action, Block, Config, Decided, DiskPaxos, Entry, Event, Input, LogRecord, Operation, Output,
    ProcessorId, Record, Report,
};
use consensus::history::{History as _, MemoryHistory};
use consensus::paxos::Vote;
use consensus::{Ballot, Network, Protocol, RECENT_BYTES, Slot, SyncRequest, Time};
use crypto::{Digest, MemberId};
use learner_graph::{AcceptorId, LearnerId};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The disks are the acceptors of the graph; alice wants three of them.
const DISKS: usize = 4;

#[test]
fn processor() {
    bolero::check!()
        .with_iterations(2500)
        .with_max_len(400)
        .for_each(|bytes: &[u8]| {
            assert_eq!(run(bytes), run(bytes), "the same inputs, other outputs");
        });
}

fn run(bytes: &[u8]) -> Vec<String> {
    static NETWORK: LazyLock<Arc<Network>> =
        LazyLock::new(|| Arc::new(network("disk-paxos", FOUR)));
    let mut source = Source::new(bytes);
    let mut world = World::new(Arc::clone(&NETWORK));
    while !source.is_empty() {
        world.act(&mut source);
    }
    world.transcript
}

struct World {
    network: Arc<Network>,
    engine: DiskPaxos,
    now: Time,
    stored: Vec<Record>,
    history: Arc<MemoryHistory<Decided>>,
    /// What is in progress on each disk.
    asked: BTreeMap<u16, Action>,
    /// What was tried in this life: `inp` by slot and ballot.
    tried: BTreeMap<(Slot, Ballot), Digest>,
    mbal: Ballot,
    next: Slot,
    transcript: Vec<String>,
}

fn p(number: u8) -> ProcessorId {
    ProcessorId::new(number).expect("not 0")
}

impl World {
    fn new(network: Arc<Network>) -> Self {
        let history = Arc::new(MemoryHistory::default());
        let mut world = World {
            engine: DiskPaxos::new(Arc::clone(&network), config(), history.clone()),
            history,
            network,
            now: Time::ZERO,
            stored: Vec::new(),
            asked: BTreeMap::new(),
            tried: BTreeMap::new(),
            mbal: Ballot::NONE,
            next: Slot(0),
            transcript: Vec::new(),
        };
        world.give(Vec::new());
        world
    }

    fn act(&mut self, source: &mut Source) {
        let inputs = match source.below(18) {
            16 => return self.history.flush(),
            17 => {
                self.stored = self.engine.checkpoint();
                return self.restart();
            }
            0 | 1 => {
                self.now += source.time();
                Vec::new()
            }
            2 => vec![Input::Submit(source.client_value())],
            3 => vec![Input::Value(source.client_value())],
            4 => vec![Input::Batch(source.batch())],
            5 => {
                let votes = source.several(3, vote);
                vec![Input::Message(Decided { votes })]
            }
            6 => return self.restart(),
            7 => {
                let (next, have) = (source.several(3, Source::slot), Vec::new());
                self.engine.answer(&SyncRequest { next, have }, 1 << 10);
                return;
            }
            8 => {
                let (own, logged) = (Block::default(), Slot(0));
                (0..DISKS as u16)
                    .map(|d| {
                        event(
                            d,
                            Report::Opened {
                                own: own.clone(),
                                logged,
                            },
                        )
                    })
                    .collect()
            }
            9..12 => self.work(source),
            // A disk that the configuration does not have may report as well.
            _ => vec![event(source.below(DISKS + 1) as u16, report(source))],
        };
        self.give(inputs);
    }

    /// The disks do what they were asked for; one block of others stands on all of them.
    fn work(&mut self, source: &mut Source) -> Vec<Input> {
        let others = match source.below(4) {
            0 => vec![(p(2), Arc::new(block(source)))],
            _ => Vec::new(),
        };
        let done = |(disk, action): (&u16, &Action)| {
            let report = match action {
                Action::Write { .. } | Action::Read => Report::Blocks(others.clone()),
                Action::Append(_) => Report::Appended,
                Action::ReadLog { of, .. } => Report::Log {
                    of: *of,
                    records: Vec::new(),
                },
            };
            event(*disk, report)
        };
        self.asked.iter().map(done).collect()
    }

    fn give(&mut self, inputs: Vec<Input>) {
        for input in &inputs {
            if let Input::Disk(event) = input {
                self.asked.remove(&event.disk.0);
            }
        }
        let mut outputs = self.engine.step(self.now, inputs);
        loop {
            self.transcript
                .extend(outputs.iter().map(|o| format!("{o:?}")));
            let back: Vec<Input> = outputs
                .into_iter()
                .filter_map(|o| self.execute(o))
                .collect();
            if back.is_empty() {
                break;
            }
            outputs = self.engine.step(self.now, back);
        }
        assert_eq!(self.engine.status().disks.len(), DISKS);
    }

    fn execute(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Persist(record) => self.stored.push(record),
            Output::Disk(Operation { disk, action }) => {
                assert!(usize::from(disk.0) < DISKS);
                self.check(&action);
                let before = self.asked.insert(disk.0, action);
                assert_eq!(before, None, "one operation at a time on a disk");
            }
            Output::Send(message) => return Some(Input::Message(message)),
            Output::Decided(d) => {
                assert_eq!(d.slot, self.next, "slots are delivered in order");
                self.next = d.slot.next();
            }
            _ => {}
        }
        None
    }

    fn check(&mut self, action: &Action) {
        let (log, block) = match action {
            Action::Write { log, block } => (log, Some(block)),
            Action::Append(log) => (log, None),
            Action::Read | Action::ReadLog { .. } => return,
        };
        for (a, b) in log.iter().zip(log.iter().skip(1)) {
            assert_eq!(a.slot.next(), b.slot, "a log has no gaps");
        }
        let Some(block) = block else { return };
        assert_eq!(ProcessorId::owner(block.mbal), Some(p(1)), "its own ballot");
        assert!(block.mbal >= self.mbal, "mbal only rises");
        self.mbal = block.mbal;
        for (slot, entry) in &block.entries {
            assert!(
                *slot >= block.floor,
                "what is below the floor is in the log"
            );
            if entry.bal == block.mbal {
                let inp = entry.inp.digest();
                let first = *self.tried.entry((*slot, entry.bal)).or_insert(inp);
                assert_eq!(first, inp, "one value per slot and ballot");
            }
        }
    }

    fn restart(&mut self) {
        self.history.crash();
        self.engine = DiskPaxos::new(Arc::clone(&self.network), config(), self.history.clone());
        for record in &self.stored {
            assert!(self.engine.restore(record.clone()).is_empty());
        }
        // The disks may have lost what was written: what was tried before says nothing.
        self.tried.clear();
        self.asked.clear();
        self.mbal = Ballot::NONE;
        self.next = self.history.next(LearnerId(0));
        self.give(Vec::new());
    }
}

fn config() -> Config {
    Config {
        me: Some(p(1)),
        processors: BTreeMap::from([
            (p(1), MemberId(0)),
            (p(2), MemberId(1)),
            (p(7), MemberId(2)),
        ]),
        learner: LearnerId(0),
        patience: Duration::from_secs(1),
        window: 4,
        batching: Default::default(),
        recent: 1,
        recent_bytes: RECENT_BYTES,
        max_waiting: 4,
        max_waiting_bytes: usize::MAX,
    }
}

fn event(disk: u16, report: Report) -> Input {
    let disk = AcceptorId(disk);
    Input::Disk(Event { disk, report })
}

fn report(source: &mut Source) -> Report {
    match source.below(8) {
        0 | 1 => Report::Opened {
            own: block(source),
            logged: source.near_slot(),
        },
        2..4 => Report::Blocks(source.several(3, |s| (any_processor(s), Arc::new(block(s))))),
        4 => Report::Appended,
        5 | 6 => Report::Log {
            of: any_processor(source),
            records: source.several(4, |s| LogRecord {
                slot: s.near_slot(),
                ballot: s.ballot(),
                value: Arc::new(s.batch()),
            }),
        },
        _ => Report::Failed("broken".to_owned()),
    }
}

fn any_processor(source: &mut Source) -> ProcessorId {
    p([1, 2, 7, 200][source.below(4)])
}

/// Slots stay near: nothing but a processor that lies could write of others under a valid checksum.
fn block(source: &mut Source) -> Block {
    let entries = source.several(3, |s| {
        let (bal, inp) = (s.ballot(), Arc::new(s.batch()));
        (s.near_slot(), Entry { bal, inp })
    });
    Block {
        mbal: source.ballot(),
        floor: if source.byte() < 160 {
            Slot(0)
        } else {
            source.near_slot()
        },
        entries: entries.into_iter().collect(),
    }
}

fn vote(source: &mut Source) -> Vote {
    Vote {
        slot: source.slot(),
        ballot: source.ballot(),
        value: source.digest(),
    }
}
