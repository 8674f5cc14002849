//! Makes the data directory of a node that has decided many slots.

use super::{Machine, NAME, config, write_key};
use consensus::history::{History, Keep, Kept};
use consensus::storage::Storage as _;
use consensus::{
    Batch, ClientValue, HistoryOf, Input, InputOf, Output, OutputOf, Page, Slot, Time, steps,
};
use crypto::{Digest, codec};
use learner_graph::{LearnerId, LearnerSet};
use node::history::{FILE_NAME, HistoryFile};
use node::storage::FileLog;
use node::{Config, Node};
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// So many bytes of records share a sync: nobody here waits for a message.
const SYNC: usize = 1 << 20;

/// What the nodes keep that are not looked at: how far they are.
struct Next(Mutex<Vec<Slot>>);

impl<W> History<W> for Next {
    fn next(&self, learner: LearnerId) -> Slot {
        self.0.lock().expect("sound")[usize::from(learner.0)]
    }

    fn delivered(&self, _: &Digest) -> LearnerSet {
        LearnerSet::EMPTY
    }

    fn decision(&self, _: LearnerId, _: Slot) -> Option<Kept<W>> {
        None
    }

    fn batch(&self, _: &Digest) -> Option<Arc<Batch>> {
        None
    }

    fn has_batch(&self, _: &Digest) -> bool {
        false
    }

    fn has_page(&self, _: Page) -> bool {
        false
    }

    fn page(&self, _: Page) -> Option<Vec<W>> {
        None
    }

    fn keep(&self, keep: Keep<W>) {
        if let Keep::Decision { decision, .. } = keep {
            let mut next = self.0.lock().expect("sound");
            for learner in decision.learners {
                next[usize::from(learner.0)] = decision.slot.next();
            }
        }
    }
}

/// For a machine of which nothing is kept.
fn forgetful<W>() -> Arc<dyn History<W>> {
    Arc::new(Next(Mutex::new(vec![Slot(0); 256])))
}

/// Where the first node keeps things.
struct Stores<P: Machine> {
    log: FileLog,
    history: Arc<HistoryFile<P::Wire>>,
    unsynced: usize,
    last_checkpoint: u64,
    checkpoint_bytes: u64,
}

struct Net<P: Machine> {
    now: Time,
    machines: Vec<P>,
    inboxes: Vec<Vec<InputOf<P>>>,
    arriving: Vec<(usize, InputOf<P>)>,
    stores: Stores<P>,
    delivered: u64,
}

/// `slots` of one value of 100 bytes each, and more until the log is about to be replaced.
/// `open` values are on their way at any time.
pub(super) fn run<P: Machine>(config_of: &Config, slots: u64, open: u64, directory: &Path) {
    std::fs::create_dir_all(directory).expect("a directory");
    let path = directory.join("key");
    write_key(0, &path);
    Node::init(config_of, NAME, &path, directory).expect("a new directory");
    let id = config_of.network.id();
    let (log, _) = FileLog::open(directory.join("log"), id).expect("a log");
    let lanes = usize::from(P::LANES);
    let history = HistoryFile::open(directory.join(FILE_NAME), id, lanes, P::wire_bytes);
    let history = Arc::new(history.expect("a history"));
    let machine = |at| {
        let history: Arc<HistoryOf<P>> = match at {
            0 => Arc::clone(&history) as _,
            _ => forgetful(),
        };
        P::machine(&config::<P>(), at, history)
    };
    let mut net = Net {
        now: Duration::from_secs(1),
        machines: (0..P::NODES).map(machine).collect(),
        inboxes: (0..P::NODES).map(|_| Vec::new()).collect(),
        arriving: Vec::new(),
        stores: Stores {
            log,
            history: Arc::clone(&history),
            unsynced: 0,
            last_checkpoint: 0,
            checkpoint_bytes: config_of.limits.log_mib << 20,
        },
        delivered: 0,
    };
    // A leader is there before values are.
    for _ in 0..10 {
        (0..net.machines.len()).for_each(|at| net.step(at));
        net.arrive();
    }
    let (start, mut submitted, mut said) = (Instant::now(), 0, 0);
    while net.delivered < slots || net.stores.grown() < 0.97 {
        let end = net.delivered + open;
        for n in submitted..end {
            let mut bytes = vec![1; 100];
            bytes[..8].copy_from_slice(&u64::to_le_bytes(n));
            let value = ClientValue::new(Vec::new(), bytes).expect("small");
            net.inboxes[0].push(Input::Submit(value));
        }
        submitted = end.max(submitted);
        for at in 0..net.machines.len() {
            if !net.inboxes[at].is_empty() {
                net.step(at);
            }
        }
        net.arrive();
        net.now += Duration::from_micros(100);
        if net.delivered >= said + 100_000 {
            said = net.delivered;
            println!("{said} slots in {:.0} s", start.elapsed().as_secs_f64());
        }
    }
    net.stores.sync();
    history.commit().expect("room on the disk");
    println!(
        "filled: {} slots, log grown by {} bytes",
        net.delivered,
        net.stores.log.grown()
    );
    // As when a node is killed: nothing is closed.
    std::process::exit(0);
}

