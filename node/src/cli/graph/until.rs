//! Work that ends early if it takes too long, or if the user has waited long enough.

use super::super::client::block_on;
use super::super::progress::Progress;
use super::super::{Exit, complain, fail};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How often something moves while work goes on.
const TICK: Duration = Duration::from_millis(100);

/// Says what has been found, and how the command ends.
pub(super) type Say = Box<dyn FnOnce() -> Exit + Send>;

/// What has been done is told this.
pub(super) type Tell<'a> = &'a mut dyn FnMut(&str, usize, usize);

/// Does work that heeds `stop`, which is raised after some time and by Ctrl-C; a second Ctrl-C ends
/// the program at once. What the work has found is said when nothing else is on the screen any more.
pub(super) fn until(
    stop: Arc<AtomicBool>,
    seconds: Option<u64>,
    work: impl FnOnce(Tell<'_>) -> Say + Send + 'static,
) -> Exit {
    block_on(async move {
        let mut interrupts = match signal(SignalKind::interrupt()) {
            Ok(interrupts) => interrupts,
            Err(error) => return fail(Exit::Failed, error),
        };
        // No time is none, however quick the work would be.
        stop.fetch_or(seconds == Some(0), Ordering::Relaxed);
        let progress = Arc::new(Progress::stages());
        let told = Arc::clone(&progress);
        let mut work = tokio::task::spawn_blocking(move || {
            let mut tell = |what: &str, done: usize, all: usize| told.stage(what, done, all);
            work(&mut tell)
        });
        let mut ticks = tokio::time::interval(TICK);
        let limit = tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(0)));
        tokio::pin!(limit);
        loop {
            tokio::select! {
                done = &mut work => {
                    drop(progress);
                    return done.map_or(Exit::Failed, |say| say());
                }
                _ = ticks.tick() => progress.tick(),
                () = &mut limit, if seconds.is_some() && !stop.load(Ordering::Relaxed) => {
                    stop.store(true, Ordering::Relaxed);
                }
                Some(()) = interrupts.recv() => {
                    if stop.swap(true, Ordering::Relaxed) {
                        std::process::exit(3);
                    }
                    complain("stopping: what is known so far follows; Ctrl-C again ends without it");
                }
            }
        }
    })
}
