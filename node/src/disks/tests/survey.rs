//! What `show` and `check` see.

use super::*;
use crate::disks::survey::{Checker, CopyState};

fn check(disks: &[&Formatted]) -> Vec<String> {
    let mut checker = Checker::default();
    for formatted in disks {
        checker.check(&formatted.disk).unwrap();
    }
    checker.problems
}

fn written() -> Formatted {
    let formatted = formatted();
    for number in 1..=2 {
        let mut disk = formatted.open(number).disk;
        disk.append_log(&records(0..1, 0)).unwrap();
        disk.append_log(&records(1..3, 0)).unwrap();
        let floor = Slot(3);
        disk.write_block(&Block {
            floor,
            ..block(3, 0)
        })
        .unwrap();
    }
    formatted
}

#[test]
fn a_disk_in_use_is_described() {
    let formatted = written();
    let _open = formatted.open(1);
    let mut seen = Vec::new();
    let found = survey(&formatted.disk, &mut |of, record| {
        seen.push((of, record.slot.0))
    })
    .unwrap();
    assert_eq!(found.superblock, formatted.superblock);
    assert_eq!(found.members.len(), 2);
    let one = &found.members[0];
    let (header, block) = one.block.as_ref().unwrap();
    assert_eq!((header.incarnation, block.mbal.0), (2, 3));
    assert_eq!(
        (one.log.end, one.log.pieces, one.log.bytes),
        (Slot(3), 2, 8192)
    );
    assert_eq!(one.log.capacity, Some(1 << 20));
    let expected = [1, 2].map(|p| [0, 1, 2].map(|slot| (id(p), slot)));
    assert_eq!(seen, expected.concat());
    assert!(check(&[&formatted]).is_empty());
}

#[test]
fn a_torn_block_is_shown_and_not_wrong() {
    let formatted = written();
    let which = formatted.newest_copy(1);
    formatted.overwrite(formatted.superblock.copy_at(id(1), which), &[1; 50]);
    let found = survey(&formatted.disk, &mut |_, _| {}).unwrap();
    let copy = &found.members[0].copies[which as usize];
    assert!(matches!(copy, CopyState::Broken(_)), "{copy:?}");
    assert!(check(&[&formatted]).is_empty());
    formatted.overwrite(formatted.superblock.copy_at(id(1), 1 - which), &[1; 50]);
    let problems = check(&[&formatted]);
    assert!(
        problems[0].contains("disk 'd1', processor 1: no block"),
        "{problems:?}"
    );
}

#[test]
fn a_damaged_log_is_wrong() {
    let formatted = written();
    formatted.overwrite(formatted.superblock.log_at(id(2)) + 4096 + 70, &[1; 5]);
    let problems = check(&[&formatted]);
    assert!(
        problems[0].contains("processor 2: its log is damaged at byte 4096"),
        "{problems:?}"
    );
    assert!(problems[1].contains("ends before slot 1"), "{problems:?}");
}

#[test]
fn a_slot_with_two_values_is_wrong_wherever_they_are() {
    let (one, two) = (written(), formatted());
    let mut disk = two.open(3).disk;
    disk.append_log(&records(0..2, 0)).unwrap();
    assert!(check(&[&one, &two]).is_empty());
    disk.append_log(&[record(2, 1000)]).unwrap();
    let problems = check(&[&one, &two]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].contains("slot 2 has two values"),
        "{problems:?}"
    );
    assert!(
        problems[0].contains("processor 1 on disk 'd1'"),
        "{problems:?}"
    );
    assert!(
        problems[0].contains("processor 3 on disk 'd1'"),
        "{problems:?}"
    );
}
