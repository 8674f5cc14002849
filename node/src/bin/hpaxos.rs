//! The `hpaxos` command line.

use clap::{CommandFactory, Parser, Subcommand};
use node::NodeArgs;
use node::cli::{
    CompletionsArgs, DecisionCommand, DiskCommand, EvidenceCommand, GraphCommand, KeygenArgs,
    ManArgs, ReadyArgs, StorageCommand, SubmitArgs, WatchArgs,
};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Heterogeneous Paxos: run a node, and ask about networks.
///
/// Exit codes: 0 done, 1 the thing asked about is bad, 2 wrong usage, 3 could not run.
#[derive(Parser)]
#[command(name = "hpaxos", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Ask about learner graphs
    #[command(subcommand)]
    Graph(GraphCommand),
    /// Make the key of a new node, and print its public half
    Keygen(KeygenArgs),
    /// Run one node of a network
    Node(NodeArgs),
    /// Ask whether a node takes part; exit code 1 if it does not yet, or no longer
    Ready(ReadyArgs),
    /// Submit values to a node
    Submit(SubmitArgs),
    /// Watch what nodes decide, in the terminal
    Watch(WatchArgs),
    /// Format the disks of a network, and ask about them
    #[command(subcommand)]
    Disk(DiskCommand),
    /// Ask about what a node has stored
    #[command(subcommand)]
    Storage(StorageCommand),
    /// Take decisions with their certificates along, and verify them
    #[command(subcommand)]
    Decision(DecisionCommand),
    /// Ask about evidence
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Print completions of this command line for a shell
    Completions(CompletionsArgs),
    /// Write manual pages of this command line
    Man(ManArgs),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Graph(command) => command.run(),
        Command::Keygen(args) => args.run(),
        Command::Node(args) => node::run(&args),
        Command::Ready(args) => args.run(),
        Command::Submit(args) => args.run(),
        Command::Watch(args) => args.run(),
        Command::Disk(command) => command.run(),
        Command::Storage(command) => command.run(),
        Command::Decision(command) => command.run(),
        Command::Evidence(command) => command.run(),
        Command::Completions(args) => args.run(Arguments::command()),
        Command::Man(args) => args.run(Arguments::command()),
    }
}
