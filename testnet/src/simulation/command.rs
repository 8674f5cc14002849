//! `testnet simulate`: from arguments to seeds, and from outcomes to an exit code.

use super::adversary::{Adversary, adversaries, draw, players};
use super::chance::Chance;
use super::protocols::Simulated;
use super::run::{Options, Outcome, run, setting_of};
use super::seeds;
use super::show::{Failed, Show};
use super::shrink::fewest_faults;
use super::stage::Stage;
use crate::cli::{Faults, SimulateArgs};
use crate::conformance::MAX_ACCEPTORS;
use crate::failure::Failure;
use crate::launch::layout::Layout;
use crate::topology::topology;
use crate::up::signals::Signals;
use consensus::disk_paxos::DiskPaxos;
use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use learner_graph::{AcceptorId, LearnerGraph};
use node::config::Mode;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How many seeds run if nothing is said.
pub(super) const SEEDS: Range<u64> = 0..100;

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
    let cast = Cast {
        players: players(&layout, expect.graph()),
        graph: expect.graph().clone(),
        byzantine,
        drawn: args.adversaries,
        layout,
    };
    // What cannot be put together once cannot be put together for any seed.
    let stage = cast.stage(args.seed.unwrap_or(0))?;
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
        Mode::Hpaxos => all::<HPaxos>(args, &cast, &mut show),
        Mode::Paxos => all::<Paxos>(args, &cast, &mut show),
        Mode::DiskPaxos => all::<DiskPaxos>(args, &cast, &mut show),
    }
}

/// Who takes part in the run of each seed.
struct Cast {
    layout: Layout,
    graph: LearnerGraph,
    players: Vec<Option<AcceptorId>>,
    byzantine: Vec<Adversary>,
    /// Every seed chooses its own liars.
    drawn: bool,
}

impl Cast {
    fn stage(&self, seed: u64) -> Result<Stage, Failure> {
        let liars = match self.drawn {
            true => draw(&mut Chance::new(seed, 3), &self.graph, &self.players),
            false => self.byzantine.clone(),
        };
        Stage::new(&self.layout, liars)
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

fn all<P: Simulated>(args: &SimulateArgs, cast: &Cast, show: &mut Show) -> Result<u8, Failure> {
    let one = |seed: u64, options: &Options| -> Outcome {
        match cast.stage(seed) {
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
    let stop = on_interrupt()?;
    seeds::every(
        range,
        end,
        &stop,
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
