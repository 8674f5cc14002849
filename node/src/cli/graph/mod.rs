//! `hpaxos graph`: questions about learner graphs.
//!
//! ```text
//!  FILE ──source──► graph, or quorum slices ─┬─ check    is it a good file, what does it say
//!                                            ├─ analyze  what do faults do          ◄─ evidence of a node
//!                                            ├─ diff     what does a change cost
//!                                            ├─ export   DOT, SVG, JSON
//!                                            └─ import   slices as a graph
//! ```

mod analyze;
mod check;
mod deeper;
mod diff;
mod export;
mod form;
mod hanging;
mod import;
mod legend;
mod running;
mod source;
mod svg;
mod undecided;
mod until;

use super::Exit;
use clap::Subcommand;
use std::process::ExitCode;

/// What can be asked about learner graphs.
#[derive(Debug, Subcommand)]
pub enum GraphCommand {
    /// Check the graph of a file, and explain it
    Check(check::CheckArgs),
    /// Say what faults do to the learners of a graph, and what it could promise
    Analyze(analyze::AnalyzeArgs),
    /// Say what a change of a graph costs its learners
    Diff(diff::DiffArgs),
    /// Print a graph for other programs: DOT, SVG or JSON
    Export(export::ExportArgs),
    /// Print a crawled network of quorum slices as a learner graph
    Import(import::ImportArgs),
}

impl GraphCommand {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let exit: Exit = match self {
            GraphCommand::Check(args) => check::check(args),
            GraphCommand::Analyze(args) => analyze::analyze(args),
            GraphCommand::Diff(args) => diff::diff(args),
            GraphCommand::Export(args) => export::export(args),
            GraphCommand::Import(args) => import::import(args),
        };
        exit.into()
    }
}
