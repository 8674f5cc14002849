//! Formatting the disks of a network before its first node starts.

use crate::failure::Failure;
use node::Config;
use node::disks::FormatOptions;
use std::path::Path;
use std::process::{Command, Stdio};

/// Formats all disks of a configuration. A node program of the user's formats its own disks.
///
/// # Errors
/// If a disk cannot be formatted.
pub fn format_disks(config: &Path, program: Option<&Path>) -> Result<(), Failure> {
    if let Some(program) = program {
        return format_with(program, config);
    }
    let config = Config::load(config).map_err(|e| Failure::could_not_run(e.to_string()))?;
    if let Some(all) = &config.disks {
        for disk in &all.disks {
            node::disks::format(disk, &all.system, &FormatOptions::default())
                .map_err(|e| Failure::could_not_run(e.to_string()))?;
        }
    }
    Ok(())
}

fn format_with(program: &Path, config: &Path) -> Result<(), Failure> {
    let refuse = |why: &dyn std::fmt::Display| {
        Failure::could_not_run(format!("{} disk format: {why}", program.display()))
    };
    let mut command = Command::new(program);
    command.args(["disk", "format", "--config"]).arg(config);
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|e| refuse(&e))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(refuse(&String::from_utf8_lossy(&output.stderr).trim_end())),
    }
}
