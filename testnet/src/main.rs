//! The `testnet` command line.

use clap::{CommandFactory, Parser};
use node::NodeArgs;
use std::process::ExitCode;
use testnet::cli::{ChildArgs, Cli, Command};
use testnet::failure::Failure;
use testnet::launch::{child, guard};
use testnet::show::complain;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Up(args) => in_runtime(testnet::up::up(&args)),
        Command::Run(args) => in_runtime(testnet::scenario::command::play(&args)),
        Command::Load(args) => in_runtime(testnet::load::load(&args)),
        Command::Soak(args) => in_runtime(testnet::soak::soak(&args)),
        Command::Simulate(args) => testnet::simulate::simulate(&args).map(ExitCode::from),
        Command::Trace(args) => testnet::trace::trace(&args).map(ExitCode::from),
        Command::Generate(args) => testnet::generate::generate(&args).map(ExitCode::from),
        Command::Completions(args) => return args.run(Cli::command()),
        Command::Man(args) => return args.run(Cli::command()),
        Command::Node(args) => return node(&args),
        Command::Guard(args) => guard::run(&args.within)
            .map(|()| ExitCode::SUCCESS)
            .map_err(|e| Failure::could_not_run(format!("temporary directory: {e}"))),
    };
    outcome.unwrap_or_else(|failure| fail(&failure))
}

fn fail(failure: &Failure) -> ExitCode {
    if !matches!(failure, Failure::Unread) {
        complain(&format!("testnet: {failure}"));
    }
    ExitCode::from(failure)
}

fn in_runtime(command: impl Future<Output = Result<u8, Failure>>) -> Result<ExitCode, Failure> {
    // One thread: nodes are bound to the life of the thread that starts them, and this one lives as
    // long as the program.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::could_not_run(format!("cannot start: {e}")))?;
    // Links and clients of larger networks take more than is common.
    node::raise_file_limit();
    runtime.block_on(command).map(ExitCode::from)
}

/// The arguments of the built-in node, as `hpaxos node` takes them.
#[derive(Debug, Parser)]
#[command(name = "node")]
struct BuiltIn {
    #[command(flatten)]
    args: NodeArgs,
}

fn node(args: &ChildArgs) -> ExitCode {
    if let Err(failure) = child::die_with(args.parent) {
        return fail(&failure);
    }
    if let Some(program) = &args.exec {
        return fail(&child::become_program(args, program));
    }
    let name = std::ffi::OsString::from("node");
    node::run(&BuiltIn::parse_from(std::iter::once(name).chain(args.args.iter().cloned())).args)
}
