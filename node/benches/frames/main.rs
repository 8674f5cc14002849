//! How long a frame takes from publishing to its delivery, and what it costs, beside a bare stream of libp2p.
//!
//! ```text
//!   raw:     publish ─► queue of each peer ─► writer ─► libp2p ─► reader: delivered
//!   network: publish ─► network task ─► streams or gossip ─► libp2p ─► verification ─► engine's queue ─► thread: delivered
//! ```
//!
//! `cargo bench -p node --bench frames`. Four nodes in this process, on 127.0.0.1, share one runtime; every message goes
//! to the three others, and each node publishes in turn. Processor time is the whole process's, publishing included.

mod network;
mod raw;

use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use network::{Networks, Way};
use raw::{Raw, Writes};
use rustix::time::{ClockId, clock_gettime};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NODES: usize = 4;
const OTHERS: usize = NODES - 1;
/// Messages that are published one at a time.
const ALONE: usize = 2000;
/// Messages that one node publishes at once.
const BURST: usize = 64;
/// How often.
const BURSTS: usize = 100;
/// Messages that may be spent until everybody reaches everybody.
const WARM_UP: usize = 100;
/// All messages.
const MESSAGES: usize = WARM_UP + NODES + ALONE + BURST * BURSTS;
/// What has not come after such a silence is lost.
const LOST: Duration = Duration::from_millis(250);

/// Message number so-and-so came to somebody.
type Arrived = (usize, Instant);

/// Nodes that reach each other.
trait Nodes {
    /// Lets a node send the message with this number, below [`MESSAGES`], to all others.
    fn publish(&self, node: usize, number: usize);

    /// The bytes of a message.
    fn bytes(&self) -> usize;

    /// How many frames went another way than the one that is measured.
    fn astray(&self) -> u64;
}

/// Starts nodes that tell what arrived.
type Start = fn(Sender<Arrived>) -> Box<dyn Nodes>;

/// Nodes that are measured.
struct Measured {
    nodes: Box<dyn Nodes>,
    arrived: Receiver<Arrived>,
    next: usize,
}

/// What came of it.
struct Figures {
    bytes: usize,
    /// Median and 95th percentile from publishing to the last delivery; then processor time and time for each broadcast
    /// of a burst.
    times: [Duration; 4],
    /// Deliveries that never happened in bursts, of how many.
    lost: (usize, usize),
}

impl Measured {
    /// Nodes that are made so, when everybody reaches everybody.
    fn start(nodes: Start) -> Self {
        let (tell, arrived) = channel();
        let mut measured = Measured {
            nodes: nodes(tell),
            arrived,
            next: 0,
        };
        (0..NODES).for_each(|node| measured.warm_up(node));
        measured
    }

    /// Until everybody hears this node, in the way that is measured.
    fn warm_up(&mut self, node: usize) {
        loop {
            let astray = self.nodes.astray();
            let came = self.publish(node, 1).0;
            if came == OTHERS && self.nodes.astray() == astray {
                return;
            }
            assert!(self.next < WARM_UP, "the nodes do not find each other");
            // Connections get ready while nobody says anything.
            while self.arrived.recv_timeout(LOST).is_ok() {}
        }
    }

    /// Lets a node publish so many messages, and waits for them. How often they arrived, and how long that took.
    fn publish(&mut self, node: usize, n: usize) -> (usize, Duration) {
        let numbers = self.next..self.next + n;
        self.next = numbers.end;
        let start = Instant::now();
        for number in numbers.clone() {
            self.nodes.publish(node, number);
        }
        let (mut came, mut last) = (0, start);
        while came < n * OTHERS {
            match self.arrived.recv_timeout(LOST) {
                // What was taken for lost may come after all.
                Ok((number, _)) if !numbers.contains(&number) => {}
                Ok((_, at)) => {
                    came += 1;
                    last = last.max(at);
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => panic!("the nodes have ended"),
            }
        }
        (came, last - start)
    }

    fn figures(mut self) -> Figures {
        let astray = self.nodes.astray();
        let mut alone = Vec::new();
        for at in 0..ALONE {
            let (came, took) = self.publish(at % NODES, 1);
            assert_eq!(came, OTHERS, "lost, although nothing else was on its way");
            alone.push(took);
        }
        alone.sort_unstable();
        let (mut came, mut elapsed) = (0, Duration::ZERO);
        let before = processor_time();
        for at in 0..BURSTS {
            let (arrived, took) = self.publish(at % NODES, BURST);
            came += arrived;
            elapsed += took;
        }
        let processor = processor_time() - before;
        let broadcasts = (BURST * BURSTS) as u32;
        let expected = BURST * BURSTS * OTHERS;
        assert_eq!(self.nodes.astray(), astray, "frames went another way");
        Figures {
            bytes: self.nodes.bytes(),
            times: [
                alone[ALONE / 2],
                alone[ALONE * 95 / 100],
                processor / broadcasts,
                elapsed / broadcasts,
            ],
            lost: (expected - came, expected),
        }
    }
}

/// What this process has used of the processors.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let nanoseconds = u32::try_from(time.tv_nsec).expect("below a second");
    Duration::new(u64::try_from(time.tv_sec).expect("positive"), nanoseconds)
}

fn main() {
    println!(
        "{NODES} nodes; {ALONE} messages one at a time, and {BURSTS} times {BURST} at once; in brackets: of the first line"
    );
    println!(
        "{:<30}{:>6}{:>16}{:>16}{:>16}{:>16}{:>14}",
        "way", "bytes", "median, µs", "p95, µs", "processor, µs", "elapsed, µs", "lost"
    );
    let ways: [(&str, Start); 6] = [
        ("raw, a write for each frame", |tell| {
            Box::new(Raw::start(Writes::Each, tell))
        }),
        ("raw, frames share writes", |tell| {
            Box::new(Raw::start(Writes::Shared, tell))
        }),
        ("streams, not signed", |tell| {
            Box::new(Networks::start::<Paxos>(Way::Streams, tell))
        }),
        ("gossip, not signed", |tell| {
            Box::new(Networks::start::<Paxos>(Way::Gossip, tell))
        }),
        ("streams, signed", |tell| {
            Box::new(Networks::start::<HPaxos>(Way::Streams, tell))
        }),
        ("gossip, signed", |tell| {
            Box::new(Networks::start::<HPaxos>(Way::Gossip, tell))
        }),
    ];
    let mut first = None;
    for (name, start) in ways {
        // Nothing of the nodes before is left in it.
        let runtime = Runtime::new().expect("a runtime");
        let figures = {
            let _in = runtime.enter();
            Measured::start(start).figures()
        };
        let first = first.get_or_insert(figures.times);
        print!("{name:<30}{:>6}", figures.bytes);
        for (figure, of) in figures.times.iter().zip(first) {
            let ratio = figure.as_secs_f64() / of.as_secs_f64();
            print!("{:>9.1} ({ratio:>4.1})", figure.as_secs_f64() * 1e6);
        }
        println!("{:>6} of {}", figures.lost.0, figures.lost.1);
    }
}
