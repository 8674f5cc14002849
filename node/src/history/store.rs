//! The file as a database: how it is made, opened, and given transactions.

use super::HistoryError;
use super::error::Fault;
use super::rows::{
    BATCHES, DECISIONS, FILTERS, MESSAGES, META, Meta, PAGE_MESSAGES, PAGES, RECENT, RUNS, STATE,
    State, VERSION,
};
use super::untouched::Untouched;
use super::upgrade::from_version_1;
use crypto::NetworkId;
use redb::backends::FileBackend;
use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase, StorageBackend, WriteTransaction,
};
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// A file that is being made has this added to its name, and no other until it is complete.
const UNFINISHED: &str = ".new";

/// An open database. An error of the library, a panic of it included, is a [`HistoryError`].
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    /// Always there, but while it is dropped.
    database: Option<Database>,
}

impl Store {
    /// Makes an empty history of a network where there is none.
    pub(super) fn make(path: &Path, network: NetworkId, lanes: u16) -> Result<(), HistoryError> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(UNFINISHED);
        let unfinished = PathBuf::from(unfinished);
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(HistoryError::io(&unfinished, "remove")(error));
            }
            _ => {}
        }
        let exists = path.try_exists();
        if exists.map_err(HistoryError::io(path, "look for"))? {
            return Ok(());
        }
        create(&unfinished, network, lanes)?;
        fs::rename(&unfinished, path).map_err(HistoryError::io(path, "rename"))?;
        sync_parent(path)
    }

    /// Opens a history for writing, which changes it. `through` may put something between the database
    /// and the file.
    pub(super) fn open<B: StorageBackend>(
        path: &Path,
        cache_bytes: usize,
        through: impl FnOnce(FileBackend) -> B,
    ) -> Result<Self, HistoryError> {
        let file = File::options().read(true).write(true).open(path);
        let file = file.map_err(HistoryError::io(path, "open"))?;
        let database = guarded(path, "open", || {
            let backend = through(FileBackend::new(file)?);
            let mut builder = Database::builder();
            builder.set_cache_size(cache_bytes);
            Ok(builder.create_with_backend(backend)?)
        })?;
        Ok(Store {
            path: path.to_owned(),
            database: Some(database),
        })
    }

    /// Opens a history for reading alone, and changes nothing in it. Nobody writes to it meanwhile.
    pub(super) fn inspect(
        path: &Path,
        network: NetworkId,
    ) -> Result<(Self, Meta, State), HistoryError> {
        let backend = Untouched::open(path)?;
        let database = guarded(path, "open", || {
            let mut builder = Database::builder();
            builder.set_cache_size(16 << 20);
            Ok(builder.create_with_backend(backend)?)
        });
        let database = database.map_err(|error| match error {
            HistoryError::Io { source, .. } if source.kind() == std::io::ErrorKind::InvalidData => {
                HistoryError::NotAHistory(path.to_owned())
            }
            error => error,
        })?;
        let store = Store {
            path: path.to_owned(),
            database: Some(database),
        };
        let (meta, state) = store.identify(network)?;
        Ok((store, meta, state))
    }

    /// What the file is, if it may be read.
    pub(super) fn identify(&self, network: NetworkId) -> Result<(Meta, State), HistoryError> {
        let path = self.path();
        let meta: Meta = self
            .read("read", |read| {
                let table = match read.open_table(META.definition) {
                    Ok(table) => table,
                    Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                    Err(error) => return Err(error.into()),
                };
                META.get(&table, 0)
            })?
            .ok_or_else(|| HistoryError::NotAHistory(path.to_owned()))?;
        if meta.version > VERSION {
            return Err(HistoryError::NewerVersion {
                path: path.to_owned(),
                found: meta.version,
            });
        }
        if meta.network != network {
            return Err(HistoryError::OtherNetwork {
                path: path.to_owned(),
                found: meta.network,
                expected: network,
            });
        }
        let state: State = self.read("read", |read| {
            let state: State = STATE.must(&read.open_table(STATE.definition)?, 0)?;
            if state.next.len() == usize::from(meta.lanes) {
                Ok(state)
            } else {
                Err(Fault::damaged("the state is of another number of lanes"))
            }
        })?;
        Ok((meta, state))
    }

    /// Turns what an older program has written into what this one reads.
    pub(super) fn upgrade(&self, meta: &Meta) -> Result<(), HistoryError> {
        let meta = Meta {
            version: VERSION,
            ..meta.clone()
        };
        self.write(|write| from_version_1(write, &meta))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Holds every page of the file against its checksum.
    pub(super) fn verify_pages(&mut self) -> Result<(), HistoryError> {
        let database = &mut self.database;
        guarded(&self.path, "read", || {
            let sound = database
                .as_mut()
                .map_or(Ok(true), Database::check_integrity)?;
            let wrong = || Fault::damaged("the account of the pages in use is wrong");
            sound.then_some(()).ok_or_else(wrong)
        })
    }

    fn database(&self) -> Result<&Database, Fault> {
        let closed = || Fault::Misused("the history is closed".to_owned());
        self.database.as_ref().ok_or_else(closed)
    }

    /// Reads.
    pub(super) fn read<T>(
        &self,
        doing: &'static str,
        read: impl FnOnce(&ReadTransaction) -> Result<T, Fault>,
    ) -> Result<T, HistoryError> {
        guarded(&self.path, doing, || read(&self.database()?.begin_read()?))
    }

    /// Writes all or nothing, and returns when it is durable.
    pub(super) fn write<T>(
        &self,
        write: impl FnOnce(&WriteTransaction) -> Result<T, Fault>,
    ) -> Result<T, HistoryError> {
        guarded(&self.path, "write to", || write_to(self.database()?, write))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Nothing is lost if the database cannot be closed: it is opened like after a crash.
        let _ = guarded(&self.path, "close", || {
            drop(self.database.take());
            Ok(())
        });
    }
}

