//! A processor's log on a file or device: frames of consecutive records, one after the other.
//!
//! ```text
//!   ┌───────────┬────────────────┬─────┬───────────┬─────
//!   │header 0..3│ records │ fill │ … 3 │header 3..9│  …      every frame starts on a whole sector
//!   └───────────┴────────────────┴─────┴───────────┴─────
//! ```
//!
//! A log ends where no whole frame with the next slot follows. A torn frame at the end counts as not
//! written, and the next one is written over it. What remains of it is a part of its records, which
//! cannot look like a frame: see [`sealed`](crate::disks::sealed).

use super::buffer::Buffer;
use super::device::Device;
use crate::disks::DiskError;
use crate::disks::format::Superblock;
use crate::disks::header::{FRAME_HEADER, FrameHeader};
use crate::disks::sealed::{Flaw, SECTOR};
use consensus::Slot;
use consensus::disk_paxos::{LogRecord, ProcessorId};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// How much is read at once, where frames are smaller.
const CHUNK: usize = 256 << 10;
/// Bytes of log between two points of an index.
const SPACING: u64 = 1 << 20;

/// A place in a log: where the frame that starts with this slot is, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::disks) struct Place {
    pub(in crate::disks) slot: Slot,
    pub(in crate::disks) offset: u64,
}

/// Some places in a log, so that one who follows it does not begin at its start each time.
#[derive(Debug, Default)]
pub(in crate::disks) struct Index {
    points: BTreeMap<Slot, u64>,
    /// The last frame that was looked at.
    last: Place,
}

impl Index {
    /// The last known place that is not behind a slot.
    pub(in crate::disks) fn before(&self, slot: Slot) -> Place {
        if self.last.slot <= slot {
            return self.last;
        }
        let point = self.points.range(..=slot).next_back();
        point.map_or(Place::default(), |(slot, offset)| Place {
            slot: *slot,
            offset: *offset,
        })
    }

    /// Remembers where a frame starts.
    pub(in crate::disks) fn note(&mut self, place: Place) {
        self.last = place;
        let point = self.points.range(..=place.slot).next_back();
        if point.is_none_or(|(_, offset)| offset + SPACING <= place.offset) {
            self.points.insert(place.slot, place.offset);
        }
    }
}

/// A whole frame.
pub(in crate::disks) struct Frame<'a> {
    pub(in crate::disks) place: Place,
    /// The frame as it stands on the disk, without what fills it up.
    pub(in crate::disks) bytes: &'a [u8],
    pub(in crate::disks) records: Vec<LogRecord>,
}

/// Where a walk through a log stopped.
#[derive(Debug)]
pub(in crate::disks) struct End {
    /// Where the next frame would be, or the first one that was not looked at.
    pub(in crate::disks) place: Place,
    /// Why there is none; `None` if the visitor had seen enough.
    pub(in crate::disks) flaw: Option<Flaw>,
}

/// Walks through a processor's log from a place on.
pub(in crate::disks) fn walk(
    device: &Device,
    superblock: &Superblock,
    of: ProcessorId,
    from: Place,
    visit: &mut dyn FnMut(Frame<'_>) -> Result<ControlFlow<()>, DiskError>,
) -> Result<End, DiskError> {
    let mut window = Window {
        device,
        start: superblock.log_at(of),
        len: superblock.log_bytes,
        at: 0,
        buffer: Buffer::new(0),
    };
    let mut place = from;
    let flaw = loop {
        let sector = match window.bytes(place.offset, SECTOR)? {
            Some(sector) => sector,
            None => break Flaw::Broken("the log is full"),
        };
        let header = match FrameHeader::decode(&superblock.uuid, of, sector) {
            Ok(header) if header.first == place.slot => header,
            Ok(_) => break Flaw::Broken("a frame of another place is there"),
            Err(flaw) => break flaw,
        };
        let Some(bytes) = window.bytes(place.offset, header.frame_bytes())? else {
            break Flaw::Broken("its length makes no sense");
        };
        let records = match header.records(&superblock.uuid, bytes) {
            Ok(records) => records,
            Err(flaw) => break flaw,
        };
        let visited = visit(Frame {
            place,
            bytes,
            records,
        })?;
        place = Place {
            slot: header.end(),
            offset: place.offset + header.frame_bytes().next_multiple_of(SECTOR) as u64,
        };
        if visited.is_break() {
            return Ok(End { place, flaw: None });
        }
    };
    let flaw = Some(flaw);
    Ok(End { place, flaw })
}

/// Reads records of a processor's log: from a slot on, about so many bytes.
pub(in crate::disks) fn read(
    device: &Device,
    superblock: &Superblock,
    of: ProcessorId,
    index: &mut Index,
    from: Slot,
    max_bytes: usize,
) -> Result<Vec<LogRecord>, DiskError> {
    let mut found = Vec::new();
    let mut bytes = 0;
    walk(device, superblock, of, index.before(from), &mut |frame| {
        index.note(frame.place);
        let share = (frame.bytes.len() - FRAME_HEADER) / frame.records.len().max(1);
        for record in frame.records {
            if record.slot < from {
                continue;
            }
            if !found.is_empty() && bytes >= max_bytes {
                return Ok(ControlFlow::Break(()));
            }
            bytes += share;
            found.push(record);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// A part of a log area in memory.
struct Window<'a> {
    device: &'a Device,
    start: u64,
    len: u64,
    at: u64,
    buffer: Buffer,
}

impl Window<'_> {
    /// Bytes of the log area; `None` if they reach beyond its end. `offset` is on a whole sector.
    fn bytes(&mut self, offset: u64, len: usize) -> Result<Option<&[u8]>, DiskError> {
        let have = self.at..self.at + self.buffer.len() as u64;
        let end = offset.saturating_add(len as u64);
        if end > self.len {
            return Ok(None);
        }
        if offset < have.start || end > have.end {
            let most = usize::try_from(self.len - offset).unwrap_or(usize::MAX);
            let amount = len.max(CHUNK).min(most);
            self.buffer = self.device.read(self.start + offset, amount)?;
            self.at = offset;
        }
        let first = (offset - self.at) as usize;
        Ok(Some(&self.buffer[first..first + len]))
    }
}
