//! `testnet simulate`.

use super::protocols::Simulated;
use super::run::{Options, Outcome, run};
use super::stage::Stage;
use super::tally::Tally;
use crate::cli::SimulateArgs;
use crate::failure::Failure;
use crate::show::complain;
use crate::topology::topology;
use consensus::disk_paxos::DiskPaxos;
use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use node::config::Mode;
use std::time::Instant;

/// Runs what the arguments say and returns the exit code.
///
/// # Errors
/// If the arguments are wrong.
pub fn simulate(args: &SimulateArgs) -> Result<u8, Failure> {
    match args.network.mode {
        Mode::Hpaxos => seeds::<HPaxos>(args),
        Mode::Paxos => seeds::<Paxos>(args),
        Mode::DiskPaxos => seeds::<DiskPaxos>(args),
    }
}

fn seeds<P: Simulated>(args: &SimulateArgs) -> Result<u8, Failure> {
    let (layout, _, _) = topology(&args.network)?;
    let options = Options {
        history: args.history,
        faults: args.faults.clone(),
    };
    let range = args
        .seeds
        .clone()
        .unwrap_or(args.seed.map_or(0..100, |s| s..s + 1));
    let start = Instant::now();
    let mut total = Tally::default();
    let mut bad = 0;
    for seed in range.clone() {
        let stage = Stage::new(&layout, Vec::new())?;
        let outcome: Outcome = run::<P>(stage, seed, &options);
        total.add(&outcome.tally);
        for (at, line) in &outcome.history {
            println!("{:>9.3} {line}", at.as_secs_f64());
        }
        if let Some((at, v)) = &outcome.violation {
            bad += 1;
            complain(&format!("seed {seed} at {at:?}: {v}"));
        }
    }
    println!("{total:#?} {} s, {bad} bad", start.elapsed().as_secs_f64());
    Ok(0)
}
