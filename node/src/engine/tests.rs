//! The engine with a protocol and disks that the test plays.

mod archive;
mod checkpoints;
mod durable;
mod lost;
mod played;

use super::archivist::{Proof, Question};
use super::*;
use crate::network::request::Response;
use crate::testing;
use crate::trace::WriterError;
use consensus::NoEvidence;
use consensus::disk_paxos::{self, Action, DiskId, Operation, Report};
use consensus::history::{History as _, Keep};
use consensus::hpaxos::evidence::Certificate;
use consensus::storage::MemoryStorage;
use consensus::{
    AnswerOf, Batch, Network, Output, OutputOf, Slot, Status, SyncAnswer, SyncRequest,
};
use learner_graph::{AcceptorId, LearnerId, LearnerSet};
use played::{Played, read};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread::JoinHandle;

const DEADLINE: Duration = Duration::from_secs(30);
const DISKS: [DiskId; 2] = [AcceptorId(0), AcceptorId(1)];

/// Reads from the first disk when both have said something, and tells the inputs of every step.
fn reader(steps: Sender<Vec<InputOf<Played>>>) -> Played {
    Played::new(move |inputs| {
        let heard = |disk| {
            let on = |i: &InputOf<Played>| matches!(i, Input::Disk(event) if event.disk == disk);
            inputs.iter().any(on)
        };
        let outputs = DISKS.into_iter().all(heard).then(|| Output::Disk(read()));
        // The test may have seen enough.
        let _ = steps.send(inputs);
        outputs.into_iter().collect()
    })
}

fn stores(directory: &std::path::Path, storage: MemoryStorage) -> Stores<Played, MemoryStorage> {
    Stores {
        storage,
        history: played::history(directory),
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

impl Trace<Played> for Full {
    fn restored(
        &mut self,
        _: &RecordOf<Played>,
        _: &[OutputOf<Played>],
    ) -> Result<(), WriterError> {
        Ok(())
    }

    fn heard(&mut self, _: &[InputOf<Played>]) -> Result<(), WriterError> {
        Ok(())
    }

    fn told(&mut self, _: &[OutputOf<Played>], _: &[u64]) -> Result<(), WriterError> {
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
        protocol: reader(steps),
        lie: None,
        trace: Some(Box::new(Full { told: 0 })),
        disks: Some(Box::new(Asked(asked))),
        announces: |_| Vec::new(),
    };
    let seen = Arc::new(Seen::default());
    let run = Engine::new(
        machine,
        stores(directory.path(), MemoryStorage::default()),
        events,
        commands,
        view,
        seen,
        &testing::alarm().0,
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
        protocol: reader(steps),
        lie: None,
        trace: None,
        disks: Some(Box::new(disks)),
        announces: |_| Vec::new(),
    };
    let run = Engine::new(
        machine,
        stores(directory.path(), MemoryStorage::default()),
        events,
        commands,
        view,
        Arc::new(Seen::default()),
        &testing::alarm().0,
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

#[test]
fn what_the_history_has_is_not_told_again_as_news() {
    let directory = tempfile::tempdir().expect("a directory");
    let history = played::history(directory.path());
    for slot in 0..2 {
        history.keep(played::decision(0, slot));
    }
    history.flush();
    let live = SyncAnswer {
        messages: vec![1, 2],
        evidence: Vec::new(),
    };
    let question = Question::Decisions(vec![Slot(0)], live);
    let Response::Sync(answer) = archivist::answer::<Played>(&history, question) else {
        panic!("decisions were asked for");
    };
    assert_eq!(answer.messages, [0, 1, 2]);
}
