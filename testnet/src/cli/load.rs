//! The command line of `testnet load`.

use super::read::{at_most_an_hour, measured_time, mode};
use crate::load::clients::Demand;
use clap::Args;
use node::config::Mode;
use std::path::PathBuf;
use std::time::Duration;

/// The options of `testnet load`.
#[derive(Clone, Debug, Args)]
pub struct LoadArgs {
    /// The protocols: hpaxos, paxos or disk-paxos; all three if not given.
    #[arg(long, visible_alias = "modes", value_name = "MODE,…", value_delimiter = ',', value_parser = mode)]
    pub mode: Vec<Mode>,
    /// Numbers of clients, 1 to 10000 each; every number is a measurement of its own. Beyond 768 of a node
    /// (three quarters of its limit http_requests, which are for one address) they need --shared-requests.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,8,64",
        value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub clients: Vec<u16>,
    /// The clients of a node share so many requests, each of which takes all values that wait, as a program with many
    /// tasks does. Without it every value is a request of its own.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub shared_requests: Option<u16>,
    /// Instead of clients that wait: so many values in a second, each at its time, whatever has become of those
    /// before. Every rate is a measurement of its own.
    #[arg(long, value_name = "N,…", value_delimiter = ',', conflicts_with = "clients",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: Vec<u32>,
    /// How long to measure, at most 3600 seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = measured_time)]
    pub seconds: Duration,
    /// How long clients submit before that, at most 3600 seconds; 0 measures the start too.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = at_most_an_hour)]
    pub warm_up: Duration,
    /// Bytes of each value; 8 are what it takes to tell all values apart. Every size is measured in a network
    /// of its own.
    #[arg(long, value_name = "BYTES,…", value_delimiter = ',', default_value = "100",
        value_parser = clap::value_parser!(u32).range(8..=node::MAX_VALUE_BYTES as i64))]
    pub value_bytes: Vec<u32>,
    /// SIGKILL the leader so many seconds after measuring has begun, and tell when the next value was decided.
    /// Takes one number of clients and at most 300 seconds. Clients of the leader go to the next node.
    #[arg(long, value_name = "AT", value_parser = at_most_an_hour)]
    pub kill_leader: Option<Duration>,
    /// Draw what was measured: throughput and latency around the leader's death with --kill-leader, the times of
    /// values with --rate, otherwise throughput by clients.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Learner graph to use, or in mode paxos acceptors and quorums, as `up` does; for one mode. A table `[limits]`
    /// in the file holds for all nodes.
    #[arg(long, value_name = "FILE")]
    pub graph: Option<PathBuf>,
    /// Number of nodes; 4 in mode hpaxos, 3 in mode paxos, 2 in mode disk-paxos if not given.
    #[arg(long, value_name = "N")]
    pub nodes: Option<usize>,
    /// Number of disks in mode disk-paxos; 3 if not given.
    #[arg(long, value_name = "N")]
    pub disks: Option<usize>,
    /// Keep keys, configuration, data and logs in this directory, a part of it for each network, instead
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

impl LoadArgs {
    /// What is asked of each network, one after the other.
    #[must_use]
    pub fn demands(&self) -> Vec<Demand> {
        match self.rate.is_empty() {
            true => {
                let clients = self.clients.iter();
                clients.map(|n| Demand::Clients(usize::from(*n))).collect()
            }
            false => self.rate.iter().map(|rate| Demand::Rate(*rate)).collect(),
        }
    }
}
