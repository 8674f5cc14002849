//! One processor, told what its disks say: the rules that whole networks rarely show.

mod long_log;

use super::{
    Action, Block, Config, Decided, DiskPaxos, Entry, Event, Input, LogRecord, Operation, Output,
    ProcessorId, Report,
};
use crate::history::MemoryHistory;
use crate::paxos::Vote;
use crate::{Ballot, Batch, ClientValue, Member, Network, Protocol, RECENT_BYTES, Slot, Time};
use crypto::{Keypair, MemberId};
use learner_graph::{AcceptorId, LearnerId, parse_unchecked};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(1);

/// Processor 1 of two, with three disks.
struct Alone {
    engine: DiskPaxos,
    now: Time,
    /// What is in progress on each disk.
    asked: BTreeMap<u16, Action>,
    decided: Vec<(Slot, Arc<Batch>)>,
    told: Vec<Vote>,
}

fn p(number: u8) -> ProcessorId {
    ProcessorId::new(number).expect("not 0")
}

fn batch(text: &str) -> Arc<Batch> {
    let value = ClientValue::new(Vec::new(), text.into()).expect("small");
    Arc::new(Batch {
        values: vec![value].into(),
    })
}

/// A block with entries of (slot, bal, value).
fn block(mbal: u64, floor: u64, entries: &[(u64, u64, &str)]) -> Block {
    let entry = |(slot, bal, inp): &(u64, u64, &str)| {
        let (bal, inp) = (Ballot(*bal), batch(inp));
        (Slot(*slot), Entry { bal, inp })
    };
    Block {
        mbal: Ballot(mbal),
        floor: Slot(floor),
        entries: entries.iter().map(entry).collect(),
    }
}

impl Alone {
    fn new() -> Alone {
        Alone::with(Arc::default(), 8)
    }

    /// It knows what the history has, and keeps so many slots in memory.
    fn with(history: Arc<MemoryHistory<Decided>>, recent: u64) -> Alone {
        let graph = "acceptors = [\"d1\", \"d2\", \"d3\"]\n[learners]\n\
            p1 = { threshold = 2, of = [\"d1\", \"d2\", \"d3\"] }\n\
            p2 = { threshold = 2, of = [\"d1\", \"d2\", \"d3\"] }\n";
        let graph = parse_unchecked(graph).expect("a graph");
        let member = |i: u8| Member {
            name: format!("p{i}"),
            key: Keypair::from_seed([i; 32]).public(),
            acceptor: None,
            proposer: true,
        };
        let members = vec![member(1), member(2)];
        let network = Network::of_disks("test", "disk-paxos", graph, members).expect("a network");
        let config = Config {
            me: Some(p(1)),
            processors: BTreeMap::from([(p(1), MemberId(0)), (p(2), MemberId(1))]),
            learner: LearnerId(0),
            patience: PATIENCE,
            window: 8,
            batching: Default::default(),
            recent,
            recent_bytes: RECENT_BYTES,
            max_waiting: 100,
            max_waiting_bytes: usize::MAX,
        };
        let mut alone = Alone {
            engine: DiskPaxos::new(Arc::new(network), config, history),
            now: Time::ZERO,
            asked: BTreeMap::new(),
            decided: Vec::new(),
            told: Vec::new(),
        };
        alone.step(Vec::new());
        alone
    }

    fn step(&mut self, inputs: Vec<Input>) {
        self.now += Duration::from_millis(1);
        for output in self.engine.step(self.now, inputs) {
            match output {
                Output::Disk(Operation { disk, action }) => {
                    let before = self.asked.insert(disk.0, action);
                    assert_eq!(before, None, "one operation at a time");
                }
                Output::Decided(d) => {
                    let batch = self.engine.batch(&d.value).expect("kept");
                    self.decided.push((d.slot, batch));
                }
                Output::Send(Decided { votes }) => self.told.extend(votes),
                _ => {}
            }
        }
    }

    fn report(&mut self, disk: u16, report: Report) {
        let disk = AcceptorId(disk);
        self.step(vec![Input::Disk(Event { disk, report })]);
    }

    fn opened(&mut self, disk: u16, own: Block, logged: u64) {
        let logged = Slot(logged);
        self.report(disk, Report::Opened { own, logged });
    }

