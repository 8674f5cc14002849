//! Tests of disks: on real files, on a store in memory, and on a store behind HTTP.

mod blocks;
mod child;
mod faulty;
mod log;
mod model;
mod object;
mod refused;
mod s3;
mod survey;
mod thread;

use super::format::Superblock;
use super::sealed::SECTOR;
use super::*;
use consensus::disk_paxos::{Block, Entry, LogRecord, ProcessorId};
use consensus::{Ballot, Batch, ClientValue, Slot};
use crypto::Digest;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

fn system() -> System {
    System {
        id: Digest::of(b"system"),
    }
}

fn options() -> FormatOptions {
    FormatOptions {
        processors: NonZeroU8::new(3).unwrap(),
        log_mib: NonZeroU64::new(1).unwrap(),
        force: false,
    }
}

fn disk_at(path: &Path) -> DiskConfig {
    DiskConfig {
        name: "d1".to_owned(),
        location: Location::Path(path.to_owned()),
    }
}

fn id(number: u8) -> ProcessorId {
    ProcessorId::new(number).unwrap()
}

fn me(number: u8) -> Member {
    Member {
        id: id(number),
        name: format!("p{number}"),
    }
}

/// A formatted disk in a directory of its own.
struct Formatted {
    directory: TempDir,
    disk: DiskConfig,
    superblock: Superblock,
}

fn formatted() -> Formatted {
    let directory = TempDir::new().unwrap();
    let disk = disk_at(&directory.path().join("disk"));
    let superblock = format(&disk, &system(), &options()).unwrap();
    Formatted {
        directory,
        disk,
        superblock,
    }
}

impl Formatted {
    fn path(&self) -> &Path {
        match &self.disk.location {
            Location::Path(path) => path,
            Location::S3 { .. } => unreachable!(),
        }
    }

    fn open(&self, number: u8) -> Opened {
        open(&self.disk, &system(), &me(number)).unwrap()
    }

    fn refusal(&self, number: u8) -> String {
        match open(&self.disk, &system(), &me(number)) {
            Ok(_) => panic!("it was opened"),
            Err(error) => error.to_string(),
        }
    }

    /// Changes some bytes of the disk behind the back of whoever uses it.
    fn overwrite(&self, offset: u64, bytes: &[u8]) {
        let file = fs::OpenOptions::new().write(true).open(self.path());
        file.unwrap().write_all_at(bytes, offset).unwrap();
    }

    fn bytes(&self, offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let file = fs::File::open(self.path()).unwrap();
        file.read_exact_at(&mut bytes, offset).unwrap();
        bytes
    }

    /// The copy of a processor's block that was written last.
    fn newest_copy(&self, number: u8) -> u64 {
        let seq = |which| {
            let at = self.superblock.copy_at(id(number), which);
            let header = self.bytes(at, SECTOR);
            BlockHeader::decode(&self.superblock.uuid, id(number), &header)
                .unwrap()
                .seq
        };
        u64::from(seq(1) > seq(0))
    }
}

fn batch(text: &str, len: usize) -> Arc<Batch> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(bytes.len().max(len), b'.');
    let value = ClientValue::new(text.as_bytes().to_vec(), bytes).unwrap();
    Arc::new(Batch {
        values: vec![value],
    })
}

/// A block with this `mbal`, and one value of this length.
fn block(mbal: u64, len: usize) -> Block {
    let entry = Entry {
        bal: Ballot(mbal),
        inp: batch(&mbal.to_string(), len),
    };
    Block {
        mbal: Ballot(mbal),
        floor: Slot(0),
        entries: [(Slot(mbal), entry)].into(),
    }
}

fn record(slot: u64, len: usize) -> LogRecord {
    LogRecord {
        slot: Slot(slot),
        ballot: Ballot(1),
        value: batch(&format!("value {slot}"), len),
    }
}

fn records(slots: std::ops::Range<u64>, len: usize) -> Vec<LogRecord> {
    slots.map(|slot| record(slot, len)).collect()
}
