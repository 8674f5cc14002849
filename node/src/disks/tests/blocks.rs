//! Blocks: two copies, torn writes, readers beside the writer.

use super::*;
use crate::disks::file::buffer::Buffer;
use crate::disks::file::copies::{newest, turn};
use crate::disks::format::COPY_BYTES;
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn a_processor_joins_with_the_initial_block_and_finds_what_it_wrote() {
    let formatted = formatted();
    let opened = formatted.open(1);
    assert_eq!((opened.own, opened.logged), (Block::default(), Slot(0)));
    let mut disk = opened.disk;
    assert!(disk.read_blocks().unwrap().is_empty());
    for mbal in 1..=3 {
        disk.write_block(&block(mbal, 10_000)).unwrap();
    }
    drop(disk);
    assert_eq!(formatted.open(1).own, block(3, 10_000));
}

#[test]
fn others_are_seen_as_soon_as_they_have_joined_and_again_when_they_change() {
    let formatted = formatted();
    let mut one = formatted.open(1).disk;
    let mut two = formatted.open(2).disk;
    let read = one.read_blocks().unwrap();
    assert_eq!(read, [(id(2), Arc::new(Block::default()))]);
    two.write_block(&block(5, 0)).unwrap();
    let changed = one.read_blocks().unwrap();
    assert_eq!(changed, [(id(2), Arc::new(block(5, 0)))]);
    let unchanged = one.read_blocks().unwrap();
    assert!(Arc::ptr_eq(&changed[0].1, &unchanged[0].1));
}

#[test]
fn the_older_copy_is_used_wherever_the_newer_one_is_torn() {
    let formatted = formatted();
    let mut disk = formatted.open(1).disk;
    disk.write_block(&block(1, 30_000)).unwrap();
    disk.write_block(&block(2, 30_000)).unwrap();
    drop(disk);
    let which = formatted.newest_copy(1);
    let at = formatted.superblock.copy_at(id(1), which);
    let whole = formatted.bytes(at, SECTOR * 9);
    let sectors = (SECTOR + crypto::codec::encode(&block(2, 30_000)).len()).div_ceil(SECTOR);
    // A new reader each time: one that has seen a version whole does not read it again.
    let read = || formatted.open(2).disk.read_blocks().unwrap();
    for torn in 0..sectors {
        // Of the write, only what stands before this sector has reached the disk.
        let rest = whole.len() - torn * SECTOR;
        formatted.overwrite(at + (torn * SECTOR) as u64, &vec![0xa5; rest]);
        let found = read()[0].1.mbal;
        assert_eq!(found, Ballot(1), "torn at sector {torn}");
        formatted.overwrite(at, &whole);
        assert_eq!(read(), [(id(1), Arc::new(block(2, 30_000)))]);
    }
    formatted.overwrite(at, &[0xa5; 16]);
    let mut owner = formatted.open(1);
    assert_eq!(owner.own, block(1, 30_000));
    owner.disk.write_block(&block(3, 0)).unwrap();
    drop(owner);
    assert_eq!(formatted.open(1).own, block(3, 0));
}

#[test]
fn without_a_whole_copy_the_block_is_unavailable() {
    let formatted = formatted();
    formatted.open(1).disk.write_block(&block(1, 0)).unwrap();
    let mut reader = formatted.open(2).disk;
    for which in 0..2 {
        let at = formatted.superblock.copy_at(id(1), which);
        formatted.overwrite(at + 40, &[0xff; 8]);
    }
    let error = reader.read_blocks().unwrap_err().to_string();
    assert!(error.contains("block of processor 1"), "{error}");
    assert!(error.contains("neither copy"), "{error}");
    assert!(formatted.refusal(1).contains("neither copy"));
    // Zeros are not the initial block.
    for which in 0..2 {
        formatted.overwrite(formatted.superblock.copy_at(id(1), which), &[0; 4096]);
    }
    assert!(formatted.refusal(1).contains("only zeros"));
}

#[test]
fn a_block_that_went_back_is_noticed_before_the_next_write() {
    let formatted = formatted();
    let mut disk = formatted.open(1).disk;
    let at = formatted.superblock.copy_at(id(1), 0);
    let before = formatted.bytes(at, 2 * COPY_BYTES as usize);
    disk.write_block(&block(1, 0)).unwrap();
    formatted.overwrite(at, &before);
    let error = disk.write_block(&block(2, 0)).unwrap_err().to_string();
    assert!(
        error.contains("not what this processor wrote last"),
        "{error}"
    );
    let error = disk.read_blocks().unwrap_err().to_string();
    assert!(error.contains("opened again"), "{error}");
}

#[test]
fn a_newer_incarnation_from_elsewhere_ends_this_one() {
    let formatted = formatted();
    let mut disk = formatted.open(1).disk;
    // What another machine would write that does not see the lock.
    let which = formatted.newest_copy(1);
    let at = formatted.superblock.copy_at(id(1), which);
    let salt = formatted.superblock.uuid;
    let header = BlockHeader::decode(&salt, id(1), &formatted.bytes(at, SECTOR)).unwrap();
    let next = header.reopened().next(0);
    let (_, bytes) = next.encode_with(&salt, &block(9, 0)).unwrap();
    formatted.overwrite(formatted.superblock.copy_at(id(1), 1 - which), &bytes);
    let error = disk.write_block(&block(2, 0)).unwrap_err();
    assert!(error.is_final(), "{error}");
    assert!(error.to_string().contains("another incarnation"));
}

