//! Another process: this test program, started again to play one role.

use super::*;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::env;
use std::io::Write;
use std::process::{Child, Command, Stdio};

const ROLE: &str = "HISTORY_TEST_ROLE";
const DIRECTORY: &str = "HISTORY_TEST_DIRECTORY";
const LIMIT: &str = "HISTORY_TEST_LIMIT";
/// Says that everything below a slot is durable.
const ACKNOWLEDGED: &str = "acknowledged ";
/// Says that everything below a slot may become durable.
const RELEASED: &str = "released ";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Opens the history and says what came of it.
    Open,
    /// Keeps, flushes and commits until something fails, or it is killed.
    Keep,
    /// The same; then opens the history again and says what is left.
    Fill,
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
    let path = directory.join("history.redb");
    match env::var(ROLE).unwrap().as_str() {
        "Open" => match try_open(&path) {
            Ok(_) => say("opened"),
            Err(error) => say(&error.to_string()),
        },
        "Keep" => {
            go_on(&path);
        }
        "Fill" => {
            let acknowledged = go_on(&path);
            let history = open(&path);
            assert!(history.next(lane(2)) >= Slot(acknowledged));
            assert_holds(&history, acknowledged);
            say("recovered");
        }
        other => panic!("there is no role {other}"),
    }
}

/// Keeps a few slots at a time; what is acknowledged in the end. What is beyond a slot that is released
/// is kept, and must never be found. The bound is far above what any test waits for.
fn go_on(path: &Path) -> u64 {
    let history = open(path);
    let mut acknowledged = (0..3).map(|to| history.next(lane(to)).0).min().unwrap();
    let start = acknowledged;
    for slot in start..100_000 {
        let batch = batch(slot, 2);
        say(&format!("{RELEASED}{}", slot + 1));
        for to in 0..3 {
            history.keep(decision(to, slot, &batch));
        }
        history.flush();
        // Not released.
        history.keep(Keep::Page {
            page: page(1000),
            messages: vec![said(0, "never")],
            batches: vec![],
        });
        history.keep(Keep::Settled(Slot(2000)));
        if slot % 7 == 6 {
            if let Err(error) = history.commit() {
                say(&error.to_string());
                return acknowledged;
            }
            acknowledged = slot + 1;
            say(&format!("{ACKNOWLEDGED}{acknowledged}"));
        }
    }
    acknowledged
}

/// The last acknowledgement in an output.
pub(super) fn acknowledged(output: &str) -> u64 {
    last(output, ACKNOWLEDGED)
}

/// The last slot that may be in the file, and one.
pub(super) fn released(output: &str) -> u64 {
    last(output, RELEASED)
}

fn last(output: &str, what: &str) -> u64 {
    let numbers = output.lines().filter_map(|line| {
        // The name of the test may be in front.
        let (_, number) = line.rsplit_once(what)?;
        number.parse().ok()
    });
    numbers.max().unwrap_or(0)
}

/// Starts the other process.
pub(super) fn spawn(role: Role, directory: &Path) -> Child {
    let mut command = command(role, directory);
    command.spawn().unwrap()
}

/// Runs the other process to its end.
pub(super) fn run(role: Role, directory: &Path) -> String {
    output(&mut command(role, directory))
}

/// The same, with a limit on the size of files. Exceeding it is an error and not a signal.
pub(super) fn run_limited(role: Role, directory: &Path, bytes: u64) -> String {
    let around = ["/bin/sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];
    let mut limited = within(&around, &command(role, directory));
    output(limited.env(LIMIT, bytes.to_string()))
}

/// The same, in a mount namespace of its own, where a file system of so many MiB is mounted on the
/// directory. `None` where this user may not do that.
pub(super) fn run_mounted(role: Role, directory: &Path, mib: u32) -> Option<String> {
    const MOUNT: &str = "mount -t tmpfs -o size=\"$1\"m none \"$2\" && shift 2 && exec \"$@\"";
    let mib = mib.to_string();
    let mut around = vec!["unshare", "--map-root-user", "--mount"];
    around.extend(["/bin/sh", "-c", MOUNT, "sh", &mib]);
    around.push(directory.to_str().unwrap());
    let mut possible = within(&around, &Command::new("true"));
    if !possible
        .output()
        .is_ok_and(|output| output.status.success())
    {
        return None;
    }
    Some(output(&mut within(&around, &command(role, directory))))
}

/// A command that another one starts at its end.
fn within(around: &[&str], inner: &Command) -> Command {
    let mut command = Command::new(around[0]);
    command.args(&around[1..]);
    command.arg(inner.get_program()).args(inner.get_args());
    let set = inner.get_envs();
    command.envs(set.filter_map(|(name, value)| Some((name, value?))));
    command.stdout(Stdio::piped());
    command
}

fn command(role: Role, directory: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
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