impl<P: Machine> Stores<P> {
    /// How near the log is to its next checkpoint.
    fn grown(&self) -> f64 {
        self.log.grown() as f64 / self.checkpoint_bytes.max(self.last_checkpoint) as f64
    }

    fn sync(&mut self) {
        self.log.sync().expect("room on the disk");
        self.history.flush();
        self.unsynced = 0;
    }

    fn checkpoint(&mut self, machine: &P) {
        self.sync();
        self.history.commit().expect("room on the disk");
        let mut bytes = 0;
        let mut encoded = machine.checkpoint().into_iter().map(|record| {
            let encoded = codec::encode(&record);
            bytes += encoded.len() as u64;
            encoded
        });
        self.log.replace(&mut encoded).expect("room on the disk");
        self.last_checkpoint = bytes;
    }
}

impl<P: Machine> Net<P> {
    fn step(&mut self, at: usize) {
        let inputs = std::mem::take(&mut self.inboxes[at]);
        let mut outputs = Vec::new();
        let taken = |more: Vec<OutputOf<P>>| {
            outputs.extend(more);
            Ok::<(), Infallible>(())
        };
        let Ok(left) = steps(&mut self.machines[at], self.now, inputs, |_| (), taken);
        self.inboxes[at].extend(left);
        if at == 0 {
            self.store(&outputs);
        }
        for output in outputs {
            self.execute(at, output);
        }
    }

    fn store(&mut self, outputs: &[OutputOf<P>]) {
        let stores = &mut self.stores;
        for output in outputs {
            if let Output::Persist(record) = output {
                let encoded = codec::encode(record);
                stores.unsynced += encoded.len();
                stores.log.append(&encoded).expect("room on the disk");
            }
        }
        if stores.unsynced >= SYNC {
            stores.sync();
        }
        if stores.grown() >= 1.0 && self.inboxes[0].is_empty() {
            stores.checkpoint(&self.machines[0]);
        }
    }

    fn execute(&mut self, at: usize, output: OutputOf<P>) {
        match output {
            Output::Send(message) => self.others(at, || Input::Message(message.clone())),
            Output::SendBatch(batch) => self.others(at, || Input::Batch(batch.clone())),
            Output::SendValue(value) => self.others(at, || Input::Value(value.clone())),
            Output::Decided(decision) if at == 0 => {
                self.delivered = self.delivered.max(decision.slot.0 + 1);
            }
            Output::SendEvidence(_) | Output::Full(_) => panic!("nobody lies or is refused"),
            _ => {}
        }
    }

    fn others(&mut self, at: usize, input: impl Fn() -> InputOf<P>) {
        let others = (0..self.machines.len()).filter(|other| *other != at);
        self.arriving.extend(others.map(|other| (other, input())));
    }

    fn arrive(&mut self) {
        for (to, input) in self.arriving.drain(..) {
            self.inboxes[to].push(input);
        }
    }
}
