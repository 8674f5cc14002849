//! `testnet simulate`: from arguments to seeds, and from outcomes to an exit code.

use super::protocols::Simulated;
use super::run::{Options, Outcome, run};
use super::seeds;
use super::show::{Failed, Show};
use super::shrink::fewest_faults;
use super::stage::Stage;
use crate::cli::SimulateArgs;
use crate::failure::Failure;
use crate::launch::layout::Layout;
use crate::topology::topology;
use consensus::disk_paxos::DiskPaxos;
use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use node::config::Mode;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many seeds run if nothing is said.
pub(super) const SEEDS: Range<u64> = 0..100;

/// Runs what the arguments say and returns the exit code.
///
/// # Errors
/// If the arguments are wrong, or nobody reads the output.
pub fn simulate(args: &SimulateArgs) -> Result<u8, Failure> {
    let (layout, _, warnings) = topology(&args.network)?;
    if let Some(path) = &args.trace {
        traceable(args.network.mode, path)?;
    }
    let mut show = Show::new(args, &warnings);
    match args.network.mode {
        Mode::Hpaxos => all::<HPaxos>(args, &layout, &mut show),
        Mode::Paxos => all::<Paxos>(args, &layout, &mut show),
        Mode::DiskPaxos => all::<DiskPaxos>(args, &layout, &mut show),
    }
}

/// A trace has a file of its own.
fn traceable(mode: Mode, path: &Path) -> Result<(), Failure> {
    if mode != Mode::Hpaxos {
        let mode = mode.name();
        let why = format!("mode {mode} has no --trace: traces are in the words of hpaxos");
        return Err(Failure::usage(why));
    }
    File::create_new(path).map(drop).map_err(|e| {
        let path = path.display();
        Failure::could_not_run(format!("--trace '{path}': {e}; name a new file"))
    })
}

fn all<P: Simulated>(args: &SimulateArgs, layout: &Layout, show: &mut Show) -> Result<u8, Failure> {
    // What cannot be put together once cannot be put together for any seed.
    Stage::new(layout, Vec::new())?;
    let one = |seed: u64, options: &Options| -> Outcome {
        match Stage::new(layout, Vec::new()) {
            Ok(stage) => run::<P>(stage, seed, options),
            Err(failure) => Outcome::impossible(seed, &failure),
        }
    };
    let options = Options {
        history: args.history,
        faults: args.faults.as_ref().map(|f| f.0.clone()),
        trace: args.trace.clone(),
    };
    let (range, end) = which(args);
    let mut bad = 0_u64;
    let mut unread = None;
    seeds::every(
        range,
        end,
        |seed| one(seed, &options),
        |outcome| {
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
            unread = shown.err();
            unread.is_none()
        },
    );
    match unread {
        Some(failure) => Err(failure),
        None => show.summary(bad).map(|()| u8::from(bad > 0)),
    }
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
    (_, violation): (consensus::Time, super::oracle::Violation),
    options: &Options,
    one: impl Fn(u64, &Options) -> Outcome,
) -> Failed {
    let again = |faults: &[usize], history| {
        let faults = Some(faults.to_vec());
        let trace = None;
        one(
            outcome.seed,
            &Options {
                history,
                faults,
                trace,
            },
        )
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
