//! The arguments of `hpaxos node`, shared with every program that offers the same subcommand.

use crate::{Observers, Otlp};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// How to write the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line of text per event.
    #[default]
    Text,
    /// One JSON object per event.
    Json,
}

/// What one node needs to know beside the configuration that all nodes share.
///
/// Flags come before environment variables.
#[derive(Args, Clone, Debug)]
pub struct NodeArgs {
    /// The configuration of the network, the same file on every node
    #[arg(long, env = "HPAXOS_CONFIG", value_name = "FILE")]
    pub config: PathBuf,
    /// Which node of the configuration this one is
    #[arg(long, env = "HPAXOS_NAME", value_name = "NODE")]
    pub name: String,
    /// The file with this node's secret key (see `hpaxos keygen`)
    #[arg(long, env = "HPAXOS_KEY", value_name = "FILE")]
    pub key: PathBuf,
    /// The directory with this node's data
    #[arg(long, env = "HPAXOS_DATA", value_name = "DIR")]
    pub data: PathBuf,
    /// Make the data directory: for the very first start of this node, and never again
    // Without an environment variable, which would stay.
    #[arg(long)]
    pub init: bool,
    /// How to write the log, to standard error; HPAXOS_LOG or RUST_LOG sets the level
    #[arg(long, env = "HPAXOS_LOG_FORMAT", value_enum, default_value_t)]
    pub log: LogFormat,
    /// Print one JSON line on standard output as soon as the node is ready
    #[arg(long, env = "HPAXOS_READY_JSON")]
    pub ready_json: bool,
    /// Append to this file what happens, in the words of the specification; for tests, in mode hpaxos
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Send spans that follow values to this OpenTelemetry collector, as http://HOST:4318
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp: Option<String>,
    /// Follow this part of all values, from 0 to 1; the same everywhere, so that nodes follow the same ones
    #[arg(long, value_name = "RATIO", default_value_t = 1.0)]
    pub otlp_ratio: f64,
}

impl NodeArgs {
    /// Who watches the node. An empty endpoint is none, as everywhere in OpenTelemetry.
    pub(crate) fn observers(&self) -> Observers {
        let endpoint = self.otlp.clone().filter(|endpoint| !endpoint.is_empty());
        let ratio = self.otlp_ratio;
        Observers {
            trace: self.trace.clone(),
            otlp: endpoint.map(|endpoint| Otlp { endpoint, ratio }),
        }
    }
}
