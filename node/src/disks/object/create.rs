//! Making a disk of a prefix in an object store.

use super::join::SUPERBLOCK;
use super::store::{Condition, Store};
use crate::disks::format::Superblock;
use crate::disks::{DiskConfig, DiskError, FormatOptions, System};

/// Writes the superblock, which must be the first thing below the prefix.
pub(in crate::disks) fn format(
    disk: &DiskConfig,
    system: &System,
    options: &FormatOptions,
) -> Result<Superblock, DiskError> {
    format_in(&Store::connect(disk)?, &disk.name, system, options)
}

pub(in crate::disks) fn format_in(
    store: &Store,
    name: &str,
    system: &System,
    options: &FormatOptions,
) -> Result<Superblock, DiskError> {
    let superblock = Superblock::new(name, system.id, options.processors, 0);
    if options.force {
        // A processor that has the disk open finds its block gone, and goes no further.
        store.clear()?;
    } else if !store.list("", None)?.is_empty() {
        let what = "there are objects below the prefix already, nothing was changed; --force \
                    removes them all";
        return Err(DiskError::refused(store.place(), what));
    }
    let bytes = superblock.encode();
    if let Err(error) = store.put(SUPERBLOCK, &bytes, &Condition::New) {
        match store.get(SUPERBLOCK)? {
            Some(got) if got.bytes == bytes => {}
            _ => return Err(error),
        }
    }
    Ok(superblock)
}