    /// What is in progress on a disk is done; these are the other processor's blocks there.
    fn done(&mut self, disk: u16, others: &[Block]) {
        self.asked.remove(&disk).expect("something is in progress");
        let others = others.iter().map(|b| (p(2), Arc::new(b.clone())));
        self.report(disk, Report::Blocks(others.collect()));
    }

    fn submit(&mut self, text: &str) {
        let value = ClientValue::new(Vec::new(), text.into()).expect("small");
        self.step(vec![Input::Submit(value)]);
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.step(Vec::new());
    }

    /// Time passes, and the first two disks answer whatever is read.
    fn pass(&mut self, time: Duration, theirs: &Block) {
        let end = self.now + time;
        while self.now < end {
            self.wait(PATIENCE / 8);
            for d in [0, 1] {
                if matches!(self.asked.get(&d), Some(Action::Read)) {
                    self.done(d, std::slice::from_ref(theirs));
                }
            }
        }
    }

    /// The block that is being written on a disk.
    fn writing(&self, disk: u16) -> &Block {
        match self.asked.get(&disk) {
            Some(Action::Write { block, .. }) => block,
            other => panic!("no write, but {other:?}"),
        }
    }

    /// Fresh disks, and in phase 2 on the first two of them with one value. The third does not answer.
    fn in_phase_2(text: &str) -> Alone {
        let mut a = Alone::new();
        for d in [0, 1] {
            a.opened(d, Block::default(), 0);
            a.done(d, &[Block::default()]);
        }
        a.submit(text);
        for d in [0, 1] {
            assert_eq!(*a.writing(d), block(1, 0, &[]), "phase 1");
            a.done(d, &[Block::default()]);
        }
        a
    }
}

fn values(decided: &[(Slot, Arc<Batch>)]) -> Vec<(u64, String)> {
    let text = |b: &Batch| {
        b.values
            .iter()
            .map(|v| String::from_utf8_lossy(&v.bytes).into())
            .collect::<Vec<String>>()
    };
    decided
        .iter()
        .map(|(s, b)| (s.0, text(b).join(",")))
        .collect()
}

#[test]
fn of_equal_mbal_the_larger_bal_is_taken_up() {
    // The processor died in phase 2: one disk has its block of phase 1 still. Where Figure 1 of the paper
    // takes either, EndPhase0 must not take the one without the value.
    for order in [[0, 1], [1, 0]] {
        let mut a = Alone::new();
        let own = [block(257, 0, &[]), block(257, 0, &[(0, 257, "v")])];
        for d in order {
            a.opened(d, own[usize::from(d)].clone(), 0);
            a.done(d, &[Block::default()]);
        }
        a.wait(Duration::from_millis(1));
        for d in order {
            assert_eq!(*a.writing(d), block(513, 0, &[(0, 257, "v")]));
            a.done(d, &[Block::default()]);
        }
        for d in order {
            assert_eq!(*a.writing(d), block(513, 0, &[(0, 513, "v")]));
            a.done(d, &[Block::default()]);
        }
        assert_eq!(values(&a.decided), [(0, "v".to_owned())]);
    }
}

#[test]
fn of_two_entries_the_one_of_the_larger_bal_is_taken_up() {
    for order in [[0, 1], [1, 0]] {
        let mut a = Alone::new();
        let own = [
            block(513, 0, &[(0, 1, "old")]),
            block(257, 0, &[(0, 257, "new")]),
        ];
        for d in order {
            a.opened(d, own[usize::from(d)].clone(), 0);
            a.done(d, &[Block::default()]);
        }
        a.wait(Duration::from_millis(1));
        assert_eq!(*a.writing(0), block(769, 0, &[(0, 257, "new")]));
    }
}

#[test]
fn the_new_ballot_is_above_every_mbal_read() {
    let mut a = Alone::new();
    a.opened(0, block(257, 0, &[]), 0);
    a.opened(1, block(1025, 0, &[]), 0);
    for d in [0, 1] {
        a.done(d, &[block(514, 0, &[])]);
    }
    a.submit("v");
    assert_eq!(a.writing(0).mbal, Ballot(1281));
}

