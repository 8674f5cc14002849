//! The start of a file or device: its superblock and its directory.

use super::device::Device;
use crate::disks::DiskError;
use crate::disks::format::{Member, Superblock};
use crate::disks::sealed::{Flaw, SECTOR};
use consensus::disk_paxos::ProcessorId;
use std::path::Path;

/// Reads the superblock.
pub(super) fn superblock(device: &Device) -> Result<Superblock, DiskError> {
    let place = || device.place().to_owned();
    let unformatted = |what: String| DiskError::Unformatted {
        place: place(),
        what,
    };
    if device.bytes()? < SECTOR as u64 {
        return Err(unformatted("it is too short for a disk".to_owned()));
    }
    Superblock::decode(&device.read(0, SECTOR)?).map_err(|flaw| match flaw {
        Flaw::Version(found) => DiskError::OtherVersion {
            place: place(),
            found,
        },
        Flaw::Broken(what) => DiskError::damaged(device.place(), "superblock", what),
        Flaw::Blank | Flaw::Foreign => unformatted(flaw.to_string()),
    })
}

/// Reads the directory. An entry that cannot be read could be anybody's, so that nothing may be
/// concluded from the others.
pub(super) fn directory(
    device: &Device,
    superblock: &Superblock,
) -> Result<Vec<Member>, DiskError> {
    let len = SECTOR * usize::from(superblock.processors.get());
    let sectors = device.read(SECTOR as u64, len)?;
    let mut members = Vec::new();
    for (id, sector) in superblock.ids().zip(sectors.chunks_exact(SECTOR)) {
        match Member::decode(&superblock.uuid, sector) {
            Ok(member) if member.id == id => members.push(member),
            Ok(_) => {
                let flaw = Flaw::Broken("it is another processor's");
                return Err(entry_damaged(device, id, &flaw));
            }
            Err(Flaw::Blank) => {}
            Err(flaw) => return Err(entry_damaged(device, id, &flaw)),
        }
    }
    Ok(members)
}

pub(super) fn entry_damaged(device: &Device, id: ProcessorId, flaw: &Flaw) -> DiskError {
    let at = format!("directory entry of processor {id}");
    DiskError::damaged(device.place(), at, flaw)
}

/// Opens a formatted disk for reading, without a lock.
pub(super) fn open_to_read(path: &Path, place: &str) -> Result<(Device, Superblock), DiskError> {
    let device = Device::open(path, place, false)?;
    let superblock = superblock(&device)?;
    device.check(superblock.disk_bytes())?;
    Ok((device, superblock))
}
