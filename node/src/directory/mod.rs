//! A node's data directory as a whole: whether there is a node's data in it, and whose.
//!
//! ```text
//!   hpaxos node ──► admit: is this the first start or not, as the command line says?     run.rs
//!        │
//!        └──► Node::start ──► examine (reads only) ──► log opened, locked ──► bind: node.toml ──► history
//!   hpaxos storage init ────► examine, never_ran ──► log opened, locked ──► begin: node.toml
//! ```
//!
//! A member's promises are in its directory and nowhere else. With an empty one, or another node's, it would
//! contradict them and be caught, although nobody meant any harm: so a mistyped `--data` must not pass.

mod error;
mod owner;
#[cfg(test)]
mod tests;

pub use error::DirectoryError;
pub(crate) use owner::{OWNER, Owner};

use crate::config::{Config, Mode, NodeConfig};
use crate::history::FILE_NAME as HISTORY;
use crate::storage::{LOG, has_segments};
use std::fs::File;
use std::path::Path;

/// What is in a directory.
#[derive(Debug)]
struct Found {
    owner: Option<Owner>,
    log: bool,
    history: bool,
}

impl Found {
    fn look(data: &Path) -> Result<Found, DirectoryError> {
        let log = data.join(LOG);
        let history = data.join(HISTORY);
        Ok(Found {
            owner: Owner::read(data)?,
            log: has_segments(&log).map_err(DirectoryError::io(&log, "list"))?,
            history: history
                .try_exists()
                .map_err(DirectoryError::io(&history, "look for"))?,
        })
    }

    fn anything(&self) -> bool {
        self.owner.is_some() || self.log || self.history
    }
}

/// Whether a node may start for the first time (`init`), or again, with this directory. Only looks.
///
/// What signs nothing may always begin: a node that only learns, or a processor, whose promises are on the disks.
///
/// # Errors
/// [`DirectoryError`] says what to change on the command line.
pub(crate) fn admit(
    data: &Path,
    config: &Config,
    node: &NodeConfig,
    init: bool,
) -> Result<(), DirectoryError> {
    let found = Found::look(data)?;
    if init && found.anything() {
        return Err(begun(data, found.owner));
    }
    let promises = node.member.is_some() && config.mode != Mode::DiskPaxos;
    if !init && !found.anything() && promises {
        return Err(DirectoryError::Empty {
            path: data.to_owned(),
            node: node.name.clone(),
        });
    }
    Ok(())
}

/// Refuses a directory of another node, and one that has lost its log. Only looks.
///
/// # Errors
/// [`DirectoryError`].
pub(crate) fn examine(data: &Path, node: &NodeConfig) -> Result<(), DirectoryError> {
    let found = Found::look(data)?;
    if let Some(owner) = &found.owner {
        owner.must_be(data, node)?;
    }
    // The log is the first that is made.
    if !found.log && found.anything() {
        return Err(DirectoryError::LogGone {
            path: data.join(LOG),
            there: if found.history { HISTORY } else { OWNER },
        });
    }
    Ok(())
}

/// Binds a directory to a node that has never run: to be called by who has examined it and locked the log in it. A
/// first time that was cut short is finished: then there is a log without records, and perhaps the node's name.
///
/// # Errors
/// [`DirectoryError`]. A directory that a node has run with is refused.
pub(crate) fn begin(data: &Path, node: &NodeConfig, records: u64) -> Result<(), DirectoryError> {
    never_ran(data)?;
    if records > 0 {
        return Err(begun(data, Owner::read(data)?));
    }
    bind(data, node, records)
}

/// Refuses a directory where a node has run: the first that it makes then is its history. Only looks.
///
/// # Errors
/// [`DirectoryError`].
pub(crate) fn never_ran(data: &Path) -> Result<(), DirectoryError> {
    let found = Found::look(data)?;
    match found.history {
        true => Err(begun(data, found.owner)),
        false => Ok(()),
    }
}

fn begun(data: &Path, owner: Option<Owner>) -> DirectoryError {
    DirectoryError::Begun {
        path: data.to_owned(),
        owner: owner.map_or(String::new(), |o| format!(" of {o}")),
    }
}

/// Binds a directory to its node: to be called by who has locked the log in it. One that nothing binds becomes this
/// node's only if there are no `records` in the log, as after a first start that was cut short: the records might be
/// another node's. If there is a history as well, it was no first start, and the log is not the one that belongs to it.
///
/// # Errors
/// [`DirectoryError`].
pub(crate) fn bind(data: &Path, node: &NodeConfig, records: u64) -> Result<(), DirectoryError> {
    let own = Owner::of(node);
    match Owner::read(data)? {
        Some(owner) if owner == own => Ok(()),
        Some(owner) => {
            // It may have another name, or a key that signs nothing, since.
            owner.must_be(data, node)?;
            own.write(data)
        }
        None if records > 0 && node.member.is_some() => Err(DirectoryError::Unbound {
            path: data.to_owned(),
            node: node.name.clone(),
            text: own.text(),
        }),
        None if node.member.is_some() && Found::look(data)?.history => {
            Err(DirectoryError::LogGone {
                path: data.join(LOG),
                there: HISTORY,
            })
        }
        None => own.write(data),
    }
}

/// Makes the names in a directory durable.
fn sync_names(directory: &Path) -> Result<(), DirectoryError> {
    let synced = File::open(directory).and_then(|opened| opened.sync_all());
    synced.map_err(DirectoryError::io(directory, "sync"))
}
