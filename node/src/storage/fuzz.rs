//! Fuzzing a segment of the log: its records are whole, torn, out of order or no records at all.

use super::format::{HEADER_LEN, Header, encode_record};
use super::{FileLog, Options, check};
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
            let file = path.join(format!("segment-{:016x}.log", 0));
            let written = segment(bytes);
            fs::write(&file, &written).expect("a file");
            match check(path, network()) {
                Ok(summary) => {
                    let found = opened(path).expect("a log that was found to be good");
                    assert_eq!(found.len() as u64, summary.records);
                    let size: usize = found.iter().map(Vec::len).sum();
                    assert_eq!(size as u64, summary.bytes);
                    let again = check(path, network()).expect("a log that was repaired");
                    assert_eq!(again.torn, None, "it is cut once");
                    assert_eq!(opened(path).as_ref(), Ok(&found));
                }
                Err(error) => {
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

/// A segment by the choices of an input.
fn segment(bytes: &[u8]) -> Vec<u8> {
    let mut choices = bytes.iter().copied();
    let mut choose = move || choices.next();
    let header = Header {
        network: network(),
        number: 0,
        first: 1,
        salt: 7,
    };
    let mut file = header.encode().to_vec();
    let mut sequence = 0;
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
    file
}

#[test]
fn a_segment_of_whole_records_is_opened() {
    let directory = TempDir::new().expect("a directory");
    let written = segment(&[3, 5, 100, 7, 0, 0]);
    assert!(written.len() > HEADER_LEN);
    fs::write(
        directory.path().join(format!("segment-{:016x}.log", 0)),
        written,
    )
    .expect("a file");
    assert_eq!(opened(directory.path()).map(|found| found.len()), Ok(3));
}
