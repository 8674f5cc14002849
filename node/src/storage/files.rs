//! The operations on files whose order makes the log durable. Tests look at that order, and at what a
//! power cut between any two of them leaves.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use super::LogError;

/// Makes a file durable, its length included.
pub(super) fn sync(path: &Path, file: &File) -> Result<(), LogError> {
    file.sync_all().map_err(LogError::io(path, "sync"))?;
    #[cfg(test)]
    journal::note(journal::Operation::Sync(journal::name(path)));
    Ok(())
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(path: &Path) -> Result<(), LogError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(LogError::io(path, "sync"))?;
    #[cfg(test)]
    journal::note(journal::Operation::SyncDirectory);
    Ok(())
}

/// Gives a file another name in its directory.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), LogError> {
    fs::rename(from, to).map_err(LogError::io(to, "name"))?;
    #[cfg(test)]
    journal::note(journal::Operation::Rename(
        journal::name(from),
        journal::name(to),
    ));
    Ok(())
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), LogError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        result => result.map_err(LogError::io(path, "remove"))?,
    }
    #[cfg(test)]
    journal::note(journal::Operation::Remove(journal::name(path)));
    Ok(())
}

/// What has been done in this thread, for tests.
#[cfg(test)]
pub(super) mod journal {
    use std::cell::RefCell;
    use std::path::Path;

    /// An operation that has succeeded, with names of files in their directory.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(in crate::storage) enum Operation {
        Sync(String),
        SyncDirectory,
        Rename(String, String),
        Remove(String),
    }

    thread_local! {
        static DONE: RefCell<Vec<Operation>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn note(operation: Operation) {
        DONE.with_borrow_mut(|done| done.push(operation));
    }

    pub(super) fn name(path: &Path) -> String {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Everything since the last call.
    pub(in crate::storage) fn take() -> Vec<Operation> {
        DONE.take()
    }
}
