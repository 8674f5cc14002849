//! How many commands a second of one core whole networks of the state machines decide, in one thread and in memory: three nodes of
//! classic Paxos and four of HPaxos, beside three replicas of another library, omnipaxos.
//!
//! ```sh
//! cargo bench -p consensus --bench machines                       # or with words of the table's first column
//! cargo bench -p consensus --bench machines -- learners             # HPaxos with more and more learners
//! PLOT=docs/growth.svg cargo bench -p consensus --bench machines -- growth  # networks of more and more nodes
//! valgrind --tool=callgrind PROGRAM one paxos leader 1 100 1024  # the instructions of one line
//! ```
//!
//! Clients keep so many commands of so many bytes waiting, all at one node. A line has a process of its own; every
//! node's work is in its time, from the first command until every node has delivered the last.

#[path = "../../../learner-graph/benches/families/growth.rs"]
mod growth;
mod history;
mod omni;
mod ours;

use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The sizes of commands, in bytes.
const SIZES: [usize; 3] = [8, 100, 512];
/// How many commands wait at once.
const WAITING: [usize; 4] = [1, 64, 1024, 8192];
/// Networks of so many acceptors: 3f + 1.
const ACCEPTORS: [u16; 5] = [4, 7, 13, 25, 49];
/// So many learners.
const LEARNERS: [usize; 3] = [1, 10, 100];

/// The time that this thread has had a processor: others on the same machine count little.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = stat.split_whitespace().next().and_then(|n| n.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a time"))
}

/// What is run.
#[derive(Clone, Copy, Debug)]
struct Load {
    /// Bytes of a command.
    size: usize,
    /// Commands that wait at once.
    waiting: usize,
    /// Commands in all.
    commands: usize,
    /// The node that clients know; the first one leads.
    at: usize,
    /// About so many slots are open at once: commands come in so many portions, and a message takes half as many rounds.
    portions: usize,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    seconds: f64,
    /// The time of making the same signatures again, a part of `seconds`.
    signing: f64,
    /// The time of verifying each of them at every other node, which is not in `seconds`.
    verifying: f64,
    /// Messages of the protocol that have arrived anywhere, for a slot.
    messages: f64,
    /// Bytes that have arrived anywhere.
    bytes: f64,
}

impl Load {
    /// How many rounds a message takes.
    fn rounds(&self) -> usize {
        self.portions.div_ceil(2)
    }

    /// Up to which command clients have come, when `submitted` are and `delivered` of them are no longer waited for.
    fn next(&self, submitted: usize, delivered: usize) -> usize {
        let portion = self.waiting.div_ceil(self.portions);
        self.commands
            .min(delivered + self.waiting)
            .min(submitted + portion)
    }

    /// The bytes of a command, which no other has.
    fn command(&self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.size];
        bytes[..8].copy_from_slice(&(n as u64).to_le_bytes());
        bytes
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let args: Vec<&str> = args.into_iter().filter(|a| !a.starts_with("--")).collect();
    match args[..] {
        ["one", machine, at, portions, size, waiting] => {
            let load = load(machine, at, portions, size, waiting);
            let measured = run(machine, load);
            println!(
                "{} {} {} {} {}",
                load.commands as f64 / measured.seconds,
                measured.signing / measured.seconds,
                measured.verifying / load.commands as f64,
                measured.messages,
                measured.bytes / load.commands as f64,
            );
        }
        ["learners"] => learners(),
        ["growth"] => growing(),
        [only] => all(only),
        _ => all(""),
    }
}

fn load(machine: &str, at: &str, portions: &str, size: &str, waiting: &str) -> Load {
    let waiting = waiting.parse().expect("a number of commands");
    let portions = portions.parse().expect("a number of slots");
    Load {
        size: size.parse().expect("a number of bytes"),
        waiting,
        // As many for all: what is remembered of them grows.
        commands: match (machine.contains('@'), waiting) {
            (true, _) => 100 * waiting,
            (_, 1) => 5_000,
            (_, 2..=100) => 50_000,
            _ => 200_000,
        },
        at: if at == "leader" { 0 } else { 1 },
        portions,
    }
}

