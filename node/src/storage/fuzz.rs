//! Fuzzing a segment of the log: its records are whole, torn, out of order or no records at all.

use super::format::{HEADER_LEN, Header, encode_record};
use super::{FileLog, Options, examine};
use crypto::{Digest, NetworkId};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const OPTIONS: Options = Options {
    segment_bytes: 4096,
};

fn network() -> NetworkId {
    NetworkId(Digest::of(b"network"))
}

/// A log is opened with just the records that a look at it finds, a second time as the first; or it is
/// refused with a reason, and stays as it is.
#[test]
fn segments() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path();
    bolero::check!()
        .with_iterations(150)
        .with_max_len(128)
        .for_each(|bytes: &[u8]| {
            let (number, written) = segment(bytes);
            let file = path.join(format!("segment-{number:016x}.log"));
            fs::write(&file, &written).expect("a file");
            let looked = examine(path, None, &mut |_| {}).expect("a directory");
            match looked.problem {
                None => {
                    let summary = looked.summary;
                    let found = opened(path).expect("a log that was found to be good");
                    assert_eq!(found.len() as u64, summary.records);
                    let size: usize = found.iter().map(Vec::len).sum();
                    assert_eq!(size as u64, summary.bytes);
                    let again = examine(path, None, &mut |_| {}).expect("a directory");
                    assert!(again.problem.is_none(), "{:?}", again.problem);
                    assert_eq!(again.summary.torn, None, "it is cut once");
                    assert_eq!(opened(path).as_ref(), Ok(&found));
                }
                Some(error) => {
                    assert!(!error.to_string().is_empty());
                    assert!(opened(path).is_err(), "{error}");
                    assert_eq!(
                        fs::read(&file).expect("the file"),
                        written,
                        "it was changed"
                    );
                }
            }
            fs::remove_file(file).expect("the only segment");
        });
}

fn opened(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let (_log, replay) =
        FileLog::open_with(path, network(), OPTIONS).map_err(|error| error.to_string())?;
    replay
        .map(|record| record.map_err(|error| error.to_string()))
        .collect()
}

/// A segment by the choices of an input, and the number in its name.
fn segment(bytes: &[u8]) -> (u64, Vec<u8>) {
    let mut choices = bytes.iter().copied();
    let mut choose = move || choices.next();
    let header = header(choose().unwrap_or(0));
    let mut file = header.encode().to_vec();
    let mut sequence = header.first.saturating_sub(1);
    while let Some(choice) = choose() {
        let next = choose().unwrap_or(0);
        match choice {
            // What is written in order.
            0..160 => {
                sequence += 1;
                let durable = sequence - 1 - u64::from(choice % 3).min(sequence - 1);
                encode_record(
                    &mut file,
                    7,
                    sequence,
                    durable,
                    &vec![choice; usize::from(next % 40)],
                );
            }
            // Of another place, or another segment.
            160..176 => encode_record(&mut file, 7, u64::from(next), u64::MAX, &[choice]),
            176..184 => encode_record(&mut file, u64::from(next), sequence + 1, 0, &[choice]),
            184..200 => file.extend(vec![0; usize::from(next)]),
            200..224 => file.extend([choice, next]),
            224..240 => file.truncate(file.len().saturating_sub(usize::from(next))),
            // Damage, in the header as well.
            _ => {
                let at = (usize::from(choice - 240) * 256 + usize::from(next)) % file.len().max(1);
                if let Some(byte) = file.get_mut(at) {
                    *byte ^= 1 << (next % 8);
                }
            }
        }
    }
    (header.number, file)
}

/// The first of all segments, or a checkpoint of some records, or what makes no sense.
fn header(choice: u8) -> Header {
    let (number, generation, first, sealed) = match choice {
        0..128 => (0, 0, 1, 0),
        128..240 => (3, 3, 5, 4 + u64::from(choice % 8)),
        _ => (3, 2 + u64::from(choice % 4), u64::from(choice / 4 % 2), 4),
    };
    Header {
        network: network(),
        number,
        first,
        generation,
        sealed,
        salt: 7,
    }
}

#[test]
fn a_segment_of_whole_records_is_opened() {
    // The first of all, and a checkpoint of two records with one appended.
    for (choice, records) in [(0, 3), (130, 3)] {
        let directory = TempDir::new().expect("a directory");
        let (number, written) = segment(&[choice, 3, 5, 100, 7, 0, 0]);
        assert!(written.len() > HEADER_LEN);
        let name = format!("segment-{number:016x}.log");
        fs::write(directory.path().join(name), written).expect("a file");
        assert_eq!(
            opened(directory.path()).map(|found| found.len()),
            Ok(records)
        );
    }
    // A checkpoint that lacks records.
    let directory = TempDir::new().expect("a directory");
    let (number, written) = segment(&[134, 3, 5, 100, 7, 0, 0]);
    let name = format!("segment-{number:016x}.log");
    fs::write(directory.path().join(name), written).expect("a file");
    assert!(opened(directory.path()).is_err_and(|error| error.contains("checkpoint")));
}