#[test]
fn a_slot_commits_when_a_majority_has_it_and_was_read_afterwards() {
    let mut a = Alone::in_phase_2("v");
    assert_eq!(*a.writing(0), block(1, 0, &[(0, 1, "v")]));
    a.done(0, &[Block::default()]);
    assert!(
        a.decided.is_empty() && a.told.is_empty(),
        "one disk of three"
    );
    // A value that comes while the second one is being written belongs to the next write.
    a.submit("w");
    a.done(1, &[Block::default()]);
    assert_eq!(values(&a.decided), [(0, "v".to_owned())]);
    assert_eq!(a.told.len(), 1);
    for d in [0, 1] {
        assert_eq!(*a.writing(d), block(1, 0, &[(0, 1, "v"), (1, 1, "w")]));
        a.done(d, &[Block::default()]);
    }
    assert_eq!(a.decided.len(), 2);
}

#[test]
fn a_disk_that_was_lost_and_found_does_not_count_before_it_is_written_again() {
    let mut a = Alone::in_phase_2("v");
    a.done(0, &[Block::default()]);
    a.report(0, Report::Failed("gone".into()));
    a.asked.remove(&0);
    a.done(1, &[Block::default()]);
    assert!(a.decided.is_empty());
    // It lost the last write, as far as this processor can know.
    a.opened(0, block(1, 0, &[]), 0);
    assert!(a.decided.is_empty());
    assert_eq!(*a.writing(0), block(1, 0, &[(0, 1, "v")]));
    a.done(0, &[Block::default()]);
    assert_eq!(a.decided.len(), 1);
}

#[test]
fn a_larger_mbal_ends_the_ballot() {
    let mut a = Alone::in_phase_2("v");
    a.done(0, &[Block::default()]);
    a.done(1, &[block(2, 0, &[])]);
    assert!(a.decided.is_empty() && a.engine.dblock().is_none());
    // The other one has its turn; then this one takes its own blocks up again.
    a.pass(PATIENCE / 2, &block(2, 0, &[]));
    assert!(a.engine.dblock().is_none());
    a.pass(PATIENCE * 8, &block(2, 0, &[]));
    let dblock = a.engine.dblock().expect("its turn");
    assert_eq!(**dblock, block(257, 0, &[(0, 1, "v")]));
}

#[test]
fn what_another_one_tried_is_taken_over() {
    let mut a = Alone::new();
    for d in [0, 1] {
        a.opened(d, Block::default(), 0);
        a.done(d, &[Block::default()]);
    }
    a.submit("mine");
    // Only one of the two disks has the other's last block.
    let theirs = [
        block(2, 0, &[(1, 2, "old")]),
        block(258, 0, &[(1, 258, "theirs")]),
    ];
    a.wait(Duration::from_millis(1));
    for d in [0, 1] {
        a.done(d, &[theirs[usize::from(d)].clone()]);
    }
    // Their mbal is larger than this processor's first: it comes again.
    a.wait(PATIENCE * 8);
    for d in [0, 1] {
        if matches!(a.asked.get(&d), Some(Action::Read)) {
            a.done(d, &[theirs[usize::from(d)].clone()]);
        }
    }
    for d in [0, 1] {
        assert_eq!(a.writing(d).mbal, Ballot(513));
        a.done(d, &[theirs[usize::from(d)].clone()]);
    }
    let expected = block(513, 0, &[(0, 513, "mine"), (1, 513, "theirs")]);
    for d in [0, 1] {
        assert_eq!(
            *a.writing(d),
            expected,
            "a gap takes any value, slot 1 only theirs"
        );
        a.done(d, &[theirs[usize::from(d)].clone()]);
    }
    let decided = [(0, "mine".to_owned()), (1, "theirs".to_owned())];
    assert_eq!(values(&a.decided), decided);
}

