//! A file that fails on command, and one that remembers what was done to it.

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};
use std::io;
use std::ops::Bound;
use std::sync::{Arc, Condvar, Mutex};

/// What was done to a file.
#[derive(Clone, Debug)]
pub(super) enum Done {
    Write(u64, Vec<u8>),
    Length(u64),
    Sync,
    /// So many slots were committed.
    Committed(u64),
    /// So many may be written.
    Released(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Read,
    Write,
    Sync,
}

#[derive(Debug, Default)]
struct State {
    /// What fails, how many times it still works, and how it fails.
    fails: Option<(What, usize, io::ErrorKind)>,
    /// Nobody writes.
    closed: bool,
    done: Option<Vec<Done>>,
}

/// The handle of a test on the file of a history.
#[derive(Clone, Debug, Default)]
pub(super) struct Control(Arc<(Mutex<State>, Condvar)>);

impl Control {
    /// From now on, after so many times.
    pub(super) fn fail(&self, what: What, after: usize, how: io::ErrorKind) {
        self.0.0.lock().unwrap().fails = Some((what, after, how));
    }

    /// Lets writers wait.
    pub(super) fn close(&self) {
        self.0.0.lock().unwrap().closed = true;
    }

    /// Lets them go on.
    pub(super) fn open(&self) {
        self.0.0.lock().unwrap().closed = false;
        self.0.1.notify_all();
    }

    /// Remembers what is done from now on.
    pub(super) fn record(&self) {
        self.0.0.lock().unwrap().done = Some(Vec::new());
    }

    pub(super) fn note(&self, done: Done) {
        if let Some(all) = &mut self.0.0.lock().unwrap().done {
            all.push(done);
        }
    }

    pub(super) fn recorded(&self) -> Vec<Done> {
        self.0.0.lock().unwrap().done.clone().unwrap()
    }

    fn enter(&self, what: What) -> io::Result<()> {
        let (state, opened) = &*self.0;
        let mut state = state.lock().unwrap();
        while what == What::Write && state.closed {
            state = opened.wait(state).unwrap();
        }
        match &mut state.fails {
            Some((fails, 0, how)) if *fails == what => Err((*how).into()),
            Some((fails, after, _)) if *fails == what => {
                *after -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn around(&self, file: FileBackend) -> Faulty {
        let control = self.clone();
        Faulty { file, control }
    }
}

#[derive(Debug)]
pub(super) struct Faulty {
    file: FileBackend,
    control: Control,
}

impl StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.control.enter(What::Read)?;
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.control.enter(What::Write)?;
        self.control.note(Done::Length(len));
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.control.enter(What::Sync)?;
        self.control.note(Done::Sync);
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.control.enter(What::Write)?;
        self.control.note(Done::Write(offset, data.to_vec()));
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, from: Bound<u64>, to: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(from, to)
    }

    fn unlock_range(&self, from: Bound<u64>, to: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(from, to)
    }

    fn query_lock_range(&self, from: Bound<u64>, to: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(from, to)
    }
}
