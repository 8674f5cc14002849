//! Fuzzing what is read from a disk. Most targets give the bytes right checksums: what is behind them may
//! have been written by another program.

use super::format::{Member, Superblock};
use super::header::{BlockHeader, FrameHeader};
use super::sealed::{Flaw, Kind, SECTOR, Salt, checksum, seal};
use consensus::disk_paxos::ProcessorId;
use serde::ser::{Serialize, SerializeTuple, Serializer};

const SALT: Salt = [7; 16];

fn me() -> ProcessorId {
    ProcessorId::new(1).expect("not 0")
}

/// Bytes as the contents of an envelope, whatever they are.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        self.0
            .iter()
            .try_for_each(|byte| tuple.serialize_element(byte))?;
        tuple.end()
    }
}

fn check(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    match kind % 8 {
        0 => superblock(bytes),
        1 => member(bytes),
        2 => block(bytes),
        3 => frame(bytes),
        4 => superblock(&seal(Kind::Superblock, &Salt::default(), &Raw(bytes))),
        5 => member(&seal(Kind::Member, &SALT, &Raw(bytes))),
        6 => block(&sealed_block(bytes)),
        _ => frame(&sealed_frame(bytes)),
    }
}

#[test]
fn any_bytes() {
    bolero::check!()
        .with_iterations(10_000)
        .with_max_len(512)
        .for_each(check);
}

fn refused(flaw: &Flaw) {
    assert!(!flaw.to_string().is_empty());
}

fn superblock(bytes: &[u8]) {
    match Superblock::decode(bytes) {
        Ok(found) => {
            assert!(bytes.starts_with(&found.encode()), "not as it was written");
            let end = found.disk_bytes();
            for id in found.ids() {
                assert!(found.copy_at(id, 1) <= end && found.log_at(id) <= end);
            }
        }
        Err(flaw) => refused(&flaw),
    }
}

fn member(bytes: &[u8]) {
    match Member::decode(&SALT, bytes) {
        Ok(found) => assert!(bytes.starts_with(&found.encode(&SALT))),
        Err(flaw) => refused(&flaw),
    }
}

fn block(bytes: &[u8]) {
    match BlockHeader::decode_with(&SALT, me(), bytes) {
        Ok((header, block)) => {
            let (again, copy) = header
                .encode_with(&SALT, &block)
                .expect("as long as it was");
            assert_eq!(again, header);
            assert_eq!(copy[SECTOR..], bytes[SECTOR..header.copy_bytes()]);
        }
        Err(flaw) => refused(&flaw),
    }
}

fn frame(bytes: &[u8]) {
    let records = FrameHeader::decode(&SALT, me(), bytes)
        .and_then(|header| Ok((header, header.records(&SALT, bytes)?)));
    match records {
        Ok((header, records)) => {
            assert_eq!(records.len(), header.count as usize);
            assert_eq!(records[0].slot, header.first);
            let again = FrameHeader::encode_all(&SALT, me(), &records);
            assert_eq!(again.len(), 1);
            assert!(bytes.starts_with(&again[0].1), "not as it was written");
        }
        Err(flaw) => refused(&flaw),
    }
}

/// 33 bytes of a header, then the block.
fn sealed_block(bytes: &[u8]) -> Vec<u8> {
    let (fields, payload) = bytes.split_at(bytes.len().min(33));
    let mut copy = seal(Kind::Block, &SALT, &Raw(&about(fields, payload)));
    copy.resize(SECTOR, 0);
    copy.extend_from_slice(payload);
    copy
}

/// 13 bytes of a header, then the records.
fn sealed_frame(bytes: &[u8]) -> Vec<u8> {
    let (fields, payload) = bytes.split_at(bytes.len().min(13));
    let mut frame = seal(Kind::Frame, &SALT, &Raw(&about(fields, payload)));
    frame.resize(64.max(frame.len()), 0);
    frame.extend_from_slice(payload);
    frame
}

