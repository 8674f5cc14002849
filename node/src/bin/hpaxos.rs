//! The `hpaxos` command line.

use clap::{Parser, Subcommand};
use node::NodeArgs;
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "hpaxos",
    version,
    about = "Heterogeneous Paxos: run a node, and ask about networks"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run one node of a network
    Node(NodeArgs),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Node(args) => node::run(&args),
    }
}
