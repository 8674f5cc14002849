//! One thread per disk: it does what the protocol asks of the disk, and says what came of it.
//!
//! ```text
//!            ┌──────────────── pause ◄───────────────┐
//!            ▼                                       │ Failed
//!   start ─ open ──Opened──► wait for an action ─► do it ──Blocks, Appended, Log──┐
//!                                  ▲                                              │
//!                                  └──────────────────────────────────────────────┘
//! ```

use super::{DiskError, DisksConfig, Member, Opened, open};
use consensus::disk_paxos::{Action, DiskId, Event, Operation, Report};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How long a thread waits before it opens a failed disk again.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    /// After the first failure. Doubles with each one until a write succeeds.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(5),
        }
    }
}

/// All disks of a processor.
pub struct Disks {
    threads: Vec<DiskThread>,
}

impl Disks {
    /// Starts the threads, which open the disks at once. `report` must not block for long.
    ///
    /// # Errors
    /// If the system gives no more threads.
    pub fn start(
        config: &DisksConfig,
        processor: &Member,
        report: impl Fn(Event) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let threads = (0..).zip(&config.disks).map(|(id, disk)| {
            let (name, system) = (disk.name.clone(), config.system);
            let (disk, processor) = (disk.clone(), processor.clone());
            DiskThread::start(
                learner_graph::AcceptorId(id),
                &name,
                Pauses::default(),
                move || open(&disk, &system, &processor),
                report.clone(),
            )
        });
        let threads = threads.collect::<io::Result<_>>()?;
        Ok(Self { threads })
    }

    /// Gives an operation to its disk. One for a disk that there is not has no effect.
    pub fn send(&self, operation: Operation) {
        if let Some(thread) = self.threads.get(usize::from(operation.disk.0)) {
            thread.send(operation.action);
        }
    }

    /// Ends all threads, after what they are doing. All files are closed on return.
    pub fn stop(self) {
        // All of them are told before any is waited for.
        let threads: Vec<_> = self.threads.into_iter().map(DiskThread::end).collect();
        threads.into_iter().for_each(wait_for);
    }
}

/// The thread of one disk. Dropping it ends the thread without waiting for it.
pub struct DiskThread {
    actions: Sender<Action>,
    thread: JoinHandle<()>,
}

impl DiskThread {
    /// Starts the thread, which opens the disk at once.
    ///
    /// # Errors
    /// If the system gives no more threads.
    pub fn start(
        id: DiskId,
        name: &str,
        pauses: Pauses,
        open: impl FnMut() -> Result<Opened, DiskError> + Send + 'static,
        report: impl Fn(Event) + Send + 'static,
    ) -> io::Result<Self> {
        let (actions, receiver) = channel();
        let mut driver = Driver {
            open,
            report: move |it| {
                report(Event {
                    disk: id,
                    report: it,
                })
            },
            actions: receiver,
            pauses,
            pause: pauses.first,
        };
        let thread = Builder::new().name(format!("disk {name}")).spawn(move || {
            // The only way out is the end of the sender.
            while let Some(Closed) = driver.use_disk() {}
        })?;
        Ok(Self { actions, thread })
    }

    /// Gives the disk something to do. Never before the answer to the action before.
    pub fn send(&self, action: Action) {
        // The thread ends after this sender only.
        let _ = self.actions.send(action);
    }

    /// Ends the thread, after what it is doing. The disk is closed on return.
    pub fn stop(self) {
        wait_for(self.end());
    }

    fn end(self) -> JoinHandle<()> {
        self.thread
    }
}

fn wait_for(thread: JoinHandle<()>) {
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// The disk is closed, and to be opened again.
struct Closed;

struct Driver<O, R> {
    open: O,
    report: R,
    actions: Receiver<Action>,
    pauses: Pauses,
    /// The next one.
    pause: Duration,
}

impl<O, R> Driver<O, R>
where
    O: FnMut() -> Result<Opened, DiskError>,
    R: Fn(Report),
{
    /// Opens the disk, uses it until something fails, and pauses. `None` at the end of the sender.
    fn use_disk(&mut self) -> Option<Closed> {
        let error = match (self.open)() {
            Ok(opened) => {
                // What was asked for before counts as asked for while the disk was closed.
                self.refuse_until(Some(Instant::now()), "it was not open yet")?;
                self.serve(opened)?
            }
            Err(error) => error,
        };
        tracing::warn!("{error}");
        let why = error.to_string();
        (self.report)(Report::Failed(why.clone()));
        let until = match error.is_final() {
            true => None,
            false => Instant::now().checked_add(self.pause),
        };
        self.pause = (self.pause * 2).min(self.pauses.longest);
        self.refuse_until(until, &why)
    }

    /// Does what it is told until something fails. The disk is closed on return.
    fn serve(&mut self, opened: Opened) -> Option<DiskError> {
        let Opened {
            mut disk,
            own,
            logged,
        } = opened;
        tracing::info!(
            thread = std::thread::current().name(),
            logged = logged.0,
            "the disk is open"
        );
        (self.report)(Report::Opened { own, logged });
        loop {
            let action = self.actions.recv().ok()?;
            let writes = !matches!(action, Action::Read | Action::ReadLog { .. });
            match perform(&mut *disk, action) {
                Ok(report) => (self.report)(report),
                Err(error) => return Some(error),
            }
            // Not after opening: a disk that can be opened but not written would never see a pause.
            if writes {
                self.pause = self.pauses.first;
            }
        }
    }

    /// Waits; whatever is asked for meanwhile fails.
    fn refuse_until(&self, until: Option<Instant>, why: &str) -> Option<Closed> {
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let received = match left {
                Some(left) => self.actions.recv_timeout(left),
                None => self.actions.recv().map_err(RecvTimeoutError::from),
            };
            match received {
                Ok(_) => (self.report)(Report::Failed(why.to_owned())),
                Err(RecvTimeoutError::Timeout) => return Some(Closed),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

/// Does one thing on an open disk.
fn perform(disk: &mut dyn super::Disk, action: Action) -> Result<Report, DiskError> {
    Ok(match action {
        Action::Write { log, block } => {
            if !log.is_empty() {
                disk.append_log(&log)?;
            }
            disk.write_block(&block)?;
            Report::Blocks(disk.read_blocks()?)
        }
        Action::Append(records) => {
            disk.append_log(&records)?;
            Report::Appended
        }
        Action::Read => Report::Blocks(disk.read_blocks()?),
        Action::ReadLog {
            of,
            from,
            max_bytes,
        } => Report::Log {
            of,
            records: disk.read_log(of, from, max_bytes)?,
        },
    })
}
