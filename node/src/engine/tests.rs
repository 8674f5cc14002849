//! The engine with a protocol and disks that the test plays.

use super::*;
use crate::testing;
use crate::trace::WriterError;
use consensus::NoEvidence;
use consensus::disk_paxos::{self, Action, DiskId, Operation, Report};
use consensus::hpaxos::evidence::Certificate;
use consensus::storage::MemoryStorage;
use consensus::{
    AnswerOf, Batch, Network, Output, OutputOf, Slot, Status, SyncAnswer, SyncRequest,
};
use learner_graph::{AcceptorId, LearnerId};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread::JoinHandle;

const DEADLINE: Duration = Duration::from_secs(30);
const DISKS: [DiskId; 2] = [AcceptorId(0), AcceptorId(1)];

/// Reads from the first disk when both have said something, and tells the inputs of every step.
struct Reader(Sender<Vec<InputOf<Reader>>>);

impl Protocol for Reader {
    type Message = ();
    type Wire = ();
    type Evidence = NoEvidence;
    type Finding = NoEvidence;

    const MAX_WIRE_BYTES: usize = 0;

    fn open((): (), _: &Network) -> Result<(), crypto::Refusal> {
        Ok(())
    }

    fn wire(message: &()) -> &() {
        message
    }

    fn id((): &()) -> Digest {
        Digest::of(b"")
    }

    fn wire_bytes((): &()) -> usize {
        0
    }

    fn evidence_bytes(evidence: &NoEvidence) -> usize {
        match *evidence {}
    }

    fn kind((): &()) -> &'static str {
        "nothing"
    }

    fn examine(evidence: &NoEvidence, _: &Network) -> Option<NoEvidence> {
        match *evidence {}
    }

    fn describe(finding: &NoEvidence, _: &Network) -> (Option<AcceptorId>, String) {
        match *finding {}
    }

    fn restore(&mut self, _: RecordOf<Self>) -> Vec<OutputOf<Self>> {
        Vec::new()
    }

    fn checkpoint(&self) -> Vec<RecordOf<Self>> {
        Vec::new()
    }

    fn remembered(&self) -> Slot {
        Slot(0)
    }

    fn step(&mut self, _: Time, inputs: Vec<InputOf<Self>>) -> Vec<OutputOf<Self>> {
        let heard = |disk| {
            let on = |i: &InputOf<Self>| matches!(i, Input::Disk(event) if event.disk == disk);
            inputs.iter().any(on)
        };
        let read = Operation {
            disk: DISKS[0],
            action: Action::Read,
        };
        let outputs = DISKS.into_iter().all(heard).then_some(Output::Disk(read));
        // The test may have seen enough.
        let _ = self.0.send(inputs);
        outputs.into_iter().collect()
    }

    fn sync_request(&self) -> SyncRequest {
        SyncRequest {
            next: Vec::new(),
            have: Vec::new(),
        }
    }

    fn answer(&self, _: &SyncRequest, _: usize) -> AnswerOf<Self> {
        SyncAnswer {
            messages: Vec::new(),
            evidence: Vec::new(),
        }
    }

    fn batch(&self, _: &Digest) -> Option<Arc<Batch>> {
        None
    }

    fn certificate(&self, _: LearnerId, _: Slot) -> Option<Certificate> {
        None
    }

    fn status(&self) -> Status {
        Status::default()
    }
}

fn stores(directory: &std::path::Path, storage: MemoryStorage) -> Stores<Reader, MemoryStorage> {
    let network = testing::config("").network.id();
    let history = HistoryFile::open(directory.join("history.redb"), network, 1, |()| 0);
    Stores {
        storage,
        history: Arc::new(history.expect("a new history")),
        checkpoint_bytes: 1 << 20,
    }
}

/// Answers an operation again and again, until the engine takes no more.
struct Babbler {
    engine: EngineHandle,
    threads: Vec<JoinHandle<()>>,
}

impl Disks for Babbler {
    fn submit(&mut self, operation: Operation) {
        let engine = self.engine.clone();
        let babble = move || while engine.send(failed(operation.disk)).is_ok() {};
        self.threads.push(std::thread::spawn(babble));
    }
}