#[test]
fn below_a_floor_nothing_is_tried_but_the_log_is_read() {
    let mut a = Alone::new();
    let theirs = block(2, 2, &[(2, 2, "c")]);
    for d in [0, 1] {
        a.opened(d, Block::default(), 0);
        a.done(d, std::slice::from_ref(&theirs));
    }
    a.submit("mine");
    a.pass(PATIENCE * 8, &theirs);
    assert!(a.engine.dblock().is_none(), "the log is not known yet");
    a.wait(PATIENCE / 2);
    let reading = a
        .asked
        .iter()
        .find(|(_, action)| matches!(action, Action::ReadLog { .. }));
    let action = reading.map(|(_, a)| a.clone()).expect("a log is read");
    let (of, from) = (p(2), Slot(0));
    assert!(matches!(action, Action::ReadLog { of: o, from: f, .. } if o == of && f == from));
    let record = |slot, value| LogRecord {
        slot: Slot(slot),
        ballot: Ballot(2),
        value: batch(value),
    };
    for d in [0, 1] {
        if matches!(a.asked.get(&d), Some(Action::ReadLog { .. })) {
            let records = vec![record(0, "a"), record(1, "b")];
            a.asked.remove(&d);
            a.report(d, Report::Log { of, records });
        }
    }
    assert_eq!(values(&a.decided), [(0, "a".into()), (1, "b".into())]);
    a.pass(PATIENCE / 2, &theirs);
    for d in [0, 1, 0, 1, 0, 1] {
        if matches!(a.asked.get(&d), Some(Action::Write { .. })) {
            a.done(d, std::slice::from_ref(&theirs));
        }
    }
    let decided = values(&a.decided);
    assert_eq!(decided[2..], [(2, "c".to_owned()), (3, "mine".to_owned())]);
}

#[test]
fn a_floor_seen_later_counts_as_well() {
    let mut a = Alone::new();
    // Ten slots that another one left: eight fit into the window.
    let tried: Vec<(u64, u64, &str)> = (0..10).map(|slot| (slot, 2, "theirs")).collect();
    let theirs = block(2, 0, &tried);
    for d in [0, 1] {
        a.opened(d, Block::default(), 0);
        a.done(d, std::slice::from_ref(&theirs));
    }
    a.wait(PATIENCE * 8);
    for d in [0, 1] {
        if matches!(a.asked.get(&d), Some(Action::Read)) {
            a.done(d, std::slice::from_ref(&theirs));
        }
    }
    for d in [0, 1] {
        assert_eq!(*a.writing(d), block(257, 0, &[]));
        a.done(d, std::slice::from_ref(&theirs));
    }
    assert_eq!(a.writing(0).entries.len(), 8);
    // Meanwhile the other one moved all ten to its log: its block shows nothing of the last two.
    for d in [0, 1] {
        a.done(d, &[block(2, 10, &[])]);
    }
    assert_eq!(a.decided.len(), 8);
    let dblock = a.engine.dblock().expect("in its ballot");
    assert_eq!(dblock.entries.len(), 8, "nothing is tried below a floor");
    let reads = |action: &Action| matches!(action, Action::ReadLog { .. });
    assert!(a.asked.values().any(reads), "{:?}", a.asked);
}

#[test]
fn what_a_block_drops_is_in_the_log_of_the_same_disk() {
    let mut a = Alone::in_phase_2("v");
    for d in [0, 1] {
        a.done(d, &[Block::default()]);
    }
    // Nothing else to do: after a while what is committed moves to the log.
    a.wait(PATIENCE);
    for d in [0, 1] {
        if matches!(a.asked.get(&d), Some(Action::Read)) {
            a.done(d, &[Block::default()]);
        }
        let Some(Action::Write {
            log,
            block: written,
        }) = a.asked.get(&d)
        else {
            panic!("a write, not {:?}", a.asked.get(&d));
        };
        assert_eq!(**written, block(1, 1, &[]));
        let record = LogRecord {
            slot: Slot(0),
            ballot: Ballot(1),
            value: batch("v"),
        };
        assert_eq!(*log, [record]);
    }
    // The third disk comes late: it gets the record as well.
    a.opened(2, Block::default(), 0);
    let late = a.asked.get(&2);
    assert!(
        matches!(late, Some(Action::Write { log, .. }) if log.len() == 1),
        "{late:?}"
    );
}

#[test]
fn what_gossip_tells_is_delivered_once_the_bytes_are_here() {
    let mut a = Alone::new();
    let value = batch("v");
    let vote = |slot| Vote {
        slot: Slot(slot),
        ballot: Ballot(2),
        value: value.digest(),
    };
    let votes = vec![vote(0), vote(1 << 40)];
    a.step(vec![Input::Message(Decided { votes })]);
    assert!(a.decided.is_empty());
    a.step(vec![Input::Batch(Batch::clone(&value))]);
    assert_eq!(values(&a.decided), [(0, "v".to_owned())]);
    assert_eq!(a.engine.status().ballot, Ballot(2));
    assert_eq!(a.engine.answer(&a.engine.sync_request()).messages, []);
    let mut request = a.engine.sync_request();
    request.next = vec![Slot(0); 2];
    let votes = vec![vote(0)];
    assert_eq!(a.engine.answer(&request).messages, [Decided { votes }]);
}

