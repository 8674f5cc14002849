//! Which disks there are, and where.

use crypto::Digest;
use std::fmt;
use std::path::PathBuf;

/// The disks of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisksConfig {
    /// What the disks belong to.
    pub system: System,
    /// The disks; the place in this list is the disk's [`DiskId`](consensus::disk_paxos::DiskId).
    pub disks: Vec<DiskConfig>,
}

/// The processors and disks that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct System {
    /// A digest over the network's name, the names of the disks and the quorum rule. Every disk holds
    /// it: a disk of another system, or of this one with other quorums, is refused.
    pub id: Digest,
}

/// One disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskConfig {
    /// Its name, which the disk itself holds too.
    pub name: String,
    /// Where it is.
    pub location: Location,
}

/// Where a disk is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A regular file or a block device.
    Path(PathBuf),
    /// A prefix in a bucket of an object store. Credentials, and whatever is `None` here, come from
    /// the usual environment variables (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, …).
    S3 {
        /// `s3://bucket/prefix`.
        url: String,
        /// The server's address, for stores other than Amazon's.
        endpoint: Option<String>,
        /// The region.
        region: Option<String>,
        /// Whether to speak plain HTTP with it.
        allow_http: bool,
    },
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Path(path) => path.display().fmt(f),
            Location::S3 { url, .. } => f.write_str(url),
        }
    }
}
