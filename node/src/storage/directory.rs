//! The directory of a log: its lock, and the names of its segments.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::LogError;
use super::files::{self, sync_directory};

const LOCK: &str = "lock";
/// A segment that is being prepared has this name, and no other until it is complete.
const UNFINISHED: &str = "segment.new";

/// A directory that no other process writes to until this is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    lock: Option<File>,
}

impl Directory {
    /// Locks a directory, which is created if it does not exist.
    pub(super) fn open_or_create(path: &Path) -> Result<Self, LogError> {
        // Each new directory is a name in its parent, and durable only when that is synced.
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists())
            .collect();
        fs::create_dir_all(path).map_err(LogError::io(path, "create"))?;
        for created in missing {
            match created.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent)?,
                _ => sync_directory(Path::new("."))?,
            }
        }
        Self::lock(path)
    }

    /// Locks a directory that exists, for a process that has it for itself.
    fn lock(path: &Path) -> Result<Self, LogError> {
        let name = path.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)
            .map_err(LogError::io(&name, "create the lock"))?;
        Self::locked(path, lock, FlockOperation::NonBlockingLockExclusive)
    }

    /// Locks a directory that exists for those who only read, and changes nothing in it.
    pub(super) fn look(path: &Path) -> Result<Self, LogError> {
        let name = path.join(LOCK);
        match File::open(&name) {
            Ok(lock) => Self::locked(path, lock, FlockOperation::NonBlockingLockShared),
            // A copy of the segments, which nobody writes to.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self {
                path: path.to_owned(),
                lock: None,
            }),
            Err(error) => Err(LogError::io(&name, "open the lock")(error)),
        }
    }

    fn locked(path: &Path, lock: File, how: FlockOperation) -> Result<Self, LogError> {
        match flock(&lock, how) {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                lock: Some(lock),
            }),
            Err(Errno::WOULDBLOCK) => Err(LogError::InUse(path.to_owned())),
            Err(error) => Err(LogError::io(&path.join(LOCK), "lock")(error)),
        }
    }

    /// The path of a segment.
    pub(super) fn segment(&self, number: u64) -> PathBuf {
        self.path.join(format!("segment-{number:016x}.log"))
    }

    /// The path of a segment that is not complete yet.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.path.join(UNFINISHED)
    }

    /// The numbers of the segments that there are, in order.
    pub(super) fn segments(&self) -> Result<Vec<u64>, LogError> {
        let reading = "list";
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(LogError::io(&self.path, reading))? {
            let name = entry
                .map_err(LogError::io(&self.path, reading))?
                .file_name();
            numbers.extend(name.to_str().and_then(segment_number));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Removes the segments of earlier generations: those before the first one of this generation.
    pub(super) fn remove_before(&self, generation: u64) -> Result<(), LogError> {
        // The oldest first, so that what is left lacks its start and is never taken for a log.
        for number in self.segments()? {
            if number < generation {
                files::remove(&self.segment(number))?;
            }
        }
        Ok(())
    }

    /// Removes what a crash during the preparation of a segment has left.
    pub(super) fn remove_unfinished(&self) -> Result<(), LogError> {
        files::remove(&self.unfinished())
    }

    /// Makes the names in the directory durable.
    pub(super) fn sync(&self) -> Result<(), LogError> {
        sync_directory(&self.path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Closing the file would do, if there were no child process that shares it until it runs
        // its own program. A failure leaves the lock to that.
        if let Some(lock) = &self.lock {
            let _ = flock(lock, FlockOperation::Unlock);
        }
    }
}

/// Whether a directory, if it is there, has any segment of a log.
///
/// # Errors
/// What the operating system said.
pub(crate) fn has_segments(path: &Path) -> std::io::Result<bool> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for entry in entries {
        if entry?
            .file_name()
            .to_str()
            .and_then(segment_number)
            .is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The number in the name of a segment, if it is one.
fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".log")?;
    let number = u64::from_str_radix(digits, 16).ok()?;
    // Only the spelling that we write, so that no two names mean one number.
    (format!("{number:016x}") == digits).then_some(number)
}
