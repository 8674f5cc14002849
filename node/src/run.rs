//! `hpaxos node`: from arguments to a running node and back.

use crate::NodeArgs;
use std::process::ExitCode;

/// Runs a node until it is told to stop, and says how it ended: 0 after SIGINT or SIGTERM,
/// 2 for a wrong configuration, 3 if it could not run or had to stop.
///
/// Starts threads and a runtime of its own: do not call it from asynchronous code.
#[must_use]
pub fn run(_args: &NodeArgs) -> ExitCode {
    ExitCode::from(3)
}
