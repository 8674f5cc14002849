//! `hpaxos disk`.

use super::{Exit, fail, print};
use crate::Config;
use crate::disks::survey::{Checker, CopyState, MemberState, Survey, survey};
use crate::disks::{DiskConfig, DisksConfig, FormatOptions, Location, format};
use clap::{Args, Subcommand};
use serde_json::json;
use std::num::{NonZeroU8, NonZeroU64};
use std::path::PathBuf;
use std::process::ExitCode;

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
    #[arg(long, value_name = "MIB", default_value = "256")]
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
            Ok(made) => print(format!(
                "disk '{name}' ({at}): formatted for processors 1 to {}, {} MiB of log each",
                made.processors,
                made.log_bytes >> 20
            )),
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

fn describe(survey: &Survey, json: bool) {
    let found = &survey.superblock;
    let uuid = hex::encode(found.uuid);
    if json {
        print(
            json!({"event": "disk", "name": found.name, "system": found.system.to_string(), "uuid": uuid, "processors": found.processors, "log_bytes": found.log_bytes}),
        );
    } else {
        print(format!(
            "disk '{}', uuid {uuid}, of system {}, for processors 1 to {}",
            found.name, found.system, found.processors
        ));
    }
    for state in &survey.members {
        match json {
            true => print(as_json(&found.name, state)),
            false => print(as_text(state)),
        }
    }
}

fn as_json(disk: &str, state: &MemberState) -> serde_json::Value {
    let copies: Vec<_> = state.copies.iter().map(copy_in_words).collect();
    let block = match &state.block {
        Ok((header, block)) => json!({
            "incarnation": header.incarnation, "seq": header.seq, "mbal": block.mbal.0,
            "floor": block.floor.0, "entries": block.entries.len(),
            "slots": block.entries.keys().map(|slot| slot.0).collect::<Vec<_>>(),
        }),
        Err(why) => json!({"error": why}),
    };
    json!({
        "event": "processor", "disk": disk, "id": state.member.id, "name": state.member.name,
        "copies": copies, "block": block,
        "log": {
            "end": state.log.end.0, "pieces": state.log.pieces, "bytes": state.log.bytes,
            "capacity": state.log.capacity,
        },
        "problems": state.problems,
    })
}

fn as_text(state: &MemberState) -> String {
    let mut text = format!("  processor {} '{}'\n", state.member.id, state.member.name);
    match &state.block {
        Ok((header, block)) => {
            let slots = match (
                block.entries.keys().next(),
                block.entries.keys().next_back(),
            ) {
                (Some(first), Some(last)) => {
                    format!("{} slots {} to {}", block.entries.len(), first.0, last.0)
                }
                _ => "no slots".to_owned(),
            };
            text.push_str(&format!(
                "    block: incarnation {}, write {}, mbal {}, floor {}, {slots}\n",
                header.incarnation, header.seq, block.mbal.0, block.floor.0
            ));
        }
        Err(why) => text.push_str(&format!("    block: none: {why}\n")),
    }
    for (i, copy) in state.copies.iter().enumerate() {
        text.push_str(&format!("    copy {i}: {}\n", copy_in_words(copy)));
    }
    let log = &state.log;
    let bound = log
        .capacity
        .map_or(String::new(), |all| format!(" of {all}"));
    text.push_str(&format!(
        "    log: slots below {}, {} bytes{bound} in {} pieces",
        log.end.0, log.bytes, log.pieces
    ));
    for problem in &state.problems {
        text.push_str(&format!("\n    wrong: {problem}"));
    }
    text
}

fn copy_in_words(copy: &CopyState) -> String {
    match copy {
        CopyState::Whole(header) => {
            format!("incarnation {}, write {}", header.incarnation, header.seq)
        }
        CopyState::Broken(why) => format!("unfinished or damaged: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::{Member, System, open};
    use clap::Parser;
    use consensus::disk_paxos::ProcessorId;
    use crypto::Digest;
    use std::os::unix::fs::FileExt;
    use tempfile::TempDir;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: DiskCommand,
    }

    fn parse(line: &[&str]) -> Result<DiskCommand, clap::Error> {
        let words = ["disk"].iter().chain(line);
        Line::try_parse_from(words).map(|line| line.command)
    }

    fn exit(line: &[&str]) -> String {
        format!("{:?}", parse(line).unwrap().run())
    }

    fn code(exit: Exit) -> String {
        format!("{:?}", ExitCode::from(exit))
    }

    #[test]
    fn exit_codes_tell_good_from_bad_from_unreadable() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("d1");
        let text = path.to_str().unwrap();
        let config = DisksConfig {
            system: System {
                id: Digest::of(b"system"),
            },
            disks: vec![DiskConfig {
                name: "d1".to_owned(),
                location: Location::Path(path.clone()),
            }],
        };
        let line = ["format", "--config", "x", "--processors", "2"];
        let DiskCommand::Format(args) = parse(&line).unwrap() else {
            panic!("another command");
        };
        assert_eq!(exit(&["show", text]), code(Exit::Failed));
        assert_eq!(format_all(&args, &config, &config.disks), Exit::Done);
        assert_eq!(format_all(&args, &config, &config.disks), Exit::Failed);
        let member = Member {
            id: ProcessorId::new(2).unwrap(),
            name: "p2".to_owned(),
        };
        let _in_use = open(&config.disks[0], &config.system, &member).unwrap();
        assert_eq!(exit(&["show", text]), code(Exit::Done));
        assert_eq!(exit(&["show", "--json", text]), code(Exit::Done));
        assert_eq!(exit(&["check", text]), code(Exit::Done));
        let file = std::fs::OpenOptions::new().write(true).open(&path);
        file.unwrap().write_all_at(&[7], 2 * 4096 + 25).unwrap();
        assert_eq!(exit(&["check", text]), code(Exit::Bad));
        assert_eq!(exit(&["show", text]), code(Exit::Failed));
    }

    #[test]
    fn disks_are_named_or_all() {
        let config = DisksConfig {
            system: System {
                id: Digest::of(b"system"),
            },
            disks: ["d1", "d2"].map(by_address).to_vec(),
        };
        assert_eq!(named(&config, &[]).unwrap(), config.disks);
        let second = named(&config, &["d2".to_owned()]).unwrap();
        assert_eq!(second, config.disks[1..]);
        let unknown = named(&config, &["d3".to_owned()]);
        assert_eq!(unknown.unwrap_err(), Exit::Usage);
        assert!(parse(&["show"]).is_err());
        let address = by_address("s3://bucket/prefix").location;
        assert!(matches!(address, Location::S3 { url, .. } if url == "s3://bucket/prefix"));
    }
}
