//! Making a disk of a file or device.

use super::buffer::Buffer;
use super::device::Device;
use crate::disks::format::Superblock;
use crate::disks::sealed::SECTOR;
use crate::disks::{DiskConfig, DiskError, FormatOptions, System};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

/// How much of a device is looked at for data of somebody else.
const LOOK: usize = 1 << 20;
/// A log that is hardly worth having.
const SMALL_LOG: u64 = 16 << 20;

/// Formats a file, which is made if it does not exist, or a device.
///
/// The old superblock is gone before anything else changes, and the new one comes last: what a crash
/// leaves behind is not formatted.
pub(in crate::disks) fn format(
    disk: &DiskConfig,
    path: &Path,
    system: &System,
    options: &FormatOptions,
) -> Result<Superblock, DiskError> {
    let place = disk.place();
    let created = OpenOptions::new().write(true).create_new(true).open(path);
    match created {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(DiskError::io(&place, "create")(error)),
    }
    let device = Device::open(path, &place, true)?;
    if !device.lock(0, 0)? {
        let who = "a processor".to_owned();
        return Err(DiskError::InUse { place, who });
    }
    let bytes = device.bytes()?;
    if !options.force {
        refuse_data(&device, bytes)?;
    }
    let log_bytes = options.log_mib.get().saturating_mul(1 << 20);
    let (processors, file) = (options.processors, device.is_file());
    let log_bytes = match Superblock::log_for(bytes, processors) {
        // A device has the size it has, and is used to its end unless less is asked for.
        Some(fits) if !file && fits > 0 => fits.min(log_bytes),
        _ => log_bytes,
    };
    let superblock = Superblock::new(&disk.name, system.id, processors, log_bytes);
    if !file && bytes < superblock.disk_bytes() {
        return Err(DiskError::refused(
            &place,
            format!(
                "it has {bytes} bytes, and {processors} processors with logs of {} MiB need {}; \
                 {} processors with logs of {} MiB would fit: format it with fewer --processors, or \
                 name a larger device",
                log_bytes >> 20,
                superblock.disk_bytes(),
                Superblock::fitting(bytes, SMALL_LOG),
                SMALL_LOG >> 20
            ),
        ));
    }
    if bytes >= SECTOR as u64 {
        device.write(0, &Buffer::new(SECTOR))?;
    }
    if file {
        device.resize(0)?;
        device.resize(superblock.disk_bytes())?;
    } else {
        // Everything else is known to be of an earlier format by its salt; but the entries of a
        // directory are blank or damaged.
        let entries = SECTOR * usize::from(processors.get());
        device.write(SECTOR as u64, &Buffer::new(entries))?;
    }
    device.write(0, &Buffer::of(&superblock.encode()))?;
    device.sync()?;
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    fs::File::open(parent.unwrap_or(Path::new(".")))
        .and_then(|directory| directory.sync_all())
        .map_err(DiskError::io(&place, "sync the directory of"))?;
    Ok(superblock)
}

/// Refuses to write over anything but zeros.
fn refuse_data(device: &Device, bytes: u64) -> Result<(), DiskError> {
    let what = if device.is_file() && !bytes.is_multiple_of(SECTOR as u64) {
        "it holds data"
    } else {
        let len = bytes.min(LOOK as u64) as usize;
        let start = device.read(0, len)?;
        match Superblock::decode(start.get(..SECTOR).unwrap_or_default()) {
            Ok(_) => "it is formatted already",
            Err(_) if device.is_file() && bytes > 0 => "it holds data",
            Err(_) if start.iter().any(|byte| *byte != 0) => "it holds data",
            Err(_) => return Ok(()),
        }
    };
    Err(DiskError::refused(
        device.place(),
        format!(
            "{what}, nothing was changed; --force formats it all the same, and all of that is lost"
        ),
    ))
}
