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

    /// Of work in stages, each with a name; see [`stage`](Self::stage).
    pub(super) fn stages() -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
            bar.set_style(style);
        }
        Progress {
            bar,
            start: Instant::now(),
            beside: false,
        }
    }

    /// What is being done: so many of all are.
    pub(super) fn stage(&self, name: &str, done: usize, all: usize) {
        let words = match all {
            0 | 1 => name.to_owned(),
            all => format!("{name}: {done} of {all}"),
        };
        self.bar.set_message(words);
    }

    /// Shows that something still goes on.
    pub(super) fn tick(&self) {
        self.bar.tick();
        self.show_if_long();
    }

    /// One more is done.
    pub(super) fn advance(&self) {
        self.bar.inc(1);
        self.show_if_long();
    }

    fn show_if_long(&self) {
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
