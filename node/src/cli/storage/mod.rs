//! `hpaxos storage`: makes a node's data directory, and tells what is stored in one.
//!
//! Each store in it has a section: facts, which `show` prints, and problems, which both commands print.

mod history;
mod log;
mod owner;
mod records;
mod section;
#[cfg(test)]
mod tests;

use super::{Exit, fail, print};
use crate::{Config, Node};
use clap::{Args, Subcommand};
use section::{Question, Section};
use std::path::PathBuf;
use std::process::ExitCode;

/// How to look at each store of a data directory.
const STORES: &[fn(&Question<'_>) -> Section] = &[owner::look, log::look, history::look];

/// What can be asked about a data directory.
#[derive(Debug, Subcommand)]
pub enum StorageCommand {
    /// Make the data directory of a node that has never run, and start nothing: for service managers, whose
    /// commands are the same for the first start and all others
    Init(InitArgs),
    /// Show what a node has stored; the node must not run
    Show(LookArgs),
    /// Verify everything that a node has stored; the node must not run
    Check(LookArgs),
}

/// The arguments of `hpaxos storage init`: those of `hpaxos node`.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// The configuration of the network
    #[arg(long, env = "HPAXOS_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Which node of the configuration it is
    #[arg(long, env = "HPAXOS_NAME", value_name = "NODE")]
    name: String,
    /// The file with this node's secret key
    #[arg(long, env = "HPAXOS_KEY", value_name = "FILE")]
    key: PathBuf,
    /// The directory to make
    #[arg(long, env = "HPAXOS_DATA", value_name = "DIR")]
    data: PathBuf,
}

/// The arguments of `hpaxos storage show` and `hpaxos storage check`.
#[derive(Args, Debug)]
pub struct LookArgs {
    /// The node's data directory
    #[arg(long, env = "HPAXOS_DATA", value_name = "DIR")]
    data: PathBuf,
    /// The configuration of the network; without it, what records mean is guessed and not verified
    #[arg(long, env = "HPAXOS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

impl StorageCommand {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let (args, verify) = match self {
            StorageCommand::Init(args) => return init(args).into(),
            StorageCommand::Show(args) => (args, false),
            StorageCommand::Check(args) => (args, true),
        };
        look(args, verify).into()
    }
}

fn init(args: &InitArgs) -> Exit {
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(error) => {
            super::complain(error);
            return Exit::Failed;
        }
    };
    match Node::init(&config, &args.name, &args.key, &args.data) {
        Ok(()) => {
            let data = args.data.display();
            print(format!(
                "{data} is the data directory of node {} in network {}, id {}",
                args.name,
                config.name,
                config.network.id()
            ));
            Exit::Done
        }
        Err(error) if error.is_usage() => fail(Exit::Usage, error),
        Err(error) => fail(Exit::Failed, error),
    }
}

fn look(args: &LookArgs, verify: bool) -> Exit {
    let config = match args.config.as_deref().map(Config::load).transpose() {
        Ok(config) => config,
        Err(error) => {
            super::complain(error);
            return Exit::Failed;
        }
    };
    if !args.data.is_dir() {
        let why = format!(
            "{} is not a directory: name the one that the node is given as --data",
            args.data.display()
        );
        return fail(Exit::Failed, why);
    }
    let question = Question {
        data: &args.data,
        config: config.as_ref(),
        verify,
    };
    let mut exit = Exit::Done;
    for store in STORES {
        let section = store(&question);
        let ends = match (&section.failed, section.problems.is_empty()) {
            (Some(why), _) => fail(Exit::Failed, why),
            (None, true) => Exit::Done,
            (None, false) => Exit::Bad,
        };
        exit = worse(exit, ends);
        let lines = match verify {
            true => section.checked(),
            false => section.shown(),
        };
        for line in lines {
            match args.json {
                true => print(line.json),
                false => print(line.text),
            }
        }
    }
    exit
}

/// How a command ends when one part ends like this, and another like that. That something is bad is
/// certain, even if not everything could be looked at.
fn worse(one: Exit, other: Exit) -> Exit {
    match (one, other) {
        (Exit::Bad, _) | (_, Exit::Bad) => Exit::Bad,
        (Exit::Done, other) => other,
        (one, _) => one,
    }
}
