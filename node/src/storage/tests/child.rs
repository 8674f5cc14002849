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
/// Nobody, where the tests run as the super-user.
pub(super) const NOBODY: u32 = 65534;

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
    /// The same, with a checkpoint now and then, which it acknowledges as well.
    Replace,
    /// Appends, and begins a checkpoint that never ends.
    Halfway,
    /// Appends, and replaces where it may not write any more.
    Forbidden,
    /// Appends, and replaces where everything has become read-only.
    ReadOnly,
    /// Appends, and replaces by more than the disk holds, then by less.
    Full,
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
        "Open" => match FileLog::open(directory, network()) {
            Ok(_) => say("opened"),
            Err(error) => say(&error.to_string()),
        },
        "Append" => roles::append(&directory, u64::MAX),
        "Replace" => roles::append(&directory, 5),
        "Halfway" => roles::halfway(&directory),
        "Forbidden" => roles::forbidden(&directory),
        "ReadOnly" => roles::read_only(&directory),
        "Full" => roles::full(&directory),
        other => panic!("there is no role {other}"),
    }
}

/// Starts the other process. Its input stays open as long as nobody closes it.
pub(super) fn spawn(role: Role, directory: &Path) -> Child {
    command(&env::current_exe().unwrap(), role, directory)
        .stdin(Stdio::piped())
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
    let mut limited = within(
        &["/bin/sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"],
        &inner,
    );
    output(limited.env(LIMIT, bytes.to_string()))
}

/// The same, in a mount namespace of its own, where a file system of so many MiB is mounted on the
/// directory. `None` where this user may not do that.
pub(super) fn run_mounted(role: Role, directory: &Path, mib: u32) -> Option<String> {
    const MOUNT: &str = "mount -t tmpfs -o size=\"$1\"m none \"$2\" && shift 2 && exec \"$@\"";
    let namespace = ["unshare", "--map-root-user", "--mount"];
    let possible = Command::new(namespace[0])
        .args(&namespace[1..])
        .args(["/bin/sh", "-c", MOUNT, "sh", "1"])
        .arg(directory)
        .arg("true")
        .output();
    if !possible.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let inner = command(&env::current_exe().unwrap(), role, directory);
    let mib = mib.to_string();
    let mut around = namespace.to_vec();
    around.extend(["/bin/sh", "-c", MOUNT, "sh", &mib]);
    around.push(directory.to_str().unwrap());
    Some(output(&mut within(&around, &inner)))
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
pub(super) fn say(line: &str) {
    let mut stdout = std::io::stdout();
    if writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}
