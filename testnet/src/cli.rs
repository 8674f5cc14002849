//! The command line: what a user can say to `testnet`.

use crate::plan::{Byzantine, Kill};
use crate::show::words;
use crate::simulation::adversary::Chosen;
use clap::{Args, Parser, Subcommand};
use node::config::Mode;
use std::ffi::OsString;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

/// Launches local HPaxos networks of real node processes and shows what every learner decides.
#[derive(Debug, Parser)]
#[command(name = "testnet", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a network, submit values, show every decision, check the agreement, stop everything.
    ///
    /// Exit codes: 0 everything was decided and everybody agrees who should; 1 divergence, or an
    /// invalid graph; 2 wrong usage; 3 it could not run, was interrupted, or ran out of time.
    Up(Box<UpArgs>),
    /// Measure: start a network for each mode, submit values as fast as clients can that wait for
    /// each decision, and tell how many were decided in a second and how long each took.
    ///
    /// In mode disk-paxos also a plain loop of writes and reads on files beside the disks, to compare
    /// with. Exit codes: 0 measured, whatever the figures (errors are counted); 2 wrong usage; 3 it
    /// could not run, was interrupted, or no value at all was decided.
    Load(LoadArgs),
    /// Run whole networks in this one process, on made-up time, with faults that a seed chooses, and check
    /// at every step what the papers promise.
    ///
    /// Exit codes: 0 everything held; 1 something did not, and the history tells how; 2 wrong usage; 3 it
    /// could not run, or was interrupted before anything failed.
    Simulate(SimulateArgs),
    /// Check traces of hpaxos against the specification, action by action, and its invariants.
    ///
    /// Traces are written by `testnet simulate --trace`, `testnet up --trace` and `hpaxos node --trace`. Exit codes: 0 every line is allowed;
    /// 1 a line is not, or makes no sense; 2 wrong usage; 3 it could not run.
    Trace(TraceArgs),
    /// One node process of a testnet: bound to the life of its launcher.
    #[command(hide = true)]
    Node(ChildArgs),
    /// The owner of a temporary directory: removes it when its standard input closes.
    #[command(hide = true)]
    Guard(GuardArgs),
}

/// The options that say which network it is.
#[derive(Clone, Debug, Args)]
pub struct NetworkArgs {
    /// The protocol: hpaxos, paxos (every node is acceptor, proposer and learner) or disk-paxos (every
    /// node is a processor and learner; the disks are files).
    #[arg(long, value_name = "MODE", default_value = "hpaxos", value_parser = mode)]
    pub mode: Mode,
    /// Learner graph to use (acceptors, learners, trust; no nodes); the built-in one if not given. In
    /// mode paxos: acceptors and quorums; majorities if not given.
    #[arg(long, value_name = "FILE")]
    pub graph: Option<PathBuf>,
    /// Number of nodes; one per acceptor of --graph, or else 4 in mode hpaxos, 3 in mode paxos, 2 in
    /// mode disk-paxos. Nodes beyond the acceptors of --graph are pure learners.
    #[arg(long, value_name = "N")]
    pub nodes: Option<usize>,
    /// Number of disks in mode disk-paxos; 3 if not given. A majority of them must live.
    #[arg(long, value_name = "N")]
    pub disks: Option<usize>,
}

