//! A length inside the input is not believed before its bytes are there. A program of its own with
//! one thread, because it watches its address space grow and threads would reserve some as well.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use crypto::Signed;
use crypto::codec::{LARGEST, decode};
use support::Promise;

fn main() {
    let lies = [
        1 << 20,
        1 << 24,
        LARGEST as u64 - 200,
        LARGEST as u64,
        1 << 40,
        u64::MAX / 2,
        u64::MAX,
    ];
    // Errors and honest lengths set up whatever the allocator sets up once.
    attempt(&[1, 200]);
    let before = peak_kib();
    attempt(&lies);
    let grown = peak_kib() - before;
    assert!(grown < 2048, "grew by {grown} KiB");
}

fn attempt(lies: &[u64]) {
    for lie in lies {
        let mut bytes = lie.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[b'x'; 100]);
        assert!(decode::<String>(&bytes, LARGEST).is_err());
        assert!(decode::<Vec<u8>>(&bytes, LARGEST).is_err());
        assert!(decode::<Vec<u64>>(&bytes, LARGEST).is_err());
        assert!(decode::<Vec<String>>(&bytes, LARGEST).is_err());
        bytes.splice(0..0, [1, 0]);
        assert!(decode::<Signed<Promise>>(&bytes, LARGEST).is_err());
    }
}

/// The largest size that the address space has had.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmPeak:"));
    let number = line.unwrap().split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}
