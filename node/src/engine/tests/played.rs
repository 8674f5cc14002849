//! A protocol and a log that the test plays, and what happened to them in which order.

use super::*;
use crate::network::frame::FrameOf;
use crate::network::request::Request;
use consensus::history::Kept;
use consensus::storage::StorageError;
use consensus::{Ballot, ClientValue, Decision};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

/// Whoever looks at this message panics.
pub(super) const PANICS: u64 = u64::MAX;

/// What a step of the test does.
type Step = Box<dyn FnMut(Vec<InputOf<Played>>) -> Vec<OutputOf<Played>> + Send>;

/// Does in each step, and says in a checkpoint, what the test wants. Its messages are numbers.
pub(super) struct Played {
    step: Step,
    checkpoint: Box<dyn Fn() + Send>,
    wanted: BTreeSet<Digest>,
}

impl Played {
    pub(super) fn new(
        step: impl FnMut(Vec<InputOf<Played>>) -> Vec<OutputOf<Played>> + Send + 'static,
    ) -> Self {
        Played {
            step: Box::new(step),
            checkpoint: Box::new(|| ()),
            wanted: BTreeSet::new(),
        }
    }

    /// The same; this happens while it makes the records of a checkpoint.
    pub(super) fn at_checkpoints(self, checkpoint: impl Fn() + Send + 'static) -> Self {
        Played {
            checkpoint: Box::new(checkpoint),
            ..self
        }
    }

    /// The same; the bytes behind these digests are missing.
    pub(super) fn wanting(self, wanted: impl Iterator<Item = Digest>) -> Self {
        Played {
            wanted: wanted.collect(),
            ..self
        }
    }
}

impl Protocol for Played {
    type Message = u64;
    type Wire = u64;
    type Evidence = NoEvidence;
    type Finding = NoEvidence;

    const MAX_WIRE_BYTES: usize = 8;

    fn open(wire: u64, _: &Network) -> Result<u64, crypto::Refusal> {
        Ok(wire)
    }

    fn wire(message: &u64) -> &u64 {
        message
    }

    fn id(wire: &u64) -> Digest {
        Digest::of(&wire.to_le_bytes())
    }

    fn wire_bytes(wire: &u64) -> usize {
        assert_ne!(*wire, PANICS, "as the test wants");
        8
    }

    fn evidence_bytes(evidence: &NoEvidence) -> usize {
        match *evidence {}
    }

    fn kind(_: &u64) -> &'static str {
        "number"
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
        (self.checkpoint)();
        vec![Record::Message(0)]
    }

    fn remembered(&self) -> Slot {
        Slot(0)
    }

    fn step(&mut self, _: Time, inputs: Vec<InputOf<Self>>) -> Vec<OutputOf<Self>> {
        (self.step)(inputs)
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

    fn wanted(&self) -> &BTreeSet<Digest> {
        &self.wanted
    }

    fn batch(&self, _: &Digest) -> Option<Arc<Batch>> {
        None
    }

    fn certificate(&self, _: LearnerId, _: Slot) -> Option<Certificate> {
        None
    }

    fn certificate_of(_: LearnerId, _: Slot, kept: Kept<u64>) -> Option<Certificate> {
        assert_ne!(kept.proof, [PANICS], "as the test wants");
        None
    }

    fn next(&self, _: LearnerId) -> Slot {
        Slot(0)
    }

    fn status(&self) -> Status {
        Status::default()
    }
}

/// One thing that the engine has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// This message was appended to the log.
    Stored(u64),
    /// The log was synced, while the history let others see so many decisions.
    Synced { shown: usize },
    /// The log was replaced by a checkpoint, while so many bytes of the history were not durable.
    Replaced { unwritten: usize },
    /// A message left.
    Sent(u64),
    /// A disk was asked for something.
    Asked,
    /// A peer was asked for what is decided.
    Requested,
    /// A client was told that its value is kept.
    Accepted,
}

/// What the engine of a test has to do with.
pub(super) struct Stage {
    pub(super) engine: EngineHandle,
    pub(super) history: Arc<HistoryFile<u64>>,
    /// The log's growth at which a checkpoint is due.
    pub(super) checkpoint_bytes: u64,
    /// Whether the log can be made durable.
    pub(super) syncs: bool,
    /// Who is stopped as soon as anything is durable.
    pub(super) stops: Option<EngineHandle>,
    events: Receiver<Queued<InputOf<Played>>>,
    client: Option<mpsc::UnboundedReceiver<(usize, Submitted)>>,
    _directory: tempfile::TempDir,
}