#[test]
fn a_block_beyond_the_log_or_the_limit_is_refused_and_the_disk_stays_open() {
    let formatted = formatted();
    let mut disk = formatted.open(1).disk;
    let beyond = Block {
        floor: Slot(1),
        ..Block::default()
    };
    assert!(disk.write_block(&beyond).is_err());
    let large = Block {
        entries: (0..9)
            .flat_map(|slot| block(slot, 1 << 20).entries)
            .collect(),
        ..Block::default()
    };
    let error = disk.write_block(&large).unwrap_err().to_string();
    assert!(error.contains("the limit is 8388608"), "{error}");
    disk.append_log(&records(0..1, 0)).unwrap();
    disk.write_block(&beyond).unwrap();
}

#[test]
fn a_reader_beside_the_writer_sees_whole_versions_in_order() {
    const WRITES: u64 = 300;
    let formatted = formatted();
    let mut writer = formatted.open(1).disk;
    let mut reader = formatted.open(2).disk;
    let done = Arc::new(AtomicU64::new(0));
    let written = done.clone();
    let thread = std::thread::spawn(move || {
        for n in 1..=WRITES {
            let len = (n * 7919 % 60_000) as usize;
            writer.write_block(&block(n, len)).unwrap();
            written.store(n, Ordering::SeqCst);
        }
    });
    let mut versions = 0;
    let mut last = 0;
    while last < WRITES {
        let least = done.load(Ordering::SeqCst);
        let read = reader.read_blocks().unwrap();
        let mbal = read[0].1.mbal.0;
        assert!(mbal >= least.max(last), "{mbal}, after {least} and {last}");
        if mbal > 0 {
            let len = (mbal * 7919 % 60_000) as usize;
            assert_eq!(*read[0].1, block(mbal, len));
        }
        versions += u64::from(mbal != last);
        last = mbal;
    }
    thread.join().unwrap();
    assert!(versions > 1, "the reader saw the last version only");
}

/// Where a write can be cut off: within a header, after it, after each sector.
const CUTS: [usize; 5] = [48, SECTOR, 2 * SECTOR, 3 * SECTOR, 4 * SECTOR];

/// A disk of two copies, whose owner goes on writing, part by part, whenever somebody reads.
struct Busy {
    copies: [Vec<u8>; 2],
    header: BlockHeader,
    /// The write in progress, and how many of its parts are there.
    writing: Option<(BlockHeader, Vec<u8>, usize)>,
    /// Complete writes.
    completed: u64,
}

const SALT: [u8; 16] = [7; 16];

impl Busy {
    fn new() -> Self {
        let empty = || vec![0; 4 * SECTOR];
        let mut busy = Self {
            copies: [empty(), empty()],
            header: BlockHeader::first(id(1)).reopened(),
            writing: None,
            completed: 0,
        };
        while busy.completed < 2 {
            busy.step();
        }
        busy
    }

    /// One part more.
    fn step(&mut self) {
        let next = self.completed + 1;
        let (header, bytes, parts) = self.writing.get_or_insert_with(|| {
            let block = block(next, (next * 3571 % 8000) as usize);
            let encoded = self.header.next(0).encode_with(&SALT, &block);
            let (header, mut bytes) = encoded.unwrap();
            bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
            (header, bytes, 0)
        });
        let start = parts.checked_sub(1).map_or(0, |before| CUTS[before]);
        let part = start..CUTS[*parts];
        let copy = &mut self.copies[turn(header) as usize];
        copy[part.clone()].copy_from_slice(&bytes[part]);
        *parts += 1;
        if CUTS[*parts - 1] == bytes.len() {
            self.header = *header;
            self.completed = next;
            self.writing = None;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// The paper's reads are atomic: never less than what was complete before, never back, never mixed.
    #[test]
    fn reads_are_atomic_whatever_the_owner_writes_meanwhile(
        steps in prop::collection::vec(prop_oneof![Just(0usize), 0usize..12], 1..200),
    ) {
        let mut busy = Busy::new();
        let mut steps = steps.into_iter();
        let mut known: Option<crate::disks::file::copies::Found> = None;
        while steps.len() > 0 {
            let before = busy.completed;
            let mut read = |which: u64, len: usize| {
                for _ in 0..steps.next().unwrap_or(0) {
                    busy.step();
                }
                let copy = &busy.copies[which as usize];
                Ok(Buffer::of(&copy[..len.next_multiple_of(SECTOR)]))
            };
            let found = newest(&mut read, "it", &SALT, id(1), known.as_ref());
            // Being overtaken all the time is an error, and rare.
            let Ok(found) = found else { continue };
            let last = known.as_ref().map_or(0, |k| k.block.mbal.0);
            let mbal = found.block.mbal.0;
            prop_assert!(mbal >= before.max(last), "{mbal}, after {before} and {last}");
            prop_assert_eq!(&*found.block, &block(mbal, (mbal * 3571 % 8000) as usize));
            known = Some(found);
        }
    }
}
