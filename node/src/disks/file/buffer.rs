//! Memory as `O_DIRECT` wants it.

use crate::disks::sealed::SECTOR;
use std::ops::{Deref, DerefMut};

/// Whole sectors of zeroed memory that start at a multiple of the sector's size.
pub struct Buffer {
    /// More than needed, so that an aligned part can be chosen.
    memory: Vec<u8>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// At least `len` bytes, rounded up to whole sectors.
    #[must_use]
    pub fn new(len: usize) -> Self {
        let len = len.next_multiple_of(SECTOR);
        let memory = vec![0; len + SECTOR];
        // The memory of a vector stays where it is, wherever the vector goes.
        let start = memory.as_ptr().align_offset(SECTOR);
        Self { memory, start, len }
    }

    /// A copy of these bytes, filled up with zeros.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut buffer = Self::new(bytes.len());
        buffer[..bytes.len()].copy_from_slice(bytes);
        buffer
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.len]
    }
}
