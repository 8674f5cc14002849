//! The disks of Disk Paxos: blocks and logs on files, block devices and object stores.
//!
//! ```text
//!   Disk Paxos ──Operation──► thread of disk 1 ──► FileDisk   ──► a file or device
//!       ▲                     thread of disk 2 ──► ObjectDisk ──► a bucket
//!       └────────Event────────────────┘
//! ```
//!
//! - A disk is dumb: it keeps bytes, and knows nothing of ballots and values.
//! - Everything has a checksum. Whatever is read is whole, or an error that says where it is not.
//! - A processor alone writes its block and its log, and one thread does so on one disk. What keeps an
//!   older incarnation of it out is a lock of the kernel on files and devices, and conditional writes
//!   in object stores.
//!
//! docs/disks.md describes all of it for those who run it.

mod config;
mod disk;
mod error;
mod file;
mod format;
#[cfg(test)]
mod fuzz;
mod header;
mod object;
mod sealed;
pub mod survey;
mod thread;

#[cfg(test)]
mod tests;

pub use config::{DiskConfig, DisksConfig, Location, System};
pub use disk::{Disk, Opened, open};
pub use error::DiskError;
pub use file::FileDisk;
pub use file::buffer::Buffer;
pub use format::{Member, Superblock};
pub use header::BlockHeader;
pub use object::ObjectDisk;
pub use survey::survey;
pub use thread::{DiskThread, Disks, Pauses};

use std::num::{NonZeroU8, NonZeroU64};

/// How to format a disk.
#[derive(Clone, Copy, Debug)]
pub struct FormatOptions {
    /// The largest number of a processor.
    pub processors: NonZeroU8,
    /// The log of each processor, in MiB. At most this on a device; without effect in object stores.
    pub log_mib: NonZeroU64,
    /// Whether whatever is there may be lost.
    pub force: bool,
}

impl Default for FormatOptions {
    /// Sixteen processors with 4 GiB each, where there is nothing yet.
    fn default() -> Self {
        FormatOptions {
            processors: NonZeroU8::MIN.saturating_add(15),
            log_mib: NonZeroU64::MIN.saturating_add(4095),
            force: false,
        }
    }
}

/// Formats a disk.
///
/// # Errors
/// If it cannot be written, is in use, is too small, or holds data and `force` is not set.
pub fn format(
    disk: &DiskConfig,
    system: &System,
    options: &FormatOptions,
) -> Result<Superblock, DiskError> {
    match &disk.location {
        Location::Path(path) => file::create::format(disk, path, system, options),
        Location::S3 { .. } => object::create::format(disk, system, options),
    }
}