fn write_to<T>(
    database: &Database,
    write: impl FnOnce(&WriteTransaction) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    // Also commits in two phases. Without it, opening after a crash reads the whole file.
    transaction.set_quick_repair(true);
    let done = write(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

/// Makes an empty history, durable under this name.
fn create(path: &Path, network: NetworkId, lanes: u16) -> Result<(), HistoryError> {
    let mut seed = [0; 16];
    getrandom::fill(&mut seed)
        .map_err(|error| HistoryError::io(path, "draw a seed for")(std::io::Error::other(error)))?;
    let meta = Meta {
        version: VERSION,
        network,
        lanes,
        seed,
    };
    let state = State {
        next: vec![consensus::Slot(0); usize::from(lanes)],
        ..State::default()
    };
    guarded(path, "create", || {
        let database = Database::create(path)?;
        write_to(&database, |write| {
            META.put(&mut write.open_table(META.definition)?, 0, &meta)?;
            STATE.put(&mut write.open_table(STATE.definition)?, 0, &state)?;
            write.open_table(DECISIONS.definition)?;
            write.open_table(MESSAGES.definition)?;
            write.open_table(BATCHES.definition)?;
            write.open_table(PAGES.definition)?;
            write.open_table(PAGE_MESSAGES.definition)?;
            write.open_table(RECENT.definition)?;
            write.open_table(RUNS.definition)?;
            write.open_table(FILTERS.definition)?;
            Ok(())
        })?;
        Ok(database.close()?)
    })?;
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(HistoryError::io(path, "sync"))
}

/// Makes the name of a file durable.
fn sync_parent(path: &Path) -> Result<(), HistoryError> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let synced = File::open(parent).and_then(|directory| directory.sync_all());
    synced.map_err(HistoryError::io(parent, "sync"))
}

/// Runs something that calls the library. It may panic on pages that nobody but a failing disk has
/// written: that is an error like any other.
fn guarded<T>(
    path: &Path,
    doing: &'static str,
    run: impl FnOnce() -> Result<T, Fault>,
) -> Result<T, HistoryError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(done) => done.map_err(|fault| fault.at(path, doing)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let text = text.unwrap_or("no message");
            let what = format!("the file's own structure is damaged ({text})");
            Err(HistoryError::Damaged {
                path: path.to_owned(),
                what,
            })
        }
    }
}
