//! How far a command is that takes long.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// How long a command takes before it shows how far it is.
const QUIET: Duration = Duration::from_secs(1);

/// A bar on standard error, if that is a terminal and the command takes long. It goes away when dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    start: Instant,
    /// Whether the results themselves are shown in the same place.
    beside: bool,
}

impl Progress {
    /// Of so many things, if that is known. `told` says whether standard output tells the results.
    pub(super) fn new(all: Option<u64>, things: &str, told: bool) -> Progress {
        let bar = ProgressBar::with_draw_target(all, ProgressDrawTarget::hidden());
        let template = match all {
            Some(_) => format!("{{bar:40}} {{pos}} of {{len}} {things}, {{eta}} left"),
            None => format!("{{spinner}} {{pos}} {things}, {{per_sec}}"),
        };
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        Progress {
            bar,
            start: Instant::now(),
            beside: told && io::stdout().is_terminal(),
        }
    }

    /// One more is done.
    pub(super) fn advance(&self) {
        self.bar.inc(1);
        if !self.beside && self.bar.is_hidden() && self.start.elapsed() >= QUIET {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
