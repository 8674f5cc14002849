//! File systems that are full, read-only, or closed to this user.

use super::child::Role;
use super::roles::State;
use super::*;

/// What the process says that cannot replace its log, and finds it as it was.
fn assert_refused(output: &str, why: &str) {
    for words in [
        "acknowledged 7",
        "segment.new",
        why,
        "stopped earlier",
        "recovered State { checkpoint: 0, next: 7 }",
    ] {
        assert!(output.contains(words), "no '{words}' in: {output}");
    }
}

/// Runs a role in a file system of its own of 2 MiB.
fn in_small_file_system(role: Role) -> Option<String> {
    let directory = TempDir::new().unwrap();
    let output = child::run_mounted(role, directory.path(), 2);
    if output.is_none() {
        // The tests with limits on files below go the same ways.
        eprintln!("NOT RUN, {role:?}: this user may not mount a file system (unshare, mount)");
    }
    output
}

#[test]
fn a_checkpoint_that_fills_the_disk_leaves_what_there_was() {
    let Some(output) = in_small_file_system(Role::Full) else {
        return;
    };
    assert_refused(&output, "No space left");
    // With the draft out of the way there is room again.
    assert!(output.contains("replaced 7"), "{output}");
    let recovered = "recovered State { checkpoint: 7, next: 7 }";
    assert!(output.contains(recovered), "{output}");
}

#[test]
fn a_file_system_that_became_read_only_leaves_what_there_was() {
    let Some(output) = in_small_file_system(Role::ReadOnly) else {
        return;
    };
    assert_refused(&output, "Read-only file system");
}

#[test]
fn a_checkpoint_beyond_the_limit_of_a_file_leaves_what_there_was() {
    // A segment is within the limit, and the first checkpoint of more than one is not.
    let directory = TempDir::new().unwrap();
    let limit = child::OPTIONS.segment_bytes + 1000;
    let output = child::run_limited(Role::Replace, directory.path(), limit);
    assert!(output.contains("cannot allocate "), "{output}");
    assert!(output.contains(" bytes for "), "{output}");
    assert!(output.contains("segment.new"), "{output}");
    assert!(output.contains("File too large"), "{output}");
    assert!(output.contains("stopped earlier"), "{output}");
    let acknowledged = roles::acknowledged(&output);
    let state = roles::assert_recovered(directory.path(), acknowledged);
    assert_eq!(state, acknowledged);
    assert!(state.next > 10, "{state:?}");
}

#[test]
fn a_directory_that_may_not_be_written_any_more_leaves_what_there_was() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let directory = TempDir::new().unwrap();
    let inner = directory.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // The super-user may write everywhere, hence as somebody else if that is us.
    if rustix::process::geteuid().is_root() {
        chown(&inner, Some(child::NOBODY), Some(child::NOBODY)).unwrap();
    }
    let output = child::run_unprivileged(Role::Forbidden, directory.path(), "inner");
    assert_refused(&output, "Permission denied");
    let state = roles::assert_recovered(&inner, State::default());
    assert_eq!((state.checkpoint, state.next), (0, 7));
}
