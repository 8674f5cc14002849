//! `hpaxos disk`.

mod text;

use super::{Exit, fail, print};
use crate::Config;
use crate::disks::survey::{Checker, survey};
use crate::disks::{DiskConfig, DisksConfig, FormatOptions, Location, format};
use clap::{Args, Subcommand};
use serde_json::json;
use std::num::{NonZeroU8, NonZeroU64};
use std::path::PathBuf;
use std::process::ExitCode;
use text::describe;

/// What can be done with disks.
#[derive(Debug, Subcommand)]
pub enum DiskCommand {
    /// Format disks of a configuration
    Format(FormatArgs),
    /// Show what there is on disks; they may be in use
    Show(LookArgs),
    /// Verify everything on disks, and compare their logs; they may be in use
    Check(LookArgs),
}

/// The arguments of `hpaxos disk format`.
#[derive(Args, Debug)]
pub struct FormatArgs {
    /// The configuration of the network
    #[arg(long, env = "HPAXOS_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// The disks by name; all of the configuration if none is named
    #[arg(value_name = "DISK")]
    disks: Vec<String>,
    /// The largest number of a processor that can ever use the disk
    #[arg(long, value_name = "N", default_value = "16")]
    processors: NonZeroU8,
    /// The log of each processor, in MiB; at most this on a device
    #[arg(long, value_name = "MIB", default_value = "4096")]
    log_mib: NonZeroU64,
    /// Format even what holds data, which is lost
    #[arg(long)]
    force: bool,
    /// Print one JSON object per disk
    #[arg(long)]
    json: bool,
}

/// The arguments of `hpaxos disk show` and `hpaxos disk check`.
#[derive(Args, Debug)]
pub struct LookArgs {
    /// The configuration of the network; without it, disks are named by path or s3://BUCKET/PREFIX
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The disks; all of the configuration if none is named
    #[arg(value_name = "DISK", required_unless_present = "config")]
    disks: Vec<String>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

impl DiskCommand {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let exit = match self {
            DiskCommand::Format(args) => load(&args.config).and_then(|config| {
                let disks = named(&config, &args.disks)?;
                Ok(format_all(args, &config, &disks))
            }),
            DiskCommand::Show(args) => args.choose().map(|disks| show(args, &disks)),
            DiskCommand::Check(args) => args.choose().map(|disks| check(args, &disks)),
        };
        exit.unwrap_or_else(|exit| exit).into()
    }
}

impl LookArgs {
    fn choose(&self) -> Result<Vec<DiskConfig>, Exit> {
        match &self.config {
            Some(config) => named(&load(config)?, &self.disks),
            None => Ok(self.disks.iter().map(|text| by_address(text)).collect()),
        }
    }
}

/// The disks of a configuration file.
fn load(path: &std::path::Path) -> Result<DisksConfig, Exit> {
    let config = Config::load(path).map_err(|error| {
        eprintln!("{error}");
        Exit::Failed
    })?;
    config.disks.ok_or_else(|| {
        let why = format!("{} has no disks", path.display());
        fail(Exit::Failed, why)
    })
}

fn named(config: &DisksConfig, names: &[String]) -> Result<Vec<DiskConfig>, Exit> {
    if names.is_empty() {
        return Ok(config.disks.clone());
    }
    let find = |name: &String| {
        let found = config.disks.iter().find(|disk| disk.name == *name);
        found.cloned().ok_or_else(|| {
            let all: Vec<_> = config.disks.iter().map(|d| d.name.as_str()).collect();
            let why = format!("there is no disk '{name}'; there are {}", all.join(", "));
            fail(Exit::Usage, why)
        })
    };
    names.iter().map(find).collect()
}

/// A disk that is named by where it is.
fn by_address(text: &str) -> DiskConfig {
    let location = match text.starts_with("s3://") {
        true => Location::S3 {
            url: text.to_owned(),
            endpoint: None,
            region: None,
            allow_http: false,
        },
        false => Location::Path(text.into()),
    };
    DiskConfig {
        name: text.to_owned(),
        location,
    }
}

fn format_all(args: &FormatArgs, config: &DisksConfig, disks: &[DiskConfig]) -> Exit {
    let options = FormatOptions {
        processors: args.processors,
        log_mib: args.log_mib,
        force: args.force,
    };
    let mut exit = Exit::Done;
    for disk in disks {
        let (name, at) = (&disk.name, &disk.location);
        match format(disk, &config.system, &options) {
            Ok(made) if args.json => {
                let (processors, log) = (made.processors, made.log_bytes);
                print(
                    json!({"event": "disk", "name": name, "at": at.to_string(), "processors": processors, "log_bytes": log, "formatted": true}),
                );
            }
            Ok(made) => {
                let log = match made.log_bytes >> 20 {
                    0 => String::new(),
                    mib => format!(", {mib} MiB of log each"),
                };
                let last = made.processors;
                print(format!(
                    "disk '{name}' ({at}): formatted for processors 1 to {last}{log}"
                ));
            }
            Err(error) => exit = fail(Exit::Failed, error),
        }
    }
    exit
}

fn show(args: &LookArgs, disks: &[DiskConfig]) -> Exit {
    let mut exit = Exit::Done;
    for disk in disks {
        match survey(disk, &mut |_, _| {}) {
            Ok(survey) => describe(&survey, args.json),
            Err(error) => exit = fail(Exit::Failed, error),
        }
    }
    exit
}

fn check(args: &LookArgs, disks: &[DiskConfig]) -> Exit {
    let mut checker = Checker::default();
    let mut exit = Exit::Done;
    for disk in disks {
        match checker.check(disk) {
            Ok(_) => {}
            Err(error @ crate::disks::DiskError::Damaged { .. }) => {
                checker.problems.push(error.to_string());
            }
            Err(error) => exit = fail(Exit::Failed, error),
        }
    }
    for problem in &checker.problems {
        match args.json {
            true => print(json!({"event": "problem", "what": problem})),
            false => print(problem),
        }
    }
    if !checker.problems.is_empty() {
        return Exit::Bad;
    }
    if exit == Exit::Done && !args.json {
        print(format!(
            "{} disks, {} slots: nothing wrong",
            disks.len(),
            checker.slots()
        ));
    }
    exit
}

#[cfg(test)]
mod tests;
