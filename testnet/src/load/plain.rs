//! The plain loop: what one commit of Disk Paxos does to the disks at least, without the rest.
//!
//! ```text
//!   round n ──► thread of file 1: write the own sector, read those of the others ──► done ─┐
//!           ──► thread of file 2: the same                                       ──► done ─┼─► a majority
//!           ──► thread of file 3: the same, or still at an earlier round                   ┘   ends the round
//! ```
//!
//! A write takes 4096 bytes and alternates between two sectors, as a block does between its copies. For
//! every other processor the headers of both its copies are read. A thread that is behind goes on with
//! the newest round, as a processor goes on with its newest block.

use super::tally::{Tally, Window};
use node::disks::Buffer;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, Scope, Thread};
use std::time::{Duration, Instant};

/// The unit of direct access.
const SECTOR: usize = 4096;
/// A round that ends everything.
const OVER: u64 = u64::MAX;
/// How often somebody who waits for a disk looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(100);

/// What to do.
#[derive(Clone, Debug)]
pub struct PlainLoop {
    /// The files, one per disk. They are made, and removed in the end.
    pub files: Vec<PathBuf>,
    /// The number of processors, whose sectors every file has.
    pub processors: usize,
    /// How long rounds are made before they count.
    pub warm_up: Duration,
    /// How long they count.
    pub time: Duration,
}

/// A file with sectors, two for each processor; the first two are the own ones.
struct Sectors {
    file: File,
    others: usize,
}

impl Sectors {
    /// Makes the file. All of it is written once, so that later writes need no new space.
    fn make(path: &Path, processors: usize) -> io::Result<Sectors> {
        let open = |flags: OFlags| {
            let mut options = OpenOptions::new();
            let options = options.read(true).write(true).create(true);
            options.custom_flags(flags.bits() as _).open(path)
        };
        // As disks do it: not every file system has direct I/O.
        let file = match open(OFlags::DIRECT | OFlags::DSYNC) {
            Err(e) if e.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => open(OFlags::DSYNC),
            opened => opened,
        }?;
        file.write_all_at(&Buffer::new(2 * processors * SECTOR), 0)?;
        file.sync_all()?;
        let others = processors.saturating_sub(1);
        Ok(Sectors { file, others })
    }

    /// One round's work.
    fn work(&self, round: u64) -> io::Result<()> {
        let mut own = Buffer::new(SECTOR);
        own[..8].copy_from_slice(&round.to_le_bytes());
        self.file.write_all_at(&own, round % 2 * SECTOR as u64)?;
        for sector in 2..2 + 2 * self.others {
            let at = (sector * SECTOR) as u64;
            self.file.read_exact_at(&mut Buffer::new(SECTOR), at)?;
        }
        Ok(())
    }
}

/// A thread is done with a round, or has failed.
type Done = io::Result<u64>;

impl PlainLoop {
    /// Makes rounds until the time is over, or until it is to stop. Blocks.
    ///
    /// # Errors
    /// If a file cannot be made, written or read: with its path.
    pub fn run(&self, stop: &AtomicBool) -> io::Result<Tally> {
        let made = self.files.iter().map(|path| {
            let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
            Sectors::make(path, self.processors).map_err(named)
        });
        let made = made.collect::<io::Result<Vec<_>>>();
        let tally = made.and_then(|files| self.rounds(&files, stop));
        for path in &self.files {
            // It may not have come to be; a file that stays does not harm.
            let _ = std::fs::remove_file(path);
        }
        tally
    }

    fn rounds(&self, files: &[Sectors], stop: &AtomicBool) -> io::Result<Tally> {
        let round = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let (send, done) = channel();
            let mut threads = Vec::new();
            for file in files {
                match spawn(scope, file, &round, send.clone()) {
                    Ok(thread) => threads.push(thread),
                    Err(error) => {
                        begin(&round, OVER, &threads);
                        return Err(error);
                    }
                }
            }
            drop(send);
            let tally = self.count(&round, &threads, &done, stop);
            begin(&round, OVER, &threads);
            tally
        })
    }

    fn count(
        &self,
        round: &AtomicU64,
        threads: &[Thread],
        done: &Receiver<Done>,
        stop: &AtomicBool,
    ) -> io::Result<Tally> {
        let start = Instant::now() + self.warm_up;
        let window = Window {
            start,
            end: start + self.time,
        };
        let majority = threads.len() / 2 + 1;
        let mut tally = Tally::default();
        for number in 1.. {
            let began = Instant::now();
            if began >= window.end {
                break;
            }
            begin(round, number, threads);
            let mut ready = 0;
            while ready < majority {
                match done.recv_timeout(LOOK) {
                    // Of an earlier round, if the thread was behind.
                    Ok(of) => ready += usize::from(of? == number),
                    Err(RecvTimeoutError::Timeout) if !stop.load(Ordering::Relaxed) => {}
                    Err(_) => return Err(io::Error::other("stopped")),
                }
            }
            tally.decided(window, began, Instant::now());
            if stop.load(Ordering::Relaxed) {
                return Err(io::Error::other("stopped"));
            }
        }
        Ok(tally)
    }
}

fn begin(round: &AtomicU64, number: u64, threads: &[Thread]) {
    round.store(number, Ordering::Release);
    threads.iter().for_each(Thread::unpark);
}

fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    file: &'scope Sectors,
    round: &'scope AtomicU64,
    done: Sender<Done>,
) -> io::Result<Thread> {
    let work = move || {
        let mut last = 0;
        loop {
            match round.load(Ordering::Acquire) {
                OVER => return,
                same if same == last => std::thread::park(),
                next => {
                    last = next;
                    // Nobody hears it when all is over.
                    let _ = done.send(file.work(next).map(|()| next));
                }
            }
        }
    };
    let thread = Builder::new().name("plain loop".to_owned());
    Ok(thread.spawn_scoped(scope, work)?.thread().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(dir: &Path, time: Duration) -> PlainLoop {
        PlainLoop {
            files: ["one", "two", "three"].map(|name| dir.join(name)).to_vec(),
            processors: 2,
            warm_up: Duration::ZERO,
            time,
        }
    }

    #[test]
    fn rounds_are_made_and_files_removed() {
        let dir = tempfile::tempdir().expect("a directory");
        let plain = plain(dir.path(), Duration::from_millis(200));
        let tally = plain.run(&AtomicBool::new(false)).expect("files");
        assert!(tally.values > 0);
        assert_eq!(tally.answered, tally.times.count());
        assert!(dir.path().read_dir().expect("a directory").next().is_none());
    }

    #[test]
    fn work_writes_in_turn_and_leaves_the_others_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("one");
        let sectors = Sectors::make(&path, 2).expect("a file");
        for round in 1..=4 {
            sectors.work(round).expect("direct I/O");
        }
        let bytes = std::fs::read(path).expect("the file");
        let firsts: Vec<u8> = bytes.chunks(SECTOR).map(|sector| sector[0]).collect();
        assert_eq!(firsts, [4, 3, 0, 0]);
    }

    #[test]
    fn it_stops_when_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let plain = plain(dir.path(), Duration::from_secs(3600));
        let stopped = plain.run(&AtomicBool::new(true));
        assert_eq!(
            stopped.map_err(|e| e.to_string()).err(),
            Some("stopped".into())
        );
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let plain = plain(&dir.path().join("missing"), Duration::from_secs(3600));
        let error = plain.run(&AtomicBool::new(false)).err();
        let words = error.map(|e| e.to_string()).unwrap_or_default();
        assert!(words.contains("missing/one"), "{words}");
    }
}
