//! `hpaxos decision`.
//!
//! ```text
//!   export ──► fetch ──► out (a new file, or standard output)
//!   submit ──► certificates ──┘
//!   verify ──► lines ──► words, compare
//! ```

mod certificates;
mod compare;
mod export;
mod fetch;
mod lines;
mod out;
mod verify;
mod words;

pub(super) use certificates::Certificates;

use crate::config::Mode;
use clap::Subcommand;
use export::ExportArgs;
use std::process::ExitCode;
use verify::VerifyArgs;

/// What can be done with decisions.
#[derive(Debug, Subcommand)]
pub enum DecisionCommand {
    /// Write decisions of a learner, each with the certificate that proves it
    Export(ExportArgs),
    /// Verify decisions with nothing but the network's configuration
    Verify(VerifyArgs),
}

impl DecisionCommand {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        match self {
            DecisionCommand::Export(args) => args.run(),
            DecisionCommand::Verify(args) => args.run(),
        }
        .into()
    }
}

/// Why a mode has no certificates, if it has none.
fn uncertified(mode: &str) -> Option<String> {
    let known = Mode::named(mode);
    (known != Some(Mode::Hpaxos)).then(|| {
        format!(
            "mode '{mode}' has no certificates: its messages are not signed, so that nothing can be \
             proved to anybody; ask several nodes for the decision instead"
        )
    })
}
