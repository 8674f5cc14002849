//! The owner of the temporary directory: a tiny process that outlives the launcher, however it ends.
//!
//! ```text
//!   launcher ──spawns──► guard: makes the directory, tells its path
//!      │                    │
//!      └── ends, or dies ──►│ standard input closes: removes the directory, ends
//! ```
//!
//! Nobody but the guard removes the directory, so that there is one way for it to go away, and that
//! way works for a launcher that was killed as well.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the guard tries to remove the directory while dying nodes may still write to it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The launcher's handle of a guard. Dropping it makes the guard remove the directory, and waits.
#[derive(Debug)]
pub struct Guard {
    process: Child,
    path: PathBuf,
}

impl Guard {
    /// Starts a guard. `program` is the testnet binary, which has the hidden subcommand.
    ///
    /// # Errors
    /// If the process cannot be started or cannot make the directory.
    pub fn start(program: &Path) -> io::Result<Guard> {
        let mut process = Command::new(program)
            .arg("guard")
            .arg("--within")
            .arg(std::env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Its own group: a Ctrl-C in the terminal is for the launcher alone.
            .process_group(0)
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let path = PathBuf::from(line.trim_end_matches('\n'));
        let guard = Guard { process, path };
        if guard.path.as_os_str().is_empty() {
            return Err(io::Error::other("the temporary directory cannot be made"));
        }
        Ok(guard)
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // Bounded by the guard's own patience; its failure is reported by itself.
        let _ = self.process.wait();
    }
}

/// The guard process: makes a directory, says where, and removes it when standard input closes.
///
/// # Errors
/// If the directory cannot be made, or not be removed.
pub fn run(within: &Path) -> io::Result<()> {
    let dir = tempfile::Builder::new()
        .prefix("testnet-")
        .tempdir_in(within)?;
    // The launcher may be dead already, in which case the next read says so.
    let _ = writeln!(io::stdout(), "{}", dir.path().display());
    let mut nothing = [0; 64];
    loop {
        match io::stdin().read(&mut nothing) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    remove(&dir.keep())
}

/// Removes a directory in which processes that are about to die may still make files.
fn remove(path: &Path) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match std::fs::remove_dir_all(path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.exists() => {
                return Ok(());
            }
            Err(error) if start.elapsed() > PATIENCE => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
