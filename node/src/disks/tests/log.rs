//! Logs on files: where they end, torn tails, what the block refers to, reading on.

use super::*;
use crate::disks::file::log::{Index, Place};

/// Where the log of processor 1 ends, in bytes, if each append was one frame of one sector.
const FRAME: u64 = SECTOR as u64;

#[test]
fn what_was_appended_is_read_from_any_slot_on() {
    let formatted = formatted();
    let mut disk = formatted.open(1).disk;
    for slot in 0..20 {
        disk.append_log(&records(3 * slot..3 * slot + 3, 10 * slot as usize))
            .unwrap();
    }
    let mut reader = formatted.open(2).disk;
    for from in [0, 1, 2, 3, 31, 59, 0] {
        let read = reader.read_log(id(1), Slot(from), usize::MAX).unwrap();
        let expected = (from..60).map(|slot| record(slot, 10 * (slot as usize / 3)));
        assert_eq!(read, expected.collect::<Vec<_>>(), "from {from}");
    }
    for from in [60, 61, u64::MAX] {
        assert!(reader.read_log(id(1), Slot(from), 1).unwrap().is_empty());
    }
    let one = reader.read_log(id(1), Slot(4), 0).unwrap();
    assert_eq!(one, [record(4, 10)]);
    // What comes later is found too.
    disk.append_log(&records(60..61, 0)).unwrap();
    let read = reader.read_log(id(1), Slot(60), 1000).unwrap();
    assert_eq!(read, records(60..61, 0));
    assert_eq!(disk.read_log(id(1), Slot(60), 1000).unwrap(), read);
    assert!(reader.read_log(id(3), Slot(0), 1000).unwrap().is_empty());
    assert!(reader.read_log(id(200), Slot(0), 1000).unwrap().is_empty());
    drop(disk);
    assert_eq!(formatted.open(1).logged, Slot(61));
}

#[test]
fn many_records_of_any_size_fit_in_one_append() {
    let directory = TempDir::new().unwrap();
    let disk = disk_at(&directory.path().join("disk"));
    let large = FormatOptions {
        log_mib: NonZeroU64::new(16).unwrap(),
        ..options()
    };
    format(&disk, &system(), &large).unwrap();
    let mut opened = open(&disk, &system(), &me(1)).unwrap();
    let all = records(0..9, 1 << 20);
    opened.disk.append_log(&all).unwrap();
    opened.disk.append_log(&records(9..400, 100)).unwrap();
    let first = opened.disk.read_log(id(1), Slot(0), 3 << 20).unwrap();
    assert_eq!(first, all[..first.len()]);
    assert!((3..=4).contains(&first.len()), "{}", first.len());
    drop(opened);
    assert_eq!(open(&disk, &system(), &me(1)).unwrap().logged, Slot(400));
}

#[test]
fn a_torn_tail_counts_as_not_written_and_is_written_over() {
    for torn_at in [0, 30, 70, 4096, 5000] {
        let formatted = formatted();
        let mut disk = formatted.open(1).disk;
        disk.append_log(&records(0..1, 0)).unwrap();
        disk.write_block(&block(1, 0)).unwrap();
        disk.append_log(&records(1..2, 6000)).unwrap();
        drop(disk);
        let at = formatted.superblock.log_at(id(1)) + FRAME + torn_at;
        formatted.overwrite(at, &[0xee; 100]);
        let mut opened = formatted.open(1);
        assert_eq!(opened.logged, Slot(1), "torn at {torn_at}");
        opened.disk.append_log(&records(1..3, 0)).unwrap();
        drop(opened);
        let mut opened = formatted.open(1);
        assert_eq!(opened.logged, Slot(3));
        let read = opened.disk.read_log(id(1), Slot(0), usize::MAX).unwrap();
        assert_eq!(read, records(0..3, 0));
    }
}

