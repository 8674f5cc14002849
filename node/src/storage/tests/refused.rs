//! Directories that are not this node's to write in.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::storage::{examine, format::VERSION};

#[test]
fn another_network_is_refused_by_name() {
    let directory = log_of(&[&[b"one"]]);
    let before = snapshot(&directory);
    let other = NetworkId(Digest::of(b"another"));
    let error = FileLog::open(&directory, other).unwrap_err().to_string();
    assert!(error.contains(&other.to_string()), "{error}");
    assert!(error.contains(&network().to_string()), "{error}");
    let looked = examine(directory.path(), None, &mut |_| {}).unwrap();
    assert_eq!(looked.network, Some(network()));
    let looked = examine(directory.path(), Some(other), &mut |_| panic!("a record")).unwrap();
    assert!(matches!(
        looked.problem,
        Some(LogError::OtherNetwork { .. })
    ));
    assert_eq!(snapshot(&directory), before);
    assert_eq!(records(&directory), [b"one"]);
}

#[test]
fn a_newer_version_is_refused_by_number() {
    let directory = log_of(&[&[b"one"]]);
    edit(&segment(&directory, 0), |bytes| {
        bytes[8..12].copy_from_slice(&(VERSION + 1).to_le_bytes());
    });
    let before = snapshot(&directory);
    let error = refusal(&directory).to_string();
    assert!(error.contains("format version 3"), "{error}");
    assert_eq!(snapshot(&directory), before);
}

#[test]
fn two_openers_are_refused_until_the_first_is_done() {
    let directory = log_of(&[&[b"one"]]);
    let (log, replay) = open(&directory).unwrap();
    assert!(matches!(refusal(&directory), LogError::InUse(_)));
    assert!(matches!(
        examine(directory.path(), None, &mut |_| {}),
        Err(LogError::InUse(_))
    ));
    drop(log);
    // The replay still reads.
    assert!(matches!(refusal(&directory), LogError::InUse(_)));
    drop(replay);
    assert_eq!(records(&directory), [b"one"]);
}

#[test]
fn another_process_is_refused() {
    let directory = log_of(&[&[b"one"]]);
    let _open = open(&directory).unwrap();
    let output = child::run(child::Role::Open, directory.path());
    assert!(output.contains("in use by another process"), "{output}");
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let directory = TempDir::new().unwrap();
    let inner = directory.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o555)).unwrap();
    // The super-user may write everywhere, hence as somebody else if that is us.
    let output = child::run_unprivileged(child::Role::Open, directory.path(), "inner");
    assert!(output.contains("cannot create the lock"), "{output}");
    assert!(output.contains("inner/lock"), "{output}");
    assert!(output.contains("permissions"), "{output}");
}

#[test]
fn other_files_are_left_alone() {
    let directory = log_of(&[&[b"one"]]);
    for name in ["segment-1.log", "segment-000000000000000G.log", "notes"] {
        fs::write(directory.path().join(name), name).unwrap();
    }
    assert_eq!(records(&directory), [b"one"]);
    assert_eq!(fs::read(directory.path().join("notes")).unwrap(), b"notes");
}

#[test]
fn a_file_in_place_of_the_directory_is_named() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "").unwrap();
    let error = refusal(&path).to_string();
    assert!(error.contains("file"), "{error}");
}