/// The fields of a header with length and checksum of what follows it.
fn about(fields: &[u8], payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_le_bytes();
    let crc = checksum(&SALT, &[payload]).to_le_bytes();
    [fields, &len, &crc].concat()
}

mod seeds {
    use super::*;
    use consensus::disk_paxos::{Block, Entry, LogRecord};
    use consensus::{Ballot, Batch, ClientValue, Slot};
    use crypto::{Digest, codec};
    use std::num::NonZeroU8;
    use std::path::Path;
    use std::sync::Arc;

    fn batch() -> Arc<Batch> {
        let value = ClientValue::new(vec![1], b"value".to_vec()).expect("small");
        Arc::new(Batch {
            values: vec![value],
        })
    }

    fn records(first: u64, count: u64) -> Vec<LogRecord> {
        let record = |n| LogRecord {
            slot: Slot(first + n),
            ballot: Ballot(257),
            value: batch(),
        };
        (0..count).map(record).collect()
    }

    /// What stands in a frame from its header's fields on, without length and checksum.
    fn frame_input(first: u64, records: &[LogRecord]) -> Vec<u8> {
        let mut input = vec![7, 1];
        input.extend(first.to_le_bytes());
        input.extend((records.len() as u32).to_le_bytes());
        input.extend(codec::encode(records));
        input
    }

    fn samples() -> Vec<(&'static str, Vec<u8>)> {
        let superblock = Superblock {
            name: "d1".to_owned(),
            system: Digest::of(b"system"),
            uuid: SALT,
            processors: NonZeroU8::MIN,
            log_bytes: 1 << 20,
        };
        let member = Member {
            id: me(),
            name: "p1".to_owned(),
        };
        let entry = Entry {
            bal: Ballot(257),
            inp: batch(),
        };
        let block = Block {
            mbal: Ballot(257),
            floor: Slot(3),
            entries: [(Slot(4), entry)].into_iter().collect(),
        };
        let of = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
        let mut fields = vec![1];
        fields.extend([0; 32]);
        let frames = FrameHeader::encode_all(&SALT, me(), &records(3, 2));
        vec![
            ("superblock", of(0, &superblock.encode())),
            ("member", of(1, &member.encode(&SALT))),
            ("frame", of(3, &frames[0].1)),
            ("superblock-contents", of(4, &codec::encode(&superblock))),
            ("member-contents", of(5, &codec::encode(&member))),
            (
                "block-contents",
                of(6, &[fields, codec::encode(&block)].concat()),
            ),
            ("frame-contents", frame_input(3, &records(3, 2))),
            ("last-slot", frame_input(u64::MAX, &records(u64::MAX, 1))),
        ]
    }

    #[test]
    fn samples_are_as_they_are_written() {
        for (name, sample) in samples() {
            check(&sample);
            // The targets would let everything pass that is refused.
            let bytes = &sample[1..];
            match sample[0] {
                0 => assert!(Superblock::decode(bytes).is_ok(), "{name}"),
                1 => assert!(Member::decode(&SALT, bytes).is_ok(), "{name}"),
                4 => assert!(
                    Superblock::decode(&seal(Kind::Superblock, &Salt::default(), &Raw(bytes)))
                        .is_ok()
                ),
                6 => {
                    let copy = sealed_block(bytes);
                    assert!(
                        BlockHeader::decode_with(&SALT, me(), &copy).is_ok(),
                        "{name}"
                    );
                }
                7 => {
                    let frame = sealed_frame(bytes);
                    let header = FrameHeader::decode(&SALT, me(), &frame).expect("a header");
                    assert!(header.records(&SALT, &frame).is_ok(), "{name}");
                }
                _ => {}
            }
        }
    }

    /// `cargo test -p node --lib disks::fuzz -- --ignored`
    #[test]
    #[ignore = "writes files"]
    fn write_corpus() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let corpus = here.join("src/disks/__fuzz__/disks__fuzz__any_bytes/corpus");
        std::fs::create_dir_all(&corpus).expect("a directory");
        for (name, bytes) in samples() {
            std::fs::write(corpus.join(name), bytes).expect("a file");
        }
    }
}
