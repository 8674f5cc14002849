//! Tests of `hpaxos disk`.

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
