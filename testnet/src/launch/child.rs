//! A node process from the inside: it dies with its launcher.

use crate::cli::ChildArgs;
use crate::failure::Failure;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Ties this process to its launcher: from now on the kernel kills it when the launcher dies.
///
/// The kernel means the *thread* that started this process, so launchers start nodes from a thread
/// that lives as long as they do. The tie survives the exec of another program.
///
/// # Errors
/// If the launcher is dead already, or the kernel refuses.
pub fn die_with(parent: i32) -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|e| Failure::could_not_run(format!("cannot be bound to the launcher: {e}")))?;
    // The launcher may have died before the kernel knew whom to watch.
    if getppid().map(Pid::as_raw_pid) != Some(parent) {
        return Err(Failure::could_not_run("the launcher has died"));
    }
    Ok(())
}

/// Becomes another node program.
///
/// # Errors
/// Always: it only returns if the program cannot be started.
pub fn become_program(args: &ChildArgs, program: &std::path::Path) -> Failure {
    let error = Command::new(program).arg("node").args(&args.args).exec();
    Failure::could_not_run(format!("{}: {error}", program.display()))
}
