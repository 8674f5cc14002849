//! Disks in object stores, on a store in memory that can be made to misbehave.

use super::faulty::{Fault, Faulty};
use super::*;
use crate::disks::object::create::format_in;
use crate::disks::object::look::look_in;
use crate::disks::object::store::Store;
use object_store::ObjectStore;
use object_store::path::Path as Key;

fn store(inner: &Arc<Faulty>) -> Store {
    Store::new(inner.clone(), "disks/d1", "disk 'd1'".to_owned()).unwrap()
}

fn new_store() -> Arc<Faulty> {
    let inner = Arc::new(Faulty::default());
    format_in(&store(&inner), "d1", &system(), &options()).unwrap();
    inner
}

fn try_open(inner: &Arc<Faulty>, number: u8) -> std::result::Result<Opened, DiskError> {
    ObjectDisk::open_in(store(inner), "d1", &system(), &me(number))
}

fn open_one(inner: &Arc<Faulty>) -> Opened {
    try_open(inner, 1).unwrap()
}

#[test]
fn blocks_and_logs_are_found_again() {
    let inner = new_store();
    let mut one = open_one(&inner).disk;
    let mut two = try_open(&inner, 2).unwrap().disk;
    one.write_block(&block(1, 1000)).unwrap();
    one.append_log(&records(0..3, 10)).unwrap();
    one.append_log(&records(3..5, 10)).unwrap();
    one.write_block(&block(2, 1000)).unwrap();
    let read = two.read_blocks().unwrap();
    assert_eq!(read, [(id(1), Arc::new(block(2, 1000)))]);
    let log = two.read_log(id(1), Slot(1), usize::MAX).unwrap();
    assert_eq!(log, records(1..5, 10));
    assert_eq!(two.read_log(id(1), Slot(3), 0).unwrap(), records(3..4, 10));
    assert!(two.read_log(id(1), Slot(5), 1).unwrap().is_empty());
    one.append_log(&records(5..6, 10)).unwrap();
    assert_eq!(two.read_log(id(1), Slot(5), 1).unwrap(), records(5..6, 10));
    assert!(one.append_log(&records(7..8, 10)).is_err());
    drop(one);
    let opened = open_one(&inner);
    assert_eq!((opened.own, opened.logged), (block(2, 1000), Slot(6)));
}

#[test]
fn unchanged_blocks_are_not_sent_again() {
    let inner = new_store();
    let mut one = open_one(&inner).disk;
    let mut two = try_open(&inner, 2).unwrap().disk;
    one.write_block(&block(1, 0)).unwrap();
    let first = two.read_blocks().unwrap();
    inner.reads.lock().unwrap().clear();
    let second = two.read_blocks().unwrap();
    assert!(Arc::ptr_eq(&first[0].1, &second[0].1));
    // One request, and the answer was that nothing has changed.
    assert_eq!(*inner.reads.lock().unwrap(), [false]);
}

#[test]
fn a_lost_answer_is_settled_by_reading() {
    let inner = new_store();
    let mut disk = open_one(&inner).disk;
    for (mbal, fault) in [(1, Fault::LosesAnswer), (2, Fault::Drops)] {
        inner.fail_next("blocks/", fault);
        disk.write_block(&block(mbal, 0)).unwrap();
        inner.fail_next("log/", Fault::LosesAnswer);
        disk.append_log(&records(mbal - 1..mbal, 0)).unwrap();
    }
    drop(disk);
    let opened = open_one(&inner);
    assert_eq!((opened.own, opened.logged), (block(2, 0), Slot(2)));
}

#[test]
fn a_stalled_write_that_lands_after_a_later_one_is_refused() {
    let inner = new_store();
    let mut disk = open_one(&inner).disk;
    disk.write_block(&block(1, 0)).unwrap();
    inner.fail_next("blocks/", Fault::Stalls);
    // Sent again, and the second one is done.
    disk.write_block(&block(2, 0)).unwrap();
    disk.write_block(&block(3, 0)).unwrap();
    assert_eq!(inner.land(), [false]);
    disk.write_block(&block(4, 0)).unwrap();
    drop(disk);
    assert_eq!(open_one(&inner).own, block(4, 0));
}

#[test]
fn a_stalled_write_of_an_earlier_incarnation_is_refused() {
    let inner = new_store();
    let mut disk = open_one(&inner).disk;
    disk.write_block(&block(1, 0)).unwrap();
    // The store does not answer any more, and the processor gives up.
    for _ in 0..4 {
        inner.fail_next("blocks/", Fault::Stalls);
    }
    assert!(disk.write_block(&block(2, 0)).is_err());
    let error = disk.write_block(&block(2, 0)).unwrap_err().to_string();
    assert!(error.contains("opened again"), "{error}");
    let mut opened = open_one(&inner);
    assert_eq!(opened.own, block(1, 0));
    assert_eq!(inner.land(), [false; 4]);
    opened.disk.write_block(&block(3, 0)).unwrap();
    drop(opened);
    assert_eq!(open_one(&inner).own, block(3, 0));
}

#[test]
fn a_stalled_write_that_lands_before_the_next_incarnation_counts() {
    let inner = new_store();
    let mut disk = open_one(&inner).disk;
    for _ in 0..4 {
        inner.fail_next("blocks/", Fault::Stalls);
    }
    assert!(disk.write_block(&block(2, 0)).is_err());
    // The first lands; the others name a version that is gone.
    assert_eq!(inner.land(), [true, false, false, false]);
    assert_eq!(open_one(&inner).own, block(2, 0));
}

