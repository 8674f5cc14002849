//! What a node takes: memory of its process, and space of its directory.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The file of decisions that have left a node's memory.
const HISTORY: &str = "history.redb";

/// Space on the file system, in bytes, as `du` counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// The log, and whatever else is in the directory. A log takes its space in advance, segment by segment.
    pub log: u64,
    /// The file of old decisions; `None` if there is none.
    pub history: Option<u64>,
}

/// The bytes of memory of a process that are in use (its resident set). `None` if it has ended.
#[must_use]
pub fn resident(pid: u32) -> Option<u64> {
    resident_in(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// The same, of the text of `/proc/PID/status`. Processes that have ended, and wait to be reaped, have none.
fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The space that a directory takes, with all that is in it. Files that go away meanwhile count nothing; nor
/// does a directory that does not exist.
///
/// # Errors
/// If a directory cannot be read.
pub fn space(dir: &Path) -> io::Result<Space> {
    let mut space = Space::default();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        let Some(entries) = there(fs::read_dir(&dir))? else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let Some(data) = there(entry.metadata())? else {
                continue;
            };
            if data.is_dir() {
                dirs.push(entry.path());
                continue;
            }
            // Blocks are of 512 bytes here, whatever the file system has.
            let bytes = data.blocks() * 512;
            match entry.file_name() == HISTORY {
                true => *space.history.get_or_insert(0) += bytes,
                false => space.log += bytes,
            }
        }
    }
    Ok(space)
}

/// Nothing, of what does not exist.
fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn this_process_has_memory_and_the_dead_have_none() {
        let own = resident(std::process::id()).expect("it runs");
        assert!(own > 1 << 20, "{own}");
        let status = "Name:\tx\nVmPeak:\t  900 kB\nVmRSS:\t   12 kB\nThreads:\t1\n";
        assert_eq!(resident_in(status), Some(12 * 1024));
        assert_eq!(resident_in("Name:\tx\nState:\tZ (zombie)\n"), None);
        assert_eq!(resident(u32::MAX), None);
    }

    #[test]
    fn history_is_counted_apart() {
        let dir = tempfile::tempdir().expect("dir");
        assert_eq!(
            space(&dir.path().join("none")).expect("nothing"),
            Space::default()
        );
        // Synced, so that every file system has given it its space.
        let write = |name: &str, bytes: usize| {
            let mut file = fs::File::create(dir.path().join(name)).expect("a file");
            file.write_all(&vec![1; bytes]).expect("written");
            file.sync_all().expect("synced");
        };
        fs::create_dir(dir.path().join("log")).expect("a directory");
        write("log/segment-0.log", 40_000);
        let before = space(dir.path()).expect("read");
        assert!((40_000..80_000).contains(&before.log), "{before:?}");
        assert_eq!(before.history, None);
        write(HISTORY, 90_000);
        let after = space(dir.path()).expect("read");
        assert_eq!(after.log, before.log);
        assert!(after.history > Some(80_000), "{after:?}");
    }
}
