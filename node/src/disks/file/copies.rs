//! A processor's block on a file or device: two copies, written in turn.
//!
//! ```text
//!   write n     copy n mod 2  ◄── header and block in one write
//!   write n+1   the other copy: until it is complete, copy n mod 2 stays as it is
//! ```
//!
//! A copy counts if its checksums fit. A reader takes the newer one that counts; a copy that does not
//! is an unfinished write. It may read while the owner writes, even several times. For the paper a
//! read must not return less than what was written before it began:
//!
//! - If the other copy was found older, the write after the one returned had not been completed then.
//! - If the other copy did not count, a write to it was unfinished. The copy that is returned was read
//!   after that, and holds the write just before the unfinished one, or a later one.

use super::buffer::Buffer;
use crate::disks::DiskError;
use crate::disks::header::BlockHeader;
use crate::disks::sealed::{Flaw, SECTOR, Salt, block_of};
use consensus::disk_paxos::{Block, ProcessorId};
use std::sync::Arc;

/// How often a reader that is overtaken by the owner's writes begins again.
const ATTEMPTS: u32 = 16;

/// A block as it was read.
#[derive(Clone, Debug)]
pub(in crate::disks) struct Found {
    pub(in crate::disks) header: BlockHeader,
    pub(in crate::disks) block: Arc<Block>,
}

/// Which of the two copies a write goes to.
pub(in crate::disks) fn turn(header: &BlockHeader) -> u64 {
    header.seq % 2
}

/// Reads the newest block. `read` gives so many bytes from the start of a copy. What is `known`
/// already is not read again.
pub(in crate::disks) fn newest(
    read: &mut dyn FnMut(u64, usize) -> Result<Buffer, DiskError>,
    place: &str,
    salt: &Salt,
    of: ProcessorId,
    known: Option<&Found>,
) -> Result<Found, DiskError> {
    let mut flaws = [Flaw::Blank, Flaw::Blank];
    for _ in 0..ATTEMPTS {
        let mut headers = [header(read, salt, of, 0)?, header(read, salt, of, 1)?];
        if headers[1].is_err() {
            // See above: what is returned must have been read after this.
            headers[0] = header(read, salt, of, 0)?;
        }
        let order = |which: usize| headers[which].as_ref().map(BlockHeader::order).ok();
        let newer = usize::from(order(1) > order(0));
        if let (Ok(header), Some(known)) = (&headers[newer], known)
            && *header == known.header
        {
            return Ok(known.clone());
        }
        for which in [newer, 1 - newer] {
            match whole(read, salt, of, which as u64, &headers[which])? {
                Ok(found) => return Ok(found),
                Err(flaw) => flaws[which] = flaw,
            }
        }
    }
    let what = format!(
        "neither copy can be used; the first: {}; the second: {}",
        flaws[0], flaws[1]
    );
    Err(DiskError::damaged(place, block_of(of), what))
}

/// Reads the header of one copy.
pub(in crate::disks) fn header(
    read: &mut dyn FnMut(u64, usize) -> Result<Buffer, DiskError>,
    salt: &Salt,
    of: ProcessorId,
    which: u64,
) -> Result<Result<BlockHeader, Flaw>, DiskError> {
    let bytes = read(which, SECTOR)?;
    Ok(BlockHeader::decode(salt, of, &bytes).and_then(|header| {
        if turn(&header) == which {
            Ok(header)
        } else {
            Err(Flaw::Broken("it belongs into the other copy"))
        }
    }))
}

/// Reads all of one copy, whose header was just read. It may be another write's by now, of the same
/// length or not.
fn whole(
    read: &mut dyn FnMut(u64, usize) -> Result<Buffer, DiskError>,
    salt: &Salt,
    of: ProcessorId,
    which: u64,
    header: &Result<BlockHeader, Flaw>,
) -> Result<Result<Found, Flaw>, DiskError> {
    let header = match header {
        Ok(header) => header,
        Err(flaw) => return Ok(Err(flaw.clone())),
    };
    let bytes = read(which, header.copy_bytes())?;
    Ok(
        BlockHeader::decode_with(salt, of, &bytes).map(|(header, block)| Found {
            header,
            block: Arc::new(block),
        }),
    )
}