fn run(machine: &str, load: Load) -> Measured {
    match machine {
        "omnipaxos" => omni::run(load, false),
        "omnipaxos+ids" => omni::run(load, true),
        _ => {
            let (machine, nodes) = match machine.split_once('@') {
                Some((machine, nodes)) => {
                    (machine, Some(nodes.parse().expect("a number of nodes")))
                }
                None => (machine, None),
            };
            let (machine, learners) = match machine.split_once('-') {
                Some((machine, learners)) => {
                    (machine, learners.parse().expect("a number of learners"))
                }
                None => (machine, 1),
            };
            match machine {
                "paxos" => ours::run::<Paxos>(load, learners, nodes),
                "hpaxos" => ours::run::<HPaxos>(load, learners, nodes),
                other => panic!("{other} is none of paxos, hpaxos, omnipaxos and omnipaxos+ids"),
            }
        }
    }
}

/// Commands a second, the share of signing in that time, and the seconds of verifying for a command; messages for a
/// slot, and bytes for a command.
fn one(machine: &str, words: &str) -> [f64; 5] {
    let this = std::env::current_exe().expect("a program");
    let mut command = Command::new(this);
    let command = command.args(["one", machine]).args(words.split(' '));
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.expect("a process");
    assert!(output.status.success(), "{machine}: {}", output.status);
    let text = String::from_utf8(output.stdout).expect("text");
    let mut words = text.split_whitespace().map(|word| word.parse().ok());
    [(); 5].map(|()| words.next().flatten().expect("a number"))
}

fn all(only: &str) {
    println!(
        "at slots bytes waiting | omnipaxos/s with_ids/s | paxos/s ratio ratio_with_ids | hpaxos/s signing without/s of_paxos verifying_us"
    );
    for at in ["leader 1", "leader 32", "another 1"] {
        for size in SIZES {
            for waiting in WAITING {
                let line = format!("{at} {size} {waiting}");
                if line.contains(only) {
                    compare(&line);
                }
            }
        }
    }
}

fn compare(line: &str) {
    let [other, ..] = one("omnipaxos", line);
    let [with_ids, ..] = one("omnipaxos+ids", line);
    let [paxos, ..] = one("paxos", line);
    let [hpaxos, signing, verifying, ..] = one("hpaxos", line);
    let unsigned = hpaxos / (1.0 - signing);
    println!(
        "{line} | {other:.0} {with_ids:.0} | {paxos:.0} {:.2} {:.2} | {hpaxos:.0} {signing:.2} {unsigned:.0} {:.2} {:.1}",
        paxos / other,
        paxos / with_ids,
        unsigned / paxos,
        verifying * 1e6,
    );
}

fn learners() {
    println!("learners slots bytes waiting | hpaxos/s signing without/s of_one");
    for line in ["1 100 1", "1 100 1024", "32 100 1024"] {
        let mut first = None;
        for learners in LEARNERS {
            let [hpaxos, signing, ..] =
                one(&format!("hpaxos-{learners}"), &format!("leader {line}"));
            let unsigned = hpaxos / (1.0 - signing);
            let of_one = unsigned / *first.get_or_insert(unsigned);
            println!("{learners} {line} | {hpaxos:.0} {signing:.2} {unsigned:.0} {of_one:.2}");
        }
    }
}

/// What a network of more nodes costs: all of them work on this one core.
fn growing() {
    println!("machine acceptors | commands/s without_signing/s | messages/slot bytes/command");
    let mut lines: [growth::Lines<'_>; 3] = Default::default();
    for machine in ["hpaxos", "paxos"] {
        let mut of_machine: [Vec<(f64, f64)>; 3] = Default::default();
        for acceptors in ACCEPTORS {
            let [rate, signing, _, messages, bytes] =
                one(&format!("{machine}@{acceptors}"), "leader 1 100 64");
            let unsigned = rate / (1.0 - signing);
            println!("{machine} {acceptors} | {rate:.0} {unsigned:.0} | {messages:.1} {bytes:.0}");
            for (line, figure) in of_machine.iter_mut().zip([unsigned, messages, bytes]) {
                line.push((f64::from(acceptors), figure));
            }
        }
        for (lines, of_machine) in lines.iter_mut().zip(of_machine) {
            lines.push((machine, of_machine));
        }
    }
    let [rates, messages, bytes] = lines;
    let Ok(file) = std::env::var("PLOT") else {
        return;
    };
    let panel = |title, range, lines| growth::Panel {
        title,
        range,
        lines,
    };
    let panels = [
        panel("values/s of one core, without signing", (10.0, 1e6), rates),
        panel("messages that arrive, for a slot", (1.0, 1e5), messages),
        panel("bytes that arrive, for a value", (100.0, 1e5), bytes),
    ];
    growth::write(&file, (3.0, 60.0), &panels).expect("a picture");
}