impl Drop for Babbler {
    fn drop(&mut self) {
        for thread in self.threads.drain(..) {
            thread.join().expect("it ends");
        }
    }
}

/// Cannot write down what the second step asks for, which is told by the disk that is asked.
struct Full {
    told: usize,
}

impl Trace<Reader> for Full {
    fn restored(
        &mut self,
        _: &RecordOf<Reader>,
        _: &[OutputOf<Reader>],
    ) -> Result<(), WriterError> {
        Ok(())
    }

    fn heard(&mut self, _: &[InputOf<Reader>]) -> Result<(), WriterError> {
        Ok(())
    }

    fn told(&mut self, _: &[OutputOf<Reader>], _: &[()]) -> Result<(), WriterError> {
        self.told += 1;
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        match self.told {
            1 => Ok(()),
            _ => Err(WriterError::Io("t.ndjson".into(), full)),
        }
    }
}

/// Says which disk it was asked for.
struct Asked(Sender<DiskId>);

impl Disks for Asked {
    fn submit(&mut self, operation: Operation) {
        let _ = self.0.send(operation.disk);
    }
}

#[test]
fn what_cannot_be_traced_is_not_done_and_stops_the_node() {
    let config = testing::config("");
    let directory = tempfile::tempdir().expect("a directory");
    let view = Arc::new(testing::view(&config));
    let (sender, events) = sync_channel(2);
    let (commands, _network) = mpsc::channel(1);
    let (steps, _inputs) = channel();
    let (asked, asked_for) = channel();
    let machine = Machine {
        protocol: Reader(steps),
        lie: None,
        trace: Some(Box::new(Full { told: 0 })),
        disks: Some(Box::new(Asked(asked))),
    };
    let seen = Arc::new(Seen::default());
    let run = Engine::new(
        machine,
        stores(directory.path(), MemoryStorage::default()),
        events,
        commands,
        view,
        seen,
    );
    let engine = EngineHandle::new(sender);
    for disk in DISKS {
        engine.send(failed(disk)).expect("there is room");
    }
    let error = run.run(std::iter::empty()).expect_err("it stops");
    assert!(matches!(error, EngineError::Trace(_)), "{error}");
    assert!(error.to_string().contains("t.ndjson"), "{error}");
    assert_eq!(asked_for.iter().count(), 0, "nothing was asked for");
}

fn failed(disk: DiskId) -> Event {
    Event::Disk(disk_paxos::Event {
        disk,
        report: Report::Failed("gone".into()),
    })
}

#[test]
fn events_of_disks_share_a_step_and_hold_nobody_up_at_the_end() {
    let config = testing::config("");
    let directory = tempfile::tempdir().expect("a directory");
    let view = Arc::new(testing::view(&config));
    let (sender, events) = sync_channel(2);
    let engine = EngineHandle::new(sender);
    let (commands, _network) = mpsc::channel(1);
    let (steps, inputs) = channel();
    let disks = Babbler {
        engine: engine.clone(),
        threads: Vec::new(),
    };
    let machine = Machine {
        protocol: Reader(steps),
        lie: None,
        trace: None,
        disks: Some(Box::new(disks)),
    };
    let run = Engine::new(
        machine,
        stores(directory.path(), MemoryStorage::default()),
        events,
        commands,
        view,
        Arc::new(Seen::default()),
    );
    for disk in DISKS {
        engine.send(failed(disk)).expect("there is room");
    }
    let (tell, ended) = channel();
    std::thread::spawn(move || tell.send(run.run(std::iter::empty())));
    let step = || inputs.recv_timeout(DEADLINE).expect("a step").len();
    assert_eq!((step(), step()), (0, 2), "the first step, then both events");
    // The disk was asked, for its answers come, and go on coming.
    assert!(step() >= 1);
    engine.send(Event::Stop).expect("it runs");
    assert_eq!(ended.recv_timeout(DEADLINE).expect("it ends"), Ok(()));
}