impl Stage {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (sender, events) = sync_channel(16);
        Stage {
            engine: EngineHandle::new(sender),
            history: history(directory.path()),
            checkpoint_bytes: u64::MAX,
            syncs: true,
            stops: None,
            events,
            client: None,
            _directory: directory,
        }
    }

    /// A client submits a value, and waits.
    pub(super) fn submit(&mut self, value: ClientValue) {
        let (answer, client) = mpsc::unbounded_channel();
        let values = vec![(0, value)];
        let submit = Event::Submit { values, answer };
        self.engine.send(submit).expect("there is room");
        self.client = Some(client);
    }

    /// Replays these records and runs until the protocol or the engine ends it. Returns how, and what was
    /// done until then.
    pub(super) fn run(
        self,
        protocol: Played,
        records: &[RecordOf<Played>],
    ) -> (Result<(), EngineError>, Vec<Done>) {
        let config = testing::config("");
        let (commands, network) = mpsc::channel(64);
        let done = Journal::default();
        let log = Log {
            done: done.clone(),
            network,
            client: self.client,
            history: Arc::clone(&self.history),
            syncs: self.syncs,
            stops: self.stops,
            grown: 0,
        };
        let machine = Machine {
            protocol,
            lie: None,
            trace: None,
            disks: Some(Box::new(done.clone())),
            announces: |_| Vec::new(),
        };
        let stores = Stores {
            storage: log,
            history: self.history,
            checkpoint_bytes: self.checkpoint_bytes,
        };
        let view = Arc::new(testing::view(&config));
        let seen = Arc::new(Seen::default());
        let alarm = testing::alarm().0;
        let engine = Engine::new(machine, stores, self.events, commands, view, seen, &alarm);
        let records: Vec<_> = records.iter().map(|r| Ok(codec::encode(r))).collect();
        let ended = engine.run(records.into_iter());
        let done = done.0.lock().expect("nobody panicked").clone();
        (ended, done)
    }
}

/// A new history of two lanes.
pub(super) fn history(directory: &Path) -> Arc<HistoryFile<u64>> {
    let network = testing::config("").network.id();
    let history = HistoryFile::open(directory.join("history.redb"), network, 2, |_| 8);
    Arc::new(history.expect("a new history"))
}

/// A decision to keep, of a value of its own.
pub(super) fn decision(lane: u16, slot: u64) -> Keep<u64> {
    let batch = Arc::new(testing::batch(&[&slot.to_le_bytes()]));
    let decision = Decision {
        learners: LearnerSet::just(LearnerId(lane)),
        slot: Slot(slot),
        ballot: Ballot(1),
        value: batch.digest(),
        values: batch.values.clone().into(),
        heard: None,
        quorum: [AcceptorId(0)].into_iter().collect(),
    };
    Keep::Decision {
        decision,
        batch,
        proof: vec![slot],
    }
}

#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<Done>>>);

impl Journal {
    fn note(&self, done: Done) {
        self.0.lock().expect("nobody panicked").push(done);
    }
}

impl Disks for Journal {
    fn submit(&mut self, _: Operation) {
        self.note(Done::Asked);
    }
}

/// A log that notes what is done to it. It is also where the node's messages and answers arrive: whenever
/// anything is done to the log, and when the engine is gone, those that have left are noted first.
struct Log {
    done: Journal,
    network: mpsc::Receiver<Command>,
    client: Option<mpsc::UnboundedReceiver<(usize, Submitted)>>,
    history: Arc<HistoryFile<u64>>,
    syncs: bool,
    stops: Option<EngineHandle>,
    grown: u64,
}

impl Log {
    fn arrive(&mut self) {
        while let Ok(command) = self.network.try_recv() {
            let frame = match command {
                Command::Publish(frame) => frame,
                Command::Ask(_, Request::Sync(_)) => {
                    self.done.note(Done::Requested);
                    continue;
                }
                Command::Ask(_, Request::Batches(_)) => continue,
                Command::Answer(..) => panic!("nobody asked for {command:?}"),
            };
            let frame = FrameOf::<Played>::decode(&frame, 1 << 10).expect("a frame");
            frame
                .messages
                .into_iter()
                .for_each(|m| self.done.note(Done::Sent(m)));
        }
        if let Some(Ok(answer)) = self.client.as_mut().map(mpsc::UnboundedReceiver::try_recv) {
            assert_eq!(answer, (0, Submitted::Accepted));
            self.client = None;
            self.done.note(Done::Accepted);
        }
    }
}

impl Storage for Log {
    fn append(&mut self, record: &[u8]) -> Result<(), StorageError> {
        self.arrive();
        self.grown += record.len() as u64;
        let record: RecordOf<Played> = codec::decode(record, codec::LARGEST).expect("a record");
        let Record::Message(message) = record else {
            panic!("nobody stored {record:?}");
        };
        self.done.note(Done::Stored(message));
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.arrive();
        let shown = self
            .history
            .decisions(LearnerId(0), Slot(0), 99, usize::MAX);
        let shown = shown?.len();
        self.done.note(Done::Synced { shown });
        if let Some(engine) = self.stops.take() {
            engine.send(Event::Stop).expect("there is room");
        }
        self.syncs.then_some(()).ok_or_else(gone)
    }

    fn replace(&mut self, records: &mut dyn Iterator<Item = Vec<u8>>) -> Result<(), StorageError> {
        self.arrive();
        let unwritten = self.history.unwritten();
        assert_eq!(records.count(), 1);
        self.grown = 0;
        self.done.note(Done::Replaced { unwritten });
        Ok(())
    }

    fn grown(&self) -> u64 {
        self.grown
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.arrive();
    }
}

/// The error of everything that fails here.
pub(super) fn gone() -> StorageError {
    StorageError("gone".into())
}

/// Something to do on a disk.
pub(super) fn read() -> Operation {
    Operation {
        disk: DISKS[0],
        action: Action::Read,
    }
}