#[test]
fn what_the_block_refers_to_must_be_there() {
    let formatted = formatted();
    let mut disk = formatted.open(1).disk;
    disk.append_log(&records(0..1, 0)).unwrap();
    disk.append_log(&records(1..2, 0)).unwrap();
    disk.write_block(&block(1, 0)).unwrap();
    disk.append_log(&records(2..3, 0)).unwrap();
    drop(disk);
    // Appended, and the block not written after that: it is there all the same.
    assert_eq!(formatted.open(1).logged, Slot(3));
    let at = formatted.superblock.log_at(id(1)) + FRAME;
    formatted.overwrite(at + 64, &[0xee; 4]);
    let error = formatted.refusal(1);
    assert!(error.contains("log of processor 1 at byte 4096"), "{error}");
    assert!(error.contains("checksum"), "{error}");
}

#[test]
fn a_log_has_no_gaps() {
    let formatted = formatted();
    let mut disk = formatted.open(1).disk;
    disk.append_log(&records(0..2, 0)).unwrap();
    for wrong in [records(3..4, 0), records(1..3, 0), {
        let mut gap = records(2..5, 0);
        gap.remove(1);
        gap
    }] {
        let error = disk.append_log(&wrong).unwrap_err().to_string();
        assert!(error.contains("goes on with slot"), "{error}");
    }
    // Nothing was written, the disk is still open.
    disk.append_log(&records(2..3, 0)).unwrap();
    let read = disk.read_log(id(1), Slot(0), usize::MAX).unwrap();
    assert_eq!(read, records(0..3, 0));
}

#[test]
fn a_full_log_says_so_and_ends_the_writing() {
    let formatted = formatted();
    let mut disk = formatted.open(2).disk;
    // The last of these ends where the area ends.
    for slot in 0..256 {
        disk.append_log(&records(slot..slot + 1, 0)).unwrap();
    }
    let error = disk.append_log(&records(256..257, 0)).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, DiskError::LogFull { .. }), "{text}");
    for part in [
        "processor 2",
        "disk 'd1'",
        "1048576 of 1048576",
        "--log-mib",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(disk.write_block(&Block::default()).is_err());
    drop(disk);
    let mut opened = formatted.open(2);
    assert_eq!(opened.logged, Slot(256));
    let read = opened.disk.read_log(id(2), Slot(255), 10).unwrap();
    assert_eq!(read, records(255..256, 0));
    opened.disk.write_block(&block(1, 0)).unwrap();
    // The log of the next processor begins right behind, and is not harmed.
    assert_eq!(formatted.open(3).logged, Slot(0));
}

#[test]
fn frames_of_an_earlier_format_are_none() {
    let formatted = formatted();
    let mut disk = formatted.open(1).disk;
    disk.append_log(&records(0..2, 0)).unwrap();
    drop(disk);
    let region = formatted.superblock.copy_at(id(1), 0);
    let len = (formatted.superblock.log_at(id(1)) - region) as usize + 2 * SECTOR;
    let old = formatted.bytes(region, len);
    let force = FormatOptions {
        force: true,
        ..options()
    };
    format(&formatted.disk, &system(), &force).unwrap();
    // As a device would still hold it.
    formatted.overwrite(region, &old);
    let opened = formatted.open(1);
    assert_eq!((opened.own, opened.logged), (Block::default(), Slot(0)));
}

#[test]
fn an_index_knows_a_place_not_far_before_any_slot() {
    let mut index = Index::default();
    for slot in 0..1000 {
        let (slot, offset) = (Slot(slot), slot * 100_000);
        index.note(Place { slot, offset });
    }
    assert_eq!(index.before(Slot(5000)).slot, Slot(999));
    for slot in [0, 1, 10, 11, 500, 998] {
        let place = index.before(Slot(slot));
        assert!(place.slot <= Slot(slot) && place.slot.0 + 11 >= slot);
        assert_eq!(place.offset, place.slot.0 * 100_000);
    }
}
