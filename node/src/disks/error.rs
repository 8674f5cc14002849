//! What can go wrong with a disk, where, and what to do about it.

use super::sealed::VERSION;
use consensus::disk_paxos::ProcessorId;
use std::io;

/// Why a disk cannot be used. Every message names the disk and a remedy.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The operating system refused or failed.
    #[error(
        "cannot {doing} {place}: {source}; check the disk (space, permissions, health); it is \
         opened again by itself"
    )]
    Io {
        /// Which disk.
        place: String,
        /// What was being done to it.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is not there any more, or is another one, or has lost its end.
    #[error("{place} {what}; put the disk back as it was, it is opened again by itself")]
    Missing {
        /// Which disk.
        place: String,
        /// What is not as it was.
        what: String,
    },
    /// The object store failed or refused.
    #[error(
        "cannot {doing} {place}: {source}; check the address, the credentials and the health of \
         the store; it is opened again by itself"
    )]
    Store {
        /// Which disk.
        place: String,
        /// What was being done.
        doing: &'static str,
        /// What the store or the connection said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The object store lacks something without which a late write could undo a later one.
    #[error(
        "{place} cannot be a disk: the store {what}; use a store with conditional PUT (If-Match \
         and If-None-Match) and reads that see every write before them"
    )]
    Unfit {
        /// Which disk.
        place: String,
        /// What it does wrong.
        what: &'static str,
    },
    /// There is nothing, or nothing of ours.
    #[error("{place} is not formatted: {what}; run `hpaxos disk format`, or name another disk")]
    Unformatted {
        /// Which disk.
        place: String,
        /// What was found.
        what: String,
    },
    /// Written by another version of this software.
    #[error(
        "{place} has format version {found}, this program reads {VERSION}: use the program that it \
         was formatted with (nothing was changed)"
    )]
    OtherVersion {
        /// Which disk.
        place: String,
        /// The version it has.
        found: u32,
    },
    /// Formatted for something else.
    #[error(
        "{place} was formatted for {what} {found}, but this is {expected}: name the right disk, or \
         use the configuration that it was formatted with (nothing was changed)"
    )]
    Other {
        /// Which disk.
        place: String,
        /// What differs.
        what: &'static str,
        /// What the disk says.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// What was written is gone or changed.
    #[error(
        "{place}, {at}: {what}. The other disks go on without this one; check its health, and \
         neither restore anything older onto it nor format it again while the others live"
    )]
    Damaged {
        /// Which disk.
        place: String,
        /// Where on it.
        at: String,
        /// What is wrong there.
        what: String,
    },
    /// A processor's log has no room left.
    #[error(
        "the log of processor {processor} on {place} is full ({used} of {capacity} bytes, {more} \
         more needed); logs are never cut, so a system with full logs is at its end: plan --log-mib for \
         its life"
    )]
    LogFull {
        /// Which disk.
        place: String,
        /// Whose log.
        processor: ProcessorId,
        /// Bytes in use.
        used: u64,
        /// Bytes there are.
        capacity: u64,
        /// Bytes that were to be appended.
        more: u64,
    },
    /// The processor has the disk open already.
    #[error(
        "{place} is in use by {who}, in this process or another one on this machine; stop that \
         one first, `fuser` names it"
    )]
    InUse {
        /// Which disk.
        place: String,
        /// By whom.
        who: String,
    },
    /// Somebody else writes this processor's block.
    #[error(
        "another incarnation of processor {processor} uses {place}: stop one of the two, and start \
         this one again; two processors with one number would break the protocol"
    )]
    Superseded {
        /// Which disk.
        place: String,
        /// Which processor.
        processor: ProcessorId,
    },
    /// What was asked for cannot be done; the disk is as it was.
    #[error("{place}: {what}")]
    Refused {
        /// Which disk.
        place: String,
        /// What and why, and how to mend it.
        what: String,
    },
}

impl DiskError {
    /// Whether opening the disk again is of no use, and could do harm.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, DiskError::Superseded { .. })
    }

    /// For `map_err`: what was being done to which disk.
    pub(super) fn io<'a, E: Into<io::Error>>(
        place: &'a str,
        doing: &'static str,
    ) -> impl FnOnce(E) -> Self + 'a {
        move |source| Self::Io {
            place: place.to_owned(),
            doing,
            source: source.into(),
        }
    }

    pub(super) fn damaged(
        place: &str,
        at: impl Into<String>,
        what: impl std::fmt::Display,
    ) -> Self {
        Self::Damaged {
            place: place.to_owned(),
            at: at.into(),
            what: what.to_string(),
        }
    }

    pub(super) fn refused(place: &str, what: impl Into<String>) -> Self {
        Self::Refused {
            place: place.to_owned(),
            what: what.into(),
        }
    }
}
