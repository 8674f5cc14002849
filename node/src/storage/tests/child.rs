//! Another process: this test program, started again to play one role.

use std::env;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Resource, Rlimit, geteuid, setrlimit};

use super::*;

const ROLE: &str = "STORAGE_TEST_ROLE";
const DIRECTORY: &str = "STORAGE_TEST_DIRECTORY";
const LIMIT: &str = "STORAGE_TEST_LIMIT";
/// Says that records up to a number are durable.
const ACKNOWLEDGED: &str = "acknowledged ";
/// Nobody, where the tests run as the super-user.
const NOBODY: u32 = 65534;

/// What the other process and those who check its log open it with.
pub(super) const OPTIONS: Options = Options {
    segment_bytes: 256 << 10,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Opens the log and says what came of it.
    Open,
    /// Appends and syncs until something fails, or it is killed; acknowledges each sync.
    Append,
}

/// The entry of the other process. Without a role it has nothing to do.
#[test]
fn play_role() {
    let Some(directory) = env::var_os(DIRECTORY).map(PathBuf::from) else {
        return;
    };
    if let Ok(limit) = env::var(LIMIT) {
        let current = Some(limit.parse().unwrap());
        let maximum = current;
        setrlimit(Resource::Fsize, Rlimit { current, maximum }).unwrap();
    }
    match env::var(ROLE).unwrap().as_str() {
        "Append" => append(&directory),
        _ => match FileLog::open(directory, network()) {
            Ok(_) => say("opened"),
            Err(error) => say(&error.to_string()),
        },
    }
}

/// Batches of one to four records. The bound is far above what any test waits for.
fn append(directory: &Path) {
    let (mut log, replay) = FileLog::open_with(directory, network(), OPTIONS).unwrap();
    let mut number = replay.summary().records;
    drop(replay);
    for batch in 0..100_000 {
        for _ in 0..batch % 4 + 1 {
            if let Err(error) = log.append(&record(number)) {
                say(&error.to_string());
                return say(&log.sync().unwrap_err().to_string());
            }
            number += 1;
        }
        if let Err(error) = log.sync() {
            say(&error.to_string());
            return say(&log.append(b"more").unwrap_err().to_string());
        }
        say(&format!("{ACKNOWLEDGED}{number}"));
    }
}

/// The record of a number: up to 3 KB that no other number has.
fn record(number: u64) -> Vec<u8> {
    let mut record = number.to_le_bytes().to_vec();
    record.resize(8 + (number * 7919 % 3000) as usize, number as u8);
    record
}

/// Opens the log after the other process has ended: everything acknowledged is there, and what there
/// is beyond is whole and in order.
pub(super) fn assert_recovered(directory: &Path, acknowledged: u64) {
    let (_log, replay) = FileLog::open_with(directory, network(), OPTIONS).unwrap();
    let mut count = 0;
    for found in replay {
        assert_eq!(found.unwrap(), record(count), "record {count}");
        count += 1;
    }
    assert!(count >= acknowledged, "{count} of {acknowledged}");
}

/// The last acknowledgement in an output.
pub(super) fn acknowledged(output: &str) -> u64 {
    let numbers = output.lines().filter_map(|line| {
        let (_, number) = line.rsplit_once(ACKNOWLEDGED)?;
        number.parse().ok()
    });
    numbers.max().unwrap_or(0)
}

/// Starts the other process.
pub(super) fn spawn(role: Role, directory: &Path) -> Child {
    command(&env::current_exe().unwrap(), role, directory)
        .spawn()
        .unwrap()
}

/// Runs the other process to its end.
pub(super) fn run(role: Role, directory: &Path) -> String {
    output(&mut command(&env::current_exe().unwrap(), role, directory))
}

/// The same, with a limit on the size of files. Exceeding it is an error and not a signal.
pub(super) fn run_limited(role: Role, directory: &Path, bytes: u64) -> String {
    let inner = command(&env::current_exe().unwrap(), role, directory);
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
    limited.arg(inner.get_program()).args(inner.get_args());
    limited.envs(
        inner
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    limited.env(LIMIT, bytes.to_string());
    output(limited.stdout(Stdio::piped()))
}

/// The same, as a user without privileges, in a directory within `home`, which must be open to all.
pub(super) fn run_unprivileged(role: Role, home: &Path, directory: &str) -> String {
    let program = env::current_exe().unwrap();
    if !geteuid().is_root() {
        return output(&mut command(&program, role, &home.join(directory)));
    }
    // That user may not be able to reach the program where it is.
    let copy = home.join("program");
    fs::copy(program, &copy).unwrap();
    let mut command = command(&copy, role, &home.join(directory));
    output(command.uid(NOBODY).gid(NOBODY).current_dir(home))
}

fn command(program: &Path, role: Role, directory: &Path) -> Command {
    let mut command = Command::new(program);
    // The name of the entry, without the name of the crate.
    let module = module_path!();
    let module = module.split_once("::").map_or(module, |(_, rest)| rest);
    command.arg("--exact").arg(format!("{module}::play_role"));
    command.arg("--nocapture");
    command.env(ROLE, format!("{role:?}"));
    command.env(DIRECTORY, directory);
    command.stdout(Stdio::piped());
    command
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Says a line at once. When nobody listens any more, there is nothing left to do.
fn say(line: &str) {
    let mut stdout = std::io::stdout();
    if writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}
