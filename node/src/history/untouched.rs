//! A file that is opened like a database and stays as it is: what would be written is remembered
//! instead.

use super::HistoryError;
use redb::StorageBackend;
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

const BLOCK: u64 = 4096;

/// See the module. It keeps the file locked against writers.
#[derive(Debug)]
pub(super) struct Untouched {
    file: File,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    len: u64,
    /// Up to here the file's own bytes count; behind it they were cut off.
    original: u64,
    /// Blocks that were written, by number.
    written: BTreeMap<u64, Vec<u8>>,
}

impl Untouched {
    pub(super) fn open(path: &Path) -> Result<Self, HistoryError> {
        let file = File::open(path).map_err(HistoryError::io(path, "open"))?;
        match file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(HistoryError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(HistoryError::io(path, "lock")(error)),
        }
        let len = file
            .metadata()
            .map_err(HistoryError::io(path, "read"))?
            .len();
        if len == 0 {
            // The library would take it for a database to be.
            return Err(HistoryError::NotAHistory(path.to_owned()));
        }
        let written = BTreeMap::new();
        Ok(Untouched {
            file,
            state: Mutex::new(State {
                len,
                original: len,
                written,
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file has at an offset; zeros behind `end`.
    fn original(&self, offset: u64, end: u64, out: &mut [u8]) -> io::Result<()> {
        let here = end.saturating_sub(offset).min(out.len() as u64) as usize;
        let (here, behind) = out.split_at_mut(here);
        behind.fill(0);
        self.file.read_exact_at(here, offset)
    }
}

impl StorageBackend for Untouched {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.lock();
        if offset.saturating_add(out.len() as u64) > state.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.original(offset, state.original, out)?;
        let end = offset + out.len() as u64;
        for (number, block) in state.written.range(offset / BLOCK..end.div_ceil(BLOCK)) {
            let start = number * BLOCK;
            let (from, to) = (start.max(offset), (start + BLOCK).min(end));
            out[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&block[(from - start) as usize..(to - start) as usize]);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.lock();
        state.len = len;
        state.original = state.original.min(len);
        let _ = state.written.split_off(&len.div_ceil(BLOCK));
        if let Some(last) = state.written.get_mut(&(len / BLOCK)) {
            last[(len % BLOCK) as usize..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        let original = state.original;
        let end = offset + data.len() as u64;
        for number in offset / BLOCK..end.div_ceil(BLOCK) {
            let start = number * BLOCK;
            let block = match state.written.entry(number) {
                std::collections::btree_map::Entry::Occupied(block) => block.into_mut(),
                std::collections::btree_map::Entry::Vacant(new) => {
                    let mut block = vec![0; BLOCK as usize];
                    self.original(start, original, &mut block)?;
                    new.insert(block)
                }
            };
            let (from, to) = (start.max(offset), (start + BLOCK).min(end));
            block[(from - start) as usize..(to - start) as usize]
                .copy_from_slice(&data[(from - offset) as usize..(to - offset) as usize]);
        }
        Ok(())
    }
}

impl Drop for Untouched {
    fn drop(&mut self) {
        // Closing the file would do, if there were no child process that shares it until it runs its
        // own program. A failure leaves the lock to that.
        let _ = self.file.unlock();
    }
}
