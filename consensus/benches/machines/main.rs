//! How many commands a second whole networks of the state machines decide, in one thread and in memory: three nodes of
//! classic Paxos and four of HPaxos, beside three replicas of another library, omnipaxos.
//!
//! ```sh
//! cargo bench -p consensus --bench machines                       # or with words of the table's first column
//! cargo bench -p consensus --bench machines -- learners           # HPaxos with more and more learners
//! perf stat -e instructions:u PROGRAM one paxos leader 100 1024    # the instructions of one line
//! ```
//!
//! Clients keep so many commands of so many bytes waiting, all at one node. A line has a process of its own; every
//! node's work is in its time, from the first command until every node has delivered the last.

mod history;
mod omni;
mod ours;

use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use std::process::{Command, Stdio};

/// The sizes of commands, in bytes.
const SIZES: [usize; 3] = [8, 100, 512];
/// How many commands wait at once.
const WAITING: [usize; 4] = [1, 64, 1024, 8192];
/// So many learners.
const LEARNERS: [usize; 3] = [1, 10, 100];

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
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    seconds: f64,
    /// The time of making the same signatures again, a part of `seconds`.
    signing: f64,
    /// The time of verifying each of them at every other node, which is not in `seconds`.
    verifying: f64,
}

impl Load {
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
        ["one", machine, at, size, waiting] => {
            let load = load(at, size, waiting);
            let measured = run(machine, load);
            println!(
                "{} {} {}",
                load.commands as f64 / measured.seconds,
                measured.signing / measured.seconds,
                measured.verifying / load.commands as f64,
            );
        }
        ["learners"] => learners(),
        [only] => all(only),
        _ => all(""),
    }
}

fn load(at: &str, size: &str, waiting: &str) -> Load {
    let waiting = waiting.parse().expect("a number of commands");
    Load {
        size: size.parse().expect("a number of bytes"),
        waiting,
        commands: match waiting {
            1 => 2_000,
            2..=100 => 20_000,
            _ => 100_000,
        },
        at: if at == "leader" { 0 } else { 1 },
    }
}

fn run(machine: &str, load: Load) -> Measured {
    match machine {
        "omnipaxos" => omni::run(load, false),
        "omnipaxos+ids" => omni::run(load, true),
        "paxos" => ours::run::<Paxos>(load, 1),
        "hpaxos" => ours::run::<HPaxos>(load, 1),
        _ => {
            let learners = machine.strip_prefix("hpaxos-").and_then(|n| n.parse().ok());
            ours::run::<HPaxos>(load, learners.expect("a machine"))
        }
    }
}

/// Commands a second, the share of signing in that time, and the seconds of verifying for a command.
fn one(machine: &str, at: &str, size: usize, waiting: usize) -> [f64; 3] {
    let this = std::env::current_exe().expect("a program");
    let (size, waiting) = (size.to_string(), waiting.to_string());
    let mut command = Command::new(this);
    let command = command.args(["one", machine, at, &size, &waiting]);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.expect("a process");
    assert!(output.status.success(), "{machine}: {}", output.status);
    let text = String::from_utf8(output.stdout).expect("text");
    let mut words = text.split_whitespace().map(|word| word.parse().ok());
    [(); 3].map(|()| words.next().flatten().expect("a number"))
}

fn all(only: &str) {
    println!("at bytes waiting | omnipaxos/s with_ids/s | paxos/s ratio ratio_with_ids | hpaxos/s signing without/s of_paxos verifying_us");
    for at in ["leader", "another"] {
        for size in SIZES {
            for waiting in WAITING {
                let name = format!("{at} {size} {waiting}");
                if !name.contains(only) {
                    continue;
                }
                let [other, ..] = one("omnipaxos", at, size, waiting);
                let [with_ids, ..] = one("omnipaxos+ids", at, size, waiting);
                let [paxos, ..] = one("paxos", at, size, waiting);
                let [hpaxos, signing, verifying] = one("hpaxos", at, size, waiting);
                let unsigned = hpaxos / (1.0 - signing);
                println!(
                    "{name} | {other:.0} {with_ids:.0} | {paxos:.0} {:.2} {:.2} | {hpaxos:.0} {signing:.2} {unsigned:.0} {:.2} {:.1}",
                    paxos / other,
                    paxos / with_ids,
                    unsigned / paxos,
                    verifying * 1e6,
                );
            }
        }
    }
}

fn learners() {
    println!("learners waiting | hpaxos/s signing without/s of_one");
    for waiting in WAITING {
        let mut first = None;
        for learners in LEARNERS {
            let name = format!("hpaxos-{learners}");
            let [hpaxos, signing, _] = one(&name, "leader", 100, waiting);
            let unsigned = hpaxos / (1.0 - signing);
            let first = *first.get_or_insert(unsigned);
            let of_one = unsigned / first;
            println!("{learners} {waiting} | {hpaxos:.0} {signing:.2} {unsigned:.0} {of_one:.2}");
        }
    }
}
