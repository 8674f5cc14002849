//! `testnet simulate`: from arguments to seeds, and from outcomes to an exit code.
//!
//! ```text
//!   arguments ─► layout ─► configured ─► cast ─┐
//!             └► choose ─► liars ──────────────┴─► stage ─► simulation ─► outcome ─► show, trace
//!                                                  └── seeds: many, on all cores ──┘
//! ```

mod choose;
mod configured;
mod seeds;
mod show;
mod trace;

pub use choose::Chosen;

use crate::cli::{Faults, SimulateArgs};
use crate::failure::Failure;
use crate::topology::topology;
use crate::up::signals::Signals;
use choose::adversaries;
use consensus::disk_paxos::DiskPaxos;
use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use node::config::Mode;
use show::{Failed, Show};
use simulation::adversary::{Adversary, draw};
use simulation::cast::Cast;
use simulation::chance::Chance;
use simulation::conformance::MAX_ACCEPTORS;
use simulation::oracle::Violation;
use simulation::protocols::Simulated;
use simulation::run::{Options, Outcome, run, setting_of};
use simulation::shrink::fewest_faults;
use simulation::stage::Stage;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How many seeds run if nothing is said.
const SEEDS: Range<u64> = 0..100;

/// Runs what the arguments say and returns the exit code.
///
/// # Errors
/// If the arguments are wrong, or nobody reads the output.
pub fn simulate(args: &SimulateArgs) -> Result<u8, Failure> {
    let (layout, expect, warnings) = topology(&args.network)?;
    only_hpaxos(args)?;
    let acceptors = expect.graph().n_acceptors();
    if args.network.mode == Mode::Hpaxos && acceptors > MAX_ACCEPTORS {
        return Err(Failure::usage(format!(
            "the graph has {acceptors} acceptors: the specification enumerates sets, so that runs of at most \
             {MAX_ACCEPTORS} can be checked"
        )));
    }
    let byzantine = adversaries(&args.byzantine, &layout)?;
    let config = configured::config(&layout)?;
    let company = Company {
        cast: configured::cast(&config, &layout)?,
        graph_text: config.graph_text,
        byzantine,
        drawn: args.adversaries,
    };
    // What cannot be put together once cannot be put together for any seed.
    let stage = company.stage(args.seed.unwrap_or(0))?;
    if let (Some(seed), Some(Faults(chosen))) = (args.seed, &args.faults) {
        let planned = setting_of(&stage, seed).faults.len();
        if let Some(place) = chosen.iter().find(|place| **place >= planned) {
            let why = format!("--faults {place}: seed {seed} chooses {planned}, counted from 0");
            return Err(Failure::usage(why));
        }
    }
    if let Some(path) = &args.trace {
        File::create_new(path).map(drop).map_err(|e| {
            let path = path.display();
            Failure::could_not_run(format!("--trace '{path}': {e}; name a new file"))
        })?;
    }
    let mut show = Show::new(args, &warnings);
    match args.network.mode {
        Mode::Hpaxos => all::<HPaxos>(args, &company, &mut show),
        Mode::Paxos => all::<Paxos>(args, &company, &mut show),
        Mode::DiskPaxos => all::<DiskPaxos>(args, &company, &mut show),
    }
}

/// Who takes part in the run of each seed.
struct Company {
    cast: Cast,
    /// The learner graph as TOML, for traces.
    graph_text: String,
    byzantine: Vec<Adversary>,
    /// Every seed chooses its own liars.
    drawn: bool,
}

impl Company {
    fn stage(&self, seed: u64) -> Result<Stage, Failure> {
        let liars = match self.drawn {
            true => draw(&mut Chance::new(seed, 3), &self.cast),
            false => self.byzantine.clone(),
        };
        Stage::new(self.cast.clone(), liars).map_err(|e| Failure::usage(e.to_string()))
    }

    /// Writes the trace of a run.
    fn write(&self, path: &Path, outcome: &Outcome) -> Result<(), Failure> {
        let stage = self.stage(outcome.seed)?;
        trace::write(path, &stage, &self.graph_text, &outcome.actions)
    }
}

