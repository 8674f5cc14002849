//! The command line: what a user can say to `testnet`.

use crate::generate::Target;
use crate::plan::{Byzantine, Kill};
use crate::simulate::Chosen;
use crate::soak::stamp::LEAST_BYTES;
use clap::{Args, Parser, Subcommand};
use node::config::Mode;
use std::ffi::OsString;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

pub use load::LoadArgs;
pub use read::Faults;
pub(crate) use read::seconds;
use read::{
    at_most_an_hour, faults, measured_time, minutes, mode, seed_of_the_clock, seeds, some_time,
};

mod load;
mod read;

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
    /// Play scenarios: what is done to a network, step by step, and what must come of it.
    ///
    /// Exit codes: 0 all passed; 1 a step failed, learners differ that must agree, or a scenario makes no sense;
    /// 2 wrong usage; 3 a network could not run, or it was interrupted.
    Run(RunArgs),
    /// Measure: start a network for each mode, submit values as fast as clients can that wait for
    /// each decision, and tell how many were decided in a second and how long each took.
    ///
    /// In mode disk-paxos also a plain loop of writes and reads on files beside the disks, to compare
    /// with. Exit codes: 0 measured, whatever the figures (errors are counted); 2 wrong usage; 3 it
    /// could not run, was interrupted, or no value at all was decided.
    Load(LoadArgs),
    /// Keep a network under load, kill its nodes at random moments and start them again, and check every log
    /// all the while: nothing acknowledged is lost, nothing is there twice, and all have the same order.
    ///
    /// Exit codes: 0 everything held; 1 something did not, and it is said what and where; 2 wrong usage; 3 it
    /// could not run or not be checked, or was interrupted before anything failed.
    Soak(Box<SoakArgs>),
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
    /// Print completions of this command line for a shell.
    Completions(node::cli::CompletionsArgs),
    /// Write manual pages of this command line.
    Man(node::cli::ManArgs),
    /// Write everything that a network on real hosts needs: keys, configuration, and units or manifests.
    ///
    /// Exit codes: 0 written; 1 an invalid graph; 2 wrong usage; 3 it could not be written.
    Generate(GenerateArgs),
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

/// The options of `testnet run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// The scenarios, played one after the other.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// One JSON object per line on standard output, and nothing else there.
    #[arg(long)]
    pub json: bool,
    /// After the last step, go on until Ctrl-C or SIGTERM: look around on the page, and do more.
    #[arg(long)]
    pub keep: bool,
    /// Keep keys, configuration, data and logs in this directory, a part of it for each of several scenarios,
    /// instead of temporary ones.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
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

/// The options of `testnet soak`.
#[derive(Clone, Debug, Args)]
pub struct SoakArgs {
    /// Which network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// How long, at most 10080 minutes, which are a week; 0.25 are 15 seconds. Then everything comes back and
    /// is decided.
    #[arg(long, value_name = "M", default_value = "10", value_parser = minutes)]
    pub minutes: Duration,
    /// Clients, 1 to 1000. Each submits its next value when the last one is decided, and in mode hpaxos they
    /// wait for the learners in turn.
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub clients: u16,
    /// Bytes of each value; 12 are what it takes to tell all values apart.
    #[arg(long, value_name = "BYTES", default_value = "100",
        value_parser = clap::value_parser!(u32).range(LEAST_BYTES as i64..=node::MAX_VALUE_BYTES as i64))]
    pub value_bytes: u32,
    /// At most so many values a second, all clients together; as many as they get decided if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: Option<u32>,
    /// How often a node is killed, on average, at most every hour; 0 is never. It comes back at once, after a
    /// moment, or after up to twice this time; one time in ten, all are killed together.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = at_most_an_hour)]
    pub kill_every: Duration,
    /// Who is killed when, and for how long; the clock chooses if not given.
    #[arg(long, value_name = "N", default_value_t = seed_of_the_clock(), hide_default_value = true)]
    pub seed: u64,
    /// How often a line on standard error tells how it goes, and the history has an entry.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = measured_time)]
    pub every: Duration,
    /// How long a node may take to be ready again, and at the end everything to be decided everywhere.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = measured_time)]
    pub patience: Duration,
    /// One JSON object per line on standard output, and nothing else there.
    #[arg(long)]
    pub json: bool,
    /// Write everything to this file at the end, with the whole history, as JSON.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Keep keys, configuration, data and logs in this directory instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Node program to use instead of the one built into this binary.
    #[arg(long, value_name = "PATH")]
    pub hpaxos: Option<PathBuf>,
}

/// The options of `testnet generate`.
#[derive(Clone, Debug, Args)]
pub struct GenerateArgs {
    /// What the network is to run on.
    #[arg(long, value_enum)]
    pub target: Target,
    /// The directory for everything, which must be new or empty.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The network's name; units, a project or a namespace are called like it as well.
    #[arg(long, value_name = "NAME", default_value = "hpaxos")]
    pub network: String,
    /// The protocol: hpaxos, paxos (every node is acceptor, proposer and learner) or disk-paxos (every
    /// node is a processor and learner).
    #[arg(long, value_name = "MODE", default_value = "hpaxos", value_parser = mode)]
    pub mode: Mode,
    /// Learner graph to use (acceptors, learners, trust; no nodes); if not given, one learner, everyone, that decides
    /// with 2f+1 of 3f+1 acceptors. In mode paxos: acceptors and quorums; majorities if not given.
    #[arg(long, value_name = "FILE")]
    pub graph: Option<PathBuf>,
    /// Number of nodes; one per acceptor of --graph, or else 4 in mode hpaxos, 3 in mode paxos, 2 in
    /// mode disk-paxos. Nodes beyond the acceptors of --graph are pure learners.
    #[arg(long, value_name = "N")]
    pub nodes: Option<usize>,
    /// The public keys of the nodes, which others have made with `hpaxos keygen`: a file with a line NODE KEY for each,
    /// or a directory with files NODE.pub. Then no secret keys are written.
    #[arg(long, value_name = "FILE")]
    pub public_keys: Option<PathBuf>,
    /// The disks of mode disk-paxos: s3://BUCKET/PREFIX, or with systemd paths of files or devices that all
    /// hosts have.
    #[arg(long, value_name = "PLACE,…", value_delimiter = ',')]
    pub disks: Vec<String>,
    /// systemd: the host of each node, by address or name, in the order of the nodes.
    #[arg(long, value_name = "HOST,…", value_delimiter = ',')]
    pub hosts: Vec<String>,
    /// systemd: the first of two ports for each node of a host, 9001 if not given. compose: the ports of this
    /// host for HTTP, counted upwards from here; from 8081 if not given.
    #[arg(long, value_name = "PORT")]
    pub base_port: Option<u16>,
    /// compose, kubernetes: the image of the nodes.
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
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
