//! How long a node with a long history takes to start, part by part, beside plainly reading the same files; and how
//! long an empty one to catch up with it.
//!
//! ```text
//!   fill: machines in one thread; the first writes log, checkpoints and history as a node does ──► DIRECTORY
//!   open: a process of its own; the system has forgotten the files before each part ──► table
//!   catch up: another process, with that node and an empty one                       ──► table
//! ```
//!
//! `cargo bench -p node --bench restart -- hpaxos 1000000 1 DIRECTORY`, or `paxos`: so many slots, and so many values on
//! their way at once; without arguments a few, in a temporary directory. What is in the directory already is not made again. Filling ends when the log is about to be
//! replaced by a checkpoint: at no other time is it longer.

mod catch_up;
mod fill;
mod open;

use consensus::hpaxos::{self, HPaxos};
use consensus::paxos::{self, Paxos};
use consensus::{Batching, HistoryOf, Protocol, RECENT_BYTES};
use crypto::{Keypair, MemberId, Signer};
use learner_graph::LearnerId;
use node::Config;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The node whose data is kept.
const NAME: &str = "n0";

/// The node that has nothing, and only learns.
const LATE: &str = "late";

/// What can be started.
trait Machine: Protocol {
    /// How many nodes there are.
    const NODES: u8;
    /// The logs of the history.
    const LANES: u16;

    /// What the configuration says before its nodes.
    fn header() -> String;

    /// What it says of each node beside its acceptor.
    const ROLES: &str;

    fn machine(config: &Config, at: u8, history: Arc<HistoryOf<Self>>) -> Self;
}

impl Machine for HPaxos {
    const NODES: u8 = 4;
    const LANES: u16 = 3;
    const ROLES: &str = "learners = [\"l0\", \"l1\", \"l2\"]\n";

    fn header() -> String {
        let any = "{ threshold = 3, of = [\"a0\", \"a1\", \"a2\", \"a3\"] }";
        format!(
            "network = \"benchmark\"\nacceptors = [\"a0\", \"a1\", \"a2\", \"a3\"]\n[define]\nany = {any}\n\
             [learners]\nl0 = \"any\"\nl1 = \"any\"\nl2 = \"any\"\n\
             [[safe]]\nbetween = [\"l0\", \"l1\", \"l2\"]\nwhen = \"any\"\n"
        )
    }

    fn machine(config: &Config, at: u8, history: Arc<HistoryOf<Self>>) -> Self {
        let limits = &config.limits;
        let signer = Signer::new(key(at), MemberId(at.into()), config.network.id());
        let config_of = hpaxos::Config {
            signer: Some(signer),
            patience: Duration::from_millis(limits.patience_ms),
            grace: Duration::ZERO,
            window: limits.window,
            batching: one_value(),
            max_waiting: usize::MAX,
            max_waiting_bytes: usize::MAX,
            recent: limits.slots_in_memory,
            recent_bytes: RECENT_BYTES,
            page: hpaxos::PAGE,
        };
        HPaxos::new(Arc::clone(&config.network), config_of, history)
    }
}

impl Machine for Paxos {
    const NODES: u8 = 3;
    const LANES: u16 = 1;
    const ROLES: &str = "";

    fn header() -> String {
        "network = \"benchmark\"\nmode = \"paxos\"\nacceptors = [\"a0\", \"a1\", \"a2\"]\n"
            .to_owned()
    }

    fn machine(config: &Config, at: u8, history: Arc<HistoryOf<Self>>) -> Self {
        let limits = &config.limits;
        let config_of = paxos::Config {
            me: Some(MemberId(at.into())),
            learner: LearnerId(at.into()),
            read: config.network.graph().clone(),
            patience: Duration::from_millis(limits.patience_ms),
            window: limits.window,
            batching: one_value(),
            max_waiting: usize::MAX,
            max_waiting_bytes: usize::MAX,
            recent: limits.slots_in_memory,
            recent_bytes: RECENT_BYTES,
        };
        Paxos::new(Arc::clone(&config.network), config_of, history)
    }
}

/// Every value has a slot to itself.
fn one_value() -> Batching {
    Batching {
        bytes: 1,
        ..Batching::default()
    }
}

fn key(at: u8) -> Keypair {
    Keypair::from_seed([at + 1; 32])
}

/// The key file of a node.
fn write_key(at: u8, path: &Path) {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    let seed = key(at).to_seed();
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    let written = writeln!(file.expect("a key file"), "hpaxos-secret-key v1 {hex}");
    written.expect("room on the disk");
}

/// Nobody but this node runs, so it need not be reached.
fn config<P: Machine>() -> Config {
    let mut text = P::header();
    for at in 0..P::NODES {
        let (key, roles) = (key(at).public(), P::ROLES);
        let http = "http = \"127.0.0.1:0\"\n";
        write!(
            text,
            "[nodes.n{at}]\nkey = \"{key}\"\nacceptor = \"a{at}\"\nproposer = true\n{roles}\
             address = \"/ip4/127.0.0.1/tcp/{}\"\n{http}",
            9100 + u16::from(at)
        )
        .expect("to a string");
    }
    // It has never said anything, and never will.
    let (key, roles) = (key(P::NODES).public(), P::ROLES);
    write!(
        text,
        "[nodes.{LATE}]\nkey = \"{key}\"\n{roles}address = \"/ip4/127.0.0.1/tcp/9199\"\n\
         http = \"127.0.0.1:0\"\n"
    )
    .expect("to a string");
    Config::parse(&text, "benchmark").expect("a good configuration")
}

/// What is asked for on the command line.
struct Asked<'a> {
    slots: u64,
    open: u64,
    directory: &'a Path,
    /// Which process this is; none starts the others.
    part: Option<&'a str>,
    again: &'a [String],
}

fn run<P: Machine>(asked: &Asked<'_>) {
    let (config, directory) = (config::<P>(), asked.directory);
    match asked.part {
        Some("fill") => return fill::run::<P>(&config, asked.slots, asked.open, directory),
        Some("open") => return open::run::<P>(&config, directory),
        Some(_) => return catch_up::run::<P>(&config, directory),
        None => {}
    }
    // Each with nothing in memory of the one before.
    for part in ["fill", "open", "catch-up"] {
        if part == "fill" && directory.join(node::history::FILE_NAME).exists() {
            continue;
        }
        let program = std::env::current_exe().expect("this program");
        let done = Command::new(program).args(asked.again).arg(part).status();
        assert!(done.expect("it runs").success());
    }
}

/// What is measured if nothing is said: enough to see that it works.
const FEW: [&str; 3] = ["hpaxos", "10000", "64"];

const USAGE: &str =
    "usage: cargo bench -p node --bench restart -- hpaxos|paxos SLOTS OPEN DIRECTORY";

fn main() {
    let args = std::env::args().skip(1).filter(|a| a != "--bench");
    let mut args: Vec<String> = args.collect();
    let temporary = args
        .is_empty()
        .then(|| tempfile::TempDir::new().expect("a directory"));
    if let Some(directory) = &temporary {
        args.extend(FEW.map(String::from));
        args.push(directory.path().display().to_string());
    }
    let [mode, slots, open, directory, part @ ..] = args.as_slice() else {
        panic!("{USAGE}");
    };
    let asked = Asked {
        slots: slots.parse().expect("a number of slots"),
        open: open.parse().expect("a number of values"),
        directory: Path::new(directory),
        part: part.first().map(String::as_str),
        again: &args,
    };
    match mode.as_str() {
        "hpaxos" => run::<HPaxos>(&asked),
        "paxos" => run::<Paxos>(&asked),
        _ => panic!("{USAGE}"),
    }
}
