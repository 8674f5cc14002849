//! The thread that writes.

use super::group::{Remembered, apply, write_group};
use super::index::{Entry, Index, write_run};
use super::rows::{FILTERS, RECENT, RUNS, STATE, State};
use super::shared::{Memory, Message, Shared};
use super::{HistoryError, Options};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// What was released is written so much later at the earliest, unless somebody waits for it or there is
/// enough for a group. Nothing is lost by waiting: the records that led to it are durable.
const MIN_DELAY: Duration = Duration::from_millis(200);
/// And so much later at the latest.
const MAX_DELAY: Duration = Duration::from_secs(10);
/// In between, so many times as long as the last group took: however small, a group costs about 0.15 MiB
/// per GiB of the file.
const REST: u32 = 50;

/// Writes until the history is closed or has failed.
pub(super) fn run<W: Message>(shared: &Shared<W>, state: State, options: Options) {
    let mut writer = Writer {
        shared,
        options,
        remembered: Remembered::new(state.messages),
        delay: MIN_DELAY,
        state,
    };
    // Nobody may wait for a thread that has ended, however it did.
    let ended = catch_unwind(AssertUnwindSafe(|| {
        while writer.wait() {
            if let Err(error) = writer.write() {
                shared.fail(error);
            }
            shared.progress.notify_all();
        }
    }));
    if ended.is_err() {
        shared.fail(HistoryError::Misused {
            path: shared.store.path().to_owned(),
            what: "the thread that writes has panicked".to_owned(),
        });
    }
    shared.progress.notify_all();
}

struct Writer<'s, W> {
    shared: &'s Shared<W>,
    options: Options,
    state: State,
    remembered: Remembered,
    delay: Duration,
}

impl<W: Message> Writer<'_, W> {
    /// Waits until there is a group to write; false if there never will be.
    fn wait(&self) -> bool {
        let mut memory = self.shared.lock();
        let mut deadline = None;
        loop {
            if memory.failed.is_some() {
                return false;
            }
            if memory.overlay.writable() == 0 {
                if memory.closing {
                    return false;
                }
                memory.hurry = false;
                memory = wait(&self.shared.work, memory);
                continue;
            }
            let full = memory.overlay.bytes() >= self.options.group;
            let urgent = memory.closing || memory.hurry || full;
            let now = Instant::now();
            let deadline = *deadline.get_or_insert(now + self.delay);
            if urgent || now >= deadline {
                return true;
            }
            let waited = self.shared.work.wait_timeout(memory, deadline - now);
            memory = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn write(&mut self) -> Result<(), HistoryError> {
        let start = Instant::now();
        let ops = self.shared.lock().overlay.group(self.options.group);
        let (shared, state, remembered) = (self.shared, &mut self.state, &mut self.remembered);
        let added = shared
            .store
            .write(|write| write_group(shared, &ops, state, remembered, write))?;
        apply(shared, ops.len(), added);
        self.delay = (start.elapsed() * REST).clamp(MIN_DELAY, MAX_DELAY);
        self.seal(|memory| &mut memory.batches)?;
        self.seal(|memory| &mut memory.values)
    }

    /// Makes a run of the recent entries of an index, if there are enough.
    fn seal<E: Entry>(
        &mut self,
        index: fn(&mut Memory<W>) -> &mut Index<E>,
    ) -> Result<(), HistoryError> {
        let (entries, hasher) = {
            let mut memory = self.shared.lock();
            let index = index(&mut memory);
            let Some(entries) = index.freeze(self.options.recent) else {
                return Ok(());
            };
            (entries, index.hasher())
        };
        let state = &mut self.state;
        let run = self.shared.store.write(|write| {
            let run = write_run(
                hasher,
                &entries,
                &mut state.indexes[usize::from(E::INDEX)],
                &mut write.open_table(RECENT.definition)?,
                &mut write.open_table(RUNS.definition)?,
                &mut write.open_table(FILTERS.definition)?,
            )?;
            STATE.put(&mut write.open_table(STATE.definition)?, 0, &*state)?;
            Ok(run)
        })?;
        index(&mut self.shared.lock()).sealed(run);
        Ok(())
    }
}

/// Waits for a condition to be looked at again.
pub(super) fn wait<'m, T>(
    condition: &std::sync::Condvar,
    guard: std::sync::MutexGuard<'m, T>,
) -> std::sync::MutexGuard<'m, T> {
    condition
        .wait(guard)
        .unwrap_or_else(PoisonError::into_inner)
}
