//! A file or block device: aligned reads and writes that bypass the cache, locks, and whether it is
//! still the one that was opened.

use super::buffer::Buffer;
use crate::disks::DiskError;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// An open file or device.
#[derive(Debug)]
pub(in crate::disks) struct Device {
    file: File,
    path: PathBuf,
    place: String,
    identity: Identity,
}

/// What tells files and devices apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    file_system: u64,
    inode: u64,
    /// The device itself, if it is one.
    device: u64,
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        Self {
            file_system: metadata.dev(),
            inode: metadata.ino(),
            device: metadata.rdev(),
        }
    }
}

impl Device {
    /// Opens a file or device that exists.
    pub(in crate::disks) fn open(path: &Path, place: &str, write: bool) -> Result<Self, DiskError> {
        let file = match open_with(path, write, OFlags::DIRECT | OFlags::DSYNC) {
            Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => {
                tracing::warn!(
                    disk = place,
                    "the file system does not do direct I/O; reads may come from its cache"
                );
                open_with(path, write, OFlags::DSYNC)
            }
            result => result,
        };
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => missing(place, "is not there"),
            _ => DiskError::io(place, "open")(error),
        })?;
        let metadata = file.metadata().map_err(DiskError::io(place, "examine"))?;
        let kind = metadata.file_type();
        if !kind.is_file() && !kind.is_block_device() {
            let what = "it is neither a regular file nor a block device".to_owned();
            let place = place.to_owned();
            return Err(DiskError::Unformatted { place, what });
        }
        Ok(Self {
            identity: Identity::from(&metadata),
            file,
            path: path.to_owned(),
            place: place.to_owned(),
        })
    }

    /// How messages call the disk.
    pub(in crate::disks) fn place(&self) -> &str {
        &self.place
    }

    /// Whether it is a regular file, which can change its size.
    pub(in crate::disks) fn is_file(&self) -> bool {
        self.identity.device == 0
    }

    /// Bytes of the file or device.
    pub(in crate::disks) fn bytes(&self) -> Result<u64, DiskError> {
        (&self.file)
            .seek(SeekFrom::End(0))
            .map_err(DiskError::io(&self.place, "find the size of"))
    }

    /// Makes a regular file as long as this; what is new reads as zeros.
    pub(in crate::disks) fn resize(&self, bytes: u64) -> Result<(), DiskError> {
        self.file
            .set_len(bytes)
            .map_err(DiskError::io(&self.place, "extend"))
    }

    /// Whether the path still names this file, with at least so many bytes. A write to a file that has
    /// lost its end would make it look whole again, and one to a removed file would be seen by nobody.
    pub(in crate::disks) fn check(&self, bytes: u64) -> Result<(), DiskError> {
        let named = match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(missing(&self.place, "was removed while it was open"));
            }
            named => named.map_err(DiskError::io(&self.place, "examine"))?,
        };
        if Identity::from(&named) != self.identity {
            return Err(missing(&self.place, "was replaced while it was open"));
        }
        let found = self.bytes()?;
        if found < bytes {
            let what = format!("has {found} bytes, and had {bytes} when it was formatted");
            return Err(missing(&self.place, what));
        }
        Ok(())
    }

    /// Reads whole sectors.
    pub(in crate::disks) fn read(&self, offset: u64, len: usize) -> Result<Buffer, DiskError> {
        let mut buffer = Buffer::new(len);
        match self.file.read_exact_at(&mut buffer, offset) {
            Ok(()) => Ok(buffer),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let what = format!("ends before the offset {}", offset + buffer.len() as u64);
                Err(missing(&self.place, what))
            }
            Err(error) => Err(DiskError::io(&self.place, "read")(error)),
        }
    }

    /// Writes whole sectors, which are durable on return.
    pub(in crate::disks) fn write(&self, offset: u64, buffer: &Buffer) -> Result<(), DiskError> {
        self.file
            .write_all_at(buffer, offset)
            .map_err(DiskError::io(&self.place, "write to"))
    }

    /// Makes durable whatever a process before this one has written.
    pub(in crate::disks) fn sync(&self) -> Result<(), DiskError> {
        self.file
            .sync_all()
            .map_err(DiskError::io(&self.place, "sync"))
    }

    /// Locks a range of bytes, to the end of the file for the length 0, until this is dropped or the
    /// process ends. `false` if somebody else has a lock there, be it in this process.
    ///
    /// The lock belongs to this opening of the file: several processors of a machine can share a disk,
    /// each with its own range. Other machines do not see the lock of a device.
    pub(in crate::disks) fn lock(&self, start: u64, len: u64) -> Result<bool, DiskError> {
        match self.set_lock(libc::F_WRLCK, start, len) {
            Ok(()) => Ok(true),
            Err(nix::Error::EAGAIN | nix::Error::EACCES) => Ok(false),
            Err(error) => Err(DiskError::io(&self.place, "lock")(error)),
        }
    }

    fn set_lock(&self, kind: libc::c_int, start: u64, len: u64) -> nix::Result<()> {
        let range = libc::flock {
            l_type: kind as _,
            l_whence: libc::SEEK_SET as _,
            l_start: start as _,
            l_len: len as _,
            l_pid: 0,
        };
        fcntl(&self.file, FcntlArg::F_OFD_SETLK(&range)).map(drop)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // Closing the file would do, if there were no child process that shares it until it runs
        // its own program. A failure leaves the lock to that.
        let _ = self.set_lock(libc::F_UNLCK, 0, 0);
    }
}

fn open_with(path: &Path, write: bool, flags: OFlags) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(write)
        .custom_flags(flags.bits() as _)
        .open(path)
}

fn missing(place: &str, what: impl Into<String>) -> DiskError {
    DiskError::Missing {
        place: place.to_owned(),
        what: what.into(),
    }
}
