//! Looking at a file or device, without a lock and without writing.

use super::copies::{header, newest};
use super::directory::{directory, open_to_read};
use super::log::{Place, walk};
use crate::disks::survey::{CopyState, LogState, MemberState, Survey, Visit};
use crate::disks::{DiskConfig, DiskError};
use std::ops::ControlFlow;
use std::path::Path;

/// See [`survey`](crate::disks::survey()).
pub(in crate::disks) fn look(
    disk: &DiskConfig,
    path: &Path,
    visit: Visit<'_>,
) -> Result<Survey, DiskError> {
    let place = disk.place();
    let (device, superblock) = open_to_read(path, &place)?;
    let salt = superblock.uuid;
    let mut members = Vec::new();
    for member in directory(&device, &superblock)? {
        let of = member.id;
        let mut read = |which, len| device.read(superblock.copy_at(of, which), len);
        // The block before the log: what it refers to is there, whatever is appended meanwhile.
        let block = match newest(&mut read, &place, &salt, of, None) {
            Ok(found) => Ok((found.header, found.block)),
            Err(DiskError::Damaged { what, .. }) => Err(what),
            Err(error) => return Err(error),
        };
        let mut copies = Vec::new();
        for which in 0..2 {
            copies.push(match header(&mut read, &salt, of, which)? {
                Ok(header) => CopyState::Whole(header),
                Err(flaw) => CopyState::Broken(flaw.to_string()),
            });
        }
        let mut frames = 0;
        let end = walk(&device, &superblock, of, Place::default(), &mut |frame| {
            frames += 1;
            frame.records.iter().for_each(|record| visit(of, record));
            Ok(ControlFlow::Continue(()))
        })?;
        let used = end.place.offset;
        let mut problems = Vec::new();
        if let Ok((header, _)) = &block
            && used < header.log_head
        {
            let why = end.flaw.map_or(String::new(), |flaw| format!(": {flaw}"));
            problems.push(format!(
                "its log is damaged at byte {used} of {}{why}",
                header.log_head
            ));
        }
        members.push(MemberState {
            member,
            copies,
            block,
            log: LogState {
                end: end.place.slot,
                pieces: frames,
                bytes: used,
                capacity: Some(superblock.log_bytes),
            },
            problems,
        });
    }
    Ok(Survey {
        superblock,
        members,
    })
}
