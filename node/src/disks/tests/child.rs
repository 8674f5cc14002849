//! Another process: this test program, started again to play one role.

use super::*;
use rustix::process::{Resource, Rlimit, geteuid, setrlimit};
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

const DISK: &str = "DISKS_TEST_DISK";
const LIMIT: &str = "DISKS_TEST_LIMIT";
const WRITE: &str = "DISKS_TEST_WRITE";
/// Nobody, where the tests run as the super-user.
const NOBODY: u32 = 65534;

/// The entry of the other process: opens a disk as processor 1 and says what came of it.
#[test]
fn play_role() {
    let Some(path) = env::var_os(DISK) else {
        return;
    };
    let mut disk = match open(&disk_at(Path::new(&path)), &system(), &me(1)) {
        Ok(opened) => opened.disk,
        Err(error) => return say(&error.to_string()),
    };
    say("opened");
    if let Ok(limit) = env::var(LIMIT) {
        let current = Some(limit.parse().unwrap());
        let maximum = current;
        setrlimit(Resource::Fsize, Rlimit { current, maximum }).unwrap();
        return say(&disk.write_block(&block(1, 0)).unwrap_err().to_string());
    }
    if env::var_os(WRITE).is_some() {
        for mbal in 1.. {
            disk.write_block(&block(mbal, 100_000)).unwrap();
            disk.append_log(&[record(mbal - 1, 10)]).unwrap_or(());
            say(&mbal.to_string());
        }
    }
    // Keeps the disk until it is killed, or nobody listens.
    let _ = std::io::stdin().read_line(&mut String::new());
}

fn say(line: &str) {
    let mut stdout = std::io::stdout();
    if writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}

fn command(program: &Path, disk: &Path) -> Command {
    let mut command = Command::new(program);
    let module = module_path!();
    let module = module.split_once("::").map_or(module, |(_, rest)| rest);
    command.arg("--exact").arg(format!("{module}::play_role"));
    command.arg("--nocapture").env(DISK, disk);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn program() -> std::path::PathBuf {
    env::current_exe().unwrap()
}

fn output(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// A disk whose files may not become longer than this: a write beyond fails.
pub(super) fn run_limited(bytes: u64) -> String {
    let formatted = formatted();
    let inner = command(&program(), formatted.path());
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
    limited.arg(inner.get_program()).args(inner.get_args());
    limited
        .env(DISK, formatted.path())
        .env(LIMIT, bytes.to_string());
    output(&mut limited)
}

/// A user who may read the disk and not write it.
pub(super) fn run_unprivileged(formatted: &Formatted) -> String {
    let home = formatted.directory.path();
    fs::set_permissions(home, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(formatted.path(), fs::Permissions::from_mode(0o444)).unwrap();
    if !geteuid().is_root() {
        return output(&mut command(&program(), formatted.path()));
    }
    // That user may not be able to reach the program where it is.
    let copy = home.join("program");
    fs::copy(program(), &copy).unwrap();
    let mut command = command(&copy, formatted.path());
    output(command.uid(NOBODY).gid(NOBODY).current_dir(home))
}

/// Starts the process, and waits for a line of its own that ends so.
fn start(command: &mut Command, last: &str) -> Child {
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let said = lines.map(Result::unwrap).any(|line| line.ends_with(last));
    assert!(said, "never said {last}");
    child
}

#[test]
fn a_processor_opens_a_disk_once_whoever_tries() {
    let formatted = formatted();
    let one = formatted.open(1);
    assert!(formatted.refusal(1).contains("in use by processor 1"));
    let said = output(&mut command(&program(), formatted.path()));
    assert!(said.contains("in use by processor 1"), "{said}");
    // Refused openings take nothing away.
    assert!(formatted.refusal(1).contains("in use"));
    let _two = formatted.open(2);
    drop(one);
    formatted.open(1);
}

#[test]
fn a_killed_process_leaves_its_disk_to_the_next_one() {
    let formatted = formatted();
    let mut last = 0;
    for until in ["3", "12", "7"] {
        let mut writer = command(&program(), formatted.path());
        let mut child = start(writer.env(WRITE, "1"), until);
        assert!(formatted.refusal(1).contains("in use"));
        child.kill().unwrap();
        child.wait().unwrap();
        // Whatever was being written: a whole block, none of those before.
        let opened = formatted.open(1);
        let mbal = opened.own.mbal.0;
        assert!(mbal >= until.parse().unwrap(), "{mbal} of {until}");
        assert_eq!(opened.own, block(mbal, 100_000));
        assert!(opened.logged.0 >= last, "{} of {last}", opened.logged.0);
        last = opened.logged.0;
    }
}