#[test]
fn bytes_that_gossip_lost_are_in_the_block_of_whoever_committed_them() {
    let mut a = Alone::new();
    a.opened(0, Block::default(), 0);
    let value = batch("theirs").digest();
    let vote = Vote {
        slot: Slot(0),
        ballot: Ballot(2),
        value,
    };
    a.step(vec![Input::Message(Decided { votes: vec![vote] })]);
    assert!(a.decided.is_empty());
    a.done(0, &[block(2, 0, &[(0, 2, "theirs")])]);
    assert_eq!(values(&a.decided), [(0, "theirs".to_owned())]);
}

#[test]
fn a_disk_that_hangs_holds_nobody_up() {
    let mut a = Alone::new();
    // One disk shows slots that the others have not, and then answers no more.
    for d in [0, 1, 2] {
        a.opened(d, Block::default(), 0);
    }
    a.done(0, &[block(2, 2, &[])]);
    for d in [1, 2] {
        a.done(d, &[block(2, 0, &[(0, 2, "a"), (1, 2, "b")])]);
    }
    assert!(matches!(a.asked.get(&0), Some(Action::ReadLog { .. })));
    a.wait(PATIENCE * 8);
    for d in [1, 2] {
        if matches!(a.asked.get(&d), Some(Action::Read)) {
            a.done(d, &[block(2, 0, &[(0, 2, "a"), (1, 2, "b")])]);
        }
    }
    for _ in 0..2 {
        for d in [1, 2] {
            a.writing(d);
            a.done(d, &[block(2, 0, &[(0, 2, "a"), (1, 2, "b")])]);
        }
    }
    assert_eq!(values(&a.decided), [(0, "a".into()), (1, "b".into())]);
}

#[test]
fn a_large_value_that_is_in_the_block_already_is_tried_again() {
    let mut a = Alone::new();
    let large = "x".repeat(crate::MAX_VALUE_BYTES);
    for d in [0, 1] {
        a.opened(d, block(1, 0, &[(0, 1, &large)]), 0);
        a.done(d, &[Block::default()]);
    }
    a.wait(Duration::from_millis(1));
    for _ in 0..2 {
        for d in [0, 1] {
            a.writing(d);
            a.done(d, &[Block::default()]);
        }
    }
    assert_eq!(values(&a.decided), [(0, large)]);
}

#[test]
fn a_log_that_lacks_what_its_block_says_is_read_elsewhere() {
    let mut a = Alone::new();
    let theirs = block(2, 1, &[]);
    for d in [0, 1, 2] {
        a.opened(d, Block::default(), 0);
        a.done(d, std::slice::from_ref(&theirs));
    }
    let mut broken = None;
    for _ in 0..20 {
        a.wait(PATIENCE / 4);
        for d in [0, 1, 2] {
            let records = match a.asked.get(&d) {
                Some(Action::Read) => {
                    a.done(d, std::slice::from_ref(&theirs));
                    continue;
                }
                Some(Action::ReadLog { .. }) if *broken.get_or_insert(d) == d => Vec::new(),
                Some(Action::ReadLog { .. }) => vec![LogRecord {
                    slot: Slot(0),
                    ballot: Ballot(2),
                    value: batch("a"),
                }],
                _ => continue,
            };
            a.asked.remove(&d);
            a.report(d, Report::Log { of: p(2), records });
        }
    }
    assert_eq!(values(&a.decided), [(0, "a".to_owned())]);
    let broken = usize::from(broken.expect("a log was read"));
    assert!(!a.engine.status().disks[broken].up);
}

#[test]
fn a_disk_that_is_being_written_says_nothing_of_what_it_holds() {
    let mut a = Alone::in_phase_2("v");
    a.opened(2, Block::default(), 0);
    let write = a.asked.remove(&2);
    assert!(matches!(write, Some(Action::Write { .. })));
    // The ballot ends while all three are being written; none of them can be taken up.
    a.done(0, &[block(2, 0, &[])]);
    a.wait(PATIENCE * 3 / 4);
    assert!(a.engine.own_blocks().count() <= 1, "one answered");
    assert!(a.engine.dblock().is_none());
}