/// The options of `testnet up`.
#[derive(Clone, Debug, Args)]
pub struct UpArgs {
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Values to submit, one per line, any bytes. Empty lines are skipped; equal lines are decided
    /// as separate values.
    #[arg(long, value_name = "FILE")]
    pub values: Option<PathBuf>,
    /// One JSON object per line on standard output, and nothing else there.
    #[arg(long)]
    pub json: bool,
    /// Go on until Ctrl-C or SIGTERM; anybody may submit values to the printed addresses.
    #[arg(long)]
    pub keep: bool,
    /// SIGKILL a node: `n4` before the first value, `n4@2.5` after so many seconds, `n4@20values`
    /// after that many values were decided. A disk, `d1`, is taken away from all processors.
    /// Repeatable. Values are held back so that some are submitted after each kill.
    #[arg(long, value_name = "NODE[@WHEN]")]
    pub kill: Vec<Kill>,
    /// Make the acceptor of a node misbehave: `n4=double-vote`. Repeatable.
    #[arg(long, value_name = "NODE=HOW")]
    pub byzantine: Vec<Byzantine>,
    /// Keep keys, configuration, data and logs in this directory instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Write what every node does to a file of this directory, n1.ndjson and so on, which must be new or
    /// empty. Mode hpaxos only; `testnet trace` checks the files.
    #[arg(long, value_name = "DIR")]
    pub trace: Option<PathBuf>,
    /// Give up after this many seconds without everything decided.
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = some_time)]
    pub timeout: Duration,
    /// How long acceptors wait for progress before they turn to the next ballot.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(100..=3_600_000))]
    pub patience_ms: Option<u64>,
    /// Ports to use, counted upwards from here, two per node; free ones if not given.
    #[arg(long, value_name = "PORT")]
    pub base_port: Option<u16>,
    /// Node program to use instead of the one built into this binary.
    #[arg(long, value_name = "PATH")]
    pub hpaxos: Option<PathBuf>,
    /// Print every decision, however many values there are.
    #[arg(long, short)]
    pub verbose: bool,
}

/// The options of `testnet trace`.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// The traces: of all nodes of one network, in any order.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Acceptors that are not safe: what they sent need not be in any file.
    #[arg(long, value_name = "ACCEPTOR,…", value_delimiter = ',')]
    pub faulty: Vec<String>,
    /// Show the actions of this slot, in an order in which they can have happened.
    #[arg(long, value_name = "N")]
    pub slot: Option<u64>,
    /// One JSON object per line on standard output, and nothing else there.
    #[arg(long)]
    pub json: bool,
}

/// The options of `testnet load`.
#[derive(Clone, Debug, Args)]
pub struct LoadArgs {
    /// The protocol: hpaxos, paxos or disk-paxos. Repeatable; all three if not given.
    #[arg(long, value_name = "MODE", value_parser = mode)]
    pub mode: Vec<Mode>,
    /// Numbers of clients, 1 to 1000 each; every number is a measurement of its own.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,8,64",
        value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub clients: Vec<u16>,
    /// How long to measure, at most 3600 seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = measured_time)]
    pub seconds: Duration,
    /// How long clients submit before that, at most 3600 seconds; 0 measures the start too.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = at_most_an_hour)]
    pub warm_up: Duration,
    /// Bytes of each value; 8 are what it takes to tell all values apart.
    #[arg(long, value_name = "BYTES", default_value = "100",
        value_parser = clap::value_parser!(u32).range(8..=node::MAX_VALUE_BYTES as i64))]
    pub value_bytes: u32,
    /// Number of nodes; 4 in mode hpaxos, 3 in mode paxos, 2 in mode disk-paxos if not given.
    #[arg(long, value_name = "N")]
    pub nodes: Option<usize>,
    /// Number of disks in mode disk-paxos; 3 if not given.
    #[arg(long, value_name = "N")]
    pub disks: Option<usize>,
    /// Keep keys, configuration, data and logs in this directory, a part of it for each mode, instead
    /// of temporary ones. What is measured depends on the file system.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// One JSON object per line on standard output, and nothing else there.
    #[arg(long)]
    pub json: bool,
    /// Node program to use instead of the one built into this binary.
    #[arg(long, value_name = "PATH")]
    pub hpaxos: Option<PathBuf>,
}

