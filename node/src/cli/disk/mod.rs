//! `hpaxos disk`.

mod text;

use super::{Exit, fail, print};
use crate::Config;
use crate::disks::survey::MemberState;
use crate::disks::survey::{Checker, survey};
use crate::disks::{DiskConfig, DisksConfig, FormatOptions, Location, Superblock, System, format};
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
            DiskCommand::Show(args) => args.choose().map(|chosen| show(args, &chosen)),
            DiskCommand::Check(args) => args.choose().map(|chosen| check(args, &chosen)),
        };
        exit.unwrap_or_else(|exit| exit).into()
    }
}

/// The disks to look at.
struct Chosen {
    disks: Vec<DiskConfig>,
    /// What they should belong to, if a configuration says so.
    system: Option<System>,
}

impl LookArgs {
    fn choose(&self) -> Result<Chosen, Exit> {
        let Some(config) = &self.config else {
            let disks = self.disks.iter().map(|text| by_address(text)).collect();
            let system = None;
            return Ok(Chosen { disks, system });
        };
        let config = load(config)?;
        let disks = named(&config, &self.disks)?;
        let system = Some(config.system);
        Ok(Chosen { disks, system })
    }
}

impl Chosen {
    /// Why a disk is not the one that the configuration means.
    fn stranger(&self, disk: &DiskConfig, found: &Superblock) -> Option<String> {
        let system = self.system?;
        let (name, at) = (&disk.name, &disk.location);
        if found.system != system.id {
            return Some(format!(
                "disk '{name}' ({at}) belongs to system {}, not to this configuration's {}",
                found.system, system.id
            ));
        }
        let other = &found.name;
        (other != name).then(|| format!("disk '{name}' ({at}) is formatted as '{other}'"))
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

fn show(args: &LookArgs, chosen: &Chosen) -> Exit {
    let mut exit = Exit::Done;
    for disk in &chosen.disks {
        match survey(disk, &mut |_, _| {}) {
            Ok(survey) => {
                describe(&survey, args.json);
                let stranger = chosen.stranger(disk, &survey.superblock);
                if let Some(why) = &stranger {
                    tell(args, why);
                }
                let wrong = |m: &MemberState| m.block.is_err() || !m.problems.is_empty();
                if exit == Exit::Done && (stranger.is_some() || survey.members.iter().any(wrong)) {
                    exit = Exit::Bad;
                }
            }
            Err(error) => exit = fail(Exit::Failed, error),
        }
    }
    exit
}

fn tell(args: &LookArgs, problem: &str) {
    match args.json {
        true => print(json!({"event": "problem", "what": problem})),
        false => print(problem),
    }
}

fn check(args: &LookArgs, chosen: &Chosen) -> Exit {
    let mut checker = Checker::default();
    let mut exit = Exit::Done;
    for disk in &chosen.disks {
        match checker.check(disk) {
            Ok(survey) => {
                let stranger = chosen.stranger(disk, &survey.superblock);
                checker.problems.extend(stranger);
            }
            Err(error @ crate::disks::DiskError::Damaged { .. }) => {
                checker.problems.push(error.to_string());
            }
            Err(error) => exit = fail(Exit::Failed, error),
        }
    }
    for problem in &checker.problems {
        tell(args, problem);
    }
    let (disks, slots, wrong) = (chosen.disks.len(), checker.slots(), checker.problems.len());
    if args.json {
        print(json!({"event": "checked", "disks": disks, "slots": slots, "problems": wrong}));
    } else if exit == Exit::Done && wrong == 0 {
        print(format!(
            "{disks} disks, {slots} slots in logs: nothing wrong"
        ));
    }
    if wrong > 0 { Exit::Bad } else { exit }
}

#[cfg(test)]
mod tests;