/// Options that the other modes have not.
fn only_hpaxos(args: &SimulateArgs) -> Result<(), Failure> {
    let mode = args.network.mode;
    let refuse = |option: &str| {
        let mode = mode.name();
        Err(Failure::usage(format!("mode {mode} has no {option}")))
    };
    match mode {
        Mode::Hpaxos => Ok(()),
        _ if args.trace.is_some() => refuse("--trace: traces are in the words of hpaxos"),
        _ if args.adversaries => refuse("--adversaries: it stands crashes, and nobody who lies"),
        _ if !args.byzantine.is_empty() => {
            refuse("--byzantine: it stands crashes, and nobody who lies")
        }
        _ => Ok(()),
    }
}

fn all<P: Simulated>(
    args: &SimulateArgs,
    company: &Company,
    show: &mut Show,
) -> Result<u8, Failure> {
    let one = |seed: u64, options: &Options| -> Outcome {
        match company.stage(seed) {
            Ok(stage) => run::<P>(stage, seed, options),
            Err(failure) => Outcome::impossible(seed, &failure),
        }
    };
    let options = Options {
        history: args.history,
        faults: args.faults.as_ref().map(|f| f.0.clone()),
        actions: args.trace.is_some(),
    };
    let (range, end) = which(args);
    let mut bad = 0_u64;
    let mut failure = None;
    let stop = on_interrupt()?;
    seeds::every(
        range,
        end,
        &stop,
        |seed| one(seed, &options),
        |outcome| {
            let written = match &args.trace {
                Some(path) => company.write(path, &outcome),
                None => Ok(()),
            };
            let shown = match outcome.violation.clone() {
                Some(violation) if bad == 0 => {
                    bad += 1;
                    let failed = explain(outcome, violation, &options, one);
                    show.failed(&failed)
                }
                violation => {
                    bad += u64::from(violation.is_some());
                    show.ran(&outcome)
                }
            };
            failure = written.and(shown).err();
            failure.is_none()
        },
    );
    match failure {
        Some(failure) => Err(failure),
        None => {
            let interrupted = stop.load(Ordering::Relaxed);
            show.summary(bad, interrupted)?;
            Ok(match (bad, interrupted) {
                (0, false) => 0,
                (0, true) => 3,
                _ => 1,
            })
        }
    }
}

/// A flag that Ctrl-C and SIGTERM set: what has run until then is told all the same.
fn on_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::could_not_run(format!("cannot start: {e}")))?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::catch()?
    };
    std::thread::spawn(move || {
        runtime.block_on(signals.next());
        flag.store(true, Ordering::Relaxed);
    });
    Ok(stop)
}

/// Which seeds, and until when.
fn which(args: &SimulateArgs) -> (Range<u64>, Option<Instant>) {
    match (args.seed, &args.seeds, args.minutes) {
        (Some(seed), ..) => (seed..seed.saturating_add(1), None),
        (_, Some(seeds), _) => (seeds.clone(), None),
        (_, _, Some(minutes)) => {
            let time = Duration::from_secs(60) * minutes;
            (0..u64::MAX, Instant::now().checked_add(time))
        }
        _ => (SEEDS, None),
    }
}

/// Runs a seed that failed again, with as few faults as are enough, and keeps what happens.
fn explain(
    outcome: Outcome,
    (_, violation): (consensus::Time, Violation),
    options: &Options,
    one: impl Fn(u64, &Options) -> Outcome,
) -> Failed {
    let again = |faults: &[usize], history| {
        let options = Options {
            history,
            faults: Some(faults.to_vec()),
            actions: false,
        };
        one(outcome.seed, &options)
    };
    // Whoever chose the faults wants these.
    let enough = match &options.faults {
        Some(chosen) => chosen.clone(),
        None => fewest_faults(&violation, outcome.faults.len(), |f| again(f, false)),
    };
    let run = again(&enough, true);
    Failed {
        of: outcome.faults.len(),
        enough,
        run,
    }
}