/// The options of `testnet simulate`.
#[derive(Clone, Debug, Args)]
pub struct SimulateArgs {
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Run this seed: the same seed is the same run, byte for byte.
    #[arg(long, value_name = "N", conflicts_with = "seeds", value_parser = clap::value_parser!(u64).range(..u64::MAX))]
    pub seed: Option<u64>,
    /// Run the seeds from A up to, and without, B; 0..100 if neither this nor --seed nor --minutes is given.
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub seeds: Option<Range<u64>>,
    /// Run one seed after the other for so many minutes.
    #[arg(long, value_name = "M", conflicts_with_all = ["seed", "seeds"],
        value_parser = clap::value_parser!(u32).range(1..))]
    pub minutes: Option<u32>,
    /// Of the faults that the seed chooses, only these, `none` for none: a failed run tells which.
    #[arg(long, value_name = "N,…", requires = "seed", value_parser = faults)]
    pub faults: Option<Faults>,
    /// A node lies, in mode hpaxos: `n4=mixed`. Repeatable. A word that there is not is answered with those
    /// that there are.
    #[arg(long, value_name = "NODE=HOW")]
    pub byzantine: Vec<Chosen>,
    /// Every seed chooses nodes that lie, in mode hpaxos, and how: as many as some learner stands, or none.
    #[arg(long, conflicts_with = "byzantine")]
    pub adversaries: bool,
    /// Show what nodes say, deliver and learn in the run of --seed, and every fault, whether it fails or not.
    #[arg(long, requires = "seed", conflicts_with = "json")]
    pub history: bool,
    /// Write the run of --seed to a new file, in the words of the specification (mode hpaxos).
    #[arg(long, value_name = "FILE", requires = "seed")]
    pub trace: Option<PathBuf>,
    /// One JSON object per line on standard output, and nothing else there.
    #[arg(long)]
    pub json: bool,
}

/// The hidden node command: what `hpaxos node` takes, and whom to die with.
#[derive(Debug, Args)]
pub struct ChildArgs {
    /// The launcher's process; the node does not outlive it.
    #[arg(long)]
    pub parent: i32,
    /// The node program to become; the built-in node if not given.
    #[arg(long)]
    pub exec: Option<PathBuf>,
    /// The arguments of the node program.
    #[arg(last = true)]
    pub args: Vec<OsString>,
}

/// The hidden guard command.
#[derive(Debug, Args)]
pub struct GuardArgs {
    /// Where to create the temporary directory.
    #[arg(long)]
    pub within: PathBuf,
}

/// Seconds as a user writes them: `2`, `2.5`, `2.5s`.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').unwrap_or(text);
    number
        .parse::<f64>()
        .ok()
        .and_then(|s| Duration::try_from_secs_f64(s).ok())
        .ok_or_else(|| format!("'{text}' is not a number of seconds such as 2 or 2.5"))
}

/// Seconds, and not none of them.
fn some_time(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        Duration::ZERO => Err("nothing can be decided in no time".to_owned()),
        time => Ok(time),
    }
}

fn at_most_an_hour(text: &str) -> Result<Duration, String> {
    let time = seconds(text)?;
    match time <= Duration::from_secs(3600) {
        true => Ok(time),
        false => Err("use at most 3600 seconds".to_owned()),
    }
}

fn measured_time(text: &str) -> Result<Duration, String> {
    some_time(text).and_then(|_| at_most_an_hour(text))
}

/// Faults by their places in what a seed chooses.
#[derive(Clone, Debug)]
pub struct Faults(pub Vec<usize>);

fn faults(text: &str) -> Result<Faults, String> {
    if text == "none" {
        return Ok(Faults(Vec::new()));
    }
    let places: Result<Vec<usize>, _> = text.split(',').map(str::parse).collect();
    let wrong = |_| format!("'{text}' is neither a list of numbers such as 3,7 nor none");
    places.map(Faults).map_err(wrong)
}

/// A range of seeds: `0..100`.
fn seeds(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").unwrap_or((text, ""));
    match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) if from < to => Ok(from..to),
        _ => Err(format!("'{text}' is not a range of seeds such as 0..100")),
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    Mode::named(text).ok_or_else(|| {
        let names = Mode::ALL.map(Mode::name);
        format!("the modes are {}", words::list(&names))
    })
}
