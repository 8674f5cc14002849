//! Work that ends early if it takes too long, or if the user has waited long enough.

use super::super::client::block_on;
use super::super::progress::Progress;
use super::super::{Exit, complain, fail};
use clap::Args;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How long a command may work.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Work until all is decided, and for so many seconds at most; Ctrl-C ends it as well, and what is known
    /// is printed. Without it each question may take some thousand steps, and all of them some seconds; to check validity,
    /// as many steps as a node takes
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = seconds)]
    pub(super) seconds: Option<u64>,
}

/// A time on the command line.
fn seconds(text: &str) -> Result<u64, String> {
    const MAX: u64 = 1_000_000;
    let number = text.parse().ok().filter(|n| *n <= MAX);
    number.ok_or_else(|| format!("whole seconds, from 0 to {MAX}, are wanted"))
}

impl Budget {
    /// How long the command may work: as long as the user says, or else as long as users wait for it.
    pub(super) fn or(self, seconds: u64) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(seconds))
    }
}

/// How often something moves while work goes on.
const TICK: Duration = Duration::from_millis(100);

/// Interrupts that come together like this are one: a terminal and what runs the program may both send it.
const AT_ONCE: Duration = Duration::from_millis(300);

/// The interrupts of one command.
#[derive(Default)]
struct Interrupts {
    last: Option<Instant>,
}

/// What an interrupt is for.
#[derive(PartialEq, Eq, Debug)]
enum Wish {
    /// The same as the one just before it.
    Echo,
    /// To end the work, and to be told what is known.
    Stop,
    /// To end the program: the work was to end before.
    Leave,
}

impl Interrupts {
    /// One has come. It raises all flags.
    fn wish(&mut self, now: Instant, stops: &[Arc<AtomicBool>]) -> Wish {
        if self.last.is_some_and(|last| now - last < AT_ONCE) {
            return Wish::Echo;
        }
        self.last = Some(now);
        let ending = stops.iter().map(|stop| stop.swap(true, Ordering::Relaxed));
        // All are raised, whatever was before.
        match ending.fold(true, |all, was| all & was) {
            true => Wish::Leave,
            false => Wish::Stop,
        }
    }
}

/// Says what has been found, and how the command ends.
pub(super) type Say = Box<dyn FnOnce() -> Exit + Send>;

/// What has been done is told this.
pub(super) type Tell<'a> = &'a mut dyn FnMut(&str, usize, usize);

/// When each of so many flags is raised, which share a time: the last one at its end.
fn ends(time: Duration, flags: usize) -> Vec<Duration> {
    let flags = u32::try_from(flags).unwrap_or(u32::MAX);
    (1..=flags).map(|at| time * at / flags).collect()
}

/// Does work that heeds the flags of `stops`, which are raised by Ctrl-C, and after some time: the last one when it is
/// over, those before it one after the other on the way there. A second Ctrl-C ends
/// the program at once. What the work has found is said when nothing else is on the screen any more.
pub(super) fn until(
    stops: &[Arc<AtomicBool>],
    time: Duration,
    work: impl FnOnce(Tell<'_>) -> Say + Send + 'static,
) -> Exit {
    let stops = stops.to_vec();
    block_on(async move {
        let mut interrupts = match signal(SignalKind::interrupt()) {
            Ok(interrupts) => interrupts,
            Err(error) => return fail(Exit::Failed, error),
        };
        // No time is none, however quick the work would be.
        for stop in &stops {
            stop.fetch_or(time.is_zero(), Ordering::Relaxed);
        }
        let progress = Arc::new(Progress::stages());
        let told = Arc::clone(&progress);
        let mut work = tokio::task::spawn_blocking(move || {
            let mut tell = |what: &str, done: usize, all: usize| told.stage(what, done, all);
            work(&mut tell)
        });
        let mut ticks = tokio::time::interval(TICK);
        let (start, ends) = (tokio::time::Instant::now(), ends(time, stops.len()));
        let limit = tokio::time::sleep_until(start + ends.first().copied().unwrap_or(time));
        tokio::pin!(limit);
        let mut over = 0;
        let mut interrupted = Interrupts::default();
        loop {
            tokio::select! {
                done = &mut work => {
                    drop(progress);
                    return done.map_or(Exit::Failed, |say| say());
                }
                _ = ticks.tick() => progress.tick(),
                () = &mut limit, if over < stops.len() => {
                    stops[over].store(true, Ordering::Relaxed);
                    over += 1;
                    if let Some(next) = ends.get(over) {
                        limit.as_mut().reset(start + *next);
                    }
                }
                Some(()) = interrupts.recv() => match interrupted.wish(Instant::now(), &stops) {
                    Wish::Echo => {}
                    Wish::Stop => {
                        complain("stopping: what is known so far follows; Ctrl-C again ends without it");
                    }
                    Wish::Leave => std::process::exit(3),
                },
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_as_much_of_the_time() {
        let seconds =
            |n: &[u64]| -> Vec<Duration> { n.iter().map(|n| Duration::from_secs(*n)).collect() };
        assert_eq!(ends(Duration::from_secs(60), 3), seconds(&[20, 40, 60]));
        assert_eq!(ends(Duration::from_secs(5), 1), seconds(&[5]));
    }

    #[test]
    fn a_second_interrupt_ends_the_program() {
        let stops: [Arc<AtomicBool>; 3] = Default::default();
        stops[0].store(true, Ordering::Relaxed);
        let start = Instant::now();
        let mut interrupts = Interrupts::default();
        let mut at = |elapsed| interrupts.wish(start + elapsed, &stops);
        assert_eq!(at(Duration::ZERO), Wish::Stop);
        assert!(stops.iter().all(|stop| stop.load(Ordering::Relaxed)));
        assert_eq!(at(AT_ONCE / 2), Wish::Echo);
        assert_eq!(at(AT_ONCE), Wish::Leave);
    }
}