#[test]
fn a_log_that_lands_late_does_no_harm() {
    let inner = new_store();
    let mut disk = open_one(&inner).disk;
    disk.append_log(&records(0..2, 0)).unwrap();
    inner.fail_next("log/", Fault::Stalls);
    assert!(disk.append_log(&records(2..6, 0)).is_err());
    let mut opened = open_one(&inner);
    assert_eq!(opened.logged, Slot(2));
    opened.disk.append_log(&records(2..4, 0)).unwrap();
    let mut reader = try_open(&inner, 2).unwrap().disk;
    let read = reader.read_log(id(1), Slot(0), usize::MAX).unwrap();
    assert_eq!(read, records(0..4, 0));
    assert_eq!(inner.land(), [true]);
    opened.disk.append_log(&records(4..8, 0)).unwrap();
    let read = reader.read_log(id(1), Slot(4), usize::MAX).unwrap();
    assert_eq!(read, records(4..8, 0));
    for number in [1, 3] {
        let mut disk = try_open(&inner, number).unwrap().disk;
        let read = disk.read_log(id(1), Slot(0), usize::MAX).unwrap();
        assert_eq!(read, records(0..8, 0));
    }
}

#[test]
fn of_two_processes_with_one_number_the_first_finds_out() {
    let inner = new_store();
    let mut first = open_one(&inner).disk;
    first.write_block(&block(1, 0)).unwrap();
    let mut second = open_one(&inner).disk;
    let error = first.write_block(&block(2, 0)).unwrap_err();
    assert!(error.is_final(), "{error}");
    second.write_block(&block(3, 0)).unwrap();
    drop(second);
    assert_eq!(open_one(&inner).own, block(3, 0));
}

#[test]
fn two_openings_of_one_version_never_write_the_same_bytes() {
    // Otherwise each of them would take the other's claim for its own.
    let header = BlockHeader::first(id(1));
    let claim = || {
        header
            .reopened()
            .next(0)
            .encode_with(&[0; 16], &block(1, 0))
    };
    assert_ne!(claim(), claim());
}

#[test]
fn a_store_without_conditions_is_refused() {
    let refusal = |inner: Faulty| {
        let inner = Arc::new(inner);
        format_in(&store(&inner), "d1", &system(), &options()).unwrap();
        try_open(&inner, 1).err().unwrap().to_string()
    };
    let error = refusal(Faulty {
        ignores_match: true,
        ..Faulty::default()
    });
    assert!(error.contains("If-Match over another version"), "{error}");
    let error = refusal(Faulty {
        ignores_none_match: true,
        ..Faulty::default()
    });
    assert!(error.contains("If-None-Match over what exists"), "{error}");
}

#[test]
fn what_is_missing_or_of_others_is_named() {
    let inner = Arc::new(Faulty::default());
    let error = try_open(&inner, 1).err().unwrap().to_string();
    assert!(error.contains("not formatted"), "{error}");
    let inner = new_store();
    let again = format_in(&store(&inner), "d1", &system(), &options());
    assert!(again.unwrap_err().to_string().contains("--force"));
    let other = System {
        id: Digest::of(b"other"),
    };
    let opened = ObjectDisk::open_in(store(&inner), "d1", &other, &me(1));
    assert!(opened.err().unwrap().to_string().contains("system"));
    // A block that is gone is not a new processor's.
    drop(open_one(&inner));
    let block = Key::from("disks/d1/blocks/1");
    let gone = futures::stream::iter([Ok(block)]);
    let removed = inner.inner.delete_stream(Box::pin(gone));
    futures::executor::block_on_stream(removed).for_each(drop);
    let error = try_open(&inner, 1).err().unwrap().to_string();
    assert!(
        error.contains("block of processor 1: it is gone"),
        "{error}"
    );
    let mut two = try_open(&inner, 2).unwrap().disk;
    assert!(two.read_blocks().is_err());
    let force = FormatOptions {
        force: true,
        ..options()
    };
    format_in(&store(&inner), "d1", &system(), &force).unwrap();
    assert_eq!(open_one(&inner).own, Block::default());
}

#[test]
fn it_is_described() {
    let inner = new_store();
    let mut disk = open_one(&inner).disk;
    disk.append_log(&records(0..2, 0)).unwrap();
    disk.append_log(&records(2..3, 0)).unwrap();
    disk.write_block(&block(1, 0)).unwrap();
    let mut slots = Vec::new();
    let found = look_in(&store(&inner), &mut |_, record| slots.push(record.slot.0)).unwrap();
    assert_eq!(slots, [0, 1, 2]);
    let one = &found.members[0];
    assert_eq!((one.log.end, one.log.pieces), (Slot(3), 2));
    let (header, found) = one.block.as_ref().unwrap();
    assert_eq!((header.incarnation, &**found), (1, &block(1, 0)));
    drop(open_one(&inner));
    let found = look_in(&store(&inner), &mut |_, _| {}).unwrap();
    let (header, found) = found.members[0].block.as_ref().unwrap();
    assert_eq!((header.incarnation, &**found), (2, &block(1, 0)));
}
